/* Shared by the doctor's files: a check is a function that adds findings. */
#ifndef MN_SERVICE_OPERATOR_DOCTOR_INTERNAL_H
#define MN_SERVICE_OPERATOR_DOCTOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "service/operator/tool.h"

struct arena;
struct config;
struct error;

enum finding_state { FINDING_OK, FINDING_WARNING, FINDING_FAILED };

struct finding {
	const char *name;
	enum finding_state state;
	const char *version; /* or "" */
	const char *message; /* or "" */
};

#define FINDINGS_MAX 64

struct doctor {
	const struct config *config;
	struct arena *arena;
	struct finding findings[FINDINGS_MAX];
	size_t n;
};

void doctor_ok(struct doctor *, const char *name, const char *version, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void doctor_warn(struct doctor *, const char *name, const char *version, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void doctor_fail(struct doctor *, const char *name, const char *version, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Returns the detail of an error for the log if there is one: an operator may see it. */
const char *doctor_reason(const struct error *);

/* Checks that the command exists and runs with `option`, and reports the version that it prints. */
void doctor_check_tool(struct doctor *, const char *name, const char *option, const char *before,
    const char *package);

void doctor_check_postgresql(struct doctor *);
void doctor_check_redis(struct doctor *);
void doctor_check_keys(struct doctor *);
void doctor_check_files(struct doctor *);
void doctor_check_argon2(struct doctor *);
void doctor_check_disk(struct doctor *);
void doctor_check_processes(struct doctor *);
void doctor_check_nginx(struct doctor *);
void doctor_check_page(struct doctor *);
void doctor_check_storage(struct doctor *);
void doctor_check_ffmpeg(struct doctor *);
void doctor_check_sandbox(struct doctor *);

#endif
