/*
 * Strings: a growing buffer with a named maximum, and the encodings of protocols.
 *
 * struct buf lives in an arena (no free). It is always NUL-terminated. Past `max` it stops growing
 * and sets `overflow`; the code that sends the result checks this once at the end.
 */
#ifndef MN_CORE_STR_H
#define MN_CORE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define BUF_MAX_DEFAULT (8UL << 20) /* bytes */

struct buf {
	struct arena *arena;
	char *data;
	size_t len, cap, max;
	bool overflow;
};

void buf_init(struct buf *, struct arena *, size_t max); /* max 0: BUF_MAX_DEFAULT */
void buf_add(struct buf *, const void *, size_t);
void buf_adds(struct buf *, const char *);
void buf_addc(struct buf *, char);
void buf_addf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reset(struct buf *); /* length 0, memory kept */

/* A list of texts, borrowed. */
struct strings {
	const char *const *items;
	size_t n;
};

bool str_eq(const char *, const char *);  /* NULL equals only NULL */
bool str_ieq(const char *, const char *); /* ASCII case ignored */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
char *str_lower(struct arena *, const char *); /* ASCII */
char *str_trim(struct arena *, const char *);  /* ASCII white space at both ends */
/* like strlcpy: always terminated; returns strlen(src) */
size_t str_copy(char *dst, size_t size, const char *src);

/* A number of bytes for people, as the page writes it: "999 bytes", "4.8 GB" (powers of 1000). */
char *str_size(struct arena *, int64_t bytes);

/* The whole string must be a number within [min, max], without '+' and spaces. */
bool str_to_int(const char *, int64_t min, int64_t max, int64_t *);
bool str_to_bool(const char *, bool *); /* true|false|1|0|yes|no|on|off */

/* UTF-8 after RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
#define UTF8_MAX 4 /* bytes of one code point */
/* Length of the well-formed UTF-8 sequence at s (RFC 3629 section 4), 0 when there is none. */
size_t utf8_sequence(const unsigned char *s, size_t len);
bool utf8_valid(const char *, size_t len);
size_t utf8_length(const char *); /* code points of a valid string */
/*
 * A well-formed copy cut to at most `max_bytes`, at a code-point border; invalid bytes become
 * U+FFFD, controls a space.
 */
char *utf8_clean(struct arena *, const char *, size_t len, size_t max_bytes);

#define EMAIL_MIN 3
#define EMAIL_MAX 254 /* bytes: RFC 5321 section 4.5.3.1.3 */
/* An email address of an account: ASCII, unquoted, one @. */
bool str_is_email(const char *);

char *hex_encode(struct arena *, const void *, size_t);       /* lower case */
bool hex_decode(const char *, void *out, size_t size);        /* exactly 2 * size digits */
char *base64_encode(struct arena *, const void *, size_t);    /* RFC 4648 section 4 */
char *base64url_encode(struct arena *, const void *, size_t); /* RFC 4648 section 5, no padding */
/* Strict: alphabet, length and padding (padding optional for url). Returns NULL when malformed. */
unsigned char *base64_decode(struct arena *, const char *, size_t len, size_t *out_len);
unsigned char *base64url_decode(struct arena *, const char *, size_t len, size_t *out_len);

/*
 * RFC 3986 percent-encoding of all but the unreserved set; `keep_slash` leaves '/' (SigV4 paths).
 */
void url_encode(struct buf *, const char *, size_t len, bool keep_slash);
/* Decodes %XX (and '+' as space when `form`); false on a malformed escape or an encoded NUL. */
bool url_decode(struct arena *, const char *, size_t len, bool form, char **out, size_t *out_len);

#endif
