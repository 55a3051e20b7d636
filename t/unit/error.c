/* Errors: classes, slugs, limits. */
#include "core/error.h"
#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	static struct error err;
	char longest[1024];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (int code = ERR_NONE + 1; code < ERR_CODES; code++) {
		const struct error_class *class = error_class((enum error_code)code);

		ok(class->status >= 400 && class->status < 600 && class->slug[0] != '\0' &&
			class->title[0] != '\0',
		    "code %d has a class: %d %s", code, class->status, class->slug);
	}
	is_int(error_class((enum error_code)99)->status, 500,
	    "an unknown code is an internal error");
	is_int(error_class(ERR_UNAUTHENTICATED)->level, LOG_L_WARN, "401 is a warning");
	is_int(error_class(ERR_FORBIDDEN)->level, LOG_L_WARN, "403 is a warning");
	is_int(error_class(ERR_VALIDATION)->level, LOG_L_ERROR, "400 validation is an error");
	is_int(error_class(ERR_QUERY)->level, LOG_L_ERROR, "500 is an error");
	is_int(error_class(ERR_UNAVAILABLE)->level, LOG_L_CRIT, "503 is critical");

	ok(!error_set(&err, ERR_NOT_FOUND, "No %s here.", "item"), "error_set answers false");
	is_str(err.message, "No item here.", "message");
	is_str(error_slug_of(&err), "not_found", "the code's own slug");
	error_detail(&err, "table %s", "media");
	error_detail(&err, "row %d", 7);
	is_str(err.detail, "table media; row 7", "details add up");
	error_slug(&err, ERR_UNAUTHENTICATED, "token_rotated", "Again.");
	is_str(error_slug_of(&err), "token_rotated", "own slug");
	is_str(err.detail, "", "an earlier detail is gone");
	error_slug(&err, ERR_CONFLICT, "no_such_slug", "Again.");
	is_str(error_slug_of(&err), "conflict", "a slug that is not listed is not told");
	is_str(err.detail, "'no_such_slug' is not in error_slugs.def", "but logged");
	for (const struct error_slug_row *row = error_slugs; row->slug != NULL; row++) {
		error_slug(&err, ERR_CONFLICT, row->slug, "Again.");
		if (err.slug != row->slug || row->seen == 0)
			ok(false, "%s is listed once, and seen somewhere", row->slug);
	}
	error_set(&err, ERR_INTERNAL, "%s", longest);
	is_int(strlen(err.message), ERROR_MESSAGE_MAX - 1, "a long message is cut");
	for (int i = 0; i < 5; i++)
		error_detail(&err, "%s", longest);
	ok(strlen(err.detail) < ERROR_DETAIL_MAX, "a long detail is cut");

	for (int i = 0; i < ERROR_FIELDS_MAX + 4; i++)
		error_field(&err, i == 0 ? longest : "name", "required", "wanted %d", i);
	is_int(err.code, ERR_VALIDATION, "a field complaint makes a validation error");
	is_int(err.nfields, ERROR_FIELDS_MAX, "further complaints are dropped");
	is_int(strlen(err.fields[0].field), ERROR_FIELD_NAME_MAX - 1, "a long name is cut");
	is_str(err.fields[3].message, "wanted 3", "complaints keep their order");
	error_clear(&err);
	is_int(err.code, ERR_NONE, "clear");
	return done_testing();
}
