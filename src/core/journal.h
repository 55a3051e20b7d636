/*
 * systemd's journal by its native protocol, so that its entries have priorities and fields
 * (systemd.journal-fields(7), "Native Journal Protocol" of systemd's documentation). It is used
 * where standard error is the journal already: $JOURNAL_STREAM names its device and inode then.
 */
#ifndef MN_CORE_JOURNAL_H
#define MN_CORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_FIELDS_MAX 512 /* bytes of an entry besides its message */

/* The priority of syslog(3): 7 debug ... 2 critical. */
int journal_priority(enum log_level);
/*
 * Sends a line: MESSAGE is the line, and what the context names becomes MEDIANEST_POOL,
 * MEDIANEST_REQUEST_ID, MEDIANEST_USER_ID and MEDIANEST_JOB_ID. False: standard error is not the
 * journal, or that does not take it.
 */
bool journal_send(const char *socket_path, const struct log *, enum log_level, const char *line,
    size_t len);

#endif
