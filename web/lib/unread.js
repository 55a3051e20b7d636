/* The number of unread notifications, for the badge. */
import { emit, on } from './bus.js';

let n = 0;

export const unread = () => n;

export function
setUnread(now)
{
	n = now;
	emit('unread', { n });
}

on('notification', () => setUnread(n + 1));
