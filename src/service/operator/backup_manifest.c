/* manifest.json of a backup: what belongs to it, with checksums. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cJSON.h>

#include "core/error.h"
#include "core/json.h"
#include "service/operator/backup_internal.h"

#include "core/banned.h"

#define FORMAT 1
#define MANIFEST_MAX (64UL << 10) /* bytes */

bool
manifest_write(const struct manifest *m, struct arena *arena, const char *backup, struct error *err)
{
	const char *path = arena_printf(arena, "%s/" BACKUP_MANIFEST, backup);
	struct json *j = json_new(arena, MANIFEST_MAX);
	FILE *out = fopen(path, "we");
	bool ok;

	json_object(j, NULL);
	json_put_int(j, "format", FORMAT);
	json_put_str(j, "id", m->id);
	json_put_str(j, "created", m->created);
	json_put_str(j, "version", m->version);
	json_put_int(j, "schema", m->schema);
	json_put_str(j, "storage", m->embedded ? "embedded" : "foreign");
	json_put_int(j, "objects", m->objects);
	json_put_int(j, "bytes", m->bytes);
	json_array(j, "files");
	for (size_t i = 0; i < m->nfiles; i++) {
		json_object(j, NULL);
		json_put_str(j, "name", m->files[i].name);
		json_put_int(j, "size", m->files[i].sum.size);
		json_put_str(j, "sha256", m->files[i].sum.sha256);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	if (out == NULL)
		return backup_file_failed(path, err);
	ok = fprintf(out, "%s\n", j->buf.data) > 0;
	return (fclose(out) == 0 && ok) || backup_file_failed(path, err);
}

static bool
damaged(const char *path, struct error *err)
{
	return error_set(err, ERR_INTERNAL, "%.180s is damaged: use another backup", path);
}

static bool
file_of(const struct cJSON *item, struct arena *arena, struct manifest_file *file)
{
	const char *name = json_str(item, "name", ""), *sum = json_str(item, "sha256", "");

	if (*name == '\0' || strchr(name, '/') != NULL || name[0] == '.' ||
	    strlen(sum) != SHA256_HEX - 1)
		return false;
	file->name = arena_strdup(arena, name);
	file->sum.size = json_int(item, "size", -1);
	str_copy(file->sum.sha256, sizeof(file->sum.sha256), sum);
	return true;
}

static bool
take(struct manifest *m, struct arena *arena, const struct cJSON *root)
{
	const struct cJSON *item;

	*m = (struct manifest) { .id = json_str(root, "id", ""),
		.created = json_str(root, "created", ""),
		.version = json_str(root, "version", ""),
		.schema = json_int(root, "schema", 0),
		.objects = json_int(root, "objects", -1),
		.bytes = json_int(root, "bytes", -1),
		.embedded = str_eq(json_str(root, "storage", ""), "embedded") };
	cJSON_ArrayForEach (item, json_get(root, "files"))
		if (m->nfiles == BACKUP_FILES_MAX || !file_of(item, arena, &m->files[m->nfiles++]))
			return false;
	return m->schema > 0 && m->objects >= 0 && manifest_has(m, BACKUP_DUMP) &&
	    manifest_has(m, BACKUP_LIST);
}

bool
manifest_read(struct manifest *m, struct arena *arena, const char *backup, struct error *err)
{
	const char *path = arena_printf(arena, "%s/" BACKUP_MANIFEST, backup);
	char *text = arena_alloc(arena, MANIFEST_MAX + 1);
	FILE *in = fopen(path, "re");
	const struct cJSON *root;
	size_t len;

	if (in == NULL)
		return backup_file_failed(path, err);
	len = fread(text, 1, MANIFEST_MAX, in);
	fclose(in);
	root = json_parse(arena, text, len, err);
	if (root == NULL || json_int(root, "format", 0) < FORMAT)
		return damaged(path, err);
	if (json_int(root, "format", 0) > FORMAT)
		return error_set(err, ERR_INTERNAL,
		    "the backup was made by MediaNest %.40s: install that version to restore it",
		    json_str(root, "version", "(newer)"));
	return take(m, arena, root) || damaged(path, err);
}

bool
manifest_has(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->nfiles; i++)
		if (str_eq(m->files[i].name, name))
			return true;
	return false;
}

static bool
check_objects(const struct manifest *m, const char *backup, struct error *err)
{
	const char *path;
	struct list_reader list;
	struct stat st;
	int64_t n = 0;
	struct arena arena;
	bool ok;

	arena_init(&arena);
	ok = list_open(&list, arena_printf(&arena, "%s/" BACKUP_LIST, backup), err);
	while (ok && list.more) {
		path = backup_object_path(&list.arena, backup, list.now.sha256);
		if (stat(path, &st) != 0)
			ok = backup_file_failed(path, err);
		else if (st.st_size != list.now.size)
			ok = damaged(path, err);
		n++;
		ok = ok && list_next(&list, err);
	}
	if (ok && n != m->objects)
		ok = damaged(BACKUP_LIST, err);
	list_close(&list);
	arena_clear(&arena);
	return ok;
}

bool
manifest_check(const struct manifest *m, struct arena *arena, const char *backup, struct error *err)
{
	struct file_sum sum;

	for (size_t i = 0; i < m->nfiles; i++) {
		const char *path = arena_printf(arena, "%s/%s", backup, m->files[i].name);

		if (!backup_sum(path, &sum, err))
			return false;
		if (sum.size != m->files[i].sum.size || !str_eq(sum.sha256, m->files[i].sum.sha256))
			return damaged(path, err);
	}
	return check_objects(m, backup, err);
}
