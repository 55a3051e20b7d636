/*
 * Requests for titles, kept by Overseerr or Seerr. What is read here is the last known state, so
 * that a list is there while Overseerr is not; what is changed is changed there first.
 */
#ifndef MN_SERVICE_INTEGRATIONS_REQUESTS_H
#define MN_SERVICE_INTEGRATIONS_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/request.h"
#include "service/job.h"
#include "service/list.h"

struct arena;
struct call;
struct error;

#define REQUEST_REASON_MAX 500   /* characters */
#define REQUEST_SEASON_MAX 10000 /* number of a season */
#define REQUEST_TMDB_MAX 2147483647

/*
 * In the caller's transaction: the state of this request (Overseerr's id; NULL: of all) is asked
 * for soon. Does nothing where no Overseerr is set up.
 */
bool requests_refresh_soon(const struct call *, const char *request_id, struct error *);

struct requests_ask {
	struct list_ask list;
	const char *status; /* or NULL */
	bool own;           /* of the caller; without integrations.configure always */
};
struct requests {
	struct title_request *items;
	bool stale;    /* Overseerr did not say lately */
	int64_t since; /* when it said something last; 0: never */
};
bool requests_list(const struct call *, const struct requests_ask *, struct requests *,
    struct page *, struct error *);
/* One request, as a list of one. ERR_NOT_FOUND also for those of others. */
bool requests_get(const struct call *, const char *id, struct requests *, struct error *);

/* Its name for people. */
const char *request_name(struct arena *, const struct title_request *);

struct request_new {
	const char *media_type;
	int64_t tmdb_id;
	bool is4k;
	struct seasons seasons;
};
/*
 * Asks as the caller's user of Overseerr. *made: Overseerr took it now; else the caller had it
 * already. Errors:
 *	not_linked		ERR_CONFLICT, the caller is nobody in Overseerr
 *	already_requested	ERR_CONFLICT, by somebody else
 *	no_seasons_left		ERR_CONFLICT
 *	request_refused		ERR_FORBIDDEN, the user may not ask for this
 *	quota_reached		ERR_FORBIDDEN, with the time until there is room where that is known
 *	acting_failed		ERR_UPSTREAM, it was made in another's name and was taken back
 *	overseerr_*		it did not answer; the list shows the request once it is found
 */
bool requests_create(const struct call *, const struct request_new *, struct requests *, bool *made,
    struct error *);
/* `what`: approve, decline (reason or NULL) or retry. */
bool requests_decide(const struct call *, const char *id, const char *what, const char *reason,
    struct requests *, struct error *);
/* One's own, or with integrations.configure any. */
bool requests_remove(const struct call *, const char *id, struct error *);

/* In a transaction: a poster is there now; pages that show requests for its title hear of it. */
bool requests_poster_came(const struct call *, const char *path, struct error *);

job_run_fn requests_refresh_run; /* one request, or all */
job_run_fn requests_upkeep_run;  /* all, every few minutes */

#endif
