/* A connection for the commands of PostgreSQL: in their environment, where nobody else sees it. */
#ifndef MN_STORE_PG_ENVIRONMENT_H
#define MN_STORE_PG_ENVIRONMENT_H

struct arena;

/* "PGHOST=..." and its like, NULL at the end. */
const char *const *pg_environment(struct arena *, const char *conninfo);
const char *pg_database_name(struct arena *, const char *conninfo);

#endif
