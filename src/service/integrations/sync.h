/*
 * The sync: compares what media servers have with the catalogue.
 *
 * medianest-sync and the worker's job call sync_server(): one run of one server, from the first
 * question to the report. A run asks page by page and writes page by page, one commit for each, so
 * that it can be interrupted anywhere and goes on where it was. It deletes on evidence only
 * (HACKING.md, 'How the sync decides').
 *
 * sync_request() wants a run: the worker runs it.
 */
#ifndef MN_SERVICE_INTEGRATIONS_SYNC_H
#define MN_SERVICE_INTEGRATIONS_SYNC_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/sync.h"
#include "service/job.h"
#include "service/list.h"

struct call;
struct error;
struct media_server;
struct server;

#define SYNC_SERVERS_AT_ONCE 4 /* of medianest-sync; the worker's queue says the same (job.c) */
#define SYNC_KEEP_DAYS 90      /* reports */
#define SYNC_ERRORS_KEPT 100   /* of one run */

struct sync_counts {
	int64_t seen, created, updated, unchanged, moved, missing, deleted, restored, errors;
};

/* What is wanted of a run. */
struct sync_ask {
	const char *trigger; /* of SYNC_TRIGGER_LIST */
	const char *section; /* key of the only one; NULL: all */
	const char *passes;  /* a halted run whose deletion an admin lets pass, or NULL */
	bool full;           /* compare every field, whatever the fingerprint says */
	bool dry;            /* change nothing but the report */
	const volatile sig_atomic_t *stop; /* or NULL: end after this page, to be resumed */
	int64_t retry_ms;                  /* before a page is requested again; 0: SYNC_RETRY_MS */
	/* After each page, or NULL. */
	void (*progress)(void *context, const char *section, const struct sync_counts *);
	void *progress_context;
};

/* How it ended; texts belong to the arena of the call. */
struct sync_outcome {
	const char *run_id, *status;            /* of SYNC_STATUS_LIST; running: it was stopped */
	const char *error_code, *error_message; /* or NULL */
	bool away;                              /* the server could not be asked: later it may */
	struct sync_counts counts;
};

/*
 * Runs. True for every end that has a report, failures of the server included. ERR_UNAVAILABLE
 * sync_busy: another run of this server is at work (the message says whose and since when);
 * lease_lost: another process took the run over.
 */
bool sync_server(const struct call *, const char *server_id, const struct sync_ask *,
    struct sync_outcome *, struct error *);
/* The same with a server that has been looked up, and a client for it. */
bool sync_with(const struct call *, const struct server *, const struct media_server *,
    const struct sync_ask *, struct sync_outcome *, struct error *);

/*
 * In the caller's transaction: a run of one server (NULL: of all), or of one section of it (NULL:
 * all). Runs that already wait for the same are one. trigger: api or event.
 */
bool sync_request(const struct call *, const char *server_id, const char *section_key,
    const char *trigger, struct error *);

/* POST /api/integrations/plex/sync: ERR_NOT_FOUND where there is no such server. */
struct sync_wish {
	const char *server_id, *section; /* or NULL */
	bool full, dry;
};
bool sync_wish(const struct call *, const struct sync_wish *, struct error *);
/* A run that lets pass what halted this one. ERR_CONFLICT sync_not_halted. */
bool sync_continue(const struct call *, const char *run_id, struct error *);
bool sync_get(const struct call *, const char *run_id, struct sync_run *, struct error *);
bool sync_list(const struct call *, const char *server_id, const struct list_ask *,
    struct sync_run **, struct page *, struct error *);

job_run_fn sync_job_run;
job_run_fn sync_expire_run;

#endif
