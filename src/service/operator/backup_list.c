/*
 * The list of a backup's objects: lines of checksum, size, content type, version and name, with
 * tabs between them; texts are percent-encoded. It is in the order of the names, so that the lists
 * of two backups are compared by reading both once.
 */
#include <errno.h>
#include <string.h>

#include "core/error.h"
#include "service/operator/backup_internal.h"

#include "core/banned.h"

enum { SUM, SIZE, TYPE, VERSION, NAME, FIELDS };

static bool
malformed(struct error *err)
{
	return error_set(err, ERR_INTERNAL,
	    "the list of objects is malformed: the backup is"
	    " damaged");
}

static bool
parse(struct list_reader *reader, struct error *err)
{
	char *fields[FIELDS], *rest = reader->line, *texts[FIELDS] = { NULL };
	struct list_line *now = &reader->now;
	size_t n = 0, len;

	if (strchr(rest, '\n') == NULL)
		return malformed(err);
	rest[strcspn(rest, "\n")] = '\0';
	while (n < FIELDS && rest != NULL)
		fields[n++] = strsep(&rest, "\t");
	if (n != FIELDS || rest != NULL)
		return malformed(err);
	for (int i = TYPE; i < FIELDS; i++)
		if (!url_decode(&reader->arena, fields[i], strlen(fields[i]), false, &texts[i],
			&len))
			return malformed(err);
	if (!str_to_int(fields[SIZE], 0, INT64_MAX, &now->size) ||
	    (fields[SUM][0] != '\0' &&
		(strlen(fields[SUM]) != SHA256_HEX - 1 ||
		    strspn(fields[SUM], "0123456789abcdef") != SHA256_HEX - 1)))
		return malformed(err);
	str_copy(now->sha256, sizeof(now->sha256), fields[SUM]);
	now->type = texts[TYPE];
	now->version = texts[VERSION];
	now->name = texts[NAME];
	return true;
}

bool
list_next(struct list_reader *reader, struct error *err)
{
	arena_reset(&reader->arena);
	errno = 0;
	reader->more = fgets(reader->line, sizeof(reader->line), reader->in) != NULL;
	if (reader->more)
		return parse(reader, err);
	return !ferror(reader->in) || backup_file_failed("the list of objects", err);
}

bool
list_open(struct list_reader *reader, const char *path, struct error *err)
{
	*reader = (struct list_reader) { .in = fopen(path, "re") };
	arena_init(&reader->arena);
	if (reader->in == NULL)
		return backup_file_failed(path, err);
	return list_next(reader, err);
}

void
list_close(struct list_reader *reader)
{
	if (reader->in != NULL)
		fclose(reader->in);
	arena_clear(&reader->arena);
	*reader = (struct list_reader) { .in = NULL };
}

bool
list_write(FILE *out, struct arena *arena, const struct list_line *line, struct error *err)
{
	const char *const texts[] = { line->type, line->version, line->name };
	struct buf buf;

	buf_init(&buf, arena, 0);
	buf_addf(&buf, "%s\t%lld", line->sha256, (long long)line->size);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		buf_addc(&buf, '\t');
		url_encode(&buf, texts[i], strlen(texts[i]), true);
	}
	buf_addc(&buf, '\n');
	return fwrite(buf.data, 1, buf.len, out) == buf.len ||
	    backup_file_failed("the list of objects", err);
}

/* A '/' ends the bucket's name, and so comes before every other character. */
int
list_compare(const char *a, const char *b)
{
	size_t la = strcspn(a, "/"), lb = strcspn(b, "/"), least = la < lb ? la : lb;
	int order = memcmp(a, b, least);

	if (order != 0)
		return order;
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a + la, b + lb);
}
