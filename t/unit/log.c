/* Log lines: always valid JSON, bounded, with context. */
#include <stdio.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;
static char captured[65536];

/* Runs the statement with standard error in a file; the output is in `captured`. */
#define CAPTURE(statement) \
	do { \
		FILE *file = tmpfile(); \
		int saved = dup(STDERR_FILENO); \
		size_t n; \
\
		dup2(fileno(file), STDERR_FILENO); \
		statement; \
		dup2(saved, STDERR_FILENO); \
		close(saved); \
		rewind(file); \
		n = fread(captured, 1, sizeof(captured) - 1, file); \
		captured[n] = '\0'; \
		fclose(file); \
	} while (0)

static const struct cJSON *
captured_line(void)
{
	static struct error err;
	size_t len = strlen(captured);

	if (len == 0 || captured[len - 1] != '\n' || strchr(captured, '\n') != captured + len - 1)
		return NULL;
	return json_parse(&arena, captured, len - 1, &err);
}

int
main(void)
{
	struct log log = {
		.component = "fcgi",
		.pool = "media",
		.request_id = "req-12345678",
		.user_id = "",
	};
	static char longest[20000];
	enum log_level level;

	arena_init(&arena);
	CAPTURE(log_warn(&log, "hello %d", 7));
	ok(captured_line() != NULL, "one JSON line");
	is_str(json_str(captured_line(), "msg", ""), "hello 7", "message");
	is_str(json_str(captured_line(), "level", ""), "warning", "level");
	is_str(json_str(captured_line(), "pool", ""), "media", "context");
	is_str(json_str(captured_line(), "requestId", ""), "req-12345678", "request id");
	ok(json_get(captured_line(), "userId") == NULL, "an empty user is left out");

	CAPTURE(log_info(NULL, "%s", "a\nb\r\x1b[31m\"\\\x7f"));
	is_str(json_str(captured_line(), "msg", ""), "a\nb\r\x1b[31m\"\\\x7f",
	    "control characters are escaped, on one line");
	CAPTURE(log_info(NULL, "%s", "\xff\xc3(\xe2\x82"));
	ok(captured_line() != NULL, "invalid UTF-8 still makes JSON");

	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 3 == 0 ? '\n' : 'x';
	CAPTURE(log_error(&log, "%s", longest));
	ok(captured_line() != NULL && strlen(captured) <= LOG_LINE_MAX,
	    "a long message is cut, the line stays JSON");
	CAPTURE(log_event(&log, LOG_L_INFO, longest,
	    (struct log_field[]) {
		LOG_STR("path", longest), LOG_NUM("status", 200), { .key = NULL } }));
	ok(captured_line() != NULL && strlen(captured) <= LOG_LINE_MAX, "long fields too");
	CAPTURE(log_event(&log, LOG_L_INFO, "request",
	    (struct log_field[]) {
		LOG_STR("path", "/x"), LOG_NUM("status", 200), { .key = NULL } }));
	is_int(json_int(captured_line(), "status", 0), 200, "a number stays a number");
	is_str(json_str(captured_line(), "path", ""), "/x", "a string field");

	CAPTURE(log_debug(&log, "quiet"));
	is_str(captured, "", "debug is off by default");
	log_set_level(LOG_L_DEBUG);
	CAPTURE(log_debug(&log, "loud"));
	ok(captured_line() != NULL, "and can be turned on");
	log_set_level(LOG_L_ERROR);
	CAPTURE(log_warn(&log, "quiet"));
	is_str(captured, "", "a higher minimum hides warnings");
	ok(log_level_parse("warning", &level) && level == LOG_L_WARN, "level by name");
	ok(!log_level_parse("loud", &level), "unknown level");
	is_str(log_level_name(LOG_L_CRIT), "critical", "name of a level");
	arena_clear(&arena);
	return done_testing();
}
