#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/log.h"
#include "core/str.h"

#include "core/banned.h"

/* Status, slug, title and log level of each code. */
static const struct error_class classes[ERR_CODES] = {
	[ERR_NONE] = { 200, "none", "No error", LOG_L_DEBUG },
	[ERR_VALIDATION] = { 400, "validation_failed", "Validation failed", LOG_L_ERROR },
	[ERR_MALFORMED] = { 400, "malformed_request", "Malformed request", LOG_L_ERROR },
	[ERR_UNAUTHENTICATED] = { 401, "unauthenticated", "Authentication required", LOG_L_WARN },
	[ERR_FORBIDDEN] = { 403, "forbidden", "Not permitted", LOG_L_WARN },
	[ERR_NOT_FOUND] = { 404, "not_found", "Not found", LOG_L_INFO },
	[ERR_METHOD] = { 405, "method_not_allowed", "Method not allowed", LOG_L_INFO },
	[ERR_CONFLICT] = { 409, "conflict", "Conflict", LOG_L_INFO },
	[ERR_GONE] = { 410, "gone", "Gone", LOG_L_INFO },
	[ERR_PRECONDITION] = { 412, "precondition_failed", "Precondition failed", LOG_L_INFO },
	[ERR_LENGTH] = { 411, "length_required", "Length required", LOG_L_INFO },
	[ERR_TOO_LARGE] = { 413, "payload_too_large", "Payload too large", LOG_L_INFO },
	[ERR_MEDIA_TYPE] = { 415, "unsupported_media_type", "Unsupported media type", LOG_L_INFO },
	[ERR_UNPROCESSABLE] = { 422, "unprocessable", "Unprocessable", LOG_L_INFO },
	[ERR_RATE_LIMITED] = { 429, "rate_limited", "Too many requests", LOG_L_NOTICE },
	[ERR_INTERNAL] = { 500, "internal_error", "Internal error", LOG_L_ERROR },
	[ERR_QUERY] = { 500, "internal_error", "Internal error", LOG_L_ERROR },
	[ERR_UPSTREAM] = { 502, "upstream_failed", "Upstream failed", LOG_L_ERROR },
	[ERR_UNAVAILABLE] = { 503, "unavailable", "Temporarily unavailable", LOG_L_CRIT },
	[ERR_STORAGE_FULL] = { 507, "insufficient_storage", "Insufficient storage", LOG_L_CRIT },
};

const struct error_slug_row error_slugs[] = {
#define ERROR_SLUG(slug, seen) { #slug, seen },
#include "core/error_slugs.def"
#undef ERROR_SLUG
	{ .slug = NULL },
};

static const char *
slug_listed(const char *slug)
{
	for (const struct error_slug_row *row = error_slugs; row->slug != NULL; row++)
		if (strcmp(row->slug, slug) == 0)
			return row->slug;
	return NULL;
}

void
error_clear(struct error *err)
{
	err->code = ERR_NONE;
	err->slug = NULL;
	err->message[0] = '\0';
	err->detail[0] = '\0';
	err->retry_after = 0;
	err->nfields = 0;
}

bool
error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
	va_list ap;

	error_clear(err);
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return false;
}

bool
error_slug(struct error *err, enum error_code code, const char *slug, const char *fmt, ...)
{
	va_list ap;

	error_clear(err);
	err->code = code;
	err->slug = slug_listed(slug);
	va_start(ap, fmt);
	(void)vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	if (err->slug == NULL)
		error_detail(err, "'%s' is not in error_slugs.def", slug);
	return false;
}

bool
error_detail(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->detail);
	va_list ap;

	/* Several layers may add details. */
	if (used > 0 && used + 3 < sizeof(err->detail)) {
		memcpy(err->detail + used, "; ", 3);
		used += 2;
	}
	va_start(ap, fmt);
	(void)vsnprintf(err->detail + used, sizeof(err->detail) - used, fmt, ap);
	va_end(ap);
	return false;
}

bool
error_field(struct error *err, const char *field, const char *code, const char *fmt, ...)
{
	struct field_error *fe;
	va_list ap;

	if (err->code != ERR_VALIDATION || err->nfields == 0)
		error_set(err, ERR_VALIDATION, "Some fields are invalid.");
	if (err->nfields == ERROR_FIELDS_MAX)
		return false;
	fe = &err->fields[err->nfields++];
	str_copy(fe->field, sizeof(fe->field), field);
	fe->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(fe->message, sizeof(fe->message), fmt, ap);
	va_end(ap);
	return false;
}

const struct error_class *
error_class(enum error_code code)
{
	return &classes[(unsigned)code < ERR_CODES ? code : ERR_INTERNAL];
}

const char *
error_slug_of(const struct error *err)
{
	return err->slug != NULL ? err->slug : error_class(err->code)->slug;
}
