#include "client/overseerr_read.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

#define TITLE_MAX 500 /* bytes */
#define OVERVIEW_MAX 2000
#define DATE_MAX 200
#define POSTER_MAX 100
#define YEAR_DIGITS 4
#define NUMBER_MAX 100000 /* of a state or season; others say nothing */
#define MEDIA_AVAILABLE 5
#define MEDIA_PARTIAL 4
#define MEDIA_PROCESSING 3
#define MEDIA_PENDING 2
#define REQUEST_PENDING 1
#define REQUEST_APPROVED 2

static const char *
text(struct arena *arena, const struct cJSON *object, const char *name, size_t max)
{
	const char *value = json_str(object, name, "");

	return *value == '\0' ? NULL : utf8_clean(arena, value, strlen(value), max);
}

/* The first of these members that is a text. */
static const char *
first(struct arena *arena, const struct cJSON *object, const char *const *names, size_t max)
{
	const char *value = NULL;

	for (; *names != NULL && value == NULL; names++)
		value = text(arena, object, *names, max);
	return value;
}

bool
overseerr_read_account(struct arena *arena, const struct cJSON *object,
    struct overseerr_account *account)
{
	static const char *const names[] = { "displayName", "username", "plexUsername",
		"jellyfinUsername", NULL };
	int64_t plex_id = json_int(object, "plexId", 0);

	*account = (struct overseerr_account) {
		.id = json_int(object, "id", 0),
		.name = first(arena, object, names, OVERSEERR_NAME_MAX),
		.plex_id = plex_id > 0 ? arena_printf(arena, "%lld", (long long)plex_id) : NULL,
		.permissions = json_int(object, "permissions", 0),
	};
	/* displayName falls back to the address, which is nobody's business. */
	if (account->name == NULL || strchr(account->name, '@') != NULL)
		account->name = arena_printf(arena, "User %lld", (long long)account->id);
	return account->id > 0;
}

/* A state or the number of a season. */
static int64_t
number(const struct cJSON *object, const char *name, int64_t fallback)
{
	int64_t value = json_int(object, name, fallback);

	return value < 0 || value > NUMBER_MAX ? fallback : value;
}

/* The state of its media; of a series that is there in part, of the seasons that it is about. */
static int64_t
media_state(const struct cJSON *media, const struct overseerr_request *request)
{
	const char *name = request->is4k ? "status4k" : "status";
	int64_t state = number(media, name, 0);
	const struct cJSON *season;
	size_t there = 0;

	if (state != MEDIA_PARTIAL || request->nseasons == 0)
		return state;
	cJSON_ArrayForEach (season, json_get(media, "seasons"))
		for (size_t i = 0; i < request->nseasons; i++)
			there += number(season, "seasonNumber", -1) == request->seasons[i] &&
			    number(season, name, 0) == MEDIA_AVAILABLE;
	return there == request->nseasons ? MEDIA_AVAILABLE : state;
}

static int64_t
time_of(const struct cJSON *object, const char *name)
{
	int64_t us;

	return time_parse_rfc3339(json_str(object, name, ""), &us) ? us : 0;
}

bool
overseerr_read_request(struct arena *arena, const struct cJSON *object,
    struct overseerr_request *request)
{
	const struct cJSON *media = json_get(object, "media"), *season;

	*request = (struct overseerr_request) {
		.id = json_int(object, "id", 0),
		.media_type = json_str(object, "type", json_str(media, "mediaType", "")),
		.tmdb_id = json_int(media, "tmdbId", 0),
		.is4k = json_bool(object, "is4k", false),
		.request_state = number(object, "status", 0),
		.created_at = time_of(object, "createdAt"),
		.updated_at = time_of(object, "updatedAt"),
	};
	cJSON_ArrayForEach (season, json_get(object, "seasons"))
		if (request->nseasons < OVERSEERR_SEASONS_MAX &&
		    number(season, "seasonNumber", -1) >= 0)
			request->seasons[request->nseasons++] = number(season, "seasonNumber", -1);
	request->media_state = media_state(media, request);
	request->media_type = str_eq(request->media_type, "tv") ? "tv" : "movie";
	if (!overseerr_read_account(arena, json_get(object, "requestedBy"), &request->by))
		request->by = (struct overseerr_account) { .id = 0 };
	return request->id > 0;
}

bool
overseerr_read_title(struct arena *arena, const struct cJSON *object, const char *media_type,
    struct overseerr_title *title)
{
	static const char *const names[] = { "title", "name", "originalTitle", "originalName",
		NULL };
	static const char *const dates[] = { "releaseDate", "firstAirDate", NULL };
	const char *date = first(arena, object, dates, DATE_MAX);

	*title = (struct overseerr_title) {
		.media_type = str_eq(media_type, "tv") ? "tv" : "movie",
		.tmdb_id = json_int(object, "id", 0),
		.title = first(arena, object, names, TITLE_MAX),
		.overview = text(arena, object, "overview", OVERVIEW_MAX),
		.poster = text(arena, object, "posterPath", POSTER_MAX),
		.media_state = number(json_get(object, "mediaInfo"), "status", 0),
	};
	if (date != NULL && strlen(date) >= YEAR_DIGITS)
		(void)str_to_int(arena_strndup(arena, date, YEAR_DIGITS), 1, 9999, &title->year);
	return title->tmdb_id > 0 && title->title != NULL;
}

static struct overseerr_season *
season_of(struct overseerr_details *details, const struct cJSON *object)
{
	for (size_t i = 0; i < details->nseasons; i++)
		if (details->seasons[i].number == number(object, "seasonNumber", -1))
			return &details->seasons[i];
	return NULL;
}

/* A season that somebody has asked for is on its way, whatever its media says. */
static void
read_asked(struct overseerr_details *details, const struct cJSON *request)
{
	int64_t status = number(request, "status", 0),
		state = status == REQUEST_PENDING ? MEDIA_PENDING :
	    status == REQUEST_APPROVED            ? MEDIA_PROCESSING :
						    0;
	bool is4k = json_bool(request, "is4k", false);
	const struct cJSON *one;

	cJSON_ArrayForEach (one, json_get(request, "seasons")) {
		struct overseerr_season *season = season_of(details, one);
		int64_t *is = season == NULL ? NULL : is4k ? &season->state_4k : &season->state;

		if (is != NULL && *is < state)
			*is = state;
	}
}

bool
overseerr_read_details(struct arena *arena, const struct cJSON *object, const char *media_type,
    struct overseerr_details *details)
{
	const struct cJSON *info = json_get(object, "mediaInfo"), *one;

	*details = (struct overseerr_details) { .state_4k = number(info, "status4k", 0) };
	cJSON_ArrayForEach (one, json_get(object, "seasons"))
		if (details->nseasons < OVERSEERR_SEASONS_MAX &&
		    number(one, "seasonNumber", -1) >= 0)
			details->seasons[details->nseasons++] = (struct overseerr_season) {
				.number = number(one, "seasonNumber", -1),
				.episodes = number(one, "episodeCount", 0),
				.name = text(arena, one, "name", OVERSEERR_NAME_MAX),
			};
	cJSON_ArrayForEach (one, json_get(info, "seasons")) {
		struct overseerr_season *season = season_of(details, one);

		if (season != NULL) {
			season->state = number(one, "status", 0);
			season->state_4k = number(one, "status4k", 0);
		}
	}
	cJSON_ArrayForEach (one, json_get(info, "requests"))
		read_asked(details, one);
	return overseerr_read_title(arena, object, media_type, &details->title);
}
