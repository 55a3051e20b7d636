/* Runs commands of the host, to find out their versions and state. */
#ifndef MN_SERVICE_OPERATOR_TOOL_H
#define MN_SERVICE_OPERATOR_TOOL_H

#include <stdbool.h>

struct arena;

#define TOOL_OUTPUT_MAX 4096
#define TOOL_DEADLINE_MS 10000
/*
 * Runs a command found in PATH or in sbin; its standard output and error go to `out`. False: not
 * found, killed at the deadline, or a status other than 0.
 */
bool tool_run(const char *const *argv, char out[TOOL_OUTPUT_MAX], bool *found);
/* Returns the word after `before` in the output of a command. */
const char *tool_version(struct arena *, const char *text, const char *before);

#endif
