#include "fcgi-handlers/taken_input.h"

#include "core/error.h"
#include "service/catalogue/media.h"

#include "core/banned.h"

/* 0 stands for no date, so the very beginning of Unix time is a microsecond later. */
static int64_t
not_none(int64_t us)
{
	return us == 0 ? 1 : us;
}

bool
taken_input(const struct input *in, struct media_patch *p, struct error *err)
{
	const char *local = input_str(in, "takenAtLocal");

	if (input_has(in, "takenAt") || input_is_null(in, "takenAt"))
		p->set |= MEDIA_SET_TAKEN_AT;
	if (input_has(in, "takenAt"))
		p->taken.at = not_none(input_time(in, "takenAt"));
	if (input_has(in, "takenAtOffset") || input_is_null(in, "takenAtOffset"))
		p->set |= MEDIA_SET_TAKEN_OFFSET;
	p->taken.offset = input_int(in, "takenAtOffset", TAKEN_OFFSET_NONE);
	if (input_is_null(in, "takenAt") && (p->set & MEDIA_SET_TAKEN_OFFSET) != 0)
		return error_field(err, "takenAtOffset", "choice", "must not come with no date");
	if (local == NULL)
		return true;
	if ((p->set & MEDIA_SET_TAKEN_AT) != 0)
		return error_field(err, "takenAtLocal", "choice", "must not come with takenAt");
	p->set |= MEDIA_SET_TAKEN_LOCAL;
	if (!time_parse_local(local, &p->taken.local))
		return error_field(err, "takenAtLocal", "format",
		    "must be like 2024-07-01T14:00:00");
	p->taken.local = not_none(p->taken.local);
	return true;
}
