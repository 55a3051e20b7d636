/* The list of a backup: what is written is read, in the order that lists are compared in. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "service/operator/backup_internal.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char path[] = "/tmp/mn-list-XXXXXX";

static void
order(void)
{
	/* as `ORDER BY bucket, key` with the bytes compared */
	static const char *const names[] = { "a", "a/", "a/b", "a/b/c", "a-b/a", "a.b/a", "b/~",
		"~id/00001", "~id/00002" };
	bool ok = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			int found = list_compare(names[i], names[j]);

			ok = ok && (found < 0) == (i < j) && (found > 0) == (i > j);
		}
	ok(ok, "names are ordered by bucket, then by key");
}

static void
round_trip(struct arena *arena)
{
	static const struct list_line lines[] = {
		{ SUM, 0, "", "", "derived/x" },
		{ SUM, INT64_MAX, "text/plain; charset=\"x\"", "0123",
		    "bucket/tab\tand\nline \xc3\xa9%41" },
		{ "", 12, "image/jpeg", "", "~id/00001" },
	};
	struct list_reader list;
	struct error err;
	FILE *out = fopen(path, "we");
	size_t n = 0;
	bool same = true;

	error_clear(&err);
	for (size_t i = 0; i < 3; i++)
		ok(list_write(out, arena, &lines[i], &err), "a line is written");
	fclose(out);
	ok(list_open(&list, path, &err), "the list is opened");
	for (; list.more; n++) {
		same = same && str_eq(list.now.sha256, lines[n].sha256) &&
		    list.now.size == lines[n].size && str_eq(list.now.type, lines[n].type) &&
		    str_eq(list.now.version, lines[n].version) &&
		    str_eq(list.now.name, lines[n].name);
		if (!list_next(&list, &err))
			break;
	}
	ok(same && n == 3, "and has what was written");
	list_close(&list);
}

static void
damage(void)
{
	static const char *const texts[] = { "\n", SUM "\t1\t\t\n", SUM "\t-1\t\t\tx\n",
		SUM "\t1\t\t\tx", "0123\t1\t\t\tx\n", SUM "\t1\t\t\tx\ty\n", SUM "\t1\t\t\t%0\n" };
	struct list_reader list;
	struct error err;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		FILE *out = fopen(path, "we");

		fputs(texts[i], out);
		fclose(out);
		error_clear(&err);
		ok(!list_open(&list, path, &err), "a malformed line %zu is refused", i);
		list_close(&list);
	}
}

int
main(void)
{
	struct arena arena;
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	arena_init(&arena);
	order();
	round_trip(&arena);
	damage();
	arena_clear(&arena);
	unlink(path);
	return done_testing();
}
