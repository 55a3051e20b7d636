/*
 * How everything fails: functions return bool and fill a trailing struct error.
 *
 * `message` is for the client, `detail` for the log only (SQL state, addresses, paths). Exactly one
 * place (http/problem.c) turns an error into a reply, and one (http/dispatch.c) writes the line of
 * a request; one table (error.c) maps the code to status, slug, title and log level. There is
 * nothing to free: everything is inline, and `slug` points to a string literal.
 */
#ifndef MN_CORE_ERROR_H
#define MN_CORE_ERROR_H

#include <stdbool.h>

#include "core/log.h"

enum error_code {
	ERR_NONE,
	ERR_VALIDATION,      /* 400 validation_failed, with fields */
	ERR_MALFORMED,       /* 400 malformed_request: framing, JSON, encoding */
	ERR_UNAUTHENTICATED, /* 401 unauthenticated */
	ERR_FORBIDDEN,       /* 403 forbidden */
	ERR_NOT_FOUND,       /* 404 not_found */
	ERR_METHOD,          /* 405 method_not_allowed */
	ERR_CONFLICT,        /* 409 conflict */
	ERR_GONE,            /* 410 gone */
	ERR_PRECONDITION,    /* 412 precondition_failed */
	ERR_LENGTH,          /* 411 length_required */
	ERR_TOO_LARGE,       /* 413 payload_too_large */
	ERR_MEDIA_TYPE,      /* 415 unsupported_media_type */
	ERR_UNPROCESSABLE,   /* 422 unprocessable */
	ERR_RATE_LIMITED,    /* 429 rate_limited */
	/* 500 internal_error: a bug, or a response that could not be created */
	ERR_INTERNAL,
	ERR_QUERY,        /* 500 internal_error: a query that the database refused */
	ERR_UPSTREAM,     /* 502 upstream_failed */
	ERR_UNAVAILABLE,  /* 503 unavailable: a dependency is down; Retry-After */
	ERR_STORAGE_FULL, /* 507 insufficient_storage */
	ERR_CODES,
};

#define ERROR_MESSAGE_MAX 256
#define ERROR_DETAIL_MAX 512
#define ERROR_FIELDS_MAX 16
#define ERROR_FIELD_NAME_MAX 64

struct field_error {
	char field[ERROR_FIELD_NAME_MAX];
	/*
	 * literal: required, unknown, type, too_short, too_long, range, format, choice, duplicate
	 */
	const char *code;
	char message[128];
};

struct error {
	enum error_code code;
	const char *slug;                /* literal; NULL: the code's own */
	char message[ERROR_MESSAGE_MAX]; /* for the client */
	char detail[ERROR_DETAIL_MAX];   /* for the log */
	int retry_after;                 /* seconds, 0 = none */
	unsigned nfields;
	struct field_error fields[ERROR_FIELDS_MAX];
};

struct error_class {
	int status;
	const char *slug;
	const char *title;
	enum log_level level;
};

void error_clear(struct error *);
/*
 * Sets code and client message and replaces any earlier error. Always returns false, so that
 * callers can write `return error_set(...)`.
 */
bool error_set(struct error *, enum error_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * The same with a slug of error_slugs.def in place of the code's, e.g. "token_rotated". A slug that
 * is not in the list is replaced by the code's own, and the detail names it.
 */
bool error_slug(struct error *, enum error_code, const char *slug, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds details that only the log may show; returns false. */
bool error_detail(struct error *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Adds an error of one field; the first one sets ERR_VALIDATION, those beyond ERROR_FIELDS_MAX are
 * dropped. Returns false. The text starts with 'must'.
 */
bool error_field(struct error *, const char *field, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Where a slug may be seen. */
#define SEEN_API 1u   /* `code` of a problem document */
#define SEEN_MEDIA 2u /* `failure.code` of an item */
#define SEEN_STORE 4u /* <Code> of the object store */
#define SEEN_LOG 8u   /* logs, jobs and tools only */

struct error_slug_row {
	const char *slug;
	unsigned seen;
};
extern const struct error_slug_row error_slugs[]; /* ends with slug NULL */

const struct error_class *error_class(enum error_code);
const char *error_slug_of(const struct error *); /* own slug or the code's */

#endif
