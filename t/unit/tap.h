/*
 * Test Anything Protocol for C: each check is a line, the plan comes last, the exit status tells
 * the rest.
 *
 *	int
 *	main(void)
 *	{
 *		ok(1 + 1 == 2, "one and one make %d", 2);
 *		is_str(name, "x", "the name");
 *		return done_testing();
 *	}
 */
#ifndef MN_T_UNIT_TAP_H
#define MN_T_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

static inline bool __attribute__((format(printf, 4, 0)))
tap_check(bool passed, const char *file, int line, const char *fmt, va_list ap)
{
	printf("%s %d - ", passed ? "ok" : "not ok", ++tap_count);
	vprintf(fmt, ap);
	printf("\n");
	if (!passed) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return passed;
}

static inline bool __attribute__((format(printf, 4, 5)))
tap_ok(bool passed, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_check(passed, file, line, fmt, ap);
	va_end(ap);
	return passed;
}

static inline bool __attribute__((format(printf, 5, 6)))
tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	bool same = got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);
	va_list ap;

	va_start(ap, fmt);
	tap_check(same, file, line, fmt, ap);
	va_end(ap);
	if (!same)
		printf("#  got: %s\n# want: %s\n", got != NULL ? got : "(null)",
		    want != NULL ? want : "(null)");
	return same;
}

static inline bool __attribute__((format(printf, 5, 6)))
tap_is_int(long long got, long long want, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_check(got == want, file, line, fmt, ap);
	va_end(ap);
	if (got != want)
		printf("#  got: %lld\n# want: %lld\n", got, want);
	return got == want;
}

#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) \
	tap_is_int((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define skip_all(why) \
	do { \
		printf("1..0 # SKIP %s\n", (why)); \
		return 0; \
	} while (0)

static inline int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0 ? 1 : 0;
}

#endif
