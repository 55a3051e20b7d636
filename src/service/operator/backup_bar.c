/* The progress of a long command on a terminal; elsewhere nothing is shown. */
#include "core/clock.h"
#include "service/operator/backup_internal.h"

#include "core/banned.h"

#define REDRAW_MS 200
#define WIDTH 30

static void
draw(struct bar *bar)
{
	int64_t part = bar->total > 0 ? bar->done * WIDTH / bar->total : WIDTH;
	struct arena arena;

	arena_init(&arena);
	fprintf(stderr, "\r%s [", bar->what);
	for (int i = 0; i < WIDTH; i++)
		fputc(i < part ? '#' : ' ', stderr);
	fprintf(stderr, "] %s of %s\033[K", str_size(&arena, bar->done),
	    str_size(&arena, bar->total));
	fflush(stderr);
	arena_clear(&arena);
	bar->drawn_at = clock_monotonic();
}

void
bar_begin(struct bar *bar, const struct backup_site *site, const char *what, int64_t total)
{
	*bar = (struct bar) { .what = what, .total = total, .shown = site->bar };
	if (bar->shown)
		draw(bar);
}

void
bar_add(struct bar *bar, int64_t bytes)
{
	bar->done += bytes;
	if (bar->shown && clock_monotonic() - bar->drawn_at > REDRAW_MS * US_PER_MS)
		draw(bar);
}

void
bar_end(struct bar *bar)
{
	if (!bar->shown)
		return;
	draw(bar);
	fputc('\n', stderr);
}
