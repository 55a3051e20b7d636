/*
 * Rows of equal height that fill the width, from proportions alone: nothing jumps when pictures
 * arrive.
 */

const WIDEST = 3;    /* of a tile, width over height */
const NARROWEST = 0.5;

export function
ratioOf(item)
{
	if (item.kind === 'audio' || item.kind === 'track' || item.kind === 'other')
		return 1;
	if (item.kind === 'movie' || item.kind === 'show' || item.kind === 'season')
		return 2 / 3;
	if (!item.width || !item.height)
		return 4 / 3;
	return Math.min(WIDEST, Math.max(NARROWEST, item.width / item.height));
}

/*
 * -> [{first, count, top, height, lefts: [], widths: []}] and the height of all; lengths in CSS
 * pixels.
 */
export function
justify(items, width, target, gap)
{
	const rows = [];
	let top = 0;
	let first = 0;
	let sum = 0;

	const close = (end, height) => {
		const row = { first, count: end - first, top, height, lefts: [], widths: [] };
		let left = 0;

		for (let i = first; i < end; i++) {
			const w = ratioOf(items[i]) * height;
			row.lefts.push(left);
			row.widths.push(w);
			left += w + gap;
		}
		rows.push(row);
		top += height + gap;
		first = end;
		sum = 0;
	};
	for (let i = 0; i < items.length; i++) {
		const ratio = ratioOf(items[i]);
		const fits = (n, s) => (width - gap * (n - 1)) / s;
		const n = i - first + 1;

		if (n > 1 && sum > 0) {
			/* Too tall without this one, too low with it: take the nearer. */
			const without = fits(n - 1, sum);
			const withIt = fits(n, sum + ratio);
			if (withIt < target && without / target < target / withIt &&
			    without < target * 1.5)
				close(i, without);
		}
		sum += ratio;
		if (fits(i - first + 1, sum) <= target)
			close(i + 1, fits(i - first + 1, sum));
	}
	if (first < items.length)
		close(items.length,
		    Math.min(target, (width - gap * (items.length - first - 1)) / sum));
	return { rows, height: Math.max(0, top - gap) };
}
