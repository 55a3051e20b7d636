/*
 * What modules tell each other:
 *   media {item}            an item changed or is new to us
 *   media-new {item}        an item should appear in lists
 *   media-gone {id}         an item left the lists
 *   media-step {item}       processing of an item went a step further
 *   media-event {type, id, data}  an event from the server about an item
 *   progress {mediaId, step, state}
 *   uploads {upload?}       an upload changed
 *   store-blocked {origin}  the browser cannot reach the file store
 *   tray {shown}            the uploads in the corner appeared or went
 *   notification {seq, kind, title, ...}
 *   unread {n}              the number of unread notifications
 *   server-event {...}      any other event from the server
 *   resync                  events may have been missed
 *   live {state}            'on' | 'off'
 *   session {user|null, reason?}
 *   searched {q}            the search view shows results for q
 *   pick-files              the person wants to choose files to upload
 *   pick-folder             or a folder
 */
const target = new EventTarget();

export function
emit(type, detail)
{
	target.dispatchEvent(new CustomEvent(type, { detail }));
}

/* Returns the function that stops listening. */
export function
on(type, fn)
{
	const listener = (event) => fn(event.detail);

	target.addEventListener(type, listener);
	return () => target.removeEventListener(type, listener);
}
