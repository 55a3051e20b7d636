/* Log lines: always valid JSON, bounded, with context. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* Logs a line while standard error is `stream`; what the journal got is in `captured`. */
static bool
journal_gets(int journal, int stream, const char *named, const struct log *log)
{
	int saved = dup(STDERR_FILENO);
	ssize_t n;

	setenv("JOURNAL_STREAM", named, 1);
	dup2(stream, STDERR_FILENO);
	log_error(log, "to the journal");
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = recv(journal, captured, sizeof(captured) - 1, MSG_DONTWAIT);
	captured[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void
test_journal(const struct log *log)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	FILE *file = tmpfile();
	char named[64];
	struct stat st;
	int journal = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/mn-log-%d.sock", (int)getpid());
	if (bind(journal, (struct sockaddr *)&address, sizeof(address)) != 0)
		ok(false, "a journal listens");
	fstat(fileno(file), &st);
	snprintf(named, sizeof(named), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	log_set_journal(address.sun_path);
	ok(journal_gets(journal, fileno(file), named, log), "where standard error is the journal");
	ok(strstr(captured, "PRIORITY=3\n") != NULL, "it gets the priority");
	ok(strstr(captured, "SYSLOG_IDENTIFIER=medianest-fcgi\n") != NULL, "who logs");
	ok(strstr(captured, "MEDIANEST_POOL=media\n") != NULL, "fields");
	ok(strstr(captured, "MEDIANEST_REQUEST_ID=req-12345678\n") != NULL, "of the context");
	ok(strstr(captured, "MEDIANEST_USER_ID") == NULL, "that are set");
	ok(strstr(captured, "MESSAGE={\"time\":") != NULL, "and the line");
	ok(captured[strlen(captured) - 2] == '}', "to its end");
	fstat(fileno(file), &st);
	is_int(st.st_size, 0, "instead of standard error");
	ok(!journal_gets(journal, fileno(file), "1:2", log), "another standard error is not it");
	fstat(fileno(file), &st);
	ok(st.st_size > 0, "and gets the line itself");
	unlink(address.sun_path);
	close(journal);
	journal_gets(journal, fileno(file), named, log);
	ok(fstat(fileno(file), &st) == 0 && st.st_size > 2 * (off_t)strlen("{\"time\"}"),
	    "as it does where the journal does not listen");
	unsetenv("JOURNAL_STREAM");
	fclose(file);
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
	CAPTURE(log_event(&log, LOG_L_INFO, "request",
	    (struct log_field[]) { LOG_JSON("timeline", "{\"auth\":0.5}"), { .key = NULL } }));
	ok(json_num(json_get(captured_line(), "timeline"), "auth", 0) == 0.5, "a JSON field");

	CAPTURE(log_debug(&log, "quiet"));
	is_str(captured, "", "debug is off by default");
	log_set_level(LOG_L_DEBUG);
	CAPTURE(log_debug(&log, "loud"));
	ok(captured_line() != NULL, "and can be turned on");
	log_set_level(LOG_L_ERROR);
	CAPTURE(log_warn(&log, "quiet"));
	is_str(captured, "", "a higher minimum hides warnings");
	test_journal(&log);
	ok(log_level_parse("warning", &level) && level == LOG_L_WARN, "level by name");
	ok(!log_level_parse("loud", &level), "unknown level");
	is_str(log_level_name(LOG_L_CRIT), "critical", "name of a level");
	arena_clear(&arena);
	return done_testing();
}
