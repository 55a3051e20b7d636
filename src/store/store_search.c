/* Candidates and items of a search: see store_search.h. */
#include "store/store_search.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/store_readable.h"
#include "store/store_search_title.h"
#include "core/banned.h"

/* clang-format off */
/* $1 caller, $2 text, $3 prefix; the filters of FILTERS from $4 on; $16 cap. */
#define ENGLISH "websearch_to_tsquery('public.mn_english', $2::text)"
#define SIMPLE "websearch_to_tsquery('public.mn_simple', $2::text)"
#define PREFIX "to_tsquery('public.mn_simple', $3::text)"
#define WHOLE_WORDS "(" ENGLISH " || " SIMPLE ")"
#define WITH_PREFIX "(" SIMPLE " && " PREFIX ")"
#define ASKED "(CASE WHEN $3::text = '' THEN " WHOLE_WORDS " ELSE " WITH_PREFIX " END)"
#define NO_TEXT "($2::text = '' AND $3::text = '')"
#define MATCHES "m.tsv @@ " ASKED

#define WORDS_OF(n) "(websearch_to_tsquery('public.mn_english', " n "::text) || websearch_to_tsquery('public.mn_simple', " n "::text))"

#define HARD_FILTERS \
	" AND " MEDIA_PRESENTABLE \
	" AND ($4::text[] IS NULL OR m.kind = ANY ($4::text[])) AND ($5::text IS NULL OR m.source = $5::text)" \
	" AND ($6::uuid IS NULL OR m.owner_id = $6::uuid)" \
	" AND ($7::int IS NULL OR " MEDIA_YEAR " >= $7::int) AND ($8::int IS NULL OR " MEDIA_YEAR " <= $8::int)" \
	" AND ($9::text[] IS NULL OR mn_fold_tags(m.tags) @> mn_fold_tags($9::text[]))" \
	" AND ($10::jsonb IS NULL OR m.external_ids @> $10::jsonb OR m.external_ids @> $11::jsonb)"
#define SOFT_FILTERS \
	" AND ($12::text[] IS NULL OR m.kind = ANY ($12::text[]) OR m.tsv @@ " WORDS_OF("$13") ")" \
	" AND ($14::int[] IS NULL OR " MEDIA_YEAR " = ANY ($14::int[]) OR m.tsv @@ " WORDS_OF("$15") ")"

/* The branches of store_media_list.c, with a condition, an order and a limit inside each. */
#define OWN "media m WHERE m.owner_id = $1::uuid AND m.visibility <> 'house' AND m.status <> 'trashed'"
#define HOUSE "media m WHERE m.visibility = 'house' AND m.status <> 'trashed'"
#define SHARED \
	"media_shares sh JOIN media m ON m.id = sh.media_id WHERE sh.user_id = $1::uuid AND m.visibility = 'shared' AND m.status <> 'trashed'" \
	" AND m.owner_id IS DISTINCT FROM $1::uuid"
#define EVERYTHING "media m WHERE $1::uuid IS NOT NULL AND m.status <> 'trashed'"
#define BRANCH(columns, from, condition, order, limit) "(SELECT " columns " FROM " from condition " ORDER BY " order " LIMIT " limit ")"
#define BRANCHES(columns, condition, order, limit) \
	BRANCH(columns, OWN, condition, order, limit) " UNION ALL " BRANCH(columns, HOUSE, condition, order, limit) " UNION ALL " \
	BRANCH(columns, SHARED, condition, order, limit)

#define NEWEST "m.created_at DESC, m.id DESC"
#define LEG_COLUMNS "m.id, m.created_at, " MEDIA_YEAR " AS shown_year, m.title_key, m.kind, m.source, m.external_ids"
#define TEXT_COLUMNS LEG_COLUMNS ", m.tsv"
#define CANDIDATE(rank) \
	"SELECT m.id, " rank ", " MEDIA_US("m.created_at") ", m.shown_year, m.title_key, m.kind, m.source, m.external_ids->>'tmdb', m.external_ids->>'imdb'"

/*
 * What matches few items is read whole from the GIN index, behind OFFSET 0, which keeps the planner from walking by date instead: its guess
 * how soon a walk would be over knows nothing of who owns the matches. What matches many is walked newest-first. The gate is
 * evaluated once; the other half is not executed.
 */
#define ESTIMATE "WITH estimate AS MATERIALIZED (SELECT CASE WHEN " NO_TEXT " THEN 0 ELSE mn_search_estimate(" ASKED ") END AS n)"
#define FEW "(SELECT n FROM estimate) <= 20000"
#define VERY_FEW "(SELECT n FROM estimate) <= 2000"
#define WHOLE(columns, readable, condition, gate) \
	"(SELECT * FROM (SELECT " columns " FROM media m WHERE " readable " AND " MATCHES condition " OFFSET 0) m WHERE " gate ")"
#define TEXT_FEW(readable) WHOLE(TEXT_COLUMNS, readable, " AND NOT " NO_TEXT HARD_FILTERS SOFT_FILTERS, FEW)
#define TEXT_MANY " AND (" NO_TEXT " OR (NOT " FEW " AND " MATCHES "))" HARD_FILTERS SOFT_FILTERS
#define RANK "CASE WHEN " NO_TEXT " THEN 0 ELSE ts_rank('{0.1,0.2,0.4,1.0}', m.tsv, " ASKED ", 1) END AS rank"
#define TEXT_LEG(few, many) \
	ESTIMATE " " CANDIDATE(RANK) " FROM (SELECT * FROM (" few " UNION ALL " many ") m ORDER BY " NEWEST " LIMIT $16::int) m ORDER BY rank DESC, " NEWEST

/*
 * $17 title, $18 labels. A whole title is worth more than its beginning, and a short one more than a long one. The key is made once: PostgreSQL
 * takes such a function apart again wherever it is named.
 */
#define TITLE "title AS MATERIALIZED (SELECT mn_title_key($17::text) AS key) "
#define TITLE_KEY "(SELECT key FROM title)"
#define TITLE_SCORE \
	"(CASE WHEN m.title_key = " TITLE_KEY " THEN 3.0 ELSE 1.0 + length(" TITLE_KEY ")::float8 / greatest(length(m.title_key), 1) END) AS score"
#define TITLE_COLUMNS LEG_COLUMNS ", " TITLE_SCORE
#define TITLE_CONDITION " AND " TITLE_KEY " <> '' AND " STARTS_WITH(TITLE_KEY) HARD_FILTERS
#define TITLE_ORDER "m.title_key"
#define TITLE_LIMIT "100"
/* Tags count in the text leg too: this is their second vote, cast only where it costs little. */
#define LABEL_COLUMNS LEG_COLUMNS ", 0.5::float8 AS score"
#define LABELS(readable) WHOLE(LABEL_COLUMNS, readable, " AND NOT " NO_TEXT " AND mn_fold_tags(m.tags) && mn_fold_tags($18::text[])" HARD_FILTERS SOFT_FILTERS, VERY_FEW)
#define METADATA_LEG(titles, labels) \
	ESTIMATE ", " TITLE CANDIDATE("max(m.score) AS rank") " FROM (" titles " UNION ALL (SELECT * FROM " labels " m ORDER BY " NEWEST " LIMIT least(200, $16::int))) m" \
	" GROUP BY m.id, m.created_at, m.shown_year, m.title_key, m.kind, m.source, m.external_ids ORDER BY rank DESC, " NEWEST

#define MINE MEDIA_READABLE("$1::uuid", "false")
#define ALL "m.status <> 'trashed' AND $1::uuid IS NOT NULL"

/* $1 caller, $2 sees all, $3 ids, $4 any of the words, $5 prefix. */
#define ANY_WORD "(" WORDS_OF("$4") " || to_tsquery('public.mn_simple', $5::text))"
#define ITEMS \
	"SELECT " MEDIA_COLUMNS ", ts_filter(m.tsv, '{a}') @@ " ANY_WORD ", ts_filter(m.tsv, '{b}') @@ " ANY_WORD \
	", ts_filter(m.tsv, '{c}') @@ " ANY_WORD ", ts_filter(m.tsv, '{d}') @@ " ANY_WORD \
	" FROM media m WHERE m.id = ANY ($3::uuid[]) AND " MEDIA_READABLE("$1::uuid", "$2::bool")

enum { Q_TEXT, Q_TEXT_ALL, Q_METADATA, Q_METADATA_ALL, Q_ITEMS };

const struct query store_search_queries[] = {
	[Q_TEXT] = { "search_text", TEXT_LEG(TEXT_FEW(MINE), BRANCHES(TEXT_COLUMNS, TEXT_MANY, NEWEST, "$16::int")), QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_TEXT_ALL] = { "search_text_all", TEXT_LEG(TEXT_FEW(ALL), BRANCH(TEXT_COLUMNS, EVERYTHING, TEXT_MANY, NEWEST, "$16::int")),
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_METADATA] = { "search_metadata", METADATA_LEG(BRANCHES(TITLE_COLUMNS, TITLE_CONDITION, TITLE_ORDER, TITLE_LIMIT), LABELS(MINE)),
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_METADATA_ALL] = { "search_metadata_all", METADATA_LEG(BRANCH(TITLE_COLUMNS, EVERYTHING, TITLE_CONDITION, TITLE_ORDER, TITLE_LIMIT), LABELS(ALL)),
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_ITEMS] = { "search_items", ITEMS, QUERY_READ | QUERY_CUSTOM_PLAN },
	{ .name = NULL }
};
/* clang-format on */

#define TEXT_PARAMS 16
#define METADATA_PARAMS 18

static const char *
array_or_null(struct arena *arena, const char *const *items, size_t n)
{
	return n > 0 ? db_array(arena, items, n) : NULL;
}

static const char *
int_or_null(struct arena *arena, int64_t n)
{
	return n != 0 ? db_int(arena, n) : NULL;
}

void
store_search_call(struct arena *arena, enum search_leg_query leg, const struct search_ask *a,
    struct db_call *call)
{
	const char **p = arena_array(arena, METADATA_PARAMS, sizeof *p);
	size_t n = 0;

	p[n++] = a->reader.user_id;
	p[n++] = a->text;
	p[n++] = a->prefix;
	p[n++] = array_or_null(arena, a->kinds, a->nkinds);
	p[n++] = a->source;
	p[n++] = a->owner;
	p[n++] = int_or_null(arena, a->year_from);
	p[n++] = int_or_null(arena, a->year_to);
	p[n++] = array_or_null(arena, a->tags, a->ntags);
	p[n++] = a->id_text;
	p[n++] = a->id_number;
	p[n++] = array_or_null(arena, a->soft_kinds, a->nsoft_kinds);
	p[n++] = a->soft_kind_words != NULL ? a->soft_kind_words : "";
	p[n++] = a->soft_years;
	p[n++] = a->soft_year_words != NULL ? a->soft_year_words : "";
	p[n++] = db_int(arena, SEARCH_CAP + 1);
	p[n++] = a->title;
	p[n++] = db_array(arena, a->labels, a->nlabels);
	call->params = p;
	call->nparams = leg == SEARCH_TEXT ? TEXT_PARAMS : METADATA_PARAMS;
	if (leg == SEARCH_TEXT)
		call->query = &store_search_queries[a->reader.all ? Q_TEXT_ALL : Q_TEXT];
	else
		call->query = &store_search_queries[a->reader.all ? Q_METADATA_ALL : Q_METADATA];
}

void
store_search_candidates(struct arena *arena, const struct rows *rows, struct candidate **out,
    size_t *n)
{
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof **out);
	for (size_t i = 0; i < *n; i++) {
		struct candidate *c = &(*out)[i];

		c->id = rows_str(rows, i, 0);
		c->rank = rows_num(rows, i, 1);
		c->created_at = rows_int(rows, i, 2);
		c->year = rows_int(rows, i, 3);
		c->title_key = rows_str(rows, i, 4);
		c->kind = rows_str(rows, i, 5);
		c->source = rows_str(rows, i, 6);
		c->tmdb = rows_str(rows, i, 7);
		c->imdb = rows_str(rows, i, 8);
	}
}

bool
store_search_items(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *const *ids, size_t nids, const char *any_text, const char *prefix,
    struct media **items, unsigned **matched, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_queries[Q_ITEMS],
		DB_PARAMS(reader->user_id, reader->all ? "true" : "false",
		    db_array(arena, ids, nids), any_text, prefix),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*items = arena_array(arena, *n, sizeof **items);
	*matched = arena_array(arena, *n, sizeof **matched);
	for (size_t i = 0; i < *n; i++) {
		media_from_row(arena, rows, i, &(*items)[i]);
		for (unsigned bit = 0; bit < 4; bit++)
			(*matched)[i] |=
			    rows_bool(rows, i, MEDIA_COLUMNS_COUNT + (int)bit) ? 1u << bit : 0;
	}
	return true;
}
