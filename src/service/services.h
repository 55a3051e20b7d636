/*
 * The connections and settings of service functions: one struct per process, made by main() and
 * passed down. Connections open on first use.
 */
#ifndef MN_SERVICE_SERVICES_H
#define MN_SERVICE_SERVICES_H

#include <stdbool.h>

struct config;
struct db;
struct error;
struct keyring;
struct log;
struct redis;
struct s3;

/* which database.*_url */
#define SERVICES_ROLES 4
enum services_role { SERVICES_API, SERVICES_WORKER, SERVICES_STORE, SERVICES_ADMIN };

struct services {
	struct config *config;
	struct log *log;
	struct db *db;
	struct redis *redis;  /* NULL for SERVICES_STORE */
	struct s3 *s3;        /* NULL for SERVICES_STORE */
	struct keyring *keys; /* keyring.h: JWT keys, storage credentials */
};

bool services_init(struct services *, struct config *, struct log *, enum services_role,
    struct error *);
void services_close_idle(struct services *); /* closes connections; they open again on use */
void services_clear(struct services *);
/*
 * Refuses a schema older or newer than this program (reads schema_migrations): err->message is the
 * line to print, with slug schema_old or schema_new, exit 78. An unreachable database is
 * ERR_UNAVAILABLE (database_unavailable): a service starts anyway and recovers with it.
 */
bool services_check_schema(struct services *, struct error *);

#endif
