#include "store/store_spots.h"

#include <math.h>

#include "core/arena.h"
#include "core/error.h"
#include "store/sql_spots.h"

#include "core/banned.h"

#define Q(id) (&store_spots_queries[id])
#define COARSE 10 /* the levels of sql/0050: squares are 90 / 2^level degrees wide */
#define FINE 15
#define SQUARE_0 90.0
#define NORTH 90.0 /* the last degrees, and how far the first ones are from zero */
#define EAST 180.0
#define FOLD_SQUARES "500"

/* The squares of a level that a box has as a whole. */
struct squares {
	int size; /* of what is asked for: a level, too */
	int level;
	int y_first, y_last, x_first, x_last;
	bool beyond; /* 180 degrees */
};

static int
first_from(double edge, double end, double size)
{
	return (int)ceil((edge + end) / size);
}

/* What lies at the very end has squares of its own behind the last one. */
static int
last_to(double edge, double end, double size)
{
	double past = floor((edge + end) / size);

	return (int)(edge >= end ? past : past - 1);
}

static struct media_bounds
box_of(const struct media_filter *f)
{
	return f->bounds != NULL ? *f->bounds :
				   (struct media_bounds) { -EAST, -NORTH, EAST, NORTH };
}

static struct squares
squares_of(const struct media_clusters_ask *ask)
{
	const struct media_bounds b = box_of(ask->filter);
	struct squares s = { .size = (int)lround(log2(SQUARE_0 / ask->size)) };
	double size;

	s.level = s.size <= COARSE ? COARSE : FINE;
	size = SQUARE_0 / exp2(s.level);
	s.y_first = first_from(b.south, NORTH, size);
	s.y_last = last_to(b.north, NORTH, size);
	s.x_first = first_from(b.west, EAST, size);
	s.x_last = last_to(b.east, EAST, size);
	s.beyond = b.west > b.east;
	return s;
}

bool
store_spots_know(const struct media_clusters_ask *ask)
{
	const struct media_filter *f = ask->filter;
	const struct squares s = squares_of(ask);

	return f->tag == NULL && f->status == NULL && f->year_from == 0 && f->year_to == 0 &&
	    f->taken_from == NULL && f->taken_to == NULL && f->favorite == NULL &&
	    f->archived == NULL && f->part == NULL && f->collection == NULL && f->place == 0 &&
	    f->country == NULL && s.size <= FINE && s.y_first <= s.y_last &&
	    (s.beyond || s.x_first <= s.x_last);
}

/* Exactly, as the squares are computed from it. */
static const char *
degrees(struct arena *arena, double value)
{
	return arena_printf(arena, "%.17g", value);
}

bool
store_spots_clusters(struct db *db, struct arena *arena, const struct media_clusters_ask *ask,
    struct rows **rows, struct error *err)
{
	const struct media_filter *f = ask->filter;
	const struct media_bounds b = box_of(f);
	const struct squares s = squares_of(ask);

	return db_exec(db, arena, Q(Q_SPOTS_CLUSTERED),
	    DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all), db_int(arena, s.level),
		db_int(arena, ask->limit), f->kind, f->source, f->owner, degrees(arena, b.south),
		degrees(arena, b.north), degrees(arena, b.west), degrees(arena, b.east),
		db_int(arena, FINE - s.size), db_int(arena, s.y_first), db_int(arena, s.y_last),
		db_int(arena, s.x_first), db_int(arena, s.x_last), db_bool(s.beyond)),
	    rows, err);
}

bool
store_spots_fold(struct db *db, struct arena *arena, struct error *err)
{
	int64_t n = 1;

	while (n > 0) {
		struct rows *rows;

		if (!db_exec(db, arena, Q(Q_SPOTS_FOLD), DB_PARAMS(FOLD_SQUARES), &rows, err))
			return false;
		n = rows_int(rows, 0, 0);
	}
	return true;
}

bool
store_spots_check(struct db *db, struct arena *arena, int64_t *wrong, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SPOTS_CHECK), DB_NO_PARAMS, &rows, err))
		return false;
	*wrong = rows_affected(rows);
	return true;
}
