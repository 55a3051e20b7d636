#include "media/codecs.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/bytes.h"
#include "media/media.h"
#include "media/probe.h"
#include "media/sniff.h"

#include "core/banned.h"

#define RECORD_VERSION 1
#define AVC_BYTES 4
#define HEVC_BYTES 13
#define HEVC_CONSTRAINTS 6 /* bytes of flags, from this one on */
#define AV1_BYTES 3
#define AV1_MARKER 0x81 /* and version 1 */

/* Parameter sets are in the record, unless the tag says that they are in the stream too. */
static const char *
tag_of(const char *tag, const char *in_stream, const char *usual)
{
	return str_eq(tag, in_stream) ? in_stream : usual;
}

const char *
codecs_avc(struct arena *arena, const char *tag, const unsigned char *b, size_t n)
{
	if (n < AVC_BYTES || b[0] != RECORD_VERSION)
		return NULL;
	return arena_printf(arena, "%s.%02X%02X%02X", tag_of(tag, "avc3", "avc1"), b[1], b[2],
	    b[3]);
}

/* ISO/IEC 14496-15, annex E: the flags of compatibility are written with the last bit first. */
const char *
codecs_hevc(struct arena *arena, const char *tag, const unsigned char *b, size_t n)
{
	static const char *const spaces[] = { "", "A", "B", "C" };
	uint32_t flags, reversed = 0;
	size_t last = HEVC_CONSTRAINTS + 6;
	struct buf out;

	if (n < HEVC_BYTES || b[0] != RECORD_VERSION)
		return NULL;
	flags = (uint32_t)bytes_big(b + 2, 4);
	for (int i = 0; i < 32; i++)
		reversed |= (flags >> i & 1U) << (31 - i);
	buf_init(&out, arena, 0);
	buf_addf(&out, "%s.%s%d.%X.%c%d", tag_of(tag, "hev1", "hvc1"), spaces[b[1] >> 6],
	    b[1] & 0x1f, (unsigned)reversed, (b[1] & 0x20) != 0 ? 'H' : 'L', b[12]);
	while (last > HEVC_CONSTRAINTS && b[last - 1] == 0)
		last--;
	for (size_t i = HEVC_CONSTRAINTS; i < last; i++)
		buf_addf(&out, ".%X", b[i]);
	return out.data;
}

/* AV1 Codec ISO Media File Format Binding, section 5. */
const char *
codecs_av1(struct arena *arena, const char *tag, const unsigned char *b, size_t n)
{
	int profile, depth;

	(void)tag;
	if (n < AV1_BYTES || b[0] != AV1_MARKER)
		return NULL;
	profile = b[1] >> 5;
	depth = (b[2] & 0x40) == 0 ? 8 : profile == 2 && (b[2] & 0x20) != 0 ? 12 : 10;
	return arena_printf(arena, "av01.%d.%02d%c.%02d", profile, b[1] & 0x1f,
	    (b[2] & 0x80) != 0 ? 'H' : 'M', depth);
}

static const struct {
	const char *codec;
	const char *(*name)(struct arena *, const char *, const unsigned char *, size_t);
} records[] = {
	{ "h264", codecs_avc },
	{ "hevc", codecs_hevc },
	{ "av1", codecs_av1 },
};

/* FFmpeg's names; of AAC with the profile, which is its audio object type. */
static const struct {
	const char *codec, *profile, *name;
} named[] = {
	{ "vp8", NULL, "vp8" },
	{ "aac", "Main", "mp4a.40.1" },
	{ "aac", "LC", "mp4a.40.2" },
	{ "aac", "SSR", "mp4a.40.3" },
	{ "aac", "LTP", "mp4a.40.4" },
	{ "aac", "HE-AAC", "mp4a.40.5" },
	{ "aac", "HE-AACv2", "mp4a.40.29" },
	{ "mp3", NULL, "mp4a.6B" },
	{ "opus", NULL, "opus" },
	{ "vorbis", NULL, "vorbis" },
	{ "flac", NULL, "flac" },
	{ "alac", NULL, "alac" },
	{ "ac3", NULL, "ac-3" },
	{ "eac3", NULL, "ec-3" },
	{ "amr_nb", NULL, "samr" },
	{ "amr_wb", NULL, "sawb" },
};

/* Dolby Vision Streams Within the ISO Base Media File Format, section 5.2. */
static const char *
of_dolby(struct arena *arena, const struct cJSON *stream, const struct probe_dolby *d)
{
	const char *tag = json_str(stream, "codec_tag_string", "");

	return arena_printf(arena, "%s.%02d.%02d",
	    str_eq(json_str(stream, "codec_name", ""), "av1") ? "dav1" :
		str_eq(tag, "dvhe") || str_eq(tag, "hev1")    ? "dvhe" :
								"dvh1",
	    d->profile, d->level);
}

static const char *
of_stream(struct media_run *run, const struct cJSON *stream)
{
	const char *codec = json_str(stream, "codec_name", ""),
		   *profile = json_str(stream, "profile", NULL);
	unsigned char record[CODECS_EXTRA_MAX];
	struct probe_dolby dolby;
	size_t n;

	if (probe_dolby(stream, &dolby))
		return of_dolby(run->arena, stream, &dolby);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		if (str_eq(records[i].codec, codec)) {
			n = probe_extra(run, stream, record, sizeof(record));
			return records[i].name(run->arena, json_str(stream, "codec_tag_string", ""),
			    record, n);
		}
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (str_eq(named[i].codec, codec) &&
		    (named[i].profile == NULL || str_eq(named[i].profile, profile)))
			return named[i].name;
	return NULL;
}

/* The containers whose streams have such names: those of ISO, QuickTime and Matroska. */
static bool
is_named(const struct media_type *type)
{
	return str_eq(type->reader, "mov") || str_eq(type->reader, "matroska");
}

const char *
codecs_of(struct media_run *run, const struct probe *p)
{
	const char *video = NULL, *audio = NULL;

	if (!is_named(run->type) || (p->video == NULL && p->audio == NULL))
		return NULL;
	if ((p->video != NULL && (video = of_stream(run, p->video)) == NULL) ||
	    (p->audio != NULL && (audio = of_stream(run, p->audio)) == NULL))
		return NULL;
	if (video == NULL || audio == NULL)
		return video != NULL ? video : audio;
	return arena_printf(run->arena, "%s, %s", video, audio);
}
