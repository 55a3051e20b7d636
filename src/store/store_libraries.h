/*
 * Sections of media servers, and what their rules make of their items: media_sections and
 * media_section_users of sql/0013.
 */
#ifndef MN_STORE_STORE_LIBRARIES_H
#define MN_STORE_STORE_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/server.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_libraries_queries[];

/* What a server says of one of its sections. */
struct store_section {
	const char *key, *title, *type, *agent;
};
/* Adds those that are new and renames the others; one that is missing here stays. */
bool store_libraries_keep(struct db *, struct arena *, const char *server_id,
    const struct store_section *, size_t n, struct error *);
bool store_libraries_list(struct db *, struct arena *, const char *server_id, struct library **,
    size_t *n, struct error *);
/* "server id:key" of those whose items this person can read. */
bool store_libraries_readable(struct db *, struct arena *, const char *user, struct strings *,
    struct error *);
/* library->id is NULL where there is none. */
bool store_library_get(struct db *, struct arena *, const char *server_id, const char *key,
    struct library *, struct error *);
/* The same by its id, held until the end of the transaction: its rules stay as they are. */
bool store_library_hold(struct db *, struct arena *, const char *id, struct library *,
    const char **server_id, struct error *);
/* In one order, before the items: as a deletion of a person locks them. */
bool store_library_people_keep(struct db *, struct arena *, struct strings users, struct error *);

/* NULL: stays as it is. enabled: "true" or "false". Raises library->rules. */
struct store_library_change {
	const char *id, *enabled, *visibility;
};
bool store_library_change(struct db *, struct arena *, const struct store_library_change *,
    struct error *);
/* *named: how many of them are active people. */
bool store_library_users(struct db *, struct arena *, const char *id, struct strings users,
    size_t *named, struct error *);

/* Items of a section or of a server in the order of ids, after one (NULL: from the first). */
bool store_library_items(struct db *, struct arena *, const char *section_id, const char *after,
    int limit, struct strings *ids, struct error *);
bool store_server_items(struct db *, struct arena *, const char *server_id, int limit,
    struct strings *ids, struct error *);

/* What follows takes items in the order of ids, and counts those that it changed. */
bool store_library_leave_out(struct db *, struct arena *, struct strings ids, size_t *changed,
    struct error *);
bool store_library_take_in(struct db *, struct arena *, struct strings ids, size_t *changed,
    struct error *);
/* Visibility and shares of the items are those of their section. */
bool store_library_show(struct db *, struct arena *, const struct library *, struct strings ids,
    size_t *changed, struct error *);

/* The items are nobody's: into the trash, and their server has them no longer. */
bool store_server_items_trash(struct db *, struct arena *, struct strings ids, struct error *);
/* *stored: those that have objects in the store. */
bool store_server_items_purge(struct db *, struct arena *, struct strings ids,
    struct strings *stored, struct error *);

/* Whether a run of the sync is at work on this server. */
bool store_server_busy(struct db *, struct arena *, const char *server_id, bool *busy,
    struct error *);

#endif
