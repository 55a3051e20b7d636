/*
 * Backups that were made (sql/0021), the objects that belong into one, and what is known of their
 * bytes.
 */
#ifndef MN_STORE_STORE_BACKUPS_H
#define MN_STORE_STORE_BACKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_backups_queries[];
extern const struct query store_backup_objects_queries[];

/* A backup that stops renewing its hold has died: nothing is held for longer than this. */
#define BACKUP_HOLD_SECONDS 300
#define BACKUP_RENEW_SECONDS 60
#define BACKUP_ROWS_KEEP 400 /* rows of `backups`: more than a year of nights */

/* The newest complete backup; 0: there was never one. */
bool store_backup_last(struct db *, struct arena *, int64_t *finished_at_us, struct error *);
/*
 * Is a backup being made? Then nothing may be removed from the object store that a row of its
 * snapshot may name.
 */
bool store_backup_holds(struct db *, struct arena *, bool *holds, struct error *);

/*
 * *begun false: another backup is being made. Ends what crashed, also in this directory, whose lock
 * the caller has; prunes the oldest rows.
 */
bool store_backup_begin(struct db *, struct arena *, const char *id, const char *directory,
    bool *begun, struct error *);
/* *held false: the hold has lapsed, and objects may have been removed since. */
bool store_backup_renew(struct db *, struct arena *, const char *id, bool *held, struct error *);

struct backup_counts {
	int64_t objects, bytes, copied;
};
bool store_backup_done(struct db *, struct arena *, const char *id, const struct backup_counts *,
    bool *held, struct error *);
bool store_backup_failed(struct db *, struct arena *, const char *id, const char *why,
    struct error *);

/* Inside a transaction: reads one snapshot from here on, and returns its name for pg_dump. */
bool store_backup_snapshot(struct db *, struct arena *, const char **snapshot, struct error *);

/*
 * Objects page by page, in the order of their names (bytes compared): of the embedded store all
 * that it has, parts too; of another one what the rows name.
 */
struct backup_object {
	const char *name;    /* bucket/key, or the key in a foreign store; ~upload/number: a part */
	const char *version; /* the blob; "" in a foreign store, whose keys are written once */
	const char *type;    /* content type; "" if the rows do not know it */
	int64_t size;
	/* for the verification: what the bytes must have, hexadecimal, or NULL */
	const char *sha256, *md5;
};
#define BACKUP_PAGE 1000
bool store_backup_objects(struct db *, struct arena *, bool embedded, const char *after,
    struct backup_object **, size_t *n, struct error *);

/* Is there nothing but, at most, the first account? */
bool store_backup_house_empty(struct db *, struct arena *, bool *empty, struct error *);
/* How many of MediaNest's processes are connected. */
bool store_backup_connections(struct db *, struct arena *, int64_t *n, struct error *);
/* Removes every table, view, sequence and function of MediaNest. */
bool store_backup_clear(struct db *, struct error *);
/* Marks that this backup is being restored; NULL: it is done. "" while none is. */
bool store_backup_restoring(struct db *, struct arena *, const char **id, struct error *);
bool store_backup_mark(struct db *, struct arena *, const char *id, struct error *);
bool store_backup_unmark(struct db *, struct error *);

/* Everyone has to sign in again: a session that ended after the backup was made is alive in it. */
bool store_backup_end_sessions(struct db *, struct arena *, struct error *);
/* Posters of titles are fetched again: a backup of a foreign store has none of them. */
bool store_backup_forget_posters(struct db *, struct arena *, struct error *);
/* Archives of many items are in no backup: people ask for them again. */
bool store_backup_forget_downloads(struct db *, struct arena *, struct error *);

/* What `verify` knows and remembers. */
bool store_backup_sum(struct db *, struct arena *, const char *name, const char **sha256,
    struct error *);
bool store_backup_sum_keep(struct db *, struct arena *, const char *name, const char *sha256,
    struct error *);
bool store_backup_sums_prune(struct db *, struct arena *, bool embedded, struct error *);
struct verify_place {
	const char *after;
	int64_t checked, wrong;
};
bool store_verify_place(struct db *, struct arena *, struct verify_place *, struct error *);
bool store_verify_remember(struct db *, struct arena *, const struct verify_place *,
    struct error *);
bool store_backup_bytes(struct db *, struct arena *, bool embedded, int64_t *bytes, struct error *);
/* Of these blobs (or keys) those that are no objects of the house. */
bool store_backup_unlisted(struct db *, struct arena *, bool embedded, struct strings,
    struct strings *unlisted, struct error *);
/* Of these blobs (or keys) those that no row has. */
bool store_backup_strangers(struct db *, struct arena *, bool embedded, struct strings,
    struct strings *strangers, struct error *);

#endif
