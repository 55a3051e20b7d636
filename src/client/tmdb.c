#include "client/tmdb.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

#define GENRES_MAX 20
#define KEYWORDS_MAX 60
#define CAST_MAX 30
#define CREW_MAX 20
#define NAME_MAX_CHARS 100 /* code points of a name, a role, a keyword */
#define OVERVIEW_CHARS 5000
#define YEAR_DIGITS 4

/* Version 3 keys are 32 hexadecimal digits; access tokens are JWTs. */
static bool
is_token(const char *key)
{
	return strchr(key, '.') != NULL;
}

static const char *
kind_path(enum tmdb_kind kind)
{
	return kind == TMDB_MOVIE ? "movie" : "tv";
}

static enum answer_kind
unknown(struct error *err, const char *what)
{
	error_slug(err, ERR_UPSTREAM, "tmdb_unknown", "What responds at tmdb.url is not TMDB.");
	error_detail(err, "%s", what);
	return ANSWER_UNKNOWN;
}

/* A status other than 2xx. */
static enum answer_kind
refused(const struct http_answer *got, struct error *err)
{
	switch (got->status) {
	case 404: return ANSWER_ABSENT;
	case 401:
	case 403:
		error_slug(err, ERR_UPSTREAM, "tmdb_unauthorized", "TMDB does not accept the key.");
		return ANSWER_UNKNOWN;
	case 429:
		error_slug(err, ERR_UNAVAILABLE, "tmdb_busy", "TMDB asks for a pause.");
		err->retry_after = got->retry_after > 0 ? got->retry_after : TMDB_RETRY_AFTER;
		return ANSWER_UNKNOWN;
	default:
		error_slug(err, ERR_UNAVAILABLE, "tmdb_failed", "TMDB responded with status %d.",
		    got->status);
		return ANSWER_UNKNOWN;
	}
}

/* `path` has its query already: parameters go on with '&'. */
static enum answer_kind
ask(struct arena *arena, const struct tmdb *tmdb, const char *path, const struct cJSON **answer,
    struct error *err)
{
	bool token = is_token(tmdb->key);
	const char *headers[] = { "Accept: application/json",
		token ? arena_printf(arena, "Authorization: Bearer %s", tmdb->key) : NULL, NULL };
	struct http_out out = { .method = "GET",
		.service = "tmdb",
		.timeout_ms = TMDB_CALL_MS,
		.answer_max = TMDB_ANSWER_MAX,
		.headers = headers,
		.rules = tmdb->rules };
	struct http_answer got;
	struct buf url;

	buf_init(&url, arena, 0);
	buf_addf(&url, "%s%s", tmdb->url, path);
	if (!token) {
		buf_adds(&url, "&api_key=");
		url_encode(&url, tmdb->key, strlen(tmdb->key), false);
	}
	out.url = url.data;
	if (!http_out(arena, &out, &got, err))
		return ANSWER_UNKNOWN;
	*answer = json_parse(arena, got.body, got.len, err);
	if (got.status / 100 == 2)
		return cJSON_IsObject(*answer) ? ANSWER_PRESENT :
						 unknown(err, "the response is not JSON");
	/* A 404 of TMDB says so in JSON; that of a proxy or of a wrong address means nothing. */
	if (got.status == 404 && json_int(*answer, "status_code", 0) == 0)
		return unknown(err, "a 404 that is not TMDB's");
	return refused(&got, err);
}

/* Text that people will read; NULL where there is none. */
static const char *
text_of(struct arena *arena, const struct cJSON *object, const char *name, size_t max)
{
	const char *text = json_str(object, name, "");

	text = utf8_clean(arena, text, strlen(text), max);
	return text[0] == '\0' ? NULL : text;
}

static void
names(struct arena *arena, struct json *j, const char *key, const struct cJSON *list, int max)
{
	const struct cJSON *one;
	int n = 0;

	json_array(j, key);
	cJSON_ArrayForEach (one, list) {
		const char *name = text_of(arena, one, "name", NAME_MAX_CHARS);

		if (name != NULL && n++ < max)
			json_put_str(j, NULL, name);
	}
	json_array_end(j);
}

static void
person(struct arena *arena, struct json *j, const struct cJSON *one, const char *role)
{
	const char *name = text_of(arena, one, "name", NAME_MAX_CHARS);

	if (name == NULL)
		return;
	json_object(j, NULL);
	json_put_str(j, "name", name);
	json_opt_str(j, "role", text_of(arena, one, role, NAME_MAX_CHARS));
	json_object_end(j);
}

/* Of the hundreds who worked on a film, those whom people know it by. */
static bool
known_for(const struct cJSON *one)
{
	static const char *const jobs[] = { "Director", "Writer", "Screenplay", "Novel", "Creator",
		"Original Music Composer", "Director of Photography" };
	const char *job = json_str(one, "job", "");

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		if (str_eq(jobs[i], job))
			return true;
	return false;
}

static void
people(struct arena *arena, struct json *j, const struct cJSON *cast, const struct cJSON *crew)
{
	const struct cJSON *one;
	int n = 0;

	json_array(j, "people");
	cJSON_ArrayForEach (one, cast)
		if (n++ < CAST_MAX)
			person(arena, j, one, "character");
	n = 0;
	cJSON_ArrayForEach (one, crew)
		if (known_for(one) && n++ < CREW_MAX)
			person(arena, j, one, "job");
	json_array_end(j);
}

static void
external_ids(struct arena *arena, struct json *j, const struct cJSON *answer, const char *id)
{
	const struct cJSON *ids = json_get(answer, "external_ids");
	int64_t tvdb = json_int(ids, "tvdb_id", 0);

	json_object(j, "externalIds");
	json_put_str(j, "tmdb", id);
	json_opt_str(j, "imdb", text_of(arena, ids, "imdb_id", NAME_MAX_CHARS));
	if (tvdb > 0)
		json_put_str(j, "tvdb", arena_printf(arena, "%lld", (long long)tvdb));
	json_object_end(j);
}

/* Paths become parts of URLs and of keys in the database. */
static bool
path_good(const char *path)
{
	size_t len = 1;

	if (path == NULL || path[0] != '/')
		return false;
	while (isalnum((unsigned char)path[len]) || (path[len] != '\0' && strchr("_-.", path[len])))
		len++;
	return path[len] == '\0' && len > 1 && len <= NAME_MAX_CHARS;
}

static bool
id_good(const char *id)
{
	int64_t n;

	return id != NULL && str_to_int(id, 1, INT32_MAX, &n);
}

static void
picture_path(struct json *j, const struct cJSON *answer, const char *name)
{
	if (path_good(json_str(answer, name, NULL)))
		json_put_str(j, "poster", json_str(answer, name, NULL));
}

enum answer_kind
tmdb_title(struct arena *arena, const struct tmdb *tmdb, enum tmdb_kind kind, const char *id,
    const char **title, struct error *err)
{
	const struct cJSON *answer, *keywords;
	struct json *j = json_new(arena, 0);
	enum answer_kind end;

	if (!id_good(id))
		return ANSWER_ABSENT;
	end = ask(arena, tmdb,
	    arena_printf(arena, "/%s/%s?append_to_response=credits,external_ids,keywords",
		kind_path(kind), id),
	    &answer, err);
	if (end != ANSWER_PRESENT)
		return end;
	if (json_int(answer, "id", 0) == 0)
		return unknown(err, "a title without id");
	/* Films have keywords.keywords, series keywords.results. */
	keywords = json_get(answer, "keywords");
	json_object(j, NULL);
	json_opt_str(j, "overview", text_of(arena, answer, "overview", OVERVIEW_CHARS));
	names(arena, j, "genres", json_get(answer, "genres"), GENRES_MAX);
	names(arena, j, "keywords", json_get(keywords, kind == TMDB_MOVIE ? "keywords" : "results"),
	    KEYWORDS_MAX);
	people(arena, j, json_get(json_get(answer, "credits"), "cast"),
	    json_get(json_get(answer, "credits"), "crew"));
	picture_path(j, answer, "poster_path");
	external_ids(arena, j, answer, id);
	json_object_end(j);
	*title = j->buf.data;
	return ANSWER_PRESENT;
}

static const char *
id_of(struct arena *arena, const struct cJSON *one)
{
	int64_t id = json_int(one, "id", 0);

	return id > 0 ? arena_printf(arena, "%lld", (long long)id) : NULL;
}

/* What a season and an episode have alike; leaves the object open. */
static void
part(struct arena *arena, struct json *j, const struct cJSON *one, const char *picture)
{
	json_object(j, NULL);
	json_opt_str(j, "overview", text_of(arena, one, "overview", OVERVIEW_CHARS));
	picture_path(j, one, picture);
	json_object(j, "externalIds");
	json_opt_str(j, "tmdb", id_of(arena, one));
	json_object_end(j);
}

static const char *
episode(struct arena *arena, const struct cJSON *one)
{
	struct json *j = json_new(arena, 0);

	part(arena, j, one, "still_path");
	people(arena, j, json_get(one, "guest_stars"), json_get(one, "crew"));
	json_object_end(j);
	return j->buf.data;
}

enum answer_kind
tmdb_season(struct arena *arena, const struct tmdb *tmdb, const char *show_id, int64_t number,
    const char **season, struct error *err)
{
	const struct cJSON *answer, *episodes, *one;
	struct json *j = json_new(arena, 0);
	enum answer_kind end;
	int n = 0;

	if (!id_good(show_id))
		return ANSWER_ABSENT;
	end = ask(arena, tmdb,
	    arena_printf(arena, "/tv/%s/season/%lld?language=en-US", show_id, (long long)number),
	    &answer, err);
	if (end != ANSWER_PRESENT)
		return end;
	episodes = json_get(answer, "episodes");
	if (json_int(answer, "id", 0) == 0 || !cJSON_IsArray(episodes))
		return unknown(err, "a season without id or episodes");
	part(arena, j, answer, "poster_path");
	json_object(j, "episodes");
	cJSON_ArrayForEach (one, episodes) {
		int64_t place = json_int(one, "episode_number", -1);

		if (place >= 0 && n++ < TMDB_EPISODES_MAX)
			json_put_raw(j, arena_printf(arena, "%lld", (long long)place),
			    episode(arena, one));
	}
	json_object_end(j);
	json_object_end(j);
	*season = j->buf.data;
	return ANSWER_PRESENT;
}

enum answer_kind
tmdb_find(struct arena *arena, const struct tmdb *tmdb, enum tmdb_kind kind, const char *source,
    const char *external_id, const char **id, struct error *err)
{
	const struct cJSON *answer, *list;
	enum answer_kind end;
	struct buf path;

	buf_init(&path, arena, 0);
	buf_adds(&path, "/find/");
	url_encode(&path, external_id, strlen(external_id), false);
	buf_addf(&path, "?external_source=%s", source);
	end = ask(arena, tmdb, path.data, &answer, err);
	if (end != ANSWER_PRESENT)
		return end;
	list = json_get(answer, kind == TMDB_MOVIE ? "movie_results" : "tv_results");
	if (!cJSON_IsArray(list))
		return unknown(err, "results of find without a list");
	*id = id_of(arena, cJSON_GetArrayItem(list, 0));
	return *id != NULL ? ANSWER_PRESENT : ANSWER_ABSENT;
}

/* The next byte that counts in a comparison of titles; 0 at the end. */
static unsigned char
next_of(const char **text)
{
	unsigned char c;

	do
		c = (unsigned char)*(*text)++;
	while (c != '\0' && c < 0x80 && !isalnum(c));
	if (c == '\0')
		(*text)--;
	return (unsigned char)tolower(c);
}

static bool
same_name(const char *a, const char *b)
{
	unsigned char x, y;

	if (a == NULL || b == NULL)
		return false;
	do {
		x = next_of(&a);
		y = next_of(&b);
		if (x != y)
			return false;
	} while (x != '\0');
	return true;
}

static bool
matches(const struct cJSON *one, enum tmdb_kind kind, const struct tmdb_query *query)
{
	bool movie = kind == TMDB_MOVIE;
	const char *name = json_str(one, movie ? "title" : "name", NULL),
		   *original = json_str(one, movie ? "original_title" : "original_name", NULL),
		   *date = json_str(one, movie ? "release_date" : "first_air_date", "");
	char year[YEAR_DIGITS + 1] = "";
	int64_t y = 0;

	if (strlen(date) >= YEAR_DIGITS)
		memcpy(year, date, YEAR_DIGITS);
	(void)str_to_int(year, 1, 9999, &y);
	return (query->year == 0 || query->year == y) &&
	    (same_name(name, query->title) || same_name(original, query->title) ||
		same_name(name, query->original_title) ||
		same_name(original, query->original_title));
}

enum answer_kind
tmdb_search(struct arena *arena, const struct tmdb *tmdb, enum tmdb_kind kind,
    const struct tmdb_query *query, const char **id, struct error *err)
{
	const struct cJSON *answer, *list, *one;
	enum answer_kind end;
	struct buf path;
	size_t found = 0;

	buf_init(&path, arena, 0);
	buf_addf(&path, "/search/%s?query=", kind_path(kind));
	url_encode(&path, query->title, strlen(query->title), false);
	if (query->year > 0)
		buf_addf(&path, "&%s=%lld",
		    kind == TMDB_MOVIE ? "primary_release_year" : "first_air_date_year",
		    (long long)query->year);
	end = ask(arena, tmdb, path.data, &answer, err);
	if (end != ANSWER_PRESENT)
		return end;
	list = json_get(answer, "results");
	if (!cJSON_IsArray(list))
		return unknown(err, "results of a search without a list");
	cJSON_ArrayForEach (one, list)
		if (matches(one, kind, query) && found++ == 0)
			*id = id_of(arena, one);
	return found == 1 && *id != NULL ? ANSWER_PRESENT : ANSWER_ABSENT;
}

enum answer_kind
tmdb_picture(struct arena *arena, const struct tmdb *tmdb, enum tmdb_size size, const char *path,
    struct tmdb_picture *picture, struct error *err)
{
	static const char *const sizes[] = { [TMDB_CARD] = "w342", [TMDB_LARGE] = "w780" };
	struct http_out out = { .method = "GET",
		.service = "tmdb",
		.timeout_ms = TMDB_CALL_MS,
		.answer_max = TMDB_PICTURE_MAX,
		.url = arena_printf(arena, "%s/%s%s", tmdb->image_url, sizes[size], path),
		.rules = tmdb->rules };
	struct http_answer got;

	if (!path_good(path))
		return ANSWER_ABSENT;
	if (!http_out(arena, &out, &got, err))
		return ANSWER_UNKNOWN;
	if (got.status / 100 != 2)
		return refused(&got, err);
	if (got.len == 0)
		return unknown(err, "an empty picture");
	*picture = (struct tmdb_picture) { got.body, got.len };
	return ANSWER_PRESENT;
}
