/*
 * JSON in and out.
 *
 * In: json_parse() is stricter than cJSON, which accepts duplicate keys, trailing bytes, bad UTF-8
 * and a NUL inside strings. Before cJSON sees a byte, a prescan requires valid UTF-8, no NUL, no
 * \u0000, no raw control character, no BOM, RFC 8259 numbers that a double holds exactly where they
 * are integers (|n| <= 2^53) and are finite otherwise, depth <= JSON_DEPTH_MAX, paired surrogates;
 * then the whole text must be one value, and objects have no duplicate keys. The tree belongs to
 * the arena.
 *
 * Out: an append-only writer into a struct buf. It places the commas itself and builds no tree. The
 * symbols are hidden (configure.ac): jansson, which libjwt brings along, has a json_object() too.
 */
#ifndef MN_CORE_JSON_H
#define MN_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"

struct arena;
struct cJSON;
struct error;

#define JSON_DEPTH_MAX 32
#define JSON_VALUES_MAX 200000          /* of one text: each costs far more memory than its bytes */
#define JSON_INT_MAX 9007199254740992LL /* 2^53 */

/*
 * Parses the whole text. NULL with ERR_MALFORMED (slug malformed_json) and a position in the
 * message.
 */
struct cJSON *json_parse(struct arena *, const char *text, size_t len, struct error *);

/*
 * Case-sensitive look-ups on trees that came from json_parse; absent or another type gives the
 * fallback.
 */
const struct cJSON *json_get(const struct cJSON *object, const char *key);
const char *json_str(const struct cJSON *object, const char *key, const char *fallback);
int64_t json_int(const struct cJSON *object, const char *key, int64_t fallback);
double json_num(const struct cJSON *object, const char *key, double fallback);
bool json_bool(const struct cJSON *object, const char *key, bool fallback);

#define JSON_WRITE_DEPTH_MAX 32

struct json {
	struct buf buf;
	unsigned depth;
	uint32_t need_comma; /* a bit for each open level */
};
_Static_assert(JSON_WRITE_DEPTH_MAX <= 32, "a level has no bit in need_comma");

/* `max` bytes; 0 = BUF_MAX_DEFAULT. */
struct json *json_new(struct arena *, size_t max);

/* key NULL: an array element or the top value. Keys are literals: they are written unescaped. */
void json_object(struct json *, const char *key);
void json_object_end(struct json *);
void json_array(struct json *, const char *key);
void json_array_end(struct json *);
void json_put_str(struct json *, const char *key, const char *value); /* NULL writes null */
void json_put_strn(struct json *, const char *key, const char *value, size_t len);
void json_put_int(struct json *, const char *key, int64_t);
/* shortest form that reads back; not finite writes null */
void json_put_num(struct json *, const char *key, double);
void json_put_bool(struct json *, const char *key, bool);
void json_put_null(struct json *, const char *key);
/* RFC 3339 UTC, ms; 0 writes null */
void json_put_time(struct json *, const char *key, int64_t us);
/* text that is JSON already */
void json_put_raw(struct json *, const char *key, const char *json_text);
/* For optional members: writes nothing for NULL. */
void json_opt_str(struct json *, const char *key, const char *value);
/* An array of texts. */
void json_put_strs(struct json *, const char *key, const char *const *items, size_t n);
/* A member whose name is data: escaped. */
void json_put_str_dyn(struct json *, const char *key, const char *value);

#endif
