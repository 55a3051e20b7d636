/* QR codes (ISO/IEC 18004): bytes, error correction M, versions 1 to 10, drawn as one SVG path. */
const SVG = 'http://www.w3.org/2000/svg';
/*
 * Level M by version: [error correction bytes of a block, blocks, data bytes of the shorter blocks,
 * blocks with one byte more]
 */
const BLOCKS = [null, [10, 1, 16, 0], [16, 1, 28, 0], [26, 1, 44, 0], [18, 2, 32, 0],
    [24, 2, 43, 0], [16, 4, 27, 0], [18, 4, 31, 0], [22, 4, 38, 2], [22, 5, 36, 2], [26, 5, 43, 1]];
const CENTRES = [null, [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42],
    [6, 26, 46], [6, 28, 50]];
const QUIET = 4;
const MASKS = [
	(r, c) => (r + c) % 2 === 0, (r) => r % 2 === 0, (r, c) => c % 3 === 0,
	(r, c) => (r + c) % 3 === 0, (r, c) => ((r >> 1) + Math.trunc(c / 3)) % 2 === 0,
	(r, c) => (r * c) % 2 + (r * c) % 3 === 0, (r, c) => ((r * c) % 2 + (r * c) % 3) % 2 === 0,
	(r, c) => ((r + c) % 2 + (r * c) % 3) % 2 === 0,
];

/* Arithmetic in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1. */
const EXP = [];
const LOG = [];
for (let i = 0, x = 1; i < 255; i++) {
	EXP[i] = x;
	LOG[x] = i;
	x = x & 128 ? (x << 1) ^ 285 : x << 1;
}
const times = (a, b) => (a && b ? EXP[(LOG[a] + LOG[b]) % 255] : 0);

function
correction(data, n)
{
	let generator = [1];

	for (let i = 0; i < n; i++)
		generator = [...generator, 0].map((g, k) => g ^
		    times(k ? generator[k - 1] : 0, EXP[i]));
	const rest = [...data, ...Array(n).fill(0)];
	for (let i = 0; i < data.length; i++) {
		const lead = rest[i];
		for (let k = 0; k <= n; k++)
			rest[i + k] ^= times(generator[k], lead);
	}
	return rest.slice(data.length);
}

/* The bytes in the order in which they are drawn. */
function
codewords(bytes, version)
{
	const [n, blocks, short, longer] = BLOCKS[version];
	const room = blocks * short + longer;
	const bits = [];
	const put = (value, width) => {
		for (let i = width - 1; i >= 0; i--)
			bits.push(value >> i & 1);
	};

	put(4, 4);
	put(bytes.length, version < 10 ? 8 : 16);
	bytes.forEach((b) => put(b, 8));
	put(0, Math.min(4, room * 8 - bits.length));
	put(0, (8 - bits.length % 8) % 8);
	const data = [];
	for (let i = 0; i < bits.length; i += 8)
		data.push(bits.slice(i, i + 8).reduce((a, b) => a << 1 | b));
	for (let pad = 236; data.length < room; pad ^= 253)
		data.push(pad);
	const parts = [];
	for (let i = 0, at = 0; i < blocks; i++) {
		const size = short + (i >= blocks - longer ? 1 : 0);
		parts.push(data.slice(at, at += size));
	}
	const checks = parts.map((part) => correction(part, n));
	const weave = (lists) => Array.from({ length: Math.max(...lists.map((l) => l.length)) },
	    (_, i) => lists.map((l) => l[i])).flat().filter((b) => b !== undefined);

	return [...weave(parts), ...weave(checks)];
}

/* The value followed by the remainder of its division by the polynomial over GF(2). */
function
guarded(value, polynomial, width)
{
	let rest = value << width;

	for (let i = 31 - Math.clz32(rest); i >= width; i = 31 - Math.clz32(rest))
		rest ^= polynomial << (i - width);
	return value << width | rest;
}

function
penalty(grid)
{
	const size = grid.length;
	const lines = [...grid.map((row) => row.join('')),
	    ...grid.map((_, c) => grid.map((row) => row[c]).join(''))];
	let sum = 0;

	for (const line of lines) {
		for (const [run] of line.matchAll(/0{5,}|1{5,}/g))
			sum += run.length - 2;
		sum += 40 * (line.match(/(?=10111010000|00001011101)/g) ?? []).length;
	}
	for (let r = 1; r < size; r++)
		for (let c = 1; c < size; c++)
			if (grid[r][c] === grid[r - 1][c] && grid[r][c] === grid[r][c - 1] &&
			    grid[r][c] === grid[r - 1][c - 1])
				sum += 3;
	const dark = grid.flat().reduce((a, b) => a + b) / (size * size);
	return sum + 10 * Math.trunc(Math.abs(dark - 0.5) * 20);
}

/* Returns rows of 0 and 1, or null when the text is too long. */
export function
matrix(text)
{
	const bytes = new TextEncoder().encode(text);
	const version = BLOCKS.findIndex((b, v) => b &&
	    bytes.length + (v < 10 ? 2 : 3) <= b[1] * b[2] + b[3]);

	if (version < 0)
		return null;
	const size = 17 + 4 * version;
	const grid = Array.from({ length: size }, () => Array(size).fill(null));
	const square = (row, col, radius, dark) => {
		for (let r = Math.max(0, row - radius); r <= Math.min(size - 1, row + radius); r++)
			for (let c = Math.max(0, col - radius);
			    c <= Math.min(size - 1, col + radius); c++)
				grid[r][c] = dark(Math.max(Math.abs(r - row), Math.abs(c - col)));
	};

	for (const [r, c] of [[3, 3], [3, size - 4], [size - 4, 3]])
		square(r, c, 4, (d) => (d === 2 || d === 4 ? 0 : 1));
	for (const r of CENTRES[version])
		for (const c of CENTRES[version])
			if (grid[r][c] === null)
				square(r, c, 2, (d) => (d === 1 ? 0 : 1));
	for (let i = 8; i < size - 8; i++) {
		grid[6][i] ??= 1 - i % 2;
		grid[i][6] ??= 1 - i % 2;
	}
	const format = (mask) => {
		const bits = guarded(mask, 0x537, 10) ^ 0x5412; /* level M is 00 */
		for (let i = 0; i < 15; i++) {
			const bit = bits >> i & 1;
			grid[i < 6 ? i : i < 8 ? i + 1 : size - 15 + i][8] = bit;
			grid[8][i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i] = bit;
		}
		grid[size - 8][8] = 1;
	};
	format(0);
	if (version >= 7) {
		const bits = guarded(version, 0x1f25, 12);
		for (let i = 0; i < 18; i++) {
			const [a, b] = [Math.trunc(i / 3), size - 11 + i % 3];
			grid[a][b] = bits >> i & 1;
			grid[b][a] = bits >> i & 1;
		}
	}
	const free = [];
	for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
		if (right === 6)
			right--;
		for (let i = 0; i < size; i++)
			for (const c of [right, right - 1]) {
				const r = up ? size - 1 - i : i;
				if (grid[r][c] === null)
					free.push([r, c]);
			}
	}
	const words = codewords(bytes, version);
	const draw = (mask) => {
		free.forEach(([r, c], i) => {
			grid[r][c] = (words[i >> 3] >> (7 - i % 8) & 1) ^
			    (MASKS[mask](r, c) ? 1 : 0);
		});
		format(mask);
		return penalty(grid);
	};
	const costs = MASKS.map((_, mask) => draw(mask));

	draw(costs.indexOf(Math.min(...costs)));
	return grid;
}

/* Returns the code as an SVG element, or null when the text is too long. */
export function
qr(text, label)
{
	const grid = matrix(text);

	if (!grid)
		return null;
	const side = grid.length + 2 * QUIET;
	const svg = document.createElementNS(SVG, 'svg');
	const path = document.createElementNS(SVG, 'path');
	svg.setAttribute('viewBox', `0 0 ${side} ${side}`);
	svg.setAttribute('class', 'qr');
	svg.setAttribute('role', 'img');
	svg.setAttribute('aria-label', label);
	svg.setAttribute('shape-rendering', 'crispEdges');
	path.setAttribute('d', grid.flatMap((row, r) => row.map((dark, c) => (dark ?
	    `M${c + QUIET} ${r + QUIET}h1v1h-1z` : ''))).join(''));
	svg.append(path);
	return svg;
}
