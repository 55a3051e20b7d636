/* A finger that rests on something instead of tapping or scrolling. */
const LONG_MS = 450;
const SLIP = 8; /* CSS pixels */

/* From a pointerdown on: runs act() if the finger rests. */
export function
longPress(event, act)
{
	const ends = ['pointerup', 'pointercancel', 'pointermove'];
	const stop = () => {
		clearTimeout(timer);
		ends.forEach((type) => removeEventListener(type, moved));
	};
	const moved = (e) => {
		if (e.type !== 'pointermove' ||
		    Math.hypot(e.clientX - event.clientX, e.clientY - event.clientY) > SLIP)
			stop();
	};
	const timer = setTimeout(() => {
		stop();
		navigator.vibrate?.(15);
		act();
	}, LONG_MS);

	ends.forEach((type) => addEventListener(type, moved));
}
