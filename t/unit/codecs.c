/* The names of codecs that browsers are asked with. */
#include "media/codecs.h"

#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "service/catalogue/playable.h"
#include "t/unit/tap.h"

#include "core/banned.h"

typedef const char *name_fn(struct arena *, const char *, const unsigned char *, size_t);

static void
records(struct arena *arena)
{
	static const struct {
		name_fn *name;
		const char *tag, *bytes, *want;
	} rows[] = {
		{ codecs_hevc, "hvc1", "0101600000009000000000005df000fc", "hvc1.1.6.L93.90" },
		{ codecs_hevc, "hev1", "010160000000b000000000005d", "hev1.1.6.L93.B0" },
		{ codecs_hevc, "[0][0][0][0]", "012220000000b00000010000993c",
		    "hvc1.2.4.H153.B0.0.0.1" },
		{ codecs_hevc, "hvc1", "01412000000000000000000096", "hvc1.A1.4.L150" },
		{ codecs_hevc, "hvc1", "0101600000009000000000", NULL },
		{ codecs_hevc, "hev1", "00000001400100000000000000", NULL },
		{ codecs_avc, "avc1", "0164001fffe1", "avc1.64001F" },
		{ codecs_avc, "avc3", "0142c00a", "avc3.42C00A" },
		{ codecs_avc, "[0][0][0][0]", "016e0033", "avc1.6E0033" },
		{ codecs_avc, "avc1", "00000001", NULL },
		{ codecs_avc, "avc1", "0164", NULL },
		{ codecs_av1, "av01", "81000c00", "av01.0.00M.08" },
		{ codecs_av1, "av01", "810dcc", "av01.0.13H.10" },
		{ codecs_av1, "av01", "815060", "av01.2.16M.12" },
		{ codecs_av1, "av01", "010dcc", NULL },
		{ codecs_av1, "av01", "", NULL },
	};
	unsigned char bytes[CODECS_EXTRA_MAX];
	const char *got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].bytes) / 2;

		ok(hex_decode(rows[i].bytes, bytes, n), "%zu bytes", n);
		got = rows[i].name(arena, rows[i].tag, bytes, n);
		ok(got == NULL ? rows[i].want == NULL : str_eq(got, rows[i].want), "%s: %s",
		    rows[i].bytes, got != NULL ? got : "no record");
	}
}

static void
types(struct arena *arena)
{
	is_str(playable_file_type(arena, "video/quicktime", "hvc1.1.6.L93.B0, mp4a.40.2"),
	    "video/mp4; codecs=\"hvc1.1.6.L93.B0, mp4a.40.2\"", "QuickTime, as MP4");
	ok(playable_file_type(arena, "video/mp4", NULL) == NULL, "unknown codecs stay unknown");
	ok(playable_file_type(arena, "video/mp4", "") == NULL, "no codecs");
	ok(playable_file_type(arena, "video/mp4", "avc1\", x=\"") == NULL,
	    "nothing gets out of the quotes");
	ok(playable_file_type(arena, "video/mp4",
	       arena_printf(arena, "%0*d", PLAYABLE_CODECS_MAX + 1, 0)) == NULL,
	    "nothing endless");
}

int
main(void)
{
	struct arena arena;

	arena_init(&arena);
	records(&arena);
	types(&arena);
	arena_clear(&arena);
	return done_testing();
}
