/*
 * What a report says to people who see integrations and do not configure them: nothing of libraries
 * that they cannot read, no titles of single items, no addresses of servers.
 */
#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"
#include "store/store_libraries.h"

#include "core/banned.h"

/* In place of a message that may name an address. */
#define WITHHELD "Those who configure integrations can see the details."

static bool
among(struct strings ids, const char *id)
{
	for (size_t i = 0; i < ids.n; i++)
		if (str_eq(ids.items[i], id))
			return true;
	return false;
}

static bool
reads(const struct call *call, struct strings readable, const struct sync_run *run, const char *key)
{
	return among(readable, arena_printf(call->arena, "%s:%s", run->server_id, key));
}

static const struct cJSON *
parsed(struct arena *arena, const char *text)
{
	struct error ignored;

	return json_parse(arena, text, strlen(text), &ignored);
}

static void
put_section(struct json *j, const struct cJSON *section)
{
	static const char *const members[] = { "key", "title", "type", "status" };
	const struct cJSON *count;

	json_object(j, NULL);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_put_str(j, members[i], json_str(section, members[i], ""));
	json_object(j, "counts");
	cJSON_ArrayForEach (count, json_get(section, "counts"))
		json_put_int(j, count->string, (int64_t)count->valuedouble);
	json_object_end(j);
	json_object_end(j);
}

/* The sections that the caller reads, and what their counts are together. */
static void
keep_sections(const struct call *call, struct strings readable, struct sync_run *run)
{
	struct json *sections = json_new(call->arena, 0), *counts = json_new(call->arena, 0);
	const struct cJSON *list = parsed(call->arena, run->sections), *one, *count;

	json_array(sections, NULL);
	cJSON_ArrayForEach (one, list)
		if (reads(call, readable, run, json_str(one, "key", "")))
			put_section(sections, one);
	json_array_end(sections);
	json_object(counts, NULL);
	cJSON_ArrayForEach (count, parsed(call->arena, run->counts)) {
		int64_t sum = 0;

		cJSON_ArrayForEach (one, list)
			if (reads(call, readable, run, json_str(one, "key", "")))
				sum += json_int(json_get(one, "counts"), count->string, 0);
		json_put_int(counts, count->string, sum);
	}
	json_object_end(counts);
	run->sections = sections->buf.data;
	run->counts = counts->buf.data;
}

bool
sync_show(const struct call *call, struct sync_run *runs, size_t n, struct error *err)
{
	struct strings readable;

	if (principal_may(call->by.who, PERM_INTEGRATIONS_CONFIGURE))
		return true;
	if (!store_libraries_readable(call->svc->db, call->arena, call->by.who->user_id, &readable,
		err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct sync_run *run = &runs[i];

		keep_sections(call, readable, run);
		run->errors = NULL;
		if (run->error_message != NULL)
			run->error_message = WITHHELD;
		if (run->halt != NULL &&
		    !reads(call, readable, run,
			json_str(parsed(call->arena, run->halt), "section", "")))
			run->halt = NULL;
		if (run->section != NULL && !reads(call, readable, run, run->section))
			run->section = NULL;
	}
	return true;
}
