/* Requests for titles, which Overseerr keeps. Strings belong to the arena of the call. */
#ifndef MN_MODEL_REQUEST_H
#define MN_MODEL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

#define REQUEST_MEDIA_LIST(X) X("movie") X("tv")
#define REQUEST_STATUS_LIST(X) \
	X(PENDING, "pending") \
	X(APPROVED, "approved") \
	X(DECLINED, "declined") \
	X(PROCESSING, "processing") \
	X(AVAILABLE, "available") \
	X(FAILED, "failed")
/* Who found out whom somebody is in Overseerr. */
#define OVERSEERR_BY_LIST(X) X("plex") X("person")

#define REQUEST_SEASONS_MAX 100

enum title_status {
#define REQUEST_STATUS(id, name) TITLE_##id,
	REQUEST_STATUS_LIST(REQUEST_STATUS) TITLE_STATUSES
#undef REQUEST_STATUS
};

static inline const char *
title_status_name(enum title_status status)
{
#define REQUEST_STATUS(id, name) name,
	static const char *const names[TITLE_STATUSES] = { REQUEST_STATUS_LIST(REQUEST_STATUS) };
#undef REQUEST_STATUS

	return names[status];
}

struct seasons {
	int64_t numbers[REQUEST_SEASONS_MAX];
	size_t n; /* 0: all */
};

struct title_request {
	const char *id;
	int64_t overseerr_id; /* 0: not known yet whether Overseerr took it */
	const char *media_type;
	int64_t tmdb_id;
	bool is4k;
	struct seasons seasons;
	const char *title;     /* or NULL */
	int64_t year;          /* 0: unknown */
	const char *poster;    /* path at TMDB; "": it has none; NULL: not known */
	int64_t newest_before; /* Overseerr's newest number before it was asked; -1: not known */
	int64_t overseerr_user;
	const char *overseerr_name;
	const char *requested_by, *requester_name; /* of ours; NULL: nobody is linked */
	bool made_here;
	int64_t request_state, media_state; /* Overseerr's numbers */
	enum title_status status;
	const char *reason;
	const char *failure_code, *failure_message;
	int64_t retry_at; /* us: when it can be asked for again; 0: not known */
	int64_t told;     /* REQUEST_TOLD_* */
	int64_t fetched_at, created_at, updated_at;
};

#define REQUEST_TOLD_APPROVED 1
#define REQUEST_TOLD_DECLINED 2
#define REQUEST_TOLD_AVAILABLE 4

struct overseerr_settings {
	const char *url; /* NULL: none is set up */
	const char *key; /* sealed */
	bool enabled;
	const char *version;
	const char *state;
	int64_t asked_at, last_seen_at, refreshed_at; /* us; 0: never */
};

/* A person of ours and who they are in Overseerr. */
struct overseerr_person {
	const char *user_id, *name;
	int64_t overseerr_id; /* 0: nobody */
	const char *overseerr_name;
	const char *by; /* NULL: nobody said anything */
};
struct overseerr_user {
	int64_t id;
	const char *name, *plex_id; /* plex_id: NULL without */
};

#endif
