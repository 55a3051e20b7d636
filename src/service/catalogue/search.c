/* The search itself: legs, widening, the page. See search.h. */
#include "service/catalogue/search.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/search_fuse.h"
#include "service/catalogue/search_leg.h"
#include "service/catalogue/search_parse.h"
#include "service/catalogue/search_words.h"
#include "service/services.h"
#include "store/store_search.h"
#include "core/banned.h"

/* Legs without a function are always "off"; search_set_leg() may give them one. */
static struct search_leg legs[] = {
	{ "text", 1.0, 1000, .sql = store_search_text },
	{ "metadata", 0.7, 500, .sql = store_search_metadata, .whole = 2.5 },
	{ .name = "similar" },
	{ .name = "plex" },
};
_Static_assert(sizeof(legs) / sizeof(legs[0]) <= SEARCH_SOURCES_MAX, "a place for each leg");

const char *
search_state_name(enum source_state state)
{
	static const char *const names[] = { "off", "ok", "timeout", "error" };

	return names[state];
}

static bool
words_remain(const struct search_run *run)
{
	return search_words_count(&run->query, TERM_WORD) > 0 ||
	    search_words_count(&run->query, TERM_PHRASE) > 0;
}

/*
 * Tries the same text with both years and kinds, kinds alone, years alone, and neither, until one
 * finds something. Both are left out only if words remain.
 */
static bool
attempt_soft(struct search_run *run, struct error *err)
{
	struct search_ask full = run->ask;
	bool years = full.soft_years != NULL, kinds = full.nsoft_kinds > 0;

	if (!search_legs_read(run, err))
		return false;
	if (!search_legs_want_more(run))
		return true;
	if (years && kinds) {
		run->ask.soft_years = NULL;
		if (!search_legs_read(run, err))
			return false;
		if (search_legs_want_more(run)) {
			run->ask = full;
			run->ask.nsoft_kinds = 0;
			if (!search_legs_read(run, err))
				return false;
		}
	}
	if (search_legs_want_more(run) && (years || kinds) && words_remain(run)) {
		run->ask.soft_years = NULL;
		run->ask.nsoft_kinds = 0;
		if (!search_legs_read(run, err))
			return false;
	}
	run->ask = full;
	return true;
}

/* Takes the last word as a prefix: the person may still be typing. */
static bool
attempt_typing(struct search_run *run, struct error *err)
{
	struct search_query *q = &run->query;
	const char *terms = run->ask.terms;
	bool ok;

	if (!q->typing || strlen(q->terms[q->nterms - 1].text) < SEARCH_BEGINNING_MIN)
		return true;
	run->ask.terms = search_words_terms(run->call->arena, q, q->nterms - 1, WORDS_ALL);
	run->ask.beginning = q->terms[q->nterms - 1].text;
	ok = attempt_soft(run, err);
	if (ok && search_legs_want_more(run)) {
		run->ask.terms = terms;
		run->ask.beginning = "";
	}
	return ok;
}

/* Asks for what the query has become. */
static bool
attempt_changed(struct search_run *run, struct error *err)
{
	struct arena *arena = run->call->arena;

	run->ask.terms = search_words_terms(arena, &run->query, run->query.nterms, WORDS_ALL);
	run->ask.title = search_words_plain(arena, &run->query);
	return attempt_soft(run, err);
}

/*
 * Corrects unknown words: the hits are those of the corrected query, and the response has it as
 * did_you_mean.
 */
static bool
attempt_corrected(struct search_run *run, bool *changed, struct error *err)
{
	if (!search_words_correct(run->call, &run->ask.reader, &run->query, changed, err))
		return false;
	return !*changed || attempt_changed(run, err);
}

/*
 * Whether there are words, or parts of a word, of which an item may have some: three characters of
 * a script in which words do not stand apart.
 */
static bool
has_parts(const struct search_query *q)
{
	for (size_t i = 0; i < q->nterms; i++)
		if (q->terms[i].kind == TERM_WORD && (unsigned char)*q->terms[i].text >= 0xE0 &&
		    strlen(q->terms[i].text) >= SEARCH_PARTS_MIN)
			return true;
	return search_words_count(q, TERM_WORD) > 1;
}

/* Tries any of the words, but not if the query excludes words. */
static bool
attempt_any(struct search_run *run, struct error *err)
{
	const struct search_query *q = &run->query;

	if (!has_parts(q) || search_words_count(q, TERM_NOT) > 0 ||
	    search_words_count(q, TERM_NOT_PHRASE) > 0)
		return true;
	run->ask.terms = search_words_terms(run->call->arena, q, q->nterms, WORDS_ANY);
	return attempt_soft(run, err);
}

/*
 * Nothing has the phrases of the query: the result remains empty, and did_you_mean has their words,
 * corrected, if these would find something.
 */
static bool
attempt_loosened(struct search_run *run, const char **did_you_mean, struct error *err)
{
	struct search_query *q = &run->query;
	bool changed;

	if (search_words_count(q, TERM_PHRASE) == 0)
		return true;
	search_words_loosen(run->call->arena, q);
	if (!search_words_correct(run->call, &run->ask.reader, q, &changed, err) ||
	    !attempt_changed(run, err))
		return false;
	if (search_legs_found(run))
		*did_you_mean = search_words_again(run->call->arena, q);
	search_legs_forget(run);
	return true;
}

static bool
candidates(struct search_run *run, const char **did_you_mean, struct error *err)
{
	bool changed = false;

	search_legs_call(run);
	if (!attempt_soft(run, err) || (search_legs_want_more(run) && !attempt_typing(run, err)) ||
	    (search_legs_want_more(run) && !attempt_corrected(run, &changed, err)) ||
	    (search_legs_want_more(run) && !attempt_any(run, err)))
		return false;
	if (search_legs_want_more(run))
		return attempt_loosened(run, did_you_mean, err);
	if (changed)
		*did_you_mean = search_words_again(run->call->arena, &run->query);
	return true;
}

static void
filters_fill(struct search_run *run)
{
	const struct search_request *req = run->req;
	struct search_query *q = &run->query;
	struct search_ask *a = &run->ask;

	if (req->kind != NULL) {
		q->kinds[0] = req->kind;
		q->nkinds = 1;
	}
	if (req->tag != NULL && q->ntags < SEARCH_TAGS_MAX)
		q->tags[q->ntags++] = req->tag;
	a->kinds = q->kinds;
	a->nkinds = q->nkinds;
	a->source = req->source != NULL ? req->source : q->source;
	a->owner = req->owner;
	a->year_from = req->year_from != 0 ? req->year_from : q->year_from;
	a->year_to = req->year_to != 0 ? req->year_to : q->year_to;
	a->taken_from = q->taken_from;
	a->taken_to = q->taken_to;
	a->camera = q->camera;
	/* No city has no words: nothing is found while places are switched off. */
	a->place = q->place == NULL || config_bool(run->call->svc->config, CFG_MEDIA_PLACES) ?
	    q->place :
	    "";
	a->archived = req->archived;
	search_words_exclude(run->call->arena, q, a);
	if (q->id_name != NULL) {
		a->id_text =
		    arena_printf(run->call->arena, "{\"%s\":\"%s\"}", q->id_name, q->id_value);
		a->id_number = str_eq(q->id_name, "imdb") ?
		    a->id_text :
		    arena_printf(run->call->arena, "{\"%s\":%s}", q->id_name, q->id_value);
	}
}

static bool
has_filter(const struct search_run *run)
{
	const struct search_ask *a = &run->ask;

	return a->nkinds > 0 || a->source != NULL || a->owner != NULL || a->year_from != 0 ||
	    a->year_to != 0 || run->query.ntags > 0 || a->id_text != NULL || a->n_not_kinds > 0 ||
	    a->not_years != NULL || run->query.n_not_tags > 0 || a->taken_from != NULL ||
	    a->taken_to != NULL || a->camera != NULL || a->place != NULL || a->archived;
}

static bool
fill(struct search_run *run, const struct principal *who, struct error *err)
{
	struct search_query *q = &run->query;
	struct search_ask *a = &run->ask;

	search_parse(run->call->arena, run->req->q != NULL ? run->req->q : "", q);
	*a = (struct search_ask) { .terms = "{}", .beginning = "" };
	media_reader_in(who, run->req->scope, &a->reader);
	filters_fill(run);
	if (q->nterms == 0 && !has_filter(run))
		return run->req->q != NULL && *str_trim(run->call->arena, run->req->q) != '\0' ?
		    true :
		    error_field(err, "q", "required", "must have words unless a filter is set");
	search_words_year(q, a);
	a->terms = search_words_terms(run->call->arena, q, q->nterms, WORDS_ALL);
	a->by_rank = run->req->sort == SEARCH_RELEVANCE;
	a->title = search_words_plain(run->call->arena, q);
	search_words_labels(run->call->arena, q, a);
	search_words_soft(run->call->arena, q, a);
	return true;
}

/* Whether there is anything to search for. */
static bool
asks_something(const struct search_run *run)
{
	return run->query.nterms > 0 || has_filter(run);
}

static void
matched_add(struct search_hit *hit, const char *what)
{
	if (hit->nmatched < SEARCH_MATCHED_MAX)
		hit->matched[hit->nmatched++] = what;
}

static bool
year_matches(const struct search_run *run, int64_t year)
{
	for (size_t i = 0; i < run->query.nterms; i++)
		if (run->query.terms[i].kind == TERM_YEAR && run->query.terms[i].year == year)
			return true;
	return run->ask.year != 0 && run->ask.year == year;
}

static void
matched_fill(const struct search_run *run, struct search_hit *hit, unsigned bits)
{
	const struct search_ask *a = &run->ask;

	if ((bits & MATCHED_TITLE) != 0)
		matched_add(hit, "title");
	if ((bits & MATCHED_TAGS) != 0 || run->query.ntags > 0)
		matched_add(hit, "tags");
	if ((bits & MATCHED_OVERVIEW) != 0)
		matched_add(hit, "overview");
	if ((bits & MATCHED_FILENAME) != 0)
		matched_add(hit, "filename");
	if (year_matches(run, hit->media.year))
		matched_add(hit, "year");
	for (size_t i = 0; i < a->nsoft_kinds; i++)
		if (str_eq(a->soft_kinds[i], hit->media.kind)) {
			matched_add(hit, "kind");
			break;
		}
	if (a->id_text != NULL)
		matched_add(hit, "externalId");
}

/* Reads the items of the catalogue by id. */
static bool
items_read(struct search_run *run, const struct fused *list, size_t n, struct items_found *found,
    struct error *err)
{
	const char *ids[SEARCH_PAGE];
	struct items_ask ask = { .reader = &run->ask.reader,
		.ids = ids,
		.any_words = search_words_shown(run->call->arena, &run->query),
		.beginning = run->ask.beginning,
		.languages = run->ask.plan.languages };

	*found = (struct items_found) { .n = 0 };
	for (size_t i = 0; i < n; i++)
		if (list[i].item->media == NULL)
			ids[ask.nids++] = list[i].item->id;
	return ask.nids == 0 ||
	    store_search_items(run->call->svc->db, run->call->arena, &ask, found, err);
}

static void
hit_add(const struct search_run *run, struct search_result *out, const struct media *media,
    double score, unsigned matched)
{
	struct search_hit *hit = &out->hits[out->n++];

	hit->media = *media;
	hit->score = score;
	matched_fill(run, hit, matched);
}

/* Fills the page in the order of the fusion; items that have vanished meanwhile are left out. */
static bool
page_fill(struct search_run *run, const struct fused *list, size_t n, struct search_result *out,
    struct error *err)
{
	size_t first = (size_t)(run->req->page - 1) * SEARCH_PAGE;
	struct items_found found;

	out->hits = arena_array(run->call->arena, SEARCH_PAGE, sizeof(*out->hits));
	if (first >= n)
		return true;
	list += first;
	n = n - first < SEARCH_PAGE ? n - first : SEARCH_PAGE;
	if (!items_read(run, list, n, &found, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].item->media != NULL)
			hit_add(run, out, list[i].item->media, list[i].score, 0);
		for (size_t k = 0; k < found.n; k++)
			if (str_eq(found.items[k].id, list[i].item->id))
				hit_add(run, out, &found.items[k], list[i].score, found.matched[k]);
	}
	return true;
}

static bool
find(struct search_run *run, struct search_result *out, struct error *err)
{
	struct ranked_list lists[SEARCH_LISTS_MAX];
	struct fused *found;
	size_t nlists, n;
	bool capped;

	if (!candidates(run, &out->did_you_mean, err))
		return false;
	nlists = search_legs_lists(run, lists, &capped);
	found = search_fuse(run->call->arena, lists, nlists, run->req->sort, clock_now(), &n);
	out->total = (int64_t)n;
	out->exact = !capped;
	return page_fill(run, found, n, out, err);
}

static void
sources_fill(const struct search_run *run, struct search_result *out)
{
	out->whole = true;
	for (size_t i = 0; i < run->nlegs; i++) {
		enum source_state state = run->states[i];

		out->sources[out->nsources++] = (struct search_source) { run->legs[i].name, state };
		out->whole = out->whole && state != SOURCE_TIMEOUT && state != SOURCE_ERROR;
	}
}

bool
search_run_legs(const struct call *call, const struct search_leg *table, size_t n,
    const struct search_request *req, struct search_result *out, struct error *err)
{
	struct search_run *run = arena_alloc(call->arena, sizeof(*run));

	*out = (struct search_result) { .exact = true };
	run->call = call;
	run->req = req;
	search_legs_init(run, table, n);
	if (!fill(run, call->by.who, err) || (asks_something(run) && !find(run, out, err)))
		return false;
	sources_fill(run, out);
	return true;
}

void
search_set_leg(const struct search_leg *leg)
{
	for (size_t i = 0; i < sizeof(legs) / sizeof(legs[0]); i++)
		if (str_eq(legs[i].name, leg->name))
			legs[i] = *leg;
}

bool
search_run(const struct call *call, const struct search_request *req, struct search_result *out,
    struct error *err)
{
	return search_run_legs(call, legs, sizeof(legs) / sizeof(legs[0]), req, out, err);
}
