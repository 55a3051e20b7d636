/*
 * What events of media servers are about: people, items of the catalogue, viewings, and servers
 * that have gone silent (tables of sql/0013 and sql/0014).
 */
#ifndef MN_STORE_PLAYS_H
#define MN_STORE_PLAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_plays_queries[];

/* An item of a server, as the catalogue has it. */
struct known_item {
	const char *media_id; /* NULL: the catalogue does not have it */
	const char *title, *kind, *guid;
	const char *above_id, *above_title; /* its series or album, also of itself; or NULL */
	const char *section_id, *section_title;
	int64_t found_at; /* us: by the sync */
	bool trashed;
};
bool store_known_item(struct db *, struct arena *, const char *server_id, const char *key,
    struct known_item *, struct error *);
/* *known: the server has such a library; *enabled: it is not left out. */
bool store_known_section(struct db *, struct arena *, const char *server_id, const char *key,
    bool *known, bool *enabled, struct error *);

/* The active person of a Plex account, locked until the transaction ends; NULL: nobody. */
bool store_plays_person(struct db *, struct arena *, const char *plex_id, const char **user_id,
    struct error *);

struct play {
	const char *id; /* NULL: none */
	const char *user_id, *server_id, *item_key, *player;
	const char *media_id; /* or NULL */
	const char *activity_id;
	int64_t started_at, last_at, finished_at, stopped_at; /* us; 0: not yet */
};
/* The newest viewing of this person, item and player that began before `at`. */
bool store_play_find(struct db *, struct arena *, const struct play *of, int64_t at, struct play *,
    struct error *);
/* With its entry in the person's history; `data` is JSON object text. */
bool store_play_add(struct db *, struct arena *, const struct play *, const char *data,
    struct error *);
/* Takes the times of `play`. */
bool store_play_extend(struct db *, struct arena *, const struct play *, struct error *);
bool store_activity_add_at(struct db *, struct arena *, const char *id, const char *user_id,
    const char *kind, const char *data, int64_t at, struct error *);
/* Viewings that are as old as a history may be. */
bool store_plays_expire(struct db *, struct arena *, struct error *);

/* An enabled server that is known to send events to the house, or that should. */
struct quiet_server {
	const char *id, *name;
	int64_t last_event_at; /* us; the age of the oldest source where there was no event */
	bool noticed;          /* admins were told since */
	bool heard;            /* an event came after they were told */
};
/* Servers without an event for so long. */
bool store_quiet_servers(struct db *, struct arena *, int64_t seconds, struct quiet_server **,
    size_t *n, struct error *);
bool store_silence_noticed(struct db *, struct arena *, const char *server_id, struct error *);
/*
 * Servers that have sent an event since admins were told, which is forgotten, and those from which
 * none is expected any more (`seconds` 0: from none): id, name, heard.
 */
bool store_silences_ended(struct db *, struct arena *, int64_t seconds, struct quiet_server **,
    size_t *n, struct error *);

#endif
