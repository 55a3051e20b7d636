#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define EMAIL_LOCAL_MAX 64 /* RFC 5321 section 4.5.3.1.1 */

#define BUF_FIRST 256

void
buf_init(struct buf *buf, struct arena *arena, size_t max)
{
	buf->arena = arena;
	buf->max = max > 0 ? max : BUF_MAX_DEFAULT;
	buf->cap = BUF_FIRST;
	buf->len = 0;
	buf->overflow = false;
	buf->data = arena_alloc_raw(arena, buf->cap);
	buf->data[0] = '\0';
}

void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->data[0] = '\0';
	buf->overflow = false;
}

/* Makes room for n more bytes and the NUL; false = past the maximum. */
static bool
buf_room(struct buf *buf, size_t n)
{
	size_t cap;
	char *data;

	if (buf->overflow || n > buf->max || buf->len > buf->max - n) {
		buf->overflow = true;
		return false;
	}
	if (buf->len + n < buf->cap)
		return true;
	/* Grows fourfold, because the old memory stays in the arena until it is reset. */
	for (cap = buf->cap * 4; cap <= buf->len + n; cap *= 4)
		;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	data = arena_alloc_raw(buf->arena, cap);
	memcpy(data, buf->data, buf->len + 1);
	buf->data = data;
	buf->cap = cap;
	return true;
}

void
buf_add(struct buf *buf, const void *data, size_t n)
{
	if (n == 0 || !buf_room(buf, n))
		return;
	memcpy(buf->data + buf->len, data, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

void
buf_adds(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

void
buf_addc(struct buf *buf, char c)
{
	if (!buf_room(buf, 1))
		return;
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
}

void
buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buf_room(buf, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)n;
}

bool
str_eq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
str_ieq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcasecmp(a, b) == 0);
}

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && memcmp(s + len - n, suffix, n) == 0;
}

char *
str_lower(struct arena *arena, const char *s)
{
	char *copy = arena_strdup(arena, s);

	for (char *p = copy; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *
str_trim(struct arena *arena, const char *s)
{
	size_t len;

	while (is_space(*s))
		s++;
	len = strlen(s);
	while (len > 0 && is_space(s[len - 1]))
		len--;
	return arena_strndup(arena, s, len);
}

size_t
str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src), n;

	if (size > 0) {
		n = len < size - 1 ? len : size - 1;
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

char *
str_size(struct arena *arena, int64_t bytes)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
	double n = (double)bytes;
	size_t unit = 0;
	int decimals;

	for (; n >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		n /= 1000;
	decimals = unit > 0 && n < 9.95 && (int64_t)(n * 10 + 0.5) % 10 != 0 ? 1 : 0;
	return arena_printf(arena, "%.*f %s", decimals, n, bytes == 1 ? "byte" : units[unit]);
}

bool
str_to_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	bool negative = *s == '-';
	int64_t value = 0;

	if (negative)
		s++;
	if (*s == '\0')
		return false;
	/* Counted downwards: INT64_MIN has no positive counterpart. */
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *s - '0', &value))
			return false;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
		return false;
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool
str_to_bool(const char *s, bool *out)
{
	static const char *const yes[] = { "true", "1", "yes", "on" };
	static const char *const no[] = { "false", "0", "no", "off" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (str_ieq(s, yes[i]) || str_ieq(s, no[i])) {
			*out = str_ieq(s, yes[i]);
			return true;
		}
	}
	return false;
}

bool
str_is_email(const char *text)
{
	const char *at = strchr(text, '@');
	size_t len = strlen(text), local;

	if (len > EMAIL_MAX || at == NULL || strchr(at + 1, '@') != NULL)
		return false;
	local = (size_t)(at - text);
	if (local == 0 || local > EMAIL_LOCAL_MAX || at[1] == '\0' || at[1] == '.' ||
	    at[1] == '-' || text[len - 1] == '.')
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= 0x20 || *p >= 0x7f || strchr("\"(),:;<>[\\]", *p) != NULL)
			return false;
	}
	return strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
	    strlen(at + 1) &&
	    strstr(at + 1, "..") == NULL;
}
