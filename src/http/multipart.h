/*
 * multipart/form-data (RFC 7578) in memory: parts are slices of the unchanged body.
 *
 * Parts come in any order, names may repeat, a filename may be missing. A malformed form is
 * ERR_MALFORMED; too many parts or too long headers are ERR_TOO_LARGE. multipart_find() checks the
 * size of a part, so that a picture that is too large does not affect the other parts.
 */
#ifndef MN_HTTP_MULTIPART_H
#define MN_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

#define MULTIPART_PARTS_MAX 32
#define MULTIPART_HEADERS_MAX 4096 /* bytes of the headers of one part */
#define MULTIPART_BOUNDARY_MAX 70  /* RFC 2046 section 5.1.1 */

struct multipart_part {
	const char *name;
	const char *filename;     /* or NULL; never a path to trust */
	const char *content_type; /* or NULL: text/plain */
	const char *data;         /* within the body: not terminated */
	size_t len;
};

struct multipart {
	struct multipart_part parts[MULTIPART_PARTS_MAX];
	size_t n;
};

/* content_type is that of the request, whose media type has already been checked. */
bool multipart_parse(struct arena *, const char *content_type, const char *body, size_t len,
    struct multipart *, struct error *);

enum part_found { PART_ABSENT, PART_FOUND, PART_TOO_LARGE };
/* Finds the first part with a name. PART_TOO_LARGE: it has more than `max` bytes. */
enum part_found multipart_find(const struct multipart *, const char *name, size_t max,
    const struct multipart_part **);

#endif
