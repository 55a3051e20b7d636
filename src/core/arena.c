#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/log.h"

#include "core/banned.h"

#define ARENA_ALIGN 16UL
/* blocks double up to this; larger requests get a block of their own */
#define ARENA_BLOCK_MAX (1UL << 20)

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(16) char data[];
};

struct arena_deferred {
	struct arena_deferred *next;
	arena_free_fn *free_fn;
	void *ptr;
};

static _Noreturn void
out_of_memory(size_t size)
{
	log_crit(NULL, "out of memory: could not allocate %zu bytes", size);
	abort();
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

void *
xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

char *
xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xmalloc(size), s, size);
}

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *block = xmalloc(sizeof(*block) + size);

	block->next = NULL;
	block->size = size;
	block->used = 0;
	return block;
}

void
arena_init(struct arena *arena)
{
	arena->blocks = block_new(ARENA_FIRST_BLOCK);
	arena->deferred = NULL;
	arena_limit(arena, ARENA_MAX, NULL, NULL);
	arena->used = 0;
}

void
arena_limit(struct arena *arena, size_t max, arena_full_fn *full, void *context)
{
	arena->limit = max;
	arena->full = full;
	arena->full_context = context;
}

/* A deferred free must not defer anything, but it may read arena memory: blocks are freed last. */
static void
run_deferred(struct arena *arena)
{
	while (arena->deferred != NULL) {
		struct arena_deferred *d = arena->deferred;

		arena->deferred = d->next;
		d->free_fn(d->ptr);
	}
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *block, *next, *kept = NULL;

	run_deferred(arena);
	/*
	 * Keep one block that held the previous work, so that similar work needs no malloc. The
	 * first block is always small enough to keep.
	 */
	for (block = arena->blocks; block != NULL; block = block->next)
		if (block->size <= ARENA_KEEP && (kept == NULL || block->size > kept->size))
			kept = block;
	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		if (block != kept)
			free(block);
	}
	kept->next = NULL;
	kept->used = 0;
	arena->blocks = kept;
	arena_limit(arena, ARENA_MAX, NULL, NULL);
	arena->used = 0;
}

void
arena_clear(struct arena *arena)
{
	if (arena->blocks == NULL)
		return;
	arena_reset(arena);
	free(arena->blocks);
	arena->blocks = NULL;
}

static size_t
aligned(size_t size)
{
	return size == 0 ? ARENA_ALIGN : (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
}

static void
too_much(struct arena *arena, size_t size)
{
	arena_full_fn *full = arena->full;

	arena_limit(arena, ARENA_MAX, NULL, arena->full_context);
	if (full != NULL)
		full(arena->full_context);
	out_of_memory(size);
}

void *
arena_alloc_raw(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t want;
	void *p;

	if (size > arena->limit || arena->used > arena->limit - size)
		too_much(arena, size);
	want = aligned(size);
	if (block->size - block->used < want) {
		size_t grown = block->size < ARENA_BLOCK_MAX ? block->size * 2 : ARENA_BLOCK_MAX;
		struct arena_block *fresh = block_new(want > grown ? want : grown);

		fresh->next = block;
		arena->blocks = block = fresh;
	}
	p = block->data + block->used;
	block->used += want;
	arena->used += want;
	return p;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc_raw(arena, size), 0, aligned(size));
}

void *
arena_array(struct arena *arena, size_t n, size_t size)
{
	if (size > 0 && n > SIZE_MAX / size)
		out_of_memory(SIZE_MAX);
	return arena_alloc(arena, n * size);
}

void *
arena_memdup(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc_raw(arena, size);

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *s)
{
	return s == NULL ? NULL : arena_memdup(arena, s, strlen(s) + 1);
}

char *
arena_strndup(struct arena *arena, const char *s, size_t max)
{
	size_t len;
	char *copy;

	if (s == NULL)
		return NULL;
	len = strnlen(s, max);
	copy = arena_alloc(arena, len + 1);
	memcpy(copy, s, len);
	return copy;
}

char *
arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	va_list again;
	int len;
	char *s;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		out_of_memory(0);
	s = arena_alloc(arena, (size_t)len + 1);
	(void)vsnprintf(s, (size_t)len + 1, fmt, ap);
	return s;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return s;
}

void
arena_defer(struct arena *arena, arena_free_fn *free_fn, void *ptr)
{
	struct arena_deferred *d = arena_alloc(arena, sizeof(*d));

	d->free_fn = free_fn;
	d->ptr = ptr;
	d->next = arena->deferred;
	arena->deferred = d;
}
