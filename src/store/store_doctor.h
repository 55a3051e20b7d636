/* What medianest-admin doctor asks of PostgreSQL and Redis. */
#ifndef MN_STORE_DOCTOR_H
#define MN_STORE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct redis;

extern const struct query store_doctor_queries[];

struct server_facts {
	const char *version; /* "15.8 (Debian ...)" */
	int64_t version_num; /* 150008 */
	const char *role;
	bool superuser;
	bool creates;         /* may make tables in schema public */
	const char **missing; /* extensions that are not installed in this database */
	size_t nmissing;
	const char *encoding, *database;
	int64_t buffers_mb;     /* shared_buffers */
	bool local;             /* through a socket of this host */
	bool collation_changed; /* the host's, since the database was made */
};

bool store_server_facts(struct db *, struct arena *, struct server_facts *, struct error *);

/* The clock of the server, us. */
bool store_server_clock(struct db *, struct arena *, int64_t *now, struct error *);

struct redis_facts {
	const char *version, *policy; /* policy NULL: CONFIG is not allowed */
	int64_t used, maxmemory;      /* bytes; 0: not known, or no limit */
};

bool store_redis_facts(struct redis *, struct arena *, struct redis_facts *, struct error *);

#endif
