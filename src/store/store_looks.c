#include "store/store_looks.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "store/sql_looks.h"
#include "store/store_media.h"

#include "core/banned.h"

#define Q(id) (&store_looks_queries[id])
#define UUID_FIRST "00000000-0000-0000-0000-000000000000"

bool
store_look_keep(struct db *db, struct arena *arena, const char *media_id, int64_t look,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_LOOK_KEEP), DB_PARAMS(media_id, db_int(arena, look)), NULL,
	    err);
}

bool
store_duplicates(struct db *db, struct arena *arena, const struct duplicates_ask *ask,
    struct duplicate_group **out, size_t *n, struct error *err)
{
	struct duplicate_group *group = NULL;
	struct media *items;
	struct rows *rows;

	if (!db_exec(db, arena, Q(ask->by_look ? Q_DUPLICATES_LOOK : Q_DUPLICATES_BYTES),
		DB_PARAMS(ask->user_id, ask->after != NULL ? ask->after : UUID_FIRST,
		    db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = 0;
	*out = arena_array(arena, rows_count(rows), sizeof(**out));
	items = arena_array(arena, rows_count(rows), sizeof(*items));
	for (size_t i = 0; i < rows_count(rows); i++) {
		const char *id = rows_str(rows, i, MEDIA_COLUMNS_COUNT);

		if (group == NULL || !str_eq(group->id, id)) {
			group = &(*out)[(*n)++];
			*group = (struct duplicate_group) { id,
				rows_int(rows, i, MEDIA_COLUMNS_COUNT + 1), &items[i], 0 };
		}
		media_from_row(arena, rows, i, &items[i]);
		group->n++;
	}
	return true;
}
