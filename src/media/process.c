#include "core/error.h"
#include "media/media.h"
#include "media/photo.h"
#include "media/probe.h"
#include "media/sniff.h"
#include "media/song.h"
#include "media/video.h"

#include "core/banned.h"

static bool
process_stream(struct media_run *run, struct error *err)
{
	struct probe probe;

	if (!probe_file(run, &probe, err))
		return false;
	if (probe.duration > 0)
		run->duration_ms = (int64_t)(probe.duration * 1000 + 0.5);
	return probe.video != NULL ? video_process(run, &probe, err) :
				     song_process(run, &probe, err);
}

bool
media_run_process(struct media_run *run, struct error *err)
{
	media_step(run, "inspect", "started", NULL);
	if (!sniff_file(run->arena, run->file, &run->type, err))
		return false;
	return run->type->image ? photo_process(run, err) : process_stream(run, err);
}
