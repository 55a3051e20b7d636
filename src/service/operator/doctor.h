/*
 * Looks at everything that the house depends on, and names each fault with the line to type
 * (doctor_faults.def). Changes nothing, except what --fix was told to.
 */
#ifndef MN_SERVICE_OPERATOR_DOCTOR_H
#define MN_SERVICE_OPERATOR_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

struct arena;
struct config;
struct error;

struct doctor_ask {
	struct config *config;
	const char *only; /* parts separated by commas; NULL: all */
	bool json;
	bool tell; /* findings only, to the journal and as alerts too */
	bool fix;
	bool yes; /* does not ask before each step */
};

/*
 * Prints lines, or JSON: {"ok","findings":[{"code","severity":"warning|critical","what","remedy",
 * "fixable"}],"checks":[{"name","state":"ok|warning|failed","version"?,"message"?}]}.
 * *well: nothing was found. ERR_VALIDATION: no such part.
 */
bool doctor_run(const struct doctor_ask *, struct arena *, FILE *, bool *well, struct error *);

#endif
