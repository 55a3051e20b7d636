/*
 * Memory of one unit of work (a request, a job): allocate freely, then release everything at once.
 *
 * An arena owns what is allocated from it and, through arena_defer(), foreign objects (PGresult,
 * redisReply, cJSON) too; arena_reset() runs the deferred frees last-in first-out and keeps the
 * largest block that is not too large for the next use. Nothing allocated here is freed by hand.
 * When memory runs out the process logs a line and ends (its master starts another), so callers
 * never check for NULL. Not thread-safe.
 */
#ifndef MN_CORE_ARENA_H
#define MN_CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#define ARENA_FIRST_BLOCK 16384  /* bytes */
#define ARENA_KEEP (256UL << 10) /* bytes: the largest block that is kept across resets */
#define ARENA_MAX (256UL << 20)  /* bytes; a larger arena is a bug, and the process ends */

struct arena_block;
struct arena_deferred;
/* Must not return. It may allocate: the limit no longer holds. */
typedef void arena_full_fn(void *context);
struct arena {
	struct arena_block *blocks;
	struct arena_deferred *deferred;
	size_t used;  /* bytes handed out since the last reset */
	size_t limit; /* of `used` */
	arena_full_fn *full;
	void *full_context;
};

typedef void arena_free_fn(void *);

void arena_init(struct arena *);
void arena_reset(struct arena *);
void arena_clear(struct arena *);
/*
 * Until the next reset: instead of handing out more than max bytes, calls full(context), which ends
 * the process in an orderly way.
 */
void arena_limit(struct arena *, size_t max, arena_full_fn *full, void *context);

void *arena_alloc(struct arena *, size_t size); /* zeroed, aligned for any type */
/* not zeroed: for buffers that are written before they are read */
void *arena_alloc_raw(struct arena *, size_t size);
void *arena_array(struct arena *, size_t n, size_t size); /* overflow-checked */
void *arena_memdup(struct arena *, const void *, size_t);
char *arena_strdup(struct arena *, const char *); /* NULL stays NULL */
char *arena_strndup(struct arena *, const char *, size_t);
char *arena_printf(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));

/* free_fn(ptr) runs at the next reset or clear. */
void arena_defer(struct arena *, arena_free_fn *free_fn, void *ptr);

/* malloc that ends the process instead of returning NULL, for memory that outlives every arena. */
void *xmalloc(size_t);
void *xrealloc(void *, size_t);
char *xstrdup(const char *);

#endif
