/* Media servers for those who set them up: what the routes of /api/integrations/plex need. */
#ifndef MN_SERVICE_INTEGRATIONS_SERVER_ADMIN_H
#define MN_SERVICE_INTEGRATIONS_SERVER_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/server.h"
#include "service/job.h"
#include "service/list.h"

struct call;
struct error;

#define SERVER_NAME_MAX 100   /* code points */
#define SERVER_URL_MAX 250    /* bytes */
#define SERVER_TOKEN_MAX 2048 /* bytes */
#define SERVER_KEY_MAX 64     /* bytes of a library's key, or of a machineIdentifier */
#define SERVER_KEYS_MAX 200   /* libraries that a new server includes or excludes */

/* ERR_NOT_FOUND not_found where there is none. */
bool server_get(const struct call *, const char *id, struct server *, struct error *);
bool server_list(const struct call *, const struct list_ask *, struct server **, struct page *,
    struct error *);

struct server_new {
	const char *kind; /* of media_server.h */
	const char *name, *url, *token;
	bool enabled;
	bool all; /* libraries: include is not asked for */
	struct strings include, exclude;
};
/*
 * Asks the server who it is first, but adds it also where it cannot be reached. ERR_CONFLICT
 * server_exists: it is there already, under another address.
 */
bool server_create(const struct call *, const struct server_new *, struct server *, struct error *);

/* NULL: stays as it is. A new address needs the token again: the stored one goes to no other. */
struct server_change {
	int64_t version; /* expected; 0: any */
	const char *name, *url, *token;
	const bool *enabled;
};
bool server_change(const struct call *, const char *id, const struct server_change *,
    struct server *, struct error *);
/*
 * The server that responds now is the one that was set up, installed again: its items keep what
 * people made of them, and are found again by what they are. ERR_CONFLICT nothing_to_adopt: another
 * one responds, or nobody was asked.
 */
bool server_adopt(const struct call *, const char *id, const char *machine_id, struct server *,
    struct error *);
/* Its items go to the trash, or for good; many of them by a job. */
bool server_remove(const struct call *, const char *id, bool purge, struct error *);
job_run_fn server_remove_run;

/* What the test button says: a code of the API, and what to do. */
struct server_test {
	const char *code; /* one of SERVER_TEST_LIST */
	const char *message;
	/* Who responds; machine_id NULL: unknown. */
	const char *name, *version, *machine_id;
};
/* Tests what is not saved. False only where the house itself failed. */
bool server_test_new(const struct call *, const char *kind, const char *url, const char *token,
    struct server_test *, struct error *);
bool server_test_saved(const struct call *, const char *id, struct server_test *, struct error *);

#endif
