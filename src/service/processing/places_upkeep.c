/*
 * The names of places: loads the cities of GeoNames when their file is another one than last time,
 * then looks at all items with them, batch by batch. New items are looked at by sql/0044.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/processing/upkeep.h"
#include "service/services.h"
#include "store/store_cities.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define CITIES_FILE "cities15000.txt"
#define REGIONS_FILE "admin1Codes.txt"
#define FILE_MAX (64LL << 20) /* bytes */
#define LINE_FIELDS_MAX 19    /* of GeoNames' table of cities */
#define NAME_MAX_BYTES 200
#define FORM "1"         /* of what is kept of a city; another one loads all again */
#define NO_CITIES ""     /* the fingerprint of none */
#define LOAD_BATCH 2000  /* cities of one statement */
#define LOOK_BATCH 2000  /* items of one transaction */
#define LOOK_SECONDS 480 /* of one run; the next one goes on */

/* GeoNames' columns. */
enum { ID, NAME, LATITUDE = 4, LONGITUDE, CODE = 7, COUNTRY, REGION = 10, ZONE = 17 };
/* Codes of what is no place by itself, or not any more: a district has the name of its city. */
static const char *const left_out[] = { "PPLX", "PPLH", "PPLQ", "PPLW" };

/* The size and time of the two files, as a text; NULL: they cannot be read. */
static const char *
fingerprint(struct arena *arena, const char *cities, const char *regions)
{
	struct stat c, r;

	if (stat(cities, &c) != 0 || stat(regions, &r) != 0 || c.st_size > FILE_MAX ||
	    r.st_size > FILE_MAX)
		return NULL;
	return arena_printf(arena, FORM " %lld %lld %lld %lld", (long long)c.st_size,
	    (long long)c.st_mtime, (long long)r.st_size, (long long)r.st_mtime);
}

/* The whole file, terminated; NULL: it cannot be read. */
static char *
whole(struct arena *arena, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = NULL;
	size_t len = 0, size;
	ssize_t got = 1;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
		size = (size_t)st.st_size;
		text = arena_alloc(arena, size + 1);
		while (len < size && (got = read(fd, text + len, size - len)) > 0)
			len += (size_t)got;
		if (got < 0 || !utf8_valid(text, len) || strlen(text) != len)
			text = NULL;
	}
	close(fd);
	return text;
}

/* Cuts the next line off *text into its fields; their number, 0 at the end. */
static size_t
next_line(char **text, const char *fields[LINE_FIELDS_MAX])
{
	char *line = *text, *end = strchr(line, '\n');
	size_t n = 0;

	if (*line == '\0')
		return 0;
	*text = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	for (char *field = line; field != NULL && n < LINE_FIELDS_MAX; n++) {
		char *tab = strchr(field, '\t');

		fields[n] = field;
		if (tab != NULL)
			*tab++ = '\0';
		field = tab;
	}
	return n;
}

/* First-order divisions by their code, "DE.16". */
struct region {
	const char *code, *name;
};
struct regions {
	struct region *items;
	size_t n;
};

static int
by_code(const void *a, const void *b)
{
	return strcmp(((const struct region *)a)->code, ((const struct region *)b)->code);
}

static void
regions_read(struct arena *arena, char *text, struct regions *r)
{
	const char *fields[LINE_FIELDS_MAX];
	size_t n, lines = 1;

	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	r->items = arena_array(arena, lines, sizeof(*r->items));
	while ((n = next_line(&text, fields)) > 0)
		if (n > 1)
			r->items[r->n++] = (struct region) { fields[0], fields[1] };
	qsort(r->items, r->n, sizeof(*r->items), by_code);
}

static const char *
region_name(struct arena *arena, const struct regions *r, const char *country, const char *code)
{
	const struct region wanted = { arena_printf(arena, "%s.%s", country, code), NULL };
	const struct region *found = bsearch(&wanted, r->items, r->n, sizeof(wanted), by_code);

	return found != NULL ? found->name : NULL;
}

enum { C_ID, C_NAME, C_REGION, C_COUNTRY, C_ZONE, C_LATITUDE, C_LONGITUDE, C_LISTS };

struct batch {
	const char *lists[C_LISTS][LOAD_BATCH];
	size_t n;
};

static bool
batch_add(const struct call *call, struct batch *b, struct error *err)
{
	const size_t n = b->n;

	b->n = 0;
	return n == 0 ||
	    store_cities_add(call->svc->db, call->arena,
		&(const struct cities) { { b->lists[C_ID], n }, { b->lists[C_NAME], n },
		    { b->lists[C_REGION], n }, { b->lists[C_COUNTRY], n }, { b->lists[C_ZONE], n },
		    { b->lists[C_LATITUDE], n }, { b->lists[C_LONGITUDE], n } },
		err);
}

static bool
is_degrees(const char *text, double most)
{
	char *end;
	double value = strtod(text, &end);

	return text[0] != '\0' && text[strspn(text, "0123456789.-")] == '\0' && *end == '\0' &&
	    value >= -most && value <= most;
}

static bool
is_city(const char *const f[LINE_FIELDS_MAX], size_t n)
{
	int64_t id;

	if (n <= ZONE)
		return false;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (str_eq(f[CODE], left_out[i]))
			return false;
	return str_to_int(f[ID], 1, INT32_MAX, &id) && is_degrees(f[LATITUDE], 90) &&
	    is_degrees(f[LONGITUDE], 180) && f[NAME][0] != '\0' &&
	    strlen(f[NAME]) <= NAME_MAX_BYTES && strlen(f[COUNTRY]) == 2;
}

static bool
cities_in(const struct call *call, char *text, const struct regions *regions, struct error *err)
{
	struct batch *b = arena_alloc(call->arena, sizeof(*b));
	const char *f[LINE_FIELDS_MAX];
	size_t n;

	if (!store_cities_clear(call->svc->db, call->arena, err))
		return false;
	while ((n = next_line(&text, f)) > 0) {
		if (!is_city(f, n))
			continue;
		b->lists[C_ID][b->n] = f[ID];
		b->lists[C_NAME][b->n] = f[NAME];
		b->lists[C_REGION][b->n] = region_name(call->arena, regions, f[COUNTRY], f[REGION]);
		b->lists[C_COUNTRY][b->n] = f[COUNTRY];
		b->lists[C_ZONE][b->n] = f[ZONE][0] != '\0' ? f[ZONE] : NULL;
		b->lists[C_LATITUDE][b->n] = f[LATITUDE];
		b->lists[C_LONGITUDE][b->n++] = f[LONGITUDE];
		if (b->n == LOAD_BATCH && !batch_add(call, b, err))
			return false;
	}
	return batch_add(call, b, err);
}

/* Loads the files, if they can be had and are others than last time. */
static bool
load(const struct call *call, const char *old, struct error *err)
{
	const char *dir = config_str(call->svc->config, CFG_MEDIA_PLACES_DATA);
	const char *cities = arena_printf(call->arena, "%s/" CITIES_FILE, dir);
	const char *regions = arena_printf(call->arena, "%s/" REGIONS_FILE, dir);
	const char *now = dir[0] != '\0' ? fingerprint(call->arena, cities, regions) : NULL;
	struct regions known = { .n = 0 };
	struct db *db = call->svc->db;
	char *text, *codes;

	/* Without cities places have no names, but items have coordinates. */
	if (now == NULL && old == NULL)
		return db_begin(db, err) &&
		    db_end(db, store_cities_loaded(db, call->arena, NO_CITIES, err), err);
	if (now == NULL || str_eq(now, old))
		return true;
	text = whole(call->arena, cities);
	codes = whole(call->arena, regions);
	if (text == NULL || codes == NULL) {
		log_warn(call->svc->log, "places have no names: %s cannot be read",
		    text == NULL ? cities : regions);
		return true;
	}
	regions_read(call->arena, codes, &known);
	return db_begin(db, err) &&
	    db_end(db,
		cities_in(call, text, &known, err) &&
		    store_cities_loaded(db, call->arena, now, err),
		err);
}

static bool
look_in(const struct call *call, const char *seen_to, bool *more, struct error *err)
{
	struct strings owners;

	if (!store_cities_look(call->svc->db, call->arena, seen_to, LOOK_BATCH, &owners, more, err))
		return false;
	for (size_t i = 0; i < owners.n; i++)
		if (!cache_change(call, owners.items[i], err))
			return false;
	return owners.n == 0 || cache_change(call, CACHE_HOUSE, err);
}

bool
upkeep_places(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;
	struct arena arena;
	const struct call batch = { call->svc, &arena, call->by };
	const char *source, *seen_to;
	int64_t end = clock_monotonic() + LOOK_SECONDS * US_PER_SEC;
	bool ok, more = true;

	arena_init(&arena);
	ok = store_cities_source(db, &arena, &source, &seen_to, err) && load(&batch, source, err);
	while (ok && more && clock_monotonic() < end && !*env->stop) {
		arena_reset(&arena);
		ok = store_cities_source(db, &arena, &source, &seen_to, err);
		more = ok && seen_to != NULL;
		if (more)
			ok = db_begin(db, err) &&
			    db_end(db, look_in(&batch, seen_to, &more, err), err);
	}
	arena_clear(&arena);
	return ok && store_job_done(db, call->arena, job, err);
}
