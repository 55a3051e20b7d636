/*
 * Looks at every dependency and says, for each, its version and what a person has to do about it.
 * Changes nothing.
 */
#ifndef MN_SERVICE_OPERATOR_DOCTOR_H
#define MN_SERVICE_OPERATOR_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

struct arena;
struct config;

/*
 * Prints lines, or with `json` one object
 * {"ok","checks":[{"name","state":"ok|warning|failed","version","message"}]}. True: nothing failed.
 */
bool doctor_run(const struct config *, struct arena *, FILE *, bool json);

#endif
