/* What the files of backups share; for src/service/operator/backup*.c and verify.c only. */
#ifndef MN_SERVICE_OPERATOR_BACKUP_INTERNAL_H
#define MN_SERVICE_OPERATOR_BACKUP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/str.h"
#include "service/operator/backup.h"

struct s3;

#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_DUMP "database.dump"
#define BACKUP_LIST "objects.list"
#define BACKUP_OBJECTS "objects"
#define BACKUP_SETTINGS "medianest.conf"
#define BACKUP_KEYS "keys.enc"
#define BACKUP_PARTIAL ".partial-" /* being made */
#define BACKUP_REMOVING ".removing-"
#define BACKUP_FILES_MAX 8

/* --- files (backup_files.c) --- */

struct file_sum {
	int64_t size;
	char sha256[SHA256_HEX];
};
/* Sets the error to what errno says of the path, and leaves errno; returns false. */
bool backup_file_failed(const char *path, struct error *);
bool backup_present(const char *path, bool *present, struct error *);
bool backup_dir_make(const char *path, struct error *); /* 0700; it may exist */
bool backup_dir_sync(const char *path, struct error *);
/* Everything of the file system is on the disk. */
bool backup_sync_all(const char *path, struct error *);
/* Copies to the end of `in`; out < 0: only sums. `sum` gets what was read. */
bool backup_copy_fd(int in, int out, struct file_sum *, struct error *);
/* Copies to a new file, 0600; `to` exists only if all was copied. */
bool backup_copy(const char *from, const char *to, struct file_sum *, struct error *);
bool backup_sum(const char *path, struct file_sum *, struct error *);
bool backup_tree_remove(const char *path, struct error *);
/* The names of the backups in the directory, oldest first: ours, and with a manifest. */
bool backup_names(struct arena *, const char *directory, struct strings *, struct error *);
/* What processes that were killed have left there. */
bool backup_hidden(struct arena *, const char *directory, struct strings *, struct error *);
/* objects/ab/ab...: where a backup keeps an object. */
const char *backup_object_path(struct arena *, const char *backup, const char *sha256);

/* --- the list of objects (backup_list.c) --- */

struct list_line {
	char sha256[SHA256_HEX]; /* "": not known yet */
	int64_t size;
	const char *type, *version, *name;
};
/* bytes: a key of 1024 and a content type, percent-encoded */
#define LIST_LINE_MAX 8192
struct list_reader {
	FILE *in;
	char line[LIST_LINE_MAX];
	struct arena arena; /* of `now` */
	struct list_line now;
	bool more; /* `now` is a line */
};
bool list_open(struct list_reader *, const char *path, struct error *); /* at the first line */
bool list_next(struct list_reader *, struct error *);
void list_close(struct list_reader *);
bool list_write(FILE *, struct arena *, const struct list_line *, struct error *);
/* The order of names: by bucket, then by key. */
int list_compare(const char *, const char *);

/* --- the manifest (backup_manifest.c) --- */

struct manifest_file {
	const char *name;
	struct file_sum sum;
};
struct manifest {
	const char *id, *created, *version;
	int64_t schema, objects, bytes;
	bool embedded;
	struct manifest_file files[BACKUP_FILES_MAX];
	size_t nfiles;
};
bool manifest_write(const struct manifest *, struct arena *, const char *backup, struct error *);
bool manifest_read(struct manifest *, struct arena *, const char *backup, struct error *);
/* Reads every file that it names, and looks for every object in its list. */
bool manifest_check(const struct manifest *, struct arena *, const char *backup, struct error *);
bool manifest_has(const struct manifest *, const char *name);

/* --- commands of the host (backup_tool.c) --- */

struct backup_tool {
	const char *const *argv;
	const char *const *env; /* besides PATH and LC_ALL; or NULL */
	int in_fd, out_fd;      /* < 0: none */
	int secret_fd;     /* the command finds it as its descriptor BACKUP_SECRET_FD; < 0: none */
	const char *grows; /* or NULL: a file that must go on growing */
};
#define BACKUP_SECRET_FD 3
#define BACKUP_TOOL_STALL_SECONDS 900 /* without growth */
#define BACKUP_TOOL_HOURS 24
bool backup_tool_run(const struct backup_tool *, struct error *);
/* A file in memory with these bytes, read from its start; -1 with the error set. */
int backup_memory(const void *, size_t, struct error *);

/* --- keys (backup_keys.c) --- */

bool backup_keys_write(const struct backup_site *, const char *keys_file, const char *to,
    struct error *);
/* Decrypts into a file in memory: before anything is changed. */
bool backup_keys_open(const struct backup_site *, const char *keys_file, const char *from, int *fd,
    struct error *);
/* Files that differ are kept under another name. */
bool backup_keys_place(const struct backup_site *, int fd, struct error *);

/* --- the bar (backup_bar.c) --- */

struct bar {
	const char *what;
	int64_t total, done;
	int64_t drawn_at; /* us */
	bool shown;
};
void bar_begin(struct bar *, const struct backup_site *, const char *what, int64_t total);
void bar_add(struct bar *, int64_t bytes);
void bar_end(struct bar *);

/* --- the store (backup_store.c) --- */

/* Where objects are read from: the files of the embedded store, or a foreign one. */
struct backup_store {
	const struct backup_site *site;
	struct s3 *s3; /* NULL: embedded */
};
bool backup_store_open(struct backup_store *, const struct backup_site *, struct error *);
void backup_store_close(struct backup_store *);
const char *backup_blob_path(struct arena *, const struct config *, const char *blob);
/* Opens a blob without following a link; -1 with the error and errno set. */
int backup_blob_open(const struct backup_store *, struct arena *, const char *blob, struct error *);
/* Copies the object to a new file; *type may be set to its content type, in the arena. */
bool backup_store_read(const struct backup_store *, struct arena *, struct list_line *,
    const char *to, struct file_sum *, struct error *);
/* Puts the object where it belongs unless these bytes are there. */
bool backup_store_write(const struct backup_store *, struct arena *, const struct list_line *,
    const char *from, bool *present, struct error *);

/* --- the dump (backup_dump.c) --- */

/* In one snapshot: all rows into `dump`, all objects into `list` (without checksums). */
bool backup_dump(const struct backup_site *, const char *dump, const char *list, struct manifest *,
    struct error *);
bool backup_undump(const struct backup_site *, const char *dump, struct error *);

#endif
