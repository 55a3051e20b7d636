/*
 * Forward-only migrations: NNNN-verb-noun.sql files, each in one transaction, recorded with the
 * SHA-256 of its text.
 *
 * A file that was changed after it ran, a number used twice, a gap that would run an older file
 * after a newer one, and a database that is ahead of the directory are refused before anything is
 * changed. roles.sql runs at the end, every time: it grants the rights that the roles need.
 */
#ifndef MN_SERVICE_OPERATOR_MIGRATE_H
#define MN_SERVICE_OPERATOR_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;
struct db;
struct error;

#define MIGRATION_SIZE_MAX (4UL << 20) /* bytes of one file */
#define MIGRATIONS_MAX 9999

/*
 * Prints each step to `out` (may be NULL). ERR_UNAVAILABLE with slug migrate_running if another
 * migration is running.
 */
bool migrate_run(struct db *, struct arena *, const char *sql_dir, FILE *out, struct error *);

/* Prints what migrate_run() would run, and changes nothing. */
bool migrate_check(struct db *, struct arena *, const char *sql_dir, FILE *out, size_t *pending,
    struct error *);

#endif
