/* Runs commands of the host, to find out their versions and state. */
#ifndef MN_SERVICE_OPERATOR_TOOL_H
#define MN_SERVICE_OPERATOR_TOOL_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define TOOL_OUTPUT_MAX 4096
#define TOOL_DEADLINE_MS 10000
/*
 * Runs a command found in PATH or in sbin; its standard output and error go to `out`, and the part
 * that is too long is dropped. False: not found, killed at the deadline, or a status other than 0.
 */
bool tool_run(const char *const *argv, char out[TOOL_OUTPUT_MAX], bool *found);

/* The same with what a command may need beside its arguments. */
struct tool {
	const char *const *argv;
	const char *input; /* NULL: none; at most TOOL_INPUT_MAX bytes */
	int deadline_ms;
};
#define TOOL_INPUT_MAX 4096
bool tool_call(const struct tool *, char *out, size_t size, bool *found);

/* Returns the word after `before` in the output of a command. */
const char *tool_version(struct arena *, const char *text, const char *before);

#endif
