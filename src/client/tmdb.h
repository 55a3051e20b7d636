/*
 * The Movie Database: films and series by its own id, by ids of others, by title and year; seasons
 * with their episodes. It has no music.
 *
 * Every question ends present, absent or unknown (outbound.h). Unknown fills the error: what
 * http_out() has, and
 *	tmdb_busy		ERR_UNAVAILABLE with retry_after: too many requests
 *	tmdb_unauthorized	ERR_UPSTREAM: the key is not accepted
 *	tmdb_unknown		ERR_UPSTREAM: what responds is not TMDB
 *	tmdb_failed		ERR_UNAVAILABLE: another status
 */
#ifndef MN_CLIENT_TMDB_H
#define MN_CLIENT_TMDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/outbound.h"

struct arena;
struct error;

#define TMDB_CALL_MS 10000
#define TMDB_ANSWER_MAX (8UL << 20)   /* bytes; a long series has thousands of people */
#define TMDB_PICTURE_MAX (20UL << 20) /* bytes */
#define TMDB_EPISODES_MAX 2000        /* of a season */
#define TMDB_RETRY_AFTER 10           /* seconds, where a 429 does not say */

struct tmdb {
	const char *url, *image_url;
	/*
	 * An API read access token, which is sent in a header, or a key of version 3, which TMDB
	 * takes in the query only: such URLs are in no error and no log.
	 */
	const char *key;
	struct outbound rules;
};

enum tmdb_kind { TMDB_MOVIE, TMDB_SHOW };

/*
 * A title by TMDB's id, as JSON object text:
 * {"overview"?,"genres":[],"keywords":[],"people":[{"name","role"}],"poster"?,
 * "externalIds":{"tmdb","imdb"?,"tvdb"?}}; people are the cast (role: the character), then those
 * who made it (role: the job).
 */
enum answer_kind tmdb_title(struct arena *, const struct tmdb *, enum tmdb_kind, const char *id,
    const char **title, struct error *);
/*
 * A season of a series by TMDB's id of the series, with all of its episodes, as JSON object text:
 * {"overview"?,"poster"?,"externalIds":{"tmdb"},"episodes":{"<number>":{"overview"?,"poster"?,
 * "externalIds":{"tmdb"},"people":[]}}}; people are those who are in this episode only, and those
 * who made it.
 */
enum answer_kind tmdb_season(struct arena *, const struct tmdb *, const char *show_id,
    int64_t number, const char **season, struct error *);
/* TMDB's id of what another catalogue knows as `external_id`. source: imdb_id or tvdb_id. */
enum answer_kind tmdb_find(struct arena *, const struct tmdb *, enum tmdb_kind, const char *source,
    const char *external_id, const char **id, struct error *);
/*
 * TMDB's id of the one title with exactly this name (or original name) and year; punctuation and
 * case do not count. Absent: none, or several.
 */
struct tmdb_query {
	const char *title, *original_title; /* the second or NULL */
	int64_t year;                       /* 0: unknown */
};
enum answer_kind tmdb_search(struct arena *, const struct tmdb *, enum tmdb_kind,
    const struct tmdb_query *, const char **id, struct error *);
/* A picture by its path in a title; needs no key. */
struct tmdb_picture {
	const char *data;
	size_t len;
};
enum tmdb_size { TMDB_CARD, TMDB_LARGE };
enum answer_kind tmdb_picture(struct arena *, const struct tmdb *, enum tmdb_size, const char *path,
    struct tmdb_picture *, struct error *);

#endif
