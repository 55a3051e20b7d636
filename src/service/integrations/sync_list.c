/*
 * Lists a section: each of its kinds, page by page, in the order of the keys. What proves that a
 * listing is complete: keys only rise, each page begins with the last item of the page before it,
 * and there are as many items as the server counts, at the start and at the end. Then an item that
 * is not between its neighbours was not there when they were listed.
 */
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"
#include "store/pg.h"

#include "core/banned.h"

#define NS_PER_MS 1000000

static void
pause_ms(const struct sync_engine *e, int64_t ms)
{
	int64_t until = clock_monotonic() + ms * US_PER_MS, left = ms;

	while (left > 0 && !sync_stopped(e)) {
		int64_t step = left < SYNC_STOP_MS ? left : SYNC_STOP_MS;

		nanosleep(&(struct timespec) { .tv_nsec = (long)(step * NS_PER_MS) }, NULL);
		left = (until - clock_monotonic()) / US_PER_MS;
	}
}

void
sync_yield(struct sync_engine *e, struct arena *arena, int64_t took_ms)
{
	int64_t now = clock_monotonic(), n;
	struct error ignored;

	if (e->playing_at == 0 || now - e->playing_at >= SYNC_PLAYING_S * US_PER_SEC) {
		e->playing_at = now;
		e->playing =
		    e->client->kind->playing(arena, e->client, &n, &ignored) != ANSWER_PRESENT ||
		    n > 0;
	}
	if (e->playing)
		pause_ms(e, took_ms * SYNC_YIELD);
}

static void
follow_pace(struct sync_engine *e, int64_t took_ms)
{
	if (took_ms <= SYNC_QUICK_MS && e->page_size < e->page_most)
		e->page_size *= 2;
	else if (took_ms > SYNC_SLOW_MS && e->page_size > SYNC_PAGE_MIN)
		e->page_size /= 2;
	if (e->page_size > e->page_most)
		e->page_size = e->page_most;
	if (e->page_size < SYNC_PAGE_MIN)
		e->page_size = SYNC_PAGE_MIN;
}

/* --- one page -------------------------------------------------------------------------------- */

static bool
on_item(void *context, const struct server_item *item, const char *key, const char *why)
{
	sync_entry_read(context, item, key, why);
	return true;
}

/* Before a page is asked for again that took so long to fail: that was the server's time too. */
static int64_t
pause_of(const struct sync_engine *e, int try, int64_t took_ms)
{
	int64_t pause = (e->ask->retry_ms > 0 ? e->ask->retry_ms : SYNC_RETRY_MS) << try;

	return e->playing && took_ms * SYNC_YIELD > pause ? took_ms * SYNC_YIELD : pause;
}

/* Asks for a page, for a small one where the server refuses. False: it does not come. */
static bool
page_read(struct sync_page *page, struct server_count *count, int64_t *asked, struct error *err)
{
	struct sync_engine *e = page->engine;

	for (int try = 0; try < SYNC_TRIES && !sync_stopped(e); try++) {
		const struct server_page want = { .section = section_now(e)->row.key,
			.kind = kind_now(e),
			.start = e->cursor.start,
			.size = e->page_size,
			.each = on_item,
			.context = page };
		int64_t start = clock_monotonic();

		page->n = page->nerrors = 0;
		*asked = want.size;
		if (e->client->kind->items(page->call.arena, e->client, &want, count, err) ==
		    ANSWER_PRESENT)
			return true;
		log_notice(page->call.svc->log, "library %s, %s from %lld: %s (%s)",
		    section_now(e)->row.key, want.kind, (long long)want.start, err->message,
		    err->detail);
		e->page_most = want.size / 2 > SYNC_PAGE_MIN ? want.size / 2 : SYNC_PAGE_MIN;
		e->page_size = SYNC_PAGE_MIN;
		arena_reset(page->call.arena);
		page->cap = 0;
		page->errors = NULL;
		if (try + 1 < SYNC_TRIES)
			pause_ms(e, pause_of(e, try, (clock_monotonic() - start) / US_PER_MS));
	}
	return false;
}

static bool
key_before(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	return la != lb ? la < lb : strcmp(a, b) < 0;
}

/* What a page is, compared with those before it. */
enum verdict { PAGE_GOOD, PAGE_LAST, PAGE_DOUBTFUL };

/* Do its keys continue those before it, without a gap and without repetition? */
static bool
continues(const struct sync_page *page, const struct sync_cursor *c)
{
	const char *last = NULL;

	if (c->last[0] != '\0' && (page->n == 0 || !str_eq(page->entries[0].key, c->last)))
		return false;
	for (size_t i = 0; i < page->n; i++) {
		const char *key = page->entries[i].key;

		if (key == NULL)
			continue;
		if (last != NULL && !key_before(last, key))
			return false;
		last = key;
	}
	return true;
}

/* A total of no more than this page: the server counts nothing else. */
static bool
counts_all(const struct sync_cursor *c, const struct server_count *count)
{
	return count->total >= c->start + count->given &&
	    !(c->start > 0 && count->total == count->given);
}

static enum verdict
judge(struct sync_page *page, const struct server_count *count, int64_t asked,
    struct sync_span *span)
{
	struct sync_cursor *c = &page->engine->cursor;
	bool counted = counts_all(c, count), full = count->given >= asked;
	int64_t end = c->start + count->given;

	*span = (struct sync_span) { .first = c->last[0] != '\0', .end = page->n };
	if (!continues(page, c) || (int64_t)page->n != count->given)
		return PAGE_DOUBTFUL;
	if (counted && c->total >= 0 && c->total != count->total)
		return PAGE_DOUBTFUL;
	if (counted)
		c->total = count->total;
	/* A full page whose total is its own size may be all that an old server says of many. */
	span->final = !full ? (!counted || end == count->total) :
			      (counted && end == count->total && end != asked);
	c->listed = end;
	if (span->final)
		return PAGE_LAST;
	if (!full && counted)
		/* Fewer than were asked for, and more are said to follow: it may cap its pages. */
		full = count->given > (int64_t)span->first;
	/* Behind the last item whose key is known: there the next page begins. */
	while (span->end > 0 && page->entries[span->end - 1].key == NULL)
		span->end--;
	return full && span->end > span->first ? PAGE_GOOD : PAGE_DOUBTFUL;
}

/* Key of its first item that has one, or "". */
static const char *
first_key(const struct sync_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		if (page->entries[i].key != NULL)
			return page->entries[i].key;
	return "";
}

static void
advance(struct sync_engine *e, const struct sync_page *page, const struct sync_span *span)
{
	struct sync_cursor *c = &e->cursor;

	if (c->lenient) {
		c->start += (int64_t)page->n;
		str_copy(c->last, sizeof(c->last), first_key(page));
		return;
	}
	if (span->end == 0)
		return;
	c->start += (int64_t)span->end - 1;
	str_copy(c->last, sizeof(c->last),
	    page->entries[span->end - 1].key == NULL ? "" : page->entries[span->end - 1].key);
}

static bool
write_page_in(struct sync_page *page, const struct sync_span *span, bool *go, struct error *err)
{
	struct sync_engine *e = page->engine;

	if (!sync_hold(&page->call, e, section_now(e), go, err))
		return false;
	if (!*go)
		return true;
	if (!sync_page_write(page, span, err))
		return false;
	advance(e, page, span);
	return sync_save(&page->call, e, err);
}

/* *go false: there is nothing more to list here. */
static bool
write_page(struct sync_page *page, const struct sync_span *span, bool *go, struct error *err)
{
	struct db *db = page->call.svc->db;

	if (!db_begin(db, err) || !db_end(db, write_page_in(page, span, go, err), err))
		return false;
	if (!*go)
		return true;
	page->engine->phase = "GetSectionItems";
	if (page->engine->ask->progress != NULL) {
		const struct sync_counts counts = sync_counts_of(page->engine);

		page->engine->ask->progress(page->engine->ask->progress_context,
		    section_now(page->engine)->row.title, &counts);
	}
	return true;
}

/* --- one kind -------------------------------------------------------------------------------- */

enum listing {
	LISTING_GOES_ON,
	LISTING_DONE,
	LISTING_BROKEN, /* it does not hold together: the library changes meanwhile */
	LISTING_FAILED, /* a page does not come */
	LISTING_OVER,   /* the run was told to stop, or the library is left out */
};

/*
 * The last way: whatever comes is there, and nothing is known to be missing. It ends where the
 * server says or where it repeats itself: there are servers, and caches in front of them, that
 * send the first page whatever is asked for.
 */
static bool
lenient_page(struct sync_page *page, const struct server_count *count, int64_t asked,
    enum listing *state, struct error *err)
{
	const struct sync_cursor *c = &page->engine->cursor;
	struct sync_span span = { .end = page->n };
	const char *first = first_key(page);
	int64_t end = c->start + count->given;
	bool go;
	bool ends = end >= count->total && (count->total >= 0 || count->given < asked);

	*state = LISTING_DONE;
	if (count->given == 0 || (first[0] != '\0' && str_eq(first, c->last)))
		return true;
	sync_page_unique(page);
	if (!write_page(page, &span, &go, err))
		return false;
	*state = !go ? LISTING_OVER : ends ? LISTING_DONE : LISTING_GOES_ON;
	return true;
}

static bool
one_page(struct sync_page *page, enum listing *state, struct error *err)
{
	struct sync_engine *e = page->engine;
	struct server_count count;
	struct sync_span span;
	enum verdict verdict;
	struct error why;
	int64_t asked;
	bool go = true;

	if (!page_read(page, &count, &asked, &why)) {
		*state = sync_stopped(e) ? LISTING_OVER : LISTING_FAILED;
		if (*state == LISTING_FAILED)
			sync_gave_up(e, &why);
		return true;
	}
	follow_pace(e, count.took_ms);
	if (e->cursor.lenient) {
		if (!lenient_page(page, &count, asked, state, err))
			return false;
	} else {
		verdict = judge(page, &count, asked, &span);
		span.proves = true;
		if (verdict != PAGE_DOUBTFUL && !write_page(page, &span, &go, err))
			return false;
		*state = !go             ? LISTING_OVER :
		    verdict == PAGE_GOOD ? LISTING_GOES_ON :
		    verdict == PAGE_LAST ? LISTING_DONE :
					   LISTING_BROKEN;
	}
	sync_yield(e, page->call.arena, count.took_ms);
	return true;
}

/*
 * Does the listing end where it was read to the end? If anything is missing, the server is asked
 * once more: for the last item, and for what would come after it.
 */
static bool
end_holds(struct sync_page *page, bool *holds, struct error *err)
{
	struct sync_engine *e = page->engine;
	const struct sync_cursor *c = &e->cursor;
	struct sync_place place = sync_place_of(e, section_now(e));
	const struct server_page want = { .section = section_now(e)->row.key,
		.kind = kind_now(e),
		.start = c->listed > 0 ? c->listed - 1 : 0,
		.size = 2,
		.each = on_item,
		.context = page };
	struct sync_missed missed;
	struct server_count count;
	struct error why;
	int64_t start;

	if (!store_sync_missed(page->call.svc->db, page->call.arena, &place, NULL, &missed, err))
		return false;
	*holds = missed.missing == 0 && c->total == c->listed;
	if (*holds)
		return true;
	page->n = page->nerrors = 0;
	start = clock_monotonic();
	*holds = e->client->kind->items(page->call.arena, e->client, &want, &count, &why) ==
		ANSWER_PRESENT &&
	    count.total == c->listed && (c->total < 0 || c->total == c->listed) &&
	    page->n == (c->listed > 0) &&
	    (page->n == 0 || c->last[0] == '\0' || str_eq(page->entries[0].key, c->last));
	sync_yield(e, page->call.arena, (clock_monotonic() - start) / US_PER_MS);
	return true;
}

static bool
again_in(struct sync_page *page, struct error *err)
{
	struct sync_engine *e = page->engine;
	struct sync_cursor *c = &e->cursor;
	struct sync_section *section = section_now(e);
	struct sync_place place = sync_place_of(e, section);

	place.kind = kind_now(e);
	c->tries++;
	c->lenient = c->tries + 1 >= SYNC_TRIES;
	c->start = 0;
	c->total = -1;
	c->last[0] = '\0';
	section->counts.seen = c->seen_before;
	section->in_trash = c->trash_before;
	return store_sync_again(page->call.svc->db, page->call.arena, &place, err) &&
	    sync_save(&page->call, e, err);
}

static bool
again(struct sync_page *page, struct error *err)
{
	struct db *db = page->call.svc->db;

	return db_begin(db, err) && db_end(db, again_in(page, err), err);
}

/* Pages until the kind is listed, or cannot be. */
static bool
pages(struct sync_page *page, enum listing *state, struct error *err)
{
	struct sync_engine *e = page->engine;
	bool holds;

	*state = LISTING_GOES_ON;
	while (*state == LISTING_GOES_ON) {
		arena_reset(page->call.arena);
		*page = (struct sync_page) { .call = page->call, .engine = e };
		if (sync_stopped(e))
			*state = LISTING_OVER;
		else if (!one_page(page, state, err))
			return false;
	}
	if (*state != LISTING_DONE || e->cursor.lenient)
		return true;
	if (!end_holds(page, &holds, err))
		return false;
	if (!holds)
		*state = LISTING_BROKEN;
	return true;
}

static bool
list_kind(struct sync_page *page, enum listing *state, struct error *err)
{
	struct sync_engine *e = page->engine;

	for (;;) {
		if (!pages(page, state, err))
			return false;
		if (*state != LISTING_BROKEN || e->cursor.lenient)
			return true;
		if (!again(page, err))
			return false;
		log_notice(page->call.svc->log, "library %s changed while it was listed%s",
		    section_now(e)->row.key, e->cursor.lenient ? " again" : "");
	}
}

/* --- the section ----------------------------------------------------------------------------- */

static void
next_kind(struct sync_engine *e)
{
	const struct sync_section *section = section_now(e);

	e->cursor = (struct sync_cursor) { .section = e->cursor.section,
		.kind = e->cursor.kind + 1,
		.total = -1,
		.seen_before = section->counts.seen,
		.trash_before = section->in_trash };
}

/* What the section has of kinds that it cannot have: it is of another type now. */
static bool
other_kinds(struct sync_engine *e, struct arena *arena, struct error *err)
{
	const char *const *kinds = e->client->kind->kinds_of(section_now(e)->row.type);
	struct sync_place place = sync_place_of(e, section_now(e));
	size_t n = 0;

	while (kinds[n] != NULL)
		n++;
	return store_sync_miss_others(e->call->svc->db, arena, &place,
	    (struct strings) { kinds, n }, err);
}

static bool
list_kinds(struct sync_page *page, struct error *err)
{
	struct sync_engine *e = page->engine;
	struct sync_section *section = section_now(e);
	enum listing state = LISTING_DONE;

	section->state = SECTION_RUNNING;
	while (kind_now(e) != NULL) {
		if (!list_kind(page, &state, err))
			return false;
		if (state == LISTING_OVER)
			return true;
		section->doubted = section->doubted || state != LISTING_DONE || e->cursor.lenient;
		if (e->over)
			break;
		next_kind(e);
	}
	section->state = section->doubted ? SECTION_PARTIAL : SECTION_LISTED;
	return section->doubted || other_kinds(e, page->call.arena, err);
}

bool
sync_list_section(struct sync_engine *e, struct error *err)
{
	struct arena arena;
	struct sync_page page = { .call = *e->call, .engine = e };
	bool ok;

	arena_init(&arena);
	page.call.arena = &arena;
	ok = list_kinds(&page, err);
	arena_clear(&arena);
	return ok;
}
