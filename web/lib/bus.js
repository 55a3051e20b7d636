/*
 * What modules tell each other:
 *   media {item}            an item changed or is new to us      media-new {item}     it should appear in lists
 *   media-gone {id}         it left the lists                    progress {mediaId, step, state}
 *   resync                  events may have been missed          notification {seq, kind, title, ...}
 *   live {state}            'on' | 'off'                         session {user|null, reason?}
 *   searched {q}            the search view shows results for q
 *   pick-files              the person wants to choose files to upload
 *   store-blocked {origin}  the browser cannot reach the file store
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
