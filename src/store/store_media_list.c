/*
 * The list of the catalogue (correctness.md 15): mine, shared with me, the house, as three disjoint branches, each with the cursor's condition,
 * the order and the limit inside, so that each walks its own index and stops; merged outside. A condition with OR over the three would read
 * everything. Whoever sees all walks one index.
 *
 * SQL is never composed at run time: the table below has a row for each order, kind of filter and kind of reader. Filters that are absent stay out of
 * the text of the common ones, so that their plan, made once, is the right one; with the rare ones the right plan depends on the values.
 */
#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/store_media.h"
#include "store/store_readable.h"

#include "core/banned.h"

/* clang-format off */
/* $1 caller, $2 key, $3 id of the position, $4 limit; filters from $5 on. */
#define F_PLAIN " AND m.status <> 'pending'"
#define F_KIND F_PLAIN " AND m.kind = $5::text"
#define F_ANY \
	" AND ($5::text IS NULL OR m.kind = $5::text) AND ($6::text IS NULL OR m.source = $6::text) AND ($7::uuid IS NULL OR m.owner_id = $7::uuid)" \
	" AND CASE WHEN $8::text IS NULL THEN m.status <> 'pending' ELSE m.status = $8::text END" \
	" AND ($9::int IS NULL OR " MEDIA_YEAR " >= $9::int) AND ($10::int IS NULL OR " MEDIA_YEAR " <= $10::int)"
#define F_TAG F_ANY " AND m.tags @> ARRAY[$11::text]"

/*
 * Each branch stops at the largest page that there is, a number in the text: a parameter would leave the planner guessing a tenth of the table, find the
 * plan made once ten times dearer than one made for each request, and plan for a millisecond every time.
 */
#define BRANCH_ROWS "101" /* LIMIT_MAX of fcgi-handlers/media.c, and one more that tells whether there is a next page */

/*
 * What MEDIA_COLUMNS is made of, in that order: when a branch gives exactly what is asked of it, its rows go to the merge as they are, without a
 * projection of their own.
 */
#define BRANCH_COLUMNS \
	"m.id, m.source, m.kind, m.title, m.original_title, m.status, m.visibility, m.owner_id, m.filename, m.content_type, m.size, m.sha256, m.width, " \
	"m.height, m.duration_ms, m.taken_at, m.year, m.overview, m.genres, m.tags, m.external_ids, m.thumbhash, m.object_key, m.asset_prefix, m.assets, " \
	"m.sprite_times, m.failure_code, m.failure_message, m.version, m.created_at, m.updated_at, m.trashed_at"

/* Sorted by (k, kid): the merge outside sees that each branch is in order already, and takes no more from it than it needs. */
#define BRANCH(from, condition, filter, key, id, comparison, type, direction) \
	"(SELECT " BRANCH_COLUMNS ", " key " AS k, " id " AS kid FROM " from " WHERE " condition filter " AND (" key ", " id ") " comparison " ($2::" type ", $3::uuid)" \
	" ORDER BY " key direction ", " id direction " LIMIT " BRANCH_ROWS ")"

#define LIST(filter, key, shared_key, shared_id, comparison, type, direction, text) \
	"SELECT " MEDIA_COLUMNS ", " text " FROM (" \
	BRANCH("media m", "m.owner_id = $1::uuid AND m.visibility <> 'house' AND m.status <> 'trashed'", filter, key, "m.id", comparison, type, direction) \
	" UNION ALL " \
	BRANCH("media m", "m.visibility = 'house' AND m.status <> 'trashed' AND (m.owner_id = $1::uuid OR " MEDIA_PRESENTABLE ")", filter, key, "m.id", \
	    comparison, type, direction) \
	" UNION ALL " \
	BRANCH("media_shares sh JOIN media m ON m.id = sh.media_id", "sh.user_id = $1::uuid AND m.visibility = 'shared' AND m.status <> 'trashed' AND " \
	    "m.owner_id IS DISTINCT FROM $1::uuid AND " MEDIA_PRESENTABLE, filter, shared_key, shared_id, comparison, type, direction) \
	") m ORDER BY m.k" direction ", m.kid" direction " LIMIT $4::int"

#define LIST_ALL(filter, key, comparison, type, direction, text) \
	"SELECT " MEDIA_COLUMNS ", " text " FROM " \
	BRANCH("media m", "$1::uuid IS NOT NULL AND m.trashed_at IS NULL", filter, key, "m.id", comparison, type, direction) \
	" m ORDER BY m.k" direction ", m.kid" direction " LIMIT $4::int"

enum filter_kind { FILTER_PLAIN, FILTER_KIND, FILTER_ANY, FILTER_TAG, FILTERS };

#define QUERY_AT(sort, filter, all) [((sort) * FILTERS + (filter)) * 2 + (all)]
#define ORDER_ROWS(sort, name, key, shared_key, shared_id, comparison, type, direction, text) \
	QUERY_AT(sort, FILTER_PLAIN, 0) = { "list_" name, LIST(F_PLAIN, key, shared_key, shared_id, comparison, type, direction, text), QUERY_READ | QUERY_ONE_PLAN }, \
	QUERY_AT(sort, FILTER_KIND, 0) = { "list_" name "_kind", LIST(F_KIND, key, shared_key, shared_id, comparison, type, direction, text), QUERY_READ | QUERY_ONE_PLAN }, \
	QUERY_AT(sort, FILTER_ANY, 0) = { "list_" name "_any", LIST(F_ANY, key, shared_key, shared_id, comparison, type, direction, text), QUERY_READ | QUERY_CUSTOM_PLAN }, \
	QUERY_AT(sort, FILTER_TAG, 0) = { "list_" name "_tag", LIST(F_TAG, key, shared_key, shared_id, comparison, type, direction, text), QUERY_READ | QUERY_CUSTOM_PLAN }, \
	QUERY_AT(sort, FILTER_PLAIN, 1) = { "list_all_" name, LIST_ALL(F_PLAIN, key, comparison, type, direction, text), QUERY_READ | QUERY_ONE_PLAN }, \
	QUERY_AT(sort, FILTER_KIND, 1) = { "list_all_" name "_kind", LIST_ALL(F_KIND, key, comparison, type, direction, text), QUERY_READ | QUERY_ONE_PLAN }, \
	QUERY_AT(sort, FILTER_ANY, 1) = { "list_all_" name "_any", LIST_ALL(F_ANY, key, comparison, type, direction, text), QUERY_READ | QUERY_CUSTOM_PLAN }, \
	QUERY_AT(sort, FILTER_TAG, 1) = { "list_all_" name "_tag", LIST_ALL(F_TAG, key, comparison, type, direction, text), QUERY_READ | QUERY_CUSTOM_PLAN }

#define NO_TEXT "NULL::text"
#define TAKEN "coalesce(m.taken_at, m.created_at)"
#define TITLE "lower(m.title)"

/* The trash is the caller's own: what was theirs, and what they put there. */
#define TRASH_BRANCH(condition) \
	BRANCH("media m", "m.status = 'trashed' AND " condition, F_ANY " AND ($11::text IS NULL OR m.tags @> ARRAY[$11::text])", \
	    "m.trashed_at", "m.id", "<", "timestamptz", " DESC")
#define Q_TRASH (MEDIA_SORTS * FILTERS * 2)

const struct query store_media_list_queries[] = {
	ORDER_ROWS(MEDIA_NEWEST, "newest", "m.created_at", "sh.created_at", "sh.media_id", "<", "timestamptz", " DESC", NO_TEXT),
	ORDER_ROWS(MEDIA_OLDEST, "oldest", "m.created_at", "sh.created_at", "sh.media_id", ">", "timestamptz", "", NO_TEXT),
	ORDER_ROWS(MEDIA_TAKEN, "taken", TAKEN, TAKEN, "m.id", "<", "timestamptz", " DESC", NO_TEXT),
	ORDER_ROWS(MEDIA_TITLE, "title", TITLE, TITLE, "m.id", ">", "text", "", TITLE),
	[Q_TRASH] = { "list_trash",
	    "SELECT " MEDIA_COLUMNS ", " NO_TEXT " FROM (" TRASH_BRANCH("m.owner_id = $1::uuid") " UNION ALL "
	    TRASH_BRANCH("m.trashed_by = $1::uuid AND m.owner_id IS DISTINCT FROM $1::uuid")
	    ") m ORDER BY m.k DESC, m.kid DESC LIMIT $4::int", QUERY_READ },
	{ .name = NULL }
};
/* clang-format on */

#define UUID_FIRST "00000000-0000-0000-0000-000000000000"
#define UUID_LAST "ffffffff-ffff-ffff-ffff-ffffffffffff"
#define PARAMS_COMMON 4
#define PARAMS_ANY 10
#define PARAMS_TAG 11

static enum filter_kind
filter_kind(const struct media_filter *f)
{
	if (f->tag != NULL)
		return FILTER_TAG;
	if (f->source != NULL || f->owner != NULL || f->status != NULL || f->year_from != 0 ||
	    f->year_to != 0)
		return FILTER_ANY;
	return f->kind != NULL ? FILTER_KIND : FILTER_PLAIN;
}

static const struct query *
choose(const struct media_reader *reader, const struct media_filter *f, enum media_sort sort,
    size_t *nparams)
{
	static const size_t counts[FILTERS] = { PARAMS_COMMON, PARAMS_COMMON + 1, PARAMS_ANY,
		PARAMS_TAG };
	enum filter_kind kind = filter_kind(f);

	if (f->status != NULL && f->status[0] == 't') {
		*nparams = PARAMS_TAG;
		return &store_media_list_queries[Q_TRASH];
	}
	*nparams = counts[kind];
	return &store_media_list_queries[(sort * FILTERS + kind) * 2 + (reader->all ? 1 : 0)];
}

static void
position_params(struct arena *arena, enum media_sort sort, const struct media_position *after,
    const char **key, const char **id)
{
	bool rising = sort == MEDIA_OLDEST || sort == MEDIA_TITLE;

	if (after == NULL || after->id == NULL) {
		*key = sort == MEDIA_TITLE ? "" : rising ? "-infinity" : "infinity";
		*id = rising ? UUID_FIRST : UUID_LAST;
		return;
	}
	/* 0 means 'none' to db_time(), but is a moment here. */
	*key = sort == MEDIA_TITLE ? after->title :
	    after->us == 0         ? "1970-01-01T00:00:00Z" :
				     db_time(arena, after->us);
	*id = after->id;
}

static void
position_of(const struct rows *rows, size_t row, const struct media *m, enum media_sort sort,
    struct media_position *p)
{
	p->id = m->id;
	p->title = rows_str(rows, row, MEDIA_COLUMNS_COUNT);
	p->us = m->trashed_at != 0                  ? m->trashed_at :
	    sort == MEDIA_TAKEN && m->taken_at != 0 ? m->taken_at :
						      m->created_at;
}

bool
store_media_list(struct db *db, struct arena *arena, const struct media_reader *reader,
    const struct media_filter *f, enum media_sort sort, const struct media_position *after,
    int limit, struct media **items, struct media_position **positions, size_t *n,
    struct error *err)
{
	const char *params[PARAMS_TAG] = { reader->user_id, NULL, NULL, db_int(arena, limit),
		f->kind, f->source, f->owner, f->status,
		f->year_from == 0 ? NULL : db_int(arena, f->year_from),
		f->year_to == 0 ? NULL : db_int(arena, f->year_to), f->tag };
	const struct query *query;
	struct rows *rows;
	size_t nparams;

	query = choose(reader, f, sort, &nparams);
	position_params(arena, sort, after, &params[1], &params[2]);
	if (!db_exec(db, arena, query, params, nparams, &rows, err))
		return false;
	*n = rows_count(rows);
	*items = arena_array(arena, *n, sizeof(**items));
	*positions = arena_array(arena, *n, sizeof(**positions));
	for (size_t i = 0; i < *n; i++) {
		media_from_row(arena, rows, i, &(*items)[i]);
		position_of(rows, i, &(*items)[i], sort, &(*positions)[i]);
	}
	return true;
}
