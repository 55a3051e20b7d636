/* Signing in and joining: for people who are not signed in. */
import { api, request, tellZone } from './api.js';
import * as session from './session.js';

export async function
signIn(email, password, totp, stay)
{
	const answer = await request('POST', '/auth/login',
	    { body: { email, password, ...(totp ? { totp } : {}) }, anonymous: true });

	return signedIn(answer, stay);
}

/* After a sign-in that another party confirmed, as plex.tv. Returns the person. */
export async function
signedIn(answer, stay)
{
	session.begin(answer, stay);
	session.setUser(await api.get('/auth/session'));
	tellZone();
	return session.me.user;
}

/*
 * Creates an account. Returns the person, signed in, or null when they have to follow a link in an
 * email first.
 */
export async function
join(person)
{
	const answer = await request('POST', '/auth/register', { body: person, anonymous: true });

	return answer.token ? signedIn(answer, true) : null;
}
