/*
 * JSON lines to standard error, or, where that is systemd's journal, as its entries with priority
 * and fields (core/journal.h):
 * {"time","level","msg","component",["pool"],["requestId"],["userId"],...}.
 *
 * A struct log carries the context of a unit of work; the strings in it are borrowed. Control
 * characters are escaped; a line has at most LOG_LINE_MAX bytes and is written by one write(2).
 * Never log bodies, tokens, secrets.
 */
#ifndef MN_CORE_LOG_H
#define MN_CORE_LOG_H

#include <stdbool.h>

#define LOG_LINE_MAX 4096

enum log_level { LOG_L_DEBUG, LOG_L_INFO, LOG_L_NOTICE, LOG_L_WARN, LOG_L_ERROR, LOG_L_CRIT };

struct log {
	const char *component;  /* "fcgi", "worker", ... */
	const char *pool;       /* or NULL */
	const char *request_id; /* or NULL */
	const char *user_id;    /* or NULL */
	const char *job_id;     /* or NULL */
};

struct log_field {
	const char *key;
	const char *value;
	long long number;
	bool is_number;
	bool is_json; /* the value is a JSON text, and so written as it is */
};
#define LOG_STR(k, v) ((struct log_field) { .key = (k), .value = (v) })
#define LOG_NUM(k, v) \
	((struct log_field) { .key = (k), .number = (long long)(v), .is_number = true })

#define LOG_JSON(k, v) ((struct log_field) { .key = (k), .value = (v), .is_json = true })

/* Where the journal listens; for tests. */
void log_set_journal(const char *socket_path);
void log_set_level(enum log_level minimum); /* default LOG_L_INFO */
bool log_level_parse(const char *name, enum log_level *);
const char *log_level_name(enum log_level);

void log_debug(const struct log *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const struct log *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_notice(const struct log *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const struct log *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const struct log *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_crit(const struct log *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line with structured fields; `fields` ends with a NULL key. */
void log_event(const struct log *, enum log_level, const char *msg, const struct log_field *fields);

#endif
