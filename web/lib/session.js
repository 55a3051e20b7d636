/*
 * Who is signed in. The access token is kept in memory only, the refresh token in localStorage, or
 * in sessionStorage when the person does not want to stay signed in. Tabs tell each other about new
 * tokens, so that one refresh serves all tabs of a session.
 */
import { emit } from './bus.js';

const KEY = 'medianest.refresh';
const WHO = 'medianest.me'; /* who that is, with their permissions */
const EARLY_MS = 30000; /* a token this near its end is renewed first */

const channel = new BroadcastChannel('medianest');
let access = null; /* {token, until, sid} */

export const me = { user: null, permissions: [] };

export const can = (permission) => me.permissions.includes(permission);
/* A guess at what the server will decide, used only to leave out buttons that would be refused. */
export const mayEdit = (item) => item.ownerId === me.user?.id || can('media.manage_all');
export const mayTrash = (item) => mayEdit(item) || can('media.delete');
/* out of the trash, for good */
export const mayPurge = (item) => can('media.manage_all') ||
    (can('media.delete') && item.ownerId === me.user?.id);

const store = () => (sessionStorage.getItem(KEY) ? sessionStorage : localStorage);

export const refreshToken = () => store().getItem(KEY);
export const accessToken = () => (access && access.until - EARLY_MS > Date.now() ? access.token :
    null);

function
claimsOf(token)
{
	try {
		return JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
	} catch {
		return {};
	}
}

function
hold({ token, expiresIn })
{
	access = { token, until: Date.now() + expiresIn * 1000,
	    sid: claimsOf(token).sid ?? null };
}

function
take(answer, where)
{
	hold(answer);
	where.setItem(KEY, answer.refreshToken);
}

/* After a sign-in. */
export function
begin(answer, stay)
{
	forget();
	take(answer, stay ? localStorage : sessionStorage);
}

/* After a refresh. */
export function
renew(answer)
{
	take(answer, store());
	channel.postMessage({ type: 'tokens', sid: access.sid, token: answer.token,
	    refreshToken: answer.refreshToken, until: access.until });
}

/*
 * After the refresh of index.html. Where another tab has renewed the session since, its refresh
 * token stays, and this access token is as good as its. False where somebody else is signed in by
 * now, or nobody.
 */
export function
adopt(answer)
{
	if (answer.refreshToken === refreshToken())
		renew(answer);
	else if (refreshToken() && claimsOf(answer.token).sub === me.user?.id)
		hold(answer);
	else
		return false;
	return true;
}

/* A token that the server refused. */
export function
drop(token)
{
	if (access?.token === token)
		access = null;
}

/* After a sign-in, or as the server says it is. */
export function
setUser(answer)
{
	me.user = answer?.user ?? null;
	me.permissions = answer?.permissions ?? [];
	if (answer)
		store().setItem(WHO, JSON.stringify(me));
}

/*
 * Begins with the person as this browser last knew them, so that the page need not wait for the
 * server to say it again. False where nobody is known.
 */
export function
recall()
{
	try {
		const { user, permissions } = JSON.parse(store().getItem(WHO));

		if (!refreshToken() || !user.id)
			return false;
		Object.assign(me, { user, permissions });
		return true;
	} catch {
		return false;
	}
}

function
forget()
{
	for (const one of [sessionStorage, localStorage])
		[KEY, WHO].forEach((key) => one.removeItem(key));
}

/* reason: 'out' (asked for), 'ended' (revoked or expired) */
export function
end(reason, tell = true)
{
	const sid = access?.sid;

	if (!refreshToken() && !me.user)
		return;
	forget();
	access = null;
	setUser(null);
	if (tell)
		channel.postMessage({ type: 'ended', sid, reason });
	emit('session', { user: null, reason });
}

channel.onmessage = ({ data }) => {
	if (!access || data.sid !== access.sid)
		return;
	if (data.type === 'ended') {
		end(data.reason, false);
	} else if (data.until > access.until) {
		access = { token: data.token, until: data.until, sid: data.sid };
		store().setItem(KEY, data.refreshToken);
	}
};

/* Another tab signed out or in while this one held no access token. */
addEventListener('storage', (event) => {
	if (event.key === KEY && event.newValue === null && me.user && !refreshToken())
		end('out', false);
});
