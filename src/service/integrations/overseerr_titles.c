/* Titles that can be asked for. */
#include "core/arena.h"
#include "core/error.h"
#include "service/call.h"
#include "service/integrations/overseerr.h"
#include "service/integrations/overseerr_internal.h"
#include "service/services.h"
#include "store/store_overseerr.h"

#include "core/banned.h"

static struct overseerr_hit
hit_of(const struct overseerr_title *title)
{
	return (struct overseerr_hit) {
		.media_type = title->media_type,
		.tmdb_id = title->tmdb_id,
		.title = title->title,
		.overview = title->overview,
		.poster = title->poster,
		.year = title->year,
		.media_state = title->media_state,
	};
}

static void
found_of(struct arena *arena, const struct overseerr_titles *titles, struct overseerr_found *found)
{
	*found = (struct overseerr_found) { .n = titles->n,
		.page = titles->page,
		.pages = titles->pages,
		.items = arena_array(arena, titles->n + 1, sizeof(*found->items)) };
	for (size_t i = 0; i < titles->n; i++)
		found->items[i] = hit_of(&titles->items[i]);
}

bool
overseerr_find(const struct call *call, const char *query, int page, struct overseerr_found *found,
    struct error *err)
{
	struct overseerr_titles titles;
	struct overseerr client;
	enum answer_kind kind;
	int fd;

	if (!overseerr_enter(call, &client, &fd, err))
		return false;
	kind = overseerr_search(call->arena, &client, query, page, &titles, err);
	overseerr_leave(fd);
	overseerr_said(call, kind, err);
	if (kind == ANSWER_PRESENT)
		found_of(call->arena, &titles, found);
	return kind == ANSWER_PRESENT;
}

static void
seasons_of(struct arena *arena, const struct overseerr_details *details,
    struct overseerr_look *look)
{
	look->seasons = arena_array(arena, details->nseasons + 1, sizeof(*look->seasons));
	look->nseasons = details->nseasons;
	for (size_t i = 0; i < details->nseasons; i++)
		look->seasons[i] = (struct overseerr_part) {
			.number = details->seasons[i].number,
			.episodes = details->seasons[i].episodes,
			.name = details->seasons[i].name,
			.state = details->seasons[i].state,
			.state_4k = details->seasons[i].state_4k,
		};
}

/* Overseerr must have it, and the caller's user there must be allowed to. */
static enum answer_kind
look_at_4k(const struct call *call, const struct overseerr *client, struct overseerr_look *look,
    struct error *err)
{
	struct overseerr_account account;
	enum answer_kind kind;
	int64_t actor;
	bool has_plex, has;

	if (!store_overseerr_person(call->svc->db, call->arena, call->by.who->user_id, &actor,
		&has_plex, err))
		return ANSWER_UNKNOWN;
	kind = overseerr_has_4k(call->arena, client, look->hit.media_type, &has, err);
	if (kind == ANSWER_PRESENT && has && actor != 0)
		kind = overseerr_account(call->arena, client, actor, &account, err);
	look->known_4k = kind != ANSWER_UNKNOWN;
	look->may_4k = kind == ANSWER_PRESENT && has && actor != 0 &&
	    overseerr_may_4k(&account, look->hit.media_type);
	return kind;
}

bool
overseerr_look_at(const struct call *call, const char *media_type, int64_t tmdb_id,
    struct overseerr_look *look, struct error *err)
{
	struct overseerr_details *details = arena_alloc(call->arena, sizeof(*details));
	struct overseerr client;
	struct error ignored;
	enum answer_kind kind;
	int fd;

	*look = (struct overseerr_look) { .known_4k = false };
	if (!overseerr_enter(call, &client, &fd, err))
		return false;
	kind = overseerr_details(call->arena, &client, media_type, tmdb_id, details, err);
	if (kind == ANSWER_PRESENT) {
		look->hit = hit_of(&details->title);
		look->state_4k = details->state_4k;
		seasons_of(call->arena, details, look);
		/* The seasons are worth showing without it. */
		(void)look_at_4k(call, &client, look, &ignored);
	}
	overseerr_leave(fd);
	overseerr_said(call, kind, err);
	if (kind == ANSWER_ABSENT)
		return error_set(err, ERR_NOT_FOUND, "There is no such title.");
	return kind == ANSWER_PRESENT;
}
