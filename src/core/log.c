#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/journal.h"
#include "core/log.h"

#include "core/str.h"
#include "core/banned.h"

#define LOG_MESSAGE_MAX 2048

static const char *const level_names[] = { "debug", "info", "notice", "warning", "error",
	"critical" };
static enum log_level minimum_level = LOG_L_INFO;
static const char *journal = JOURNAL_SOCKET;

/* A line under construction; logging needs no arena, so it works when memory has run out. */
struct line {
	char text[LOG_LINE_MAX];
	size_t len;
	const struct log *log;
	enum log_level level;
};

#define LINE_TAIL 3 /* bytes always reserved for `"}\n` */

void
log_set_journal(const char *socket_path)
{
	journal = socket_path;
}

void
log_set_level(enum log_level minimum)
{
	minimum_level = minimum;
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_level_parse(const char *name, enum log_level *level)
{
	for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcasecmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

static bool
line_add(struct line *line, const char *s, size_t n)
{
	if (line->len + n + LINE_TAIL > sizeof(line->text))
		return false;
	memcpy(line->text + line->len, s, n);
	line->len += n;
	return true;
}

static void
line_raw(struct line *line, const char *s)
{
	(void)line_add(line, s, strlen(s));
}

/* Quotes and escapes; text that does not fit is cut at the end of a character. */
static void
line_quoted(struct line *line, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	char escape[8];
	size_t n;

	line_raw(line, "\"");
	while (*p != '\0') {
		if (*p == '"' || *p == '\\') {
			escape[0] = '\\';
			escape[1] = (char)*p;
			n = 2;
		} else if (*p < 0x20 || *p == 0x7f) {
			n = (size_t)snprintf(escape, sizeof(escape), "\\u%04x", *p);
		} else {
			n = utf8_sequence(p, UTF8_MAX); /* the NUL ends it at the latest */
			if (n == 0) {
				if (!line_add(line, "\\ufffd", 6))
					break;
				p++;
				continue;
			}
			if (!line_add(line, (const char *)p, n))
				break;
			p += n;
			continue;
		}
		if (!line_add(line, escape, n))
			break;
		p++;
	}
	line->text[line->len++] = '"'; /* LINE_TAIL reserves the space */
}

/* Writes a member completely or not at all. */
static void
line_member(struct line *line, const char *key, const char *value)
{
	if (value == NULL || line->len + strlen(key) + 16 + LINE_TAIL > sizeof(line->text))
		return;
	line_raw(line, ",\"");
	line_raw(line, key);
	line_raw(line, "\":");
	line_quoted(line, value);
}

/* The same for a value that is JSON already. */
static void
line_json(struct line *line, const char *key, const char *value)
{
	if (value == NULL ||
	    line->len + strlen(key) + strlen(value) + 8 + LINE_TAIL > sizeof(line->text))
		return;
	line_raw(line, ",\"");
	line_raw(line, key);
	line_raw(line, "\":");
	line_raw(line, value);
}

static void
line_begin(struct line *line, const struct log *log, enum log_level level, const char *msg)
{
	char now[RFC3339_MAX];

	line->len = 0;
	line->log = log;
	line->level = level;
	time_rfc3339(clock_now(), now);
	line_raw(line, "{\"time\":\"");
	line_raw(line, now);
	line_raw(line, "\",\"level\":\"");
	line_raw(line, level_names[level]);
	line_raw(line, "\"");
	/* The context comes first, so that a long message cannot displace it. */
	if (log != NULL) {
		line_member(line, "component", log->component);
		line_member(line, "pool", log->pool);
		line_member(line, "requestId", log->request_id);
		line_member(line, "userId",
		    log->user_id != NULL && log->user_id[0] != '\0' ? log->user_id : NULL);
		line_member(line, "jobId", log->job_id);
	}
	line_member(line, "msg", msg);
}

static void
line_end(struct line *line)
{
	line->text[line->len++] = '}';
	if (journal_send(journal, line->log, line->level, line->text, line->len))
		return;
	line->text[line->len++] = '\n';
	/*
	 * One write(2) per line keeps the lines of several processes apart. A log that cannot be
	 * written must not stop the work.
	 */
	if (write(STDERR_FILENO, line->text, line->len) < 0)
		return;
}

static void __attribute__((format(printf, 3, 0)))
log_line(const struct log *log, enum log_level level, const char *fmt, va_list ap)
{
	char msg[LOG_MESSAGE_MAX];
	struct line line;

	if (level < minimum_level)
		return;
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	line_begin(&line, log, level, msg);
	line_end(&line);
}

#define LOG_FUNCTION(name, level) \
	void name(const struct log *log, const char *fmt, ...) \
	{ \
		va_list ap; \
\
		va_start(ap, fmt); \
		log_line(log, level, fmt, ap); \
		va_end(ap); \
	}

LOG_FUNCTION(log_debug, LOG_L_DEBUG)
LOG_FUNCTION(log_info, LOG_L_INFO)
LOG_FUNCTION(log_notice, LOG_L_NOTICE)
LOG_FUNCTION(log_warn, LOG_L_WARN)
LOG_FUNCTION(log_error, LOG_L_ERROR)
LOG_FUNCTION(log_crit, LOG_L_CRIT)

void
log_event(const struct log *log, enum log_level level, const char *msg,
    const struct log_field *fields)
{
	struct line line;
	char number[32];

	if (level < minimum_level)
		return;
	line_begin(&line, log, level, msg);
	for (const struct log_field *f = fields; f != NULL && f->key != NULL; f++) {
		if (f->is_json) {
			line_json(&line, f->key, f->value);
		} else if (f->is_number) {
			(void)snprintf(number, sizeof(number), "%lld", f->number);
			line_json(&line, f->key, number);
		} else {
			line_member(&line, f->key, f->value);
		}
	}
	line_end(&line);
}
