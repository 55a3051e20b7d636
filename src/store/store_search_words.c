/* Words for corrections and suggestions, only such as occur in what the caller can read (correctness.md 17). */
#include "store/store_search.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/store_readable.h"
#include "store/store_search_title.h"
#include "core/banned.h"

/* clang-format off */
#define SIMILAR_MAX 10 /* of each word */
#define SHORT_MAX 6     /* letters of a word whose like are also sought by their first letter and length */
#define SHORT_WORDS 300
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* $1 caller, $2 sees all. The house's words and one's own; whoever sees all has every scope. */
#define MY_SCOPES "($2::bool OR v.scope = 'house' OR v.scope = $1::text)"
/* Words of those who share something with me; each must be in an item that is shared with me. */
#define SHARING_SCOPES \
	"NOT $2::bool AND v.scope IN (SELECT coalesce(m.owner_id::text, 'nobody') FROM media_shares sh JOIN media m ON m.id = sh.media_id" \
	" WHERE sh.user_id = $1::uuid AND m.visibility = 'shared')"
#define IN_SHARED(word) \
	"EXISTS (SELECT 1 FROM media_shares sh JOIN media m ON m.id = sh.media_id WHERE sh.user_id = $1::uuid AND m.visibility = 'shared'" \
	" AND m.status <> 'trashed' AND " MEDIA_PRESENTABLE " AND m.tsv @@ plainto_tsquery('public.mn_simple', " word "))"

#define NORMAL "lower(mn_unaccent(w.word))"

enum { Q_SIMILAR, Q_SUGGEST, Q_SUGGEST_ALL };

#define TITLE_KEY "(SELECT key FROM title)"
#define TITLES(from) \
	"(SELECT m.title, 'title' AS kind, m.id::text AS media_id, m.title_key AS key FROM " from " AND " TITLE_KEY " <> ''" \
	" AND " STARTS_WITH(TITLE_KEY) " AND " MEDIA_PRESENTABLE " ORDER BY m.title_key LIMIT $5::int)"
#define SUGGEST(titles) \
	"WITH title AS MATERIALIZED (SELECT mn_title_key($3::text) AS key) SELECT title, kind, media_id FROM (SELECT DISTINCT ON (key) title, kind, media_id, key FROM (" titles ") t ORDER BY key LIMIT $5::int) t" \
	" UNION ALL (SELECT v.word, 'word', NULL FROM vocabulary v WHERE $4::text <> '' AND " MY_SCOPES \
	" AND v.word LIKE lower(mn_unaccent($4::text)) || '%' GROUP BY v.word ORDER BY sum(v.n) DESC, v.word LIMIT $5::int)"

const struct query store_search_word_queries[] = {
	[Q_SIMILAR] = { "search_similar",
	    "SELECT w.word, s.word, s.n FROM unnest($3::text[]) WITH ORDINALITY w(word, place) CROSS JOIN LATERAL ("
	    " SELECT EXISTS (SELECT 1 FROM vocabulary v WHERE v.word = " NORMAL " AND " MY_SCOPES ")"
	    "  OR " IN_SHARED(NORMAL) " AS known) k"
	    " LEFT JOIN LATERAL ("
	    " SELECT word, sum(n) AS n, max(likeness) AS likeness FROM ("
	    "  (SELECT v.word, v.n, similarity(v.word, " NORMAL ") AS likeness FROM vocabulary v WHERE v.word % " NORMAL " AND " MY_SCOPES
	    "   ORDER BY likeness DESC, v.n DESC LIMIT " TEXT(SIMILAR_MAX) ")"
	    "  UNION ALL" /* two letters swapped leave a short word without a common trigram */
	    "  (SELECT v.word, v.n, 0 FROM vocabulary v WHERE length(" NORMAL ") <= " TEXT(SHORT_MAX) " AND v.word LIKE left(" NORMAL ", 1) || '%' AND "
	    "   length(v.word) BETWEEN length(" NORMAL ") - 1 AND length(" NORMAL ") + 1 AND " MY_SCOPES " ORDER BY v.n DESC LIMIT " TEXT(SHORT_WORDS) ")"
	    "  UNION ALL"
	    "  SELECT * FROM (SELECT v.word, 1, similarity(v.word, " NORMAL ") AS likeness FROM vocabulary v WHERE v.word % " NORMAL " AND " SHARING_SCOPES
	    "   ORDER BY likeness DESC LIMIT " TEXT(SIMILAR_MAX) ") v WHERE " IN_SHARED("v.word")
	    " ) u GROUP BY word ORDER BY likeness DESC, n DESC) s ON NOT k.known"
	    " WHERE k.known OR s.word IS NOT NULL ORDER BY w.place, s.likeness DESC, s.n DESC",
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_SUGGEST] = { "search_suggest",
	    SUGGEST(TITLES("media m WHERE m.owner_id = $1::uuid AND m.visibility <> 'house' AND m.status <> 'trashed'") " UNION ALL "
		TITLES("media m WHERE m.visibility = 'house' AND m.status <> 'trashed'") " UNION ALL "
		TITLES("media_shares sh JOIN media m ON m.id = sh.media_id WHERE sh.user_id = $1::uuid AND m.visibility = 'shared' AND m.status <> 'trashed'")),
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_SUGGEST_ALL] = { "search_suggest_all", SUGGEST(TITLES("media m WHERE m.status <> 'trashed'")), QUERY_READ | QUERY_CUSTOM_PLAN },
	{ .name = NULL }
};
/* clang-format on */

bool
store_search_similar(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *const *words, size_t nwords, struct word_candidate **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_word_queries[Q_SIMILAR],
		DB_PARAMS(reader->user_id, reader->all ? "true" : "false",
		    db_array(arena, words, nwords)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof **out);
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct word_candidate) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_int(rows, i, 2) };
	return true;
}

bool
store_search_suggest(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *title, const char *word, int limit, struct suggestion_row **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_word_queries[reader->all ? Q_SUGGEST_ALL : Q_SUGGEST],
		DB_PARAMS(reader->user_id, reader->all ? "true" : "false", title, word,
		    db_int(arena, limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof **out);
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct suggestion_row) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_str(rows, i, 2) };
	return true;
}
