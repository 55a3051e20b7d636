/* Runs commands of the machine that MediaNest works beside, to learn their versions and state. */
#ifndef MN_SERVICE_OPERATOR_TOOL_H
#define MN_SERVICE_OPERATOR_TOOL_H

#include <stdbool.h>

struct arena;

#define TOOL_OUTPUT_MAX 4096
#define TOOL_DEADLINE_MS 10000
/*
 * Runs a command found by PATH or in sbin; both its outputs go to `out`. False: not found, killed
 * at the deadline, or a status other than 0.
 */
bool tool_run(const char *const *argv, char out[TOOL_OUTPUT_MAX], bool *found);
/* The word after `before` in what a command printed. */
const char *tool_version(struct arena *, const char *text, const char *before);

#endif
