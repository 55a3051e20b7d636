/* Places: their words, and what maps compute with. */
import { pageData } from './api.js';

const EDGE = 85.0511; /* the northern edge of a square world */
const TURN = 360;
const SOUTHERN = 0.85; /* on a square world; only Antarctica is beyond */

let countries = null;

/* "Germany", in the language of the page's reader. */
export function
countryName(code)
{
	try {
		countries ??= new Intl.DisplayNames([navigator.language, 'en'], { type: 'region' });
		return countries.of(code);
	} catch {
		return code;
	}
}

export const placeText = ({ name, region, country }) =>
    [name, region !== name && region, countryName(country)].filter(Boolean).join(', ');

/* Degrees on a square world of 0 to 1 (Mercator), and back. */
export const toX = (longitude) => (longitude + TURN / 2) / TURN;
export const toY = (latitude) => 0.5 - Math.asinh(Math.tan(
    Math.max(-EDGE, Math.min(EDGE, latitude)) * Math.PI / 180)) / (2 * Math.PI);
export const longitudeOf = (x) => (x - Math.floor(x)) * TURN - TURN / 2;
export const latitudeOf = (y) =>
    Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180 / Math.PI;

/* A box as the API takes it: a little larger, so that rounding leaves nothing out. */
export function
boundsText([west, south, east, north])
{
	const low = (n, most) => Math.max(-most, Math.floor(n * 1e5) / 1e5).toFixed(5);
	const high = (n, most) => Math.min(most, Math.ceil(n * 1e5) / 1e5).toFixed(5);

	return [low(west, 180), low(south, 90), high(east, 180), high(north, 90)].join(',');
}

/*
 * What crosses 180 degrees goes on beyond the edge of the world, so that it stays in one piece;
 * Antarctica, which goes around it, does not.
 */
function
whole(points)
{
	let turn = 0;
	let before = points[0][0];

	return points.map(([x, y]) => {
		if (Math.abs(x - before) > 0.5 && y < SOUTHERN)
			turn += x < before ? 1 : -1;
		before = x;
		return [x + turn, y];
	});
}

/* The outlines of the world: the file is 170 KB, so it comes once and only for a map. */
let outlines = null;

async function
readOutlines()
{
	const { unit, arcs, land, borders } = await pageData('world.json');
	const lines = arcs.map((numbers) => {
		const points = [];
		let x = 0;
		let y = 0;

		for (let i = 0; i < numbers.length; i += 2) {
			x += numbers[i];
			y += numbers[i + 1];
			points.push([toX(x / unit), toY(y / unit)]);
		}
		return points;
	});
	const ground = new Path2D();
	const lined = new Path2D();
	const draw = (path, points, first) => points.forEach(([x, y], i) => (first && i === 0 ?
	    path.moveTo(x, y) : path.lineTo(x, y)));

	for (const ring of land) {
		draw(ground, whole(ring.flatMap((n) =>
		    (n < 0 ? lines[-n - 1].toReversed() : lines[n]))), true);
		ground.closePath();
	}
	borders.forEach((n) => draw(lined, lines[n], true));
	return { land: ground, borders: lined };
}

/* {land, borders}: paths on a world of 0 to 1. */
export function
world()
{
	outlines ??= readOutlines().catch((problem) => {
		outlines = null;
		throw problem;
	});
	return outlines;
}
