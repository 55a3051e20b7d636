#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/media_filter.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/media.h"
#include "service/gate/admission.h"
#include "service/gate/cache.h"

#include "core/banned.h"

#define MONTH_MAX 16 /* bytes of a month's text */

const struct field_rule media_months_input[] = {
	MEDIA_FILTER_RULES,
	MEDIA_PLACE_RULES,
	{ "status", FIELD_ENUM, .choices = "pending|processing|ready|failed" },
	{ "days", FIELD_BOOL, .flags = 0 },
	{ .name = NULL },
};

/* A box on the map. */
static bool
bounds_take(const struct input *in, struct media_filter *f, struct error *err)
{
	const char *text = input_str(in, "bounds");

	if (text == NULL)
		return true;
	f->bounds = &f->box;
	return media_bounds_parse(text, &f->box) ||
	    error_field(err, "bounds", "format",
		"must be west,south,east,north in degrees, such as 13.1,52.3,13.8,52.7");
}

bool
media_filter_take(const struct input *in, struct media_ask *ask, struct error *err)
{
	static const bool no = false, yes = true;
	struct media_filter *f = &ask->filter;
	int64_t year;
	const char *day;

	ask->scope = media_scope_parse(input_str(in, "scope"));
	*f = (struct media_filter) { .kind = input_str(in, "kind"),
		.tag = input_str(in, "tag"),
		.source = input_str(in, "source"),
		.owner = input_str(in, "owner"),
		.status = input_str(in, "status"),
		.year_from = input_int(in, "yearFrom", 0),
		.year_to = input_int(in, "yearTo", 0),
		.taken_from = input_str(in, "takenFrom"),
		.taken_to = input_str(in, "takenTo"),
		.part = media_scope_part(input_str(in, "scope")),
		.collection = input_str(in, "collection"),
		.place = input_int(in, "place", 0),
		.country = input_str(in, "country") };
	if (input_has(in, "favorite"))
		f->favorite = input_bool(in, "favorite", false) ? &yes : &no;
	if (input_has(in, "archived"))
		f->archived = input_bool(in, "archived", false) ? &yes : &no;
	if (f->year_to != 0 && f->year_from > f->year_to) {
		year = f->year_from;
		f->year_from = f->year_to;
		f->year_to = year;
	}
	/* Dates of this form are in the order of their texts. */
	if (f->taken_from != NULL && f->taken_to != NULL &&
	    strcmp(f->taken_from, f->taken_to) > 0) {
		day = f->taken_from;
		f->taken_from = f->taken_to;
		f->taken_to = day;
	}
	return bounds_take(in, f, err);
}

bool
response_json_cached(const struct request *req, struct response *res, struct json *j,
    struct error *err)
{
	if (!response_json(res, 200, j, err))
		return false;
	if (req->admission != NULL && req->admission->asked_before)
		cache_store(req->call, req->admission, j->buf.data, j->buf.len);
	return true;
}

const char *
media_months_cache_key(const struct request *req)
{
	return input_has(req->input, "collection") ?
	    NULL :
	    arena_printf(req->arena, "media-months?%s", req->query);
}

/* The days up to the last one that has items. */
static void
put_days(struct json *j, const struct media_month *m)
{
	int last = MEDIA_MONTH_DAYS;

	while (last > 0 && m->days[last - 1] == 0)
		last--;
	json_array(j, "days");
	for (int i = 0; i < last; i++)
		json_put_int(j, NULL, m->days[i]);
	json_array_end(j);
}

bool
media_months_get(const struct request *req, struct response *res, struct error *err)
{
	bool by_day = input_bool(req->input, "days", false);
	struct json *j = json_new(req->arena, 0);
	struct media_months months;
	struct media_ask ask = { .sort = MEDIA_TAKEN };
	int64_t count = 0;

	if (!media_filter_take(req->input, &ask, err) ||
	    !media_months(req->call, &ask, by_day, &months, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < months.n; i++) {
		const struct media_month *m = &months.items[i];
		char month[MONTH_MAX];

		snprintf(month, sizeof(month), "%04d-%02d", m->year, m->month);
		json_object(j, NULL);
		json_put_str(j, "month", month);
		json_put_int(j, "count", m->count);
		if (by_day)
			put_days(j, m);
		json_object_end(j);
		count += m->count;
	}
	json_array_end(j);
	json_put_int(j, "count", count);
	json_object_end(j);
	return response_json_cached(req, res, j, err);
}
