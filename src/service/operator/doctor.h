/*
 * Checks every dependency and reports its version and, if something is wrong, what to do. Changes
 * nothing.
 */
#ifndef MN_SERVICE_OPERATOR_DOCTOR_H
#define MN_SERVICE_OPERATOR_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

struct arena;
struct config;

/*
 * Prints lines, or with `json` an object
 * {"ok","checks":[{"name","state":"ok|warning|failed","version","message"}]}. True: nothing failed.
 */
bool doctor_run(const struct config *, struct arena *, FILE *, bool json);

#endif
