/* What browsers play as it is. */
#include "service/catalogue/playable.h"

#include <string.h>

#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	static const struct {
		struct playable_file file;
		enum playable want;
	} rows[] = {
		{ { "video", "video/mp4", "h264", "High", "aac" }, PLAYABLE_YES },
		{ { "video", "video/mp4", "h264", "Constrained Baseline", NULL }, PLAYABLE_YES },
		{ { "video", "video/mp4", "h264", NULL, "aac" }, PLAYABLE_YES },
		{ { "video", "video/mp4", "h264", "High 10", "aac" }, PLAYABLE_NO },
		{ { "video", "video/mp4", "h264", "High 4:2:2", "aac" }, PLAYABLE_NO },
		{ { "video", "video/mp4", "h264", "High 4:4:4 Predictive", "aac" }, PLAYABLE_NO },
		{ { "video", "video/mp4", "hevc", "Main", "aac" }, PLAYABLE_NO },
		{ { "video", "video/mp4", "av1", "Main", "opus" }, PLAYABLE_YES },
		{ { "video", "video/mp4", "mpeg4", "Simple Profile", "aac" }, PLAYABLE_NO },
		{ { "video", "video/mp4", "h264", "High", "ac3" }, PLAYABLE_NO },
		{ { "video", "video/mp4", NULL, NULL, "aac" }, PLAYABLE_NO },
		{ { "video", "video/quicktime", "h264", "Main", "aac" }, PLAYABLE_YES },
		{ { "video", "video/quicktime", "h264", "Main", "pcm_s16le" }, PLAYABLE_NO },
		{ { "video", "video/quicktime", "prores", "HQ", NULL }, PLAYABLE_NO },
		{ { "video", "video/webm", "vp9", "Profile 2", "opus" }, PLAYABLE_YES },
		{ { "video", "video/webm", "vp8", NULL, "vorbis" }, PLAYABLE_YES },
		{ { "video", "video/x-matroska", "h264", "High", "aac" }, PLAYABLE_NO },
		{ { "video", "video/mp2t", "h264", "High", "aac" }, PLAYABLE_NO },
		{ { "video", "video/x-ms-wmv", "wmv3", NULL, "wmav2" }, PLAYABLE_NO },
		{ { "audio", "audio/mpeg", NULL, NULL, "mp3" }, PLAYABLE_YES },
		{ { "audio", "audio/mpeg", NULL, NULL, "mp2" }, PLAYABLE_NO },
		{ { "audio", "audio/mp4", NULL, NULL, "aac" }, PLAYABLE_YES },
		{ { "audio", "audio/mp4", NULL, NULL, "alac" }, PLAYABLE_NO },
		{ { "audio", "audio/flac", NULL, NULL, "flac" }, PLAYABLE_YES },
		{ { "audio", "audio/ogg", NULL, NULL, "opus" }, PLAYABLE_YES },
		{ { "audio", "audio/ogg", NULL, NULL, "speex" }, PLAYABLE_NO },
		{ { "audio", "audio/wav", NULL, NULL, "pcm_s16le" }, PLAYABLE_YES },
		{ { "audio", "audio/wav", NULL, NULL, "adpcm_ms" }, PLAYABLE_NO },
		{ { "audio", "audio/x-ms-wma", NULL, NULL, "wmav2" }, PLAYABLE_NO },
		{ { "audio", "audio/aac", NULL, NULL, NULL }, PLAYABLE_NO },
		{ { "image", "image/jpeg", NULL, NULL, NULL }, PLAYABLE_UNKNOWN },
		{ { "movie", NULL, NULL, NULL, NULL }, PLAYABLE_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct playable_file *f = &rows[i].file;

		ok(playable_of(f) == rows[i].want, "%s: %s %s %s",
		    f->content_type != NULL ? f->content_type : f->kind,
		    f->video != NULL ? f->video : "", f->profile != NULL ? f->profile : "",
		    f->audio != NULL ? f->audio : "");
	}
	is_str(playable_type("video/quicktime"), "video/mp4", "QuickTime is sent as MP4");
	is_str(playable_type("audio/flac"), "audio/flac", "others as what they are");
	return done_testing();
}
