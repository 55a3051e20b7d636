/*
 * Backups of the whole house: rows, objects, settings and, when asked for, keys.
 *
 * A directory holds many backups, each a directory of its own that is complete by itself:
 *
 *	20261127T193612.345Z/manifest.json	what there is, with the checksums of the files below
 *	                     database.dump	pg_dump's custom format
 *	                     objects.list	a line for each object: checksum, size, type, name
 *	                     objects/ab/ab...	the objects, named by the SHA-256 of their bytes
 *	                     medianest.conf	the settings
 *	                     keys.enc		the keys directory: encrypted, only with `keys_file`
 *
 * An object that the backup before has is a hard link to the same file. A backup is made under a
 * temporary name and renamed when all of it is on the disk, so a process that is killed leaves the
 * earlier ones as they were.
 */
#ifndef MN_SERVICE_OPERATOR_BACKUP_H
#define MN_SERVICE_OPERATOR_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct config;
struct db;
struct error;

/* What every command works with. */
struct backup_site {
	struct config *config;
	struct db *db; /* as the owner of the schema */
	struct arena *arena;
	bool bar;            /* progress goes to a terminal */
	const char *sql_dir; /* of migrations */
};

struct backup_ask {
	const char *directory;
	int64_t keep;
	const char *keys_file; /* or NULL: without keys */
};
struct backup_made {
	const char *path;
	int64_t objects, bytes, copied, removed;
};
/* ERR_UNAVAILABLE with slug backup_running: another one is being made. */
bool backup_make(const struct backup_site *, const struct backup_ask *, struct backup_made *,
    struct error *);

struct restore_ask {
	const char *directory; /* of one backup, or of many: the newest */
	bool replace;
	const char *keys_file; /* or NULL: keys are not restored */
	bool end_sessions;
};
struct restore_made {
	const char *path;
	int64_t objects, bytes, present;
	bool has_keys; /* the backup has keys, which were not asked for */
};
bool backup_restore(const struct backup_site *, const struct restore_ask *, struct restore_made *,
    struct error *);

struct verify_ask {
	int64_t rate; /* bytes a second; 0: no limit */
	bool resume;
};
struct verify_found {
	int64_t checked, bytes, missing, damaged, strange, first_seen;
};
/* Prints each fault on a line of its own; changes no object and no row of the house. */
bool verify_run(const struct backup_site *, const struct verify_ask *, struct verify_found *,
    struct error *);

#endif
