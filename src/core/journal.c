#include "core/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/str.h"
#include "core/banned.h"

#define STREAM_MAX 64 /* bytes of "device:inode" */

static const int priorities[] = {
	[LOG_L_DEBUG] = 7,
	[LOG_L_INFO] = 6,
	[LOG_L_NOTICE] = 5,
	[LOG_L_WARN] = 4,
	[LOG_L_ERROR] = 3,
	[LOG_L_CRIT] = 2,
};

int
journal_priority(enum log_level level)
{
	return priorities[level];
}

/* A process that was started by the journal's reader may have another standard error by now. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[STREAM_MAX];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	return str_eq(stream, own);
}

/* "KEY=value" in a line of its own: a value with a line feed would have another form. */
static void
add_field(char *out, size_t *len, size_t max, const char *key, const char *value)
{
	int n;

	if (value == NULL || value[0] == '\0' || strchr(value, '\n') != NULL)
		return;
	n = snprintf(out + *len, max - *len, "%s%s\n", key, value);
	if (n > 0 && *len + (size_t)n < max)
		*len += (size_t)n;
}

static size_t
entry_text(char *out, const struct log *log, enum log_level level, const char *line, size_t len)
{
	const size_t max = JOURNAL_FIELDS_MAX + LOG_LINE_MAX;
	size_t at;

	at = (size_t)snprintf(out, max, "PRIORITY=%d\n", journal_priority(level));
	if (log != NULL) {
		add_field(out, &at, JOURNAL_FIELDS_MAX, "SYSLOG_IDENTIFIER=medianest-",
		    log->component);
		add_field(out, &at, JOURNAL_FIELDS_MAX, "MEDIANEST_POOL=", log->pool);
		add_field(out, &at, JOURNAL_FIELDS_MAX, "MEDIANEST_REQUEST_ID=", log->request_id);
		add_field(out, &at, JOURNAL_FIELDS_MAX, "MEDIANEST_USER_ID=", log->user_id);
		add_field(out, &at, JOURNAL_FIELDS_MAX, "MEDIANEST_JOB_ID=", log->job_id);
	}
	at += (size_t)snprintf(out + at, max - at, "MESSAGE=%.*s\n", (int)len, line);
	return at;
}

bool
journal_send(const char *socket_path, const struct log *log, enum log_level level, const char *line,
    size_t len)
{
	static int fd = -1;
	char entry[JOURNAL_FIELDS_MAX + LOG_LINE_MAX + sizeof("MESSAGE=\n")];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n;

	if (len > LOG_LINE_MAX || !stderr_is_journal())
		return false;
	if (fd < 0 && (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return false;
	str_copy(to.sun_path, sizeof(to.sun_path), socket_path);
	n = entry_text(entry, log, level, line, len);
	return sendto(fd, entry, n, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)n;
}
