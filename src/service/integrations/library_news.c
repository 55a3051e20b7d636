#include "service/integrations/library_news.h"

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

struct notify_part
library_news_part(struct arena *arena, const struct library_news *news)
{
	bool music = str_eq(news->kind, "track") || str_eq(news->kind, "album");
	const char *library = arena_printf(arena, "movies:%s", news->section_id);
	struct notify_part part = { .kind = "library.new",
		.group = library,
		.group_title = news->section_title,
		.title = news->title,
		.media_id = news->media_id };

	if (news->above_id == NULL)
		return part;
	part.group = arena_printf(arena, "%s:%s", music ? "album" : "show", news->above_id);
	part.group_title = news->above_title;
	part.wider = library;
	part.wider_title = news->section_title;
	return part;
}
