/* Arenas: alignment, growth, deferred frees, reuse. */
#include <setjmp.h>
#include <stdint.h>

#include "core/arena.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static char freed[8];
static size_t nfreed;

static void
note_free(void *ptr)
{
	freed[nfreed++] = *(char *)ptr;
}

static jmp_buf before;

static void
leave(void *context)
{
	*(struct arena **)context = NULL;
	longjmp(before, 1);
}

static void
test_limit(struct arena *arena)
{
	struct arena *volatile limited = arena;

	arena_limit(arena, 10000, leave, (void *)&limited);
	arena_alloc(arena, 9984);
	ok(limited == arena, "up to the limit nothing happens");
	if (setjmp(before) == 0)
		arena_alloc(arena, 100);
	ok(limited == NULL, "beyond it the function is called");
	ok(arena_alloc(arena, 20000) != NULL, "which may allocate");
	limited = arena;
	arena_reset(arena);
	ok(arena_alloc(arena, 20000) != NULL && limited == arena, "a reset ends the limit");
}

int
main(void)
{
	struct arena arena;
	char *first, *big, *s;
	bool aligned = true, zeroed = true;
	static char a = 'a', b = 'b', c = 'c';

	arena_init(&arena);
	first = arena_alloc(&arena, 1);
	for (size_t n = 1; n < 3000; n += 7) {
		char *p = arena_alloc(&arena, n);

		aligned = aligned && (uintptr_t)p % 16 == 0;
		for (size_t i = 0; i < n; i++)
			zeroed = zeroed && p[i] == 0;
		memset(p, 0xff, n);
	}
	ok(aligned, "everything is aligned");
	ok(zeroed, "everything is zeroed");
	big = arena_alloc(&arena, 5UL << 20);
	big[(5UL << 20) - 1] = 1;
	ok(arena.used > 5UL << 20, "what is handed out is counted");

	s = arena_strdup(&arena, "text");
	is_str(s, "text", "strdup");
	ok(arena_strdup(&arena, NULL) == NULL, "NULL stays NULL");
	is_str(arena_strndup(&arena, "abcdef", 3), "abc", "strndup cuts");
	is_str(arena_strndup(&arena, "ab", 30), "ab", "strndup stops at the end");
	is_str(arena_printf(&arena, "%d-%s", 7, "x"), "7-x", "printf");
	ok(memcmp(arena_memdup(&arena, "a\0b", 3), "a\0b", 3) == 0, "memdup takes NUL");

	arena_defer(&arena, note_free, &a);
	arena_defer(&arena, note_free, &b);
	arena_defer(&arena, note_free, &c);
	is_int(nfreed, 0, "nothing is freed before the reset");
	arena_reset(&arena);
	is_str(freed, "cba", "deferred frees run last in, first out");
	is_int(arena.used, 0, "a reset sets the count to zero");
	first = arena_alloc(&arena, 1);
	arena_reset(&arena);
	ok(arena_alloc(&arena, 1) == first, "a reset keeps a block");
	for (int i = 0; i < 100; i++)
		arena_alloc(&arena, 1000);
	arena_reset(&arena);
	first = arena_alloc(&arena, 100);
	big = arena_alloc(&arena, 60000);
	ok(big == first + 112, "one that holds what was used before");
	zeroed = true;
	for (int i = 0; i < 100; i++)
		zeroed = zeroed && ((char *)arena_alloc(&arena, 64))[63] == 0;
	ok(zeroed, "memory that is used again is zeroed");
	arena_reset(&arena);
	is_int(nfreed, 3, "deferred frees run once");
	arena_defer(&arena, note_free, &a);
	arena_clear(&arena);
	is_int(nfreed, 4, "clear runs them too");
	arena_init(&arena);
	test_limit(&arena);
	arena_clear(&arena);
	arena_clear(&arena);
	ok(true, "clear may be repeated");
	return done_testing();
}
