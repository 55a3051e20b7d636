#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "media/live.h"
#include "media/media.h"
#include "media/photo.h"
#include "media/probe.h"
#include "media/sniff.h"
#include "media/song.h"
#include "media/transcode.h"
#include "media/video.h"

#include "core/banned.h"

#define SIDECAR_MAX (1UL << 20) /* bytes read of it */

static bool
process_stream(struct media_run *run, struct error *err)
{
	const char *live;
	struct probe probe;

	if (!probe_file(run, &probe, err))
		return false;
	if (probe.duration > 0)
		run->duration_ms = (int64_t)(probe.duration * 1000 + 0.5);
	if (run->transcode != NULL)
		return transcode(run, &probe, err);
	live = probe_tag(&probe, LIVE_VIDEO_TAG);
	if (live != NULL)
		run->content_id = live_id(run, live, strlen(live));
	return probe.video != NULL ? video_process(run, &probe, err) :
				     song_process(run, &probe, err);
}

/* Somebody wrote it on purpose, so its date counts before all that the file says. */
static void
read_sidecar(struct media_run *run)
{
	struct media_taken taken;
	unsigned char *text;
	size_t size;
	FILE *in = run->sidecar != NULL ? fopen(run->sidecar, "re") : NULL;

	if (in == NULL)
		return;
	text = arena_alloc(run->arena, SIDECAR_MAX);
	size = fread(text, 1, SIDECAR_MAX, in);
	fclose(in);
	people_of_sidecar(run, text, size);
	if (date_of_sidecar(text, size, &taken))
		run->taken = taken;
}

bool
media_run_process(struct media_run *run, struct error *err)
{
	media_step(run, "inspect", "started", NULL);
	if (!sniff_file(run->arena, run->file, &run->type, err))
		return false;
	if (run->transcode != NULL && run->type->image)
		return error_slug(err, ERR_UNPROCESSABLE, "unsupported_type",
		    "A picture cannot be played.");
	if (!(run->type->image ? photo_process(run, err) : process_stream(run, err)))
		return false;
	read_sidecar(run);
	return true;
}
