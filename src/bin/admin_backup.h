/* medianest-admin backup, restore and verify: their options, and what they print. */
#ifndef MN_BIN_ADMIN_BACKUP_H
#define MN_BIN_ADMIN_BACKUP_H

#include <stdbool.h>

struct arena;
struct config;
struct db;
struct error;

struct admin_backup {
	struct config *config;
	struct db *db;
	struct arena *arena;
	const char *sql_dir, *directory;
	const char *keep, *keys, *rate; /* of the command line, or NULL */
	bool timer, replace, end_sessions, resume;
};

/*
 * Run by root they become the user of MediaNest, whom PostgreSQL knows, and keep the right to read
 * (and to restore) the files of the others.
 */
bool admin_backup(const struct admin_backup *, struct error *);
bool admin_restore(const struct admin_backup *, struct error *);
/* *whole: nothing is missing or damaged. */
bool admin_verify(const struct admin_backup *, bool *whole, struct error *);

#endif
