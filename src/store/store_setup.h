/*
 * What `medianest-admin setup` asks and tells PostgreSQL as its superuser: the four roles, the
 * database, and who may connect.
 */
#ifndef MN_STORE_SETUP_H
#define MN_STORE_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_setup_queries[];

#define SETUP_ROLES 4

struct cluster_facts {
	int64_t version_num; /* 150008 */
	const char *hba_file, *ident_file;
	/* of pg_hba.conf as it lies there, not as it was loaded: NULL, or "line 7: ..." */
	const char *hba_error;
	/* the first line that applies to the four roles is ours */
	bool hba_first;
	bool roles[SETUP_ROLES]; /* which exist, in the order of setup_roles[] */
	bool database;
	const char *database_owner;
	bool loaded; /* since both files were last changed */
	int64_t buffers_mb;
	bool others; /* the cluster has databases of others */
};

extern const char *const setup_roles[SETUP_ROLES];
/* The roles as one field of pg_hba.conf. */
#define SETUP_ROLES_LIST "medianest_migrate,medianest_api,medianest_worker,medianest_store"

bool store_cluster_facts(struct db *, struct arena *, struct cluster_facts *, struct error *);
bool store_role_create(struct db *, int role, struct error *);
bool store_database_create(struct db *, struct error *);
bool store_cluster_reload(struct db *, struct arena *, struct error *);
/* shared_buffers after the next start; 0 MB: what the configuration files say. */
bool store_cluster_buffers(struct db *, struct arena *, int64_t mb, struct error *);

#endif
