/* The search itself: legs, widening, the page. See search.h. */
#include "service/catalogue/search.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/search_fuse.h"
#include "service/catalogue/search_parse.h"
#include "service/catalogue/search_words.h"
#include "service/services.h"
#include "store/store_search.h"
#include "core/banned.h"

const char *const search_source_names[SEARCH_SOURCES] = { "text", "metadata", "similar", "plex" };

/*
 * The legs of the fusion, one row each: how its list is asked for and what a vote of it weighs. A
 * leg without a query is not there: "off". Further legs (vectors, Plex's own search) get a row and
 * a query, or a call beside the round trip.
 */
static const struct leg {
	bool present;
	enum search_leg_query query;
	double weight;
} legs[SEARCH_SOURCES] = {
	[SEARCH_SOURCE_TEXT] = { true, SEARCH_TEXT, 1.0 },
	[SEARCH_SOURCE_METADATA] = { true, SEARCH_METADATA, 0.7 },
	[SEARCH_SOURCE_SIMILAR] = { .present = false },
	[SEARCH_SOURCE_PLEX] = { .present = false },
};

struct run {
	const struct call *call;
	const struct search_request *req;
	struct search_query query;
	struct search_ask ask;
	struct fused *found;
	size_t nfound;
	bool capped;
};

/* One round trip for all legs that are there. */
static bool
attempt(struct run *run, struct error *err)
{
	struct db_call calls[SEARCH_SOURCES];
	struct ranked_list lists[SEARCH_SOURCES];
	size_t ncalls = 0;

	for (unsigned i = 0; i < SEARCH_SOURCES; i++) {
		if (!legs[i].present)
			continue;
		store_search_call(run->call->arena, legs[i].query, &run->ask, &calls[ncalls]);
		lists[ncalls++].weight = legs[i].weight;
	}
	if (!db_pipeline(run->call->svc->db, run->call->arena, calls, ncalls, err))
		return false;
	run->capped = false;
	for (size_t i = 0; i < ncalls; i++) {
		struct candidate *items;

		store_search_candidates(run->call->arena, calls[i].rows, &items, &lists[i].n);
		lists[i].items = items;
		run->capped = run->capped || lists[i].n > SEARCH_CAP;
	}
	search_fuse(run->call->arena, lists, ncalls, run->req->sort, clock_now(), &run->found,
	    &run->nfound);
	return true;
}

/*
 * The same text with years and kinds as narrow as they go: both, kinds alone, years alone, neither;
 * the first that finds something. `anything`: neither may be left out only when words remain.
 */
static bool
attempt_soft(struct run *run, struct error *err)
{
	struct search_ask full = run->ask;
	bool years = full.soft_years != NULL, kinds = full.nsoft_kinds > 0;

	if (!attempt(run, err))
		return false;
	if (run->nfound > 0)
		return true;
	if (years && kinds) {
		run->ask.soft_years = NULL;
		if (!attempt(run, err))
			return false;
		if (run->nfound == 0) {
			run->ask = full;
			run->ask.nsoft_kinds = 0;
			if (!attempt(run, err))
				return false;
		}
	}
	if (run->nfound == 0 && (years || kinds) && (*full.text != '\0' || *full.prefix != '\0')) {
		run->ask.soft_years = NULL;
		run->ask.nsoft_kinds = 0;
		if (!attempt(run, err))
			return false;
	}
	run->ask = full;
	return true;
}

/* The last word as the beginning of one: what is typed is not finished yet. */
static bool
attempt_typing(struct run *run, struct error *err)
{
	struct search_query *q = &run->query;
	const char *text = run->ask.text;
	bool ok;

	if (!q->typing || strlen(q->terms[q->nterms - 1].text) < SEARCH_PREFIX_MIN)
		return true;
	run->ask.text = search_words_text(run->call->arena, q, q->nterms - 1, WORDS_ALL);
	run->ask.prefix = search_words_prefix(run->call->arena, q->terms[q->nterms - 1].text);
	ok = attempt_soft(run, err);
	if (ok && run->nfound == 0) {
		run->ask.text = text;
		run->ask.prefix = "";
	}
	return ok;
}

/*
 * Unknown words corrected: the hits are those of the corrected query, and the answer says which
 * that is.
 */
static bool
attempt_corrected(struct run *run, bool *changed, struct error *err)
{
	if (!search_words_correct(run->call, &run->ask.reader, &run->query, changed, err))
		return false;
	if (!*changed)
		return true;
	run->ask.text =
	    search_words_text(run->call->arena, &run->query, run->query.nterms, WORDS_ALL);
	run->ask.title = search_words_title(run->call->arena, &run->query);
	return attempt_soft(run, err);
}

/* At last: any of the words; but who names words that must be absent means what is asked. */
static bool
attempt_any(struct run *run, struct error *err)
{
	const char *text =
	    search_words_text(run->call->arena, &run->query, run->query.nterms, WORDS_ANY);

	for (size_t i = 0; i < run->query.nterms; i++)
		if (run->query.terms[i].kind == TERM_NOT)
			return true;
	if (*text == '\0' || str_eq(text, run->ask.text))
		return true;
	run->ask.text = text;
	return attempt_soft(run, err);
}

static bool
candidates(struct run *run, const char **did_you_mean, struct error *err)
{
	bool changed = false;

	if (!attempt_soft(run, err) || (run->nfound == 0 && !attempt_typing(run, err)) ||
	    (run->nfound == 0 && !attempt_corrected(run, &changed, err)) ||
	    (run->nfound == 0 && !attempt_any(run, err)))
		return false;
	if (changed && run->nfound > 0)
		*did_you_mean = search_words_plain(run->call->arena, &run->query);
	return true;
}

static void
filters_fill(struct run *run)
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
	a->tags = q->tags;
	a->ntags = q->ntags;
	if (q->id_name != NULL) {
		a->id_text =
		    arena_printf(run->call->arena, "{\"%s\":\"%s\"}", q->id_name, q->id_value);
		a->id_number = str_eq(q->id_name, "imdb") ?
		    a->id_text :
		    arena_printf(run->call->arena, "{\"%s\":%s}", q->id_name, q->id_value);
	}
}

static bool
has_filter(const struct search_ask *a)
{
	return a->nkinds > 0 || a->source != NULL || a->owner != NULL || a->year_from != 0 ||
	    a->year_to != 0 || a->ntags > 0 || a->id_text != NULL;
}

static bool
fill(struct run *run, const struct principal *who, struct error *err)
{
	struct search_query *q = &run->query;
	struct search_ask *a = &run->ask;

	search_parse(run->call->arena, run->req->q != NULL ? run->req->q : "", q);
	*a = (struct search_ask) { .reader = {
				       who->user_id, principal_may(who, PERM_MEDIA_MANAGE_ALL) } };
	filters_fill(run);
	if (q->nterms == 0 && !has_filter(a))
		return run->req->q != NULL && *str_trim(run->call->arena, run->req->q) != '\0' ?
		    true :
		    error_field(err, "q", "required", "Say what to look for, or give a filter.");
	a->text = search_words_text(run->call->arena, q, q->nterms, WORDS_ALL);
	a->prefix = "";
	a->title = search_words_title(run->call->arena, q);
	search_words_labels(run->call->arena, q, a);
	search_words_soft(run->call->arena, q, a);
	return true;
}

/* Is there anything to look for? Punctuation alone is not. */
static bool
asks_something(const struct run *run)
{
	return run->query.nterms > 0 || has_filter(&run->ask);
}

static void
matched_add(struct search_hit *hit, const char *what)
{
	if (hit->nmatched < SEARCH_MATCHED_MAX)
		hit->matched[hit->nmatched++] = what;
}

static void
matched_fill(const struct run *run, struct search_hit *hit, unsigned bits)
{
	const struct search_ask *a = &run->ask;

	if ((bits & MATCHED_TITLE) != 0)
		matched_add(hit, "title");
	if ((bits & MATCHED_TAGS) != 0 || a->ntags > 0)
		matched_add(hit, "tags");
	if ((bits & MATCHED_OVERVIEW) != 0)
		matched_add(hit, "overview");
	if ((bits & MATCHED_FILENAME) != 0)
		matched_add(hit, "filename");
	for (size_t i = 0; i < run->query.nterms; i++)
		if (run->query.terms[i].kind == TERM_YEAR &&
		    run->query.terms[i].year == hit->media.year) {
			matched_add(hit, "year");
			break;
		}
	for (size_t i = 0; i < a->nsoft_kinds; i++)
		if (str_eq(a->soft_kinds[i], hit->media.kind)) {
			matched_add(hit, "kind");
			break;
		}
	if (a->id_text != NULL)
		matched_add(hit, "externalId");
}

/* The items of the page in the order of the fusion; what vanished in between is left out. */
static bool
page_fill(struct run *run, struct search_result *out, struct error *err)
{
	size_t first = (size_t)(run->req->page - 1) * SEARCH_PAGE;
	const char *ids[SEARCH_PAGE];
	struct items_ask ask = { .reader = &run->ask.reader,
		.ids = ids,
		.any_text = search_words_text(run->call->arena, &run->query, run->query.nterms,
		    WORDS_SHOWN),
		.prefix = run->ask.prefix };
	struct items_found found;

	for (size_t i = first; i < run->nfound && ask.nids < SEARCH_PAGE; i++)
		ids[ask.nids++] = run->found[i].item->id;
	out->hits = arena_array(run->call->arena, SEARCH_PAGE, sizeof(*out->hits));
	if (ask.nids == 0)
		return true;
	if (!store_search_items(run->call->svc->db, run->call->arena, &ask, &found, err))
		return false;
	for (size_t i = 0; i < ask.nids; i++)
		for (size_t k = 0; k < found.n; k++)
			if (str_eq(found.items[k].id, ids[i])) {
				struct search_hit *hit = &out->hits[out->n++];

				hit->media = found.items[k];
				hit->score = run->found[first + i].score;
				matched_fill(run, hit, found.matched[k]);
			}
	return true;
}

bool
search_run(const struct call *call, const struct search_request *req, struct search_result *out,
    struct error *err)
{
	struct run *run = arena_alloc(call->arena, sizeof(*run));

	*out = (struct search_result) { .exact = true };
	run->call = call;
	run->req = req;
	for (unsigned i = 0; i < SEARCH_SOURCES; i++)
		out->sources[i] = legs[i].present ? "ok" : "off";
	if (!fill(run, call->by.who, err))
		return false;
	if (asks_something(run) &&
	    (!candidates(run, &out->did_you_mean, err) || !page_fill(run, out, err)))
		return false;
	out->total = (int64_t)run->nfound;
	out->exact = !run->capped;
	return true;
}
