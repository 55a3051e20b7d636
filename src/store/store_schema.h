/* The migrations applied to a database: see medianest-admin(8), migrate. */
#ifndef MN_STORE_SCHEMA_H
#define MN_STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct arena;
struct db;
struct error;

extern const struct query store_schema_queries[];

struct migration_row {
	int64_t version;
	const char *name;
	const char *checksum; /* sha256, hexadecimal */
};

/* The highest migration applied; 0 when there is no schema at all. */
bool store_schema_version(struct db *, struct arena *, int64_t *version, struct error *);

/* For the migrating role. Creates the table if it is missing; rows are in order. */
bool store_schema_prepare(struct db *, struct error *);
bool store_schema_applied(struct db *, struct arena *, struct migration_row **, size_t *n,
    struct error *);
bool store_schema_record(struct db *, struct arena *, const struct migration_row *, struct error *);
/*
 * Locks out other migrations as long as the connection lives; *got = false: another one is running.
 */
bool store_schema_lock(struct db *, struct arena *, bool *got, struct error *);

#endif
