#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "media/child.h"
#include "media/media.h"
#include "media/probe.h"
#include "media/sniff.h"

#include "core/banned.h"

#define LINE 64 /* bytes of "PTS,DURATION" with its NUL */

/* What the packets of one stream cover, in seconds. */
struct span {
	char line[LINE];
	size_t len;
	bool any;          /* a packet had a time stamp */
	double first, end; /* of those with one */
	double sum;        /* durations of all packets */
};

static bool
second_of(const char **text, double *v)
{
	char *end;

	*v = strtod(*text, &end);
	if (end == *text || !isfinite(*v))
		return false;
	*text = end;
	return true;
}

/* "1.234000,0.040000", either of which may be N/A. */
static void
take_line(struct span *s)
{
	const char *text = s->line, *comma = strchr(text, ',');
	double pts, duration = 0;

	if (comma != NULL) {
		comma++;
		if (!second_of(&comma, &duration) || duration < 0)
			duration = 0;
	}
	s->sum += duration;
	if (!second_of(&text, &pts))
		return;
	s->first = s->any ? fmin(s->first, pts) : pts;
	s->end = s->any ? fmax(s->end, pts + duration) : pts + duration;
	s->any = true;
}

static void
feed(void *arg, const char *bytes, size_t n)
{
	struct span *s = arg;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			if (s->len < LINE - 1)
				s->line[s->len++] = bytes[i];
			continue;
		}
		s->line[s->len] = '\0';
		take_line(s);
		s->len = 0;
	}
}

void
probe_measure(struct media_run *run, struct probe *p)
{
	const struct cJSON *stream = p->video != NULL ? p->video : p->audio;
	const char *argv[] = { "ffprobe", "-v", "error", "-protocol_whitelist", "file",
		"-format_whitelist", PROBE_WHITELIST, "-f", run->type->reader, "-select_streams",
		arena_printf(run->arena, "%d", probe_index(stream)), "-show_entries",
		"packet=pts_time,duration_time", "-of", "csv=p=0", "-i",
		arena_printf(run->arena, "file:%s", run->file), NULL };
	struct span span;
	struct child_result result;
	struct error ignored;
	double found;

	memset(&span, 0, sizeof(span));
	if (!child_run(argv, media_seconds_left(run, PROBE_MEASURE_SECONDS), feed, &span, &result,
		&ignored))
		return;
	found = span.any ? span.end - span.first : span.sum;
	if (found <= 0)
		return;
	p->duration = found;
	if (span.any)
		p->start = span.first;
}
