#include "media/chapters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/json.h"
#include "core/str.h"
#include "media/media.h"
#include "media/probe.h"

#include "core/banned.h"

/* "12.345000" seconds in ms; -1: no time within the bounds. */
static int64_t
time_ms(const struct cJSON *chapter, const char *key)
{
	double seconds = strtod(json_str(chapter, key, "-1"), NULL);

	return seconds >= 0 && seconds <= PROBE_DURATION_MAX ? (int64_t)(seconds * 1000 + 0.5) : -1;
}

void
chapters_put(struct media_run *run, const struct probe *p)
{
	struct json *m = run->metadata;
	const struct cJSON *chapter;
	const char *title;
	int64_t start, end;
	int n = 0;

	cJSON_ArrayForEach (chapter, p->chapters) {
		start = time_ms(chapter, "start_time");
		end = time_ms(chapter, "end_time");
		if (start < 0 || end < start || n == CHAPTERS_MAX)
			continue;
		if (n++ == 0)
			json_array(m, "chapters");
		title = json_str(json_get(chapter, "tags"), "title", "");
		title = str_trim(run->arena,
		    utf8_clean(run->arena, title, strlen(title), CHAPTER_TITLE_MAX));
		json_object(m, NULL);
		json_opt_str(m, "title", title[0] != '\0' ? title : NULL);
		json_put_int(m, "startMs", start);
		json_put_int(m, "endMs", end);
		json_object_end(m);
	}
	if (n > 0)
		json_array_end(m);
}
