/*
 * Runs of the sync and the items of media servers: tables of sql/0013. The statements are in
 * sql/sync.sql and sql/sync_items.sql.
 *
 * Whatever a run writes it writes in a transaction that ends with store_sync_save() or
 * store_sync_close(): these refuse (lease_lost) when another process has taken the run over.
 */
#ifndef MN_STORE_STORE_SYNC_H
#define MN_STORE_STORE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/library_news.h"
#include "model/sync.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_sync_queries[], store_sync_items_queries[];

/* --- runs ---------------------------------------------------------------------------------- */

/* Held by the connection until it unlocks or ends. */
bool store_sync_lock(struct db *, struct arena *, const char *server_id, bool *taken,
    struct error *);
bool store_sync_unlock(struct db *, struct arena *, const char *server_id, struct error *);

/* run->id is NULL where there is none. */
bool store_sync_running(struct db *, struct arena *, const char *server_id, struct sync_run *,
    struct error *);
bool store_sync_get(struct db *, struct arena *, const char *id, struct sync_run *, struct error *);
/* Newest first, behind a position (0, NULL: from the start). */
struct sync_list_ask {
	const char *server_id; /* or NULL */
	int64_t before;        /* us */
	const char *before_id;
	int limit;
};
bool store_sync_list(struct db *, struct arena *, const struct sync_list_ask *, struct sync_run **,
    size_t *n, struct error *);

/* How the run before this one ended; status NULL: there was none. */
struct sync_last {
	const char *status, *error_code;
	const char *halt_of; /* of the newest halted run that is still open, or NULL */
	bool covers;         /* this run is about all that one of these halted for */
	int64_t complete_at; /* us: start of the last one that read the server; 0: never */
};
bool store_sync_last(struct db *, struct arena *, const char *server_id, const char *run_id,
    struct sync_last *, struct error *);

/* Who holds a run: every statement about it demands both. */
struct sync_hold {
	const char *id, *owner;
};
struct sync_open {
	struct sync_hold hold;
	const char *server_id, *trigger, *section, *owner_name;
	const char *passes; /* a halted run, or NULL */
	bool full, dry;
};
bool store_sync_open(struct db *, struct arena *, const struct sync_open *, struct error *);
bool store_sync_take(struct db *, struct arena *, const struct sync_open *, struct error *);
/* Closes all that is open of the server but this run (or NULL). */
bool store_sync_abandon(struct db *, struct arena *, const char *server_id, const char *but,
    struct error *);
struct sync_progress {
	const char *phase, *counts, *sections, *errors, *state;
};
bool store_sync_phase(struct db *, struct arena *, const struct sync_hold *, const char *phase,
    struct error *);
bool store_sync_save(struct db *, struct arena *, const struct sync_hold *,
    const struct sync_progress *, struct error *);
struct sync_end {
	const char *status, *phase;
	const char *error_code, *error_message, *halt, *halt_of; /* or NULL */
};
bool store_sync_close(struct db *, struct arena *, const struct sync_hold *,
    const struct sync_end *, struct error *);
/* What the run noted; `keep`: its missing items stay. `through`: those of earlier runs go. */
bool store_sync_forget(struct db *, struct arena *, const char *run_id, bool keep, bool through,
    struct error *);
bool store_sync_expire(struct db *, struct arena *, int days, struct error *);

/* --- servers and sections ------------------------------------------------------------------ */

/* Ids of enabled servers; `which` is an id, a name or NULL: all. */
bool store_sync_servers(struct db *, struct arena *, const char *which, struct strings *ids,
    struct error *);
/* Another installation responds. *first: that is new. */
bool store_sync_server_first(struct db *, struct arena *, const char *server_id, bool *first,
    struct error *);
/* The keys of a server that was set up again mean nothing: all are found by what they are. */
bool store_sync_rekey(struct db *, struct arena *, const char *server_id, bool *wanted,
    struct error *);
bool store_sync_park_all(struct db *, struct arena *, const char *server_id, struct error *);
bool store_sync_rekeyed(struct db *, struct arena *, const char *server_id, struct error *);

struct sync_section_row {
	const char *id, *key, *title, *type, *visibility;
	bool enabled;
	bool filled; /* the catalogue has items of it */
};
bool store_sync_sections(struct db *, struct arena *, const char *server_id,
    struct sync_section_row **, size_t *n, struct error *);
bool store_sync_section_done(struct db *, struct arena *, const char *section_id, int64_t items,
    bool listed, struct error *);
/*
 * In a transaction: until it ends, nobody changes the section's rules or its server. Both are false
 * where the section is not there any more.
 */
struct sync_held {
	bool taken_in; /* the section is not left out */
	bool same;     /* the server is switched on, and still at this address */
};
bool store_sync_hold(struct db *, struct arena *, const char *section_id, const char *url,
    const char *machine_id, struct sync_held *, struct error *);

/* --- items --------------------------------------------------------------------------------- */

/* Where: every statement about a page is about this. */
struct sync_place {
	const char *run_id, *server_id, *section_id, *kind;
};

/* Places (from 0) of the items that are not plainly unchanged. */
bool store_sync_compare(struct db *, struct arena *, const struct sync_place *, struct strings keys,
    struct strings fingerprints, size_t **at, size_t *n, struct error *);

struct sync_class {
	size_t at;      /* `i` of the item */
	bool known;     /* its key is in the catalogue */
	bool same;      /* as the same item */
	bool elsewhere; /* what it is, is there under another key */
};
bool store_sync_classify(struct db *, struct arena *, const char *server_id, const char *items,
    bool by_identity, struct sync_class **, size_t *n, struct error *);
bool store_sync_park(struct db *, struct arena *, const char *server_id, struct strings keys,
    struct error *);
/* news_after: Unix seconds; -1: nobody is told. ids: of the new items. */
bool store_sync_create(struct db *, struct arena *, const struct sync_place *, const char *items,
    int64_t news_after, struct strings ids, struct error *);
struct sync_updated {
	int64_t updated, restored;
	struct strings arrived; /* items that come from another section */
};
bool store_sync_update(struct db *, struct arena *, const struct sync_place *, const char *items,
    struct sync_updated *, struct error *);
bool store_sync_put_off(struct db *, struct arena *, const struct sync_place *, const char *items,
    struct error *);

/* Part of the order of keys: behind `from` up to `to`; NULL: its start, its end. */
struct sync_gap {
	const char *from, *to;
};
struct sync_range {
	struct sync_gap keys;
	struct strings seen;
	const struct sync_gap *blind; /* where unreadable items are: nothing is known of these */
	size_t nblind;
};
bool store_sync_miss(struct db *, struct arena *, const struct sync_place *,
    const struct sync_range *, struct error *);
/* Items under these keys are there, in whatever section, but cannot be read. */
bool store_sync_unreadable(struct db *, struct arena *, const struct sync_place *,
    struct strings keys, struct error *);
/* What the kind noted so far is void: it is listed again. */
bool store_sync_again(struct db *, struct arena *, const struct sync_place *, struct error *);
/* All of the section of other kinds than these. */
bool store_sync_miss_others(struct db *, struct arena *, const struct sync_place *,
    struct strings kinds, struct error *);

/* --- what follows from the whole ----------------------------------------------------------- */

struct sync_unknown {
	const char *media_id, *key, *identity;
};
bool store_sync_unknown(struct db *, struct arena *, const struct sync_place *,
    struct strings complete, int limit, struct sync_unknown **, size_t *n, struct error *);
bool store_sync_asked(struct db *, struct arena *, const char *run_id, const char *media_id,
    bool present, struct error *);

struct sync_resolved {
	const char *key, *item;
	enum sync_resolution { SYNC_NEW, SYNC_MOVE, SYNC_WAIT } what;
	const char *media_id; /* SYNC_MOVE: which item it is */
};
/* Pending items of place->section_id behind the key `after`. */
struct sync_resolve_ask {
	struct strings complete; /* sections that were listed completely */
	const char *after;
	int limit;
};
bool store_sync_resolve(struct db *, struct arena *, const struct sync_place *,
    const struct sync_resolve_ask *, struct sync_resolved **, size_t *n, struct error *);
bool store_sync_move(struct db *, struct arena *, struct strings ids, struct strings keys,
    struct error *);

struct sync_missed {
	int64_t missing;
	int64_t beyond; /* of these, not among what the halted run missed */
	int64_t total;  /* items of the section; 0 where none is missing */
	/* The same of each kind of which some are missing. */
	struct sync_missed *kinds;
	size_t nkinds;
};
bool store_sync_missed(struct db *, struct arena *, const struct sync_place *, const char *halted,
    struct sync_missed *, struct error *);
bool store_sync_missing_add(struct db *, struct arena *, const struct sync_place *, struct error *);
bool store_sync_trash(struct db *, struct arena *, const struct sync_place *, int64_t *n,
    struct error *);
bool store_sync_adopt_orphans(struct db *, struct arena *, const char *server_id, bool *any,
    struct error *);

/* An item that people are to be told of. */
bool store_sync_news(struct db *, struct arena *, const char *server_id, int limit,
    struct library_news **, size_t *n, struct error *);
bool store_sync_news_told(struct db *, struct arena *, const char *server_id, struct error *);
/* One item of each section, or of what is news there; title: of the section. */
struct sync_sample {
	const char *section_id, *title, *media_id;
	int64_t items;
};
bool store_sync_samples(struct db *, struct arena *, const char *server_id, bool news,
    struct sync_sample **, size_t *n, struct error *);

#endif
