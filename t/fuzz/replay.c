/*
 * Runs a fuzz target over the files of its corpus: the check uses it in place of libFuzzer. Usage:
 * replay DIRECTORY
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define INPUT_MAX (1UL << 20)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strrchr(argv[0], '/');
	char *data = xmalloc(INPUT_MAX);
	struct arena arena;
	struct dirent *entry;
	const char *corpus;
	DIR *dir;

	/* t/fuzz/replay_json replays t/fuzz/corpus/json unless told otherwise. */
	arena_init(&arena);
	name = name != NULL ? name + 1 : argv[0];
	if (str_starts(name, "replay_"))
		name += strlen("replay_");
	corpus = argc > 1 ?
	    argv[1] :
	    arena_printf(&arena, "%s/t/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", name);
	dir = opendir(corpus);
	if (dir == NULL) {
		perror(corpus);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		file = fopen(arena_printf(&arena, "%s/%s", corpus, entry->d_name), "rb");
		if (file == NULL)
			continue;
		is_int(LLVMFuzzerTestOneInput((const uint8_t *)data,
			   fread(data, 1, INPUT_MAX, file)),
		    0, "%s", entry->d_name);
		fclose(file);
	}
	closedir(dir);
	ok(tap_count > 0, "there is a corpus");
	arena_clear(&arena);
	free(data);
	return done_testing();
}
