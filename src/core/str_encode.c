#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

size_t
utf8_sequence(const unsigned char *s, size_t len)
{
	size_t n;

	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
	    s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
	    s[0] >= 0xf0 && s[0] < 0xf5 ? 4 :
					  0;
	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool
utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;

	while (p < end) {
		size_t n = utf8_sequence(p, (size_t)(end - p));

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

size_t
utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

char *
utf8_clean(struct arena *arena, const char *s, size_t len, size_t max_bytes)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	struct buf out;

	buf_init(&out, arena, max_bytes);
	while (p < end) {
		size_t n = utf8_sequence(p, (size_t)(end - p));
		const char *piece = (const char *)p;
		size_t piece_len = n;

		if (n == 0) {
			piece = "\xef\xbf\xbd";
			piece_len = 3;
			n = 1;
		} else if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) {
			piece = " ";
			piece_len = 1;
		}
		if (out.len + piece_len > max_bytes)
			break;
		buf_add(&out, piece, piece_len);
		p += n;
	}
	return out.data;
}

char *
hex_encode(struct arena *arena, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	char *out = arena_array(arena, size + 1, 2);

	for (size_t i = 0; i < size; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	return out;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_decode(const char *s, void *out, size_t size)
{
	unsigned char *p = out;

	if (strlen(s) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		p[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *
encode64(struct arena *arena, const unsigned char *p, size_t size, const char *alphabet, bool pad)
{
	char *out = arena_array(arena, size / 3 + 2, 4), *q = out;

	for (; size >= 3; p += 3, size -= 3) {
		*q++ = alphabet[p[0] >> 2];
		*q++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*q++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*q++ = alphabet[p[2] & 63];
	}
	if (size > 0) {
		*q++ = alphabet[p[0] >> 2];
		*q++ = alphabet[(p[0] & 3) << 4 | (size > 1 ? p[1] >> 4 : 0)];
		if (size > 1)
			*q++ = alphabet[(p[1] & 15) << 2];
		else if (pad)
			*q++ = '=';
		if (pad)
			*q++ = '=';
	}
	*q = '\0';
	return out;
}

char *
base64_encode(struct arena *arena, const void *data, size_t size)
{
	return encode64(arena, data, size, base64_alphabet, true);
}

char *
base64url_encode(struct arena *arena, const void *data, size_t size)
{
	return encode64(arena, data, size, base64url_alphabet, false);
}

static int
value64(char c, const char *alphabet)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

/*
 * The padding of `s` has been removed. Unused bits must be zero, so that each value has one
 * spelling.
 */
static unsigned char *
decode64(struct arena *arena, const char *s, size_t len, const char *alphabet, size_t *out_len)
{
	unsigned char *out = arena_alloc(arena, len / 4 * 3 + 4), *q = out;
	unsigned bits = 0;
	int have = 0;

	if (len % 4 == 1)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		int v = value64(s[i], alphabet);

		if (v < 0)
			return NULL;
		bits = (bits << 6 | (unsigned)v) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*q++ = (unsigned char)(bits >> have);
		}
	}
	if ((bits & ((1u << have) - 1)) != 0)
		return NULL;
	*out_len = (size_t)(q - out);
	return out;
}

static size_t
padding(const char *s, size_t len)
{
	if (len % 4 != 0 || len == 0 || s[len - 1] != '=')
		return 0;
	return s[len - 2] == '=' ? 2 : 1;
}

unsigned char *
base64_decode(struct arena *arena, const char *s, size_t len, size_t *out_len)
{
	if (len % 4 != 0)
		return NULL;
	return decode64(arena, s, len - padding(s, len), base64_alphabet, out_len);
}

unsigned char *
base64url_decode(struct arena *arena, const char *s, size_t len, size_t *out_len)
{
	return decode64(arena, s, len - padding(s, len), base64url_alphabet, out_len);
}

static bool
is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

void
url_encode(struct buf *buf, const char *s, size_t len, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		char escape[3];

		if (is_unreserved(s[i]) || (keep_slash && s[i] == '/'))
			continue;
		buf_add(buf, s + start, i - start);
		start = i + 1;
		escape[0] = '%';
		escape[1] = digits[(unsigned char)s[i] >> 4];
		escape[2] = digits[(unsigned char)s[i] & 15];
		buf_add(buf, escape, sizeof(escape));
	}
	buf_add(buf, s + start, len - start);
}

bool
url_decode(struct arena *arena, const char *s, size_t len, bool form, char **out, size_t *out_len)
{
	char *decoded = arena_alloc(arena, len + 1), *q = decoded;

	for (size_t i = 0; i < len; i++) {
		int hi, lo;

		if (s[i] == '+' && form) {
			*q++ = ' ';
		} else if (s[i] != '%') {
			*q++ = s[i];
		} else {
			if (len - i < 3 || (hi = hex_digit(s[i + 1])) < 0 ||
			    (lo = hex_digit(s[i + 2])) < 0 || (hi | lo) == 0)
				return false;
			*q++ = (char)(hi << 4 | lo);
			i += 2;
		}
	}
	*q = '\0';
	*out = decoded;
	if (out_len != NULL)
		*out_len = (size_t)(q - decoded);
	return true;
}
