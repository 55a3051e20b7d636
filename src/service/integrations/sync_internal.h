/* What the files of the sync share: one run, its sections, and a page of items. */
#ifndef MN_SERVICE_INTEGRATIONS_SYNC_INTERNAL_H
#define MN_SERVICE_INTEGRATIONS_SYNC_INTERNAL_H

#include "client/media_server.h"
#include "core/arena.h"
#include "core/id.h"
#include "model/server.h"
#include "service/call.h"
#include "service/integrations/sync.h"
#include "store/store_sync.h"

struct json;

#define SYNC_PAGE_FIRST 500
#define SYNC_PAGE_MAX 2000
#define SYNC_PAGE_MIN 50
#define SYNC_QUICK_MS 1000       /* a page that comes faster lets pages grow */
#define SYNC_SLOW_MS 5000        /* a slower one makes them shrink */
#define SYNC_TRIES 3             /* listings of a kind, and requests of a page */
#define SYNC_PLAYING_S 30        /* between questions whether somebody is playing */
#define SYNC_YIELD 3             /* parts of the time that are left to people who play */
#define SYNC_STOP_MS 200         /* a pause looks so often whether it is to stop */
#define SYNC_RETRY_MS 200        /* before a page is requested again; grows */
#define SYNC_RESUME_S 3600       /* an older interrupted run is not resumed */
#define SYNC_VANISH_PERCENT 20   /* more of a section missing: the run halts */
#define SYNC_SMALL 10            /* a section of fewer items: only when all are missing */
#define SYNC_ASKED_MAX 200       /* single items asked for in a run, */
#define SYNC_ASKED_MIN 10        /* of a small library this many, */
#define SYNC_ASKED_EACH 200      /* of a larger one for so many of its items one */
#define SYNC_BATCH 500           /* pending items settled in one transaction */
#define SYNC_STATEMENT_MS 120000 /* a page's transaction may write 2000 items */
#define SYNC_NEWS_MAX 2000       /* new items that are told by group; more are one note, */
#define SYNC_NEWS_GROUPS 5       /* and so is what would be more notes than this */
#define SYNC_LOOKUPS_MAX 500     /* new items that are looked up while the run goes on */
#define SYNC_OLD_S (7 * 86400)   /* what was added longer ago is no news */

#define SYNC_SECTION_STATES(X) \
	X(WAITING, "waiting") \
	X(RUNNING, "running") \
	X(LISTED, "listed") \
	X(OK, "ok") X(PARTIAL, "partial") X(HALTED, "halted") X(EXCLUDED, "excluded")
enum sync_section_state {
#define STATE(id, word) SECTION_##id,
	SYNC_SECTION_STATES(STATE)
#undef STATE
};

struct sync_section {
	struct sync_section_row row;
	enum sync_section_state state;
	bool listed;      /* the server's list of sections has it */
	int64_t in_trash; /* items that lie in the server's own trash */
	bool doubted;     /* a kind of it could not be listed completely */
	int64_t waiting;  /* items that may be moves, which only another run can tell */
	struct sync_counts counts;
	struct sync_missed missed;
};

/* Where the listing of a kind is. */
struct sync_cursor {
	size_t section, kind;
	int64_t start;  /* position of the next page's first item */
	int64_t total;  /* -1: not known yet */
	int64_t listed; /* items up to the end of the last page */
	/* Key at `start`, which the page repeats; if lenient, the first of the last page; or "" */
	char last[MEDIA_SERVER_KEY_MAX + 1];
	int64_t seen_before; /* seen of the section when the kind began */
	int64_t trash_before;
	int tries;    /* listings of this kind that were begun before */
	bool lenient; /* the last one: takes what comes, and proves nothing */
};

struct sync_engine {
	const struct call *call; /* its arena lives as long as the run */
	const struct sync_ask *ask;
	const struct server *server;
	const struct media_server *client;
	struct media_server proven; /* the client, with the installation that is compared */
	const char *machine_id; /* the installation that is compared; known once it has responded */
	struct sync_hold hold;
	struct sync_last last;
	const char *passes; /* the run whose missing items may go, or NULL */
	bool full, dry, rekey, settled;
	const char *phase;
	int64_t started_at;

	struct sync_section *sections;
	size_t nsections;
	struct sync_cursor cursor;
	struct sync_counts counts; /* of the sections together; errors of the run */
	struct buf errors;         /* JSON elements */
	int64_t nerrors;

	int64_t page_size;
	int64_t page_most;  /* the server refuses larger ones */
	int64_t playing_at; /* monotonic us of the last question; 0: never */
	bool playing;

	/* Why it ended early, or NULL. */
	const char *error_code, *error_message;
	bool away;
	bool over; /* there is no use in further questions */
	const char *halt_reason, *halt_section;
	struct sync_missed halt;
	bool used;     /* when it halted: the server is still switched on, and the same */
	bool halt_new; /* beyond what an earlier run halted for */
};

/* Where the listing is. */
static inline struct sync_section *
section_now(struct sync_engine *e)
{
	return &e->sections[e->cursor.section];
}

static inline const char *
kind_now(struct sync_engine *e)
{
	return e->client->kind->kinds_of(section_now(e)->row.type)[e->cursor.kind];
}

/* An item of a page: what the engine says of it as JSON, and what that is compared by. */
struct sync_entry {
	const char *key;                /* NULL: unreadable, and nobody knows which */
	const char *json, *fingerprint; /* NULL: unreadable */
	bool trashed;                   /* in the server's own trash */
	bool repeated;                  /* the page has its key before */
};
struct sync_page {
	struct call call; /* with an arena of its own */
	struct sync_engine *engine;
	struct sync_entry *entries;
	size_t n, cap;
	const char **errors; /* JSON of what was unreadable */
	size_t nerrors;
};

/* sync_list.c: lists a section, page by page. */
bool sync_list_section(struct sync_engine *, struct error *);
/*
 * After a question that took the server so long: nobody who watches something is to notice us. The
 * pause is the pace of what comes next.
 */
void sync_yield(struct sync_engine *, struct arena *, int64_t took_ms);

/* sync_show.c: of these reports only what the caller may know. */
bool sync_show(const struct call *, struct sync_run *, size_t n, struct error *);

/* sync_page.c */
void sync_entry_read(struct sync_page *, const struct server_item *, const char *key,
    const char *why);
const char *sync_identity(struct arena *, const struct server_item *);
/* Texts of JSON as an array of them. */
const char *sync_array(struct arena *, const char *const *items, size_t n);
/* Marks entries whose key the page has before. */
void sync_page_unique(struct sync_page *);
/* In the page's transaction: entries from `first` to `last`, in the place of the cursor. */
struct sync_span {
	size_t first, end;
	bool final;  /* nothing follows */
	bool proves; /* what is not there may be missing */
};
bool sync_page_write(struct sync_page *, const struct sync_span *, struct error *);
struct sync_place sync_place_of(const struct sync_engine *, const struct sync_section *);
/* Creates, or updates items that the catalogue has under these keys; JSON arrays. */
bool sync_write_new(const struct call *, struct sync_engine *, struct sync_section *,
    const char *const *items, size_t n, struct error *);
bool sync_write_known(const struct call *, struct sync_engine *, struct sync_section *,
    const char *items, struct sync_updated *, struct error *);
/*
 * First in each transaction that writes items of a section: its rules and its server stay what they
 * are until the commit. *go false: the library is left out by now, or the server was switched off,
 * removed or changed, which ends the run.
 */
bool sync_hold(const struct call *, struct sync_engine *, struct sync_section *, bool *go,
    struct error *);
/* Ends the run of a server that is not to be compared any more. */
void sync_server_off(struct sync_engine *);

/* sync_settle.c: moves, deletions, what has to wait for the whole. */
bool sync_settle(struct sync_engine *, struct error *);

/* sync_report.c */
bool sync_save(const struct call *, struct sync_engine *, struct error *);
bool sync_phase(struct sync_engine *, const char *phase, struct error *);
void sync_load(struct sync_engine *, const struct sync_run *);
/* Has this run taken the keys from all items, as the server was set up again? */
bool sync_was_rekeyed(struct arena *, const struct sync_run *);
void sync_error(struct sync_engine *, const char *json);
struct sync_counts sync_counts_of(const struct sync_engine *);
void sync_counts_put(struct json *, const char *name, const struct sync_counts *);
const char *sync_sections_json(const struct sync_engine *, struct arena *);
/* An answer of the server that ends the run. */
void sync_gave_up(struct sync_engine *, const struct error *);

/* sync_end.c: closes the run and tells people. */
bool sync_end(struct sync_engine *, struct sync_outcome *, struct error *);

bool sync_stopped(const struct sync_engine *);

#endif
