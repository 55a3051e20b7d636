/*
 * SHA-256 (FIPS 180-4) piece by piece, which the browser's own cannot: it wants all bytes at once.
 */
const K = new Int32Array(64);
const START = new Int32Array(8);
const BLOCK = 64;

/* The first 32 bits of the fractional parts of the roots of the first primes. */
for (let n = 2, i = 0; i < 64; n++) {
	const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;

	if (Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, d) => d + 2)
	    .some((d) => n % d === 0))
		continue;
	if (i < 8)
		START[i] = fraction(Math.sqrt(n));
	K[i++] = fraction(Math.cbrt(n));
}

export class Sha256 {
	constructor()
	{
		this.state = Int32Array.from(START);
		this.words = new Int32Array(64);
		this.rest = new Uint8Array(BLOCK); /* of a block that is not full yet */
		this.held = 0;
		this.length = 0;
	}

	update(bytes)
	{
		let at = 0;

		this.length += bytes.length;
		if (this.held) {
			at = Math.min(BLOCK - this.held, bytes.length);
			this.rest.set(bytes.subarray(0, at), this.held);
			this.held += at;
			if (this.held < BLOCK)
				return;
			this.blocks(this.rest, 0, BLOCK);
			this.held = 0;
		}
		const end = at + Math.floor((bytes.length - at) / BLOCK) * BLOCK;
		this.blocks(bytes, at, end);
		this.rest.set(bytes.subarray(end));
		this.held = bytes.length - end;
	}

	blocks(bytes, from, to)
	{
		const { state, words: w } = this;

		for (let p = from; p < to; p += BLOCK) {
			for (let i = 0; i < 16; i++) {
				const q = p + 4 * i;
				w[i] = (bytes[q] << 24) | (bytes[q + 1] << 16) |
				    (bytes[q + 2] << 8) | bytes[q + 3];
			}
			for (let i = 16; i < 64; i++) {
				const x = w[i - 15];
				const y = w[i - 2];
				const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^
				    (x >>> 3);
				const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^
				    (y >>> 10);
				w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
			}
			let a = state[0], b = state[1], c = state[2], d = state[3];
			let e = state[4], f = state[5], g = state[6], h = state[7];
			for (let i = 0; i < 64; i++) {
				const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^
				    ((e >>> 25) | (e << 7));
				const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
				const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^
				    ((a >>> 22) | (a << 10));
				const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
				h = g;
				g = f;
				f = e;
				e = (d + t1) | 0;
				d = c;
				c = b;
				b = a;
				a = (t1 + t2) | 0;
			}
			state[0] += a;
			state[1] += b;
			state[2] += c;
			state[3] += d;
			state[4] += e;
			state[5] += f;
			state[6] += g;
			state[7] += h;
		}
	}

	/* In hexadecimal; ends the computation. */
	digest()
	{
		const bits = this.length * 8;
		const end = new Uint8Array(this.held < 56 ? BLOCK : 2 * BLOCK);
		const view = new DataView(end.buffer);

		end.set(this.rest.subarray(0, this.held));
		end[this.held] = 0x80;
		view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
		view.setUint32(end.length - 4, bits >>> 0);
		this.blocks(end, 0, end.length);
		return Array.from(this.state, (n) =>
		    (n >>> 0).toString(16).padStart(8, '0')).join('');
	}
}
