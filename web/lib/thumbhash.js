/*
 * ThumbHash: an image in 25 bytes or so, as the first terms of a discrete cosine transform. A
 * header holds the mean of lightness (l), two colour differences (p, q) and perhaps alpha, with a
 * scale for each; four bits for each further term follow.
 */

/* cos(pi/n * (x + 1/2) * k) for every x and k < TERMS: the same for all channels. */
const TERMS = 7;

function
cosines(n)
{
	const table = new Float32Array(n * TERMS);

	for (let x = 0; x < n; x++)
		for (let k = 0; k < TERMS; k++)
			table[x * TERMS + k] = Math.cos((Math.PI / n) * (x + 0.5) * k);
	return table;
}

/* The values of a channel of nx x ny terms (a triangle of them, the mean first) for each pixel. */
function
channel(nibble, nx, ny, mean, scale, fx, fy, width, height)
{
	const values = new Float32Array(width * height).fill(mean);

	for (let cy = 0; cy < ny; cy++) {
		for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) {
			const term = nibble() * scale * (cy ? 2 : 1);
			for (let y = 0, i = 0; y < height; y++) {
				const row = term * fy[y * TERMS + cy];
				for (let x = 0; x < width; x++, i++)
					values[i] += row * fx[x * TERMS + cx];
			}
		}
	}
	return values;
}

function
decode(hash, size)
{
	const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
	const tail = hash[3] | (hash[4] << 8);
	const alpha = head >> 23;
	const landscape = tail >> 15;
	const long = alpha ? 5 : 7;
	const short = Math.max(3, tail & 7);
	const nx = landscape ? long : short;
	const ny = landscape ? short : long;
	const ratio = nx / ny;
	const width = Math.max(1, Math.round(ratio > 1 ? size : size * ratio));
	const height = Math.max(1, Math.round(ratio > 1 ? size / ratio : size));
	const fx = cosines(width);
	const fy = cosines(height);
	let at = (alpha ? 6 : 5) * 2;
	const nibble = () => {
		const byte = hash[at >> 1];
		return ((at++ & 1 ? byte >> 4 : byte & 15) / 7.5) - 1;
	};
	const of = (cols, rows, mean, scale) => channel(nibble, cols, rows, mean, scale, fx, fy,
	    width, height);
	const l = of(nx, ny, (head & 63) / 63, ((head >> 18) & 31) / 31);
	const p = of(3, 3, ((head >> 6) & 63) / 31.5 - 1, (((tail >> 3) & 63) / 63) * 1.25);
	const q = of(3, 3, ((head >> 12) & 63) / 31.5 - 1, (((tail >> 9) & 63) / 63) * 1.25);
	const a = alpha ? of(5, 5, (hash[5] & 15) / 15, (hash[5] >> 4) / 15) : null;
	const pixels = new Uint8ClampedArray(width * height * 4);

	for (let i = 0; i < l.length; i++) {
		const blue = l[i] - (2 / 3) * p[i];
		const red = (3 * l[i] - blue + q[i]) / 2;

		pixels[i * 4] = red * 255;
		pixels[i * 4 + 1] = (red - q[i]) * 255;
		pixels[i * 4 + 2] = blue * 255;
		pixels[i * 4 + 3] = a ? a[i] * 255 : 255;
	}
	return new ImageData(pixels, width, height);
}

/*
 * A small canvas that CSS stretches over the place of the picture; null when the text is no hash.
 */
export function
placeholder(base64, size = 16)
{
	const canvas = document.createElement('canvas');

	try {
		const image = decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), size);

		canvas.width = image.width;
		canvas.height = image.height;
		canvas.getContext('2d', { willReadFrequently: true }).putImageData(image, 0, 0);
	} catch {
		return null;
	}
	canvas.className = 'placeholder';
	canvas.setAttribute('aria-hidden', 'true');
	return canvas;
}
