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
	const char *encoding;
};

bool store_server_facts(struct db *, struct arena *, struct server_facts *, struct error *);

struct redis_facts {
	const char *version, *policy; /* policy NULL: CONFIG is not allowed */
};

bool store_redis_facts(struct redis *, struct arena *, struct redis_facts *, struct error *);

#endif
