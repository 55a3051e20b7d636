/*
 * Shared by the doctor's files. A check is a function that asks (fills a struct of facts) and a
 * function that judges them: the second is pure, so that t/unit/doctor.c can make happen what a
 * machine cannot have at will. What could not be found out is no fault.
 */
#ifndef MN_SERVICE_OPERATOR_DOCTOR_INTERNAL_H
#define MN_SERVICE_OPERATOR_DOCTOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "service/operator/doctor.h"
#include "service/operator/tool.h"

struct arena;
struct config;
struct error;

enum fault {
#define FAULT(id, ...) FAULT_##id,
#include "service/operator/doctor_faults.def"
#undef FAULT
	FAULTS,
};

enum fault_severity { FAULT_WARNING, FAULT_CRITICAL };

struct fault_row {
	const char *code;
	enum fault_severity severity;
	const char *remedy;
};
extern const struct fault_row fault_rows[FAULTS];

/* What --fix can do by itself; each can be undone. */
enum fix_kind { FIX_NONE, FIX_MODE, FIX_START, FIX_RESTART, FIX_NGINX };
struct fix {
	enum fix_kind kind;
	const char *what; /* path, unit or directory */
	mode_t from, to;  /* FIX_MODE */
};

/* A part that was looked at and is well has no code. */
struct finding {
	const char *part, *version, *what; /* version and what may be "" */
	const char *code, *remedy;         /* NULL: nothing is wrong */
	enum fault_severity severity;
	struct fix fix;
};

#define FINDINGS_MAX 128
#define UNKNOWN_MAX 32
#define DOCTOR_DATABASE_MS 3000

struct doctor {
	const struct doctor_ask *ask;
	const struct config *config;
	struct arena *arena;
	struct finding findings[FINDINGS_MAX];
	size_t n;
	const char *unknown[UNKNOWN_MAX]; /* parts of which something could not be found out */
	size_t nunknown;
	bool clock_wrong; /* what signatures and certificates then say is not their fault */
};

void doctor_ok(struct doctor *, const char *part, const char *version, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* `subject` takes the place of {} in the remedy. Returns the finding, to add version and fix. */
struct finding *doctor_found(struct doctor *, enum fault, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Returns the detail of an error for the log if there is one: an operator may see it. */
const char *doctor_reason(const struct error *);
bool doctor_has(const struct doctor *, enum fault);
/* Something of this part could not be found out: what was wrong with it may still be so. */
void doctor_unknown(struct doctor *, const char *part);
/* Would the fault have been found, if it were there? */
bool doctor_knows(const struct doctor *, const char *code);
/* The directory of nginx's files; *private_start: it has the frame of a private start. */
const char *doctor_nginx_dir(const struct doctor *, bool *private_start);

/*
 * Looks at files of root's as root, if root started us; the rest is asked as the services' user.
 * Returns who to be again afterwards.
 */
uid_t doctor_root_begin(void);
void doctor_root_end(uid_t);

/* --fix: doctor_fix.c */
size_t doctor_fix(struct doctor *, FILE *out);

/* --- judges ----------------------------------------------------------------------------------- */

struct server_facts;
void judge_server(struct doctor *, const struct server_facts *);
void judge_buffers(struct doctor *, const struct server_facts *, int64_t memory_mb);
void judge_schema(struct doctor *, int64_t version);
/* `message`: what libpq said of a failed connection with the setting `key`. */
void judge_connection(struct doctor *, const char *key, const char *message);

struct redis_facts;
void judge_redis(struct doctor *, const struct redis_facts *);
/* `reason`: why it does not respond. */
void judge_redis_access(struct doctor *, const char *reason);

struct tool_facts {
	const char *name, *package, *version, *output;
	bool found, works;
};
void judge_tool(struct doctor *, const struct tool_facts *);
void judge_passwords(struct doctor *, const char *reason);
/* `output`: of medianest-media --formats. */
void judge_formats(struct doctor *, const char *output);
void judge_sandbox(struct doctor *, const char *reason);
void judge_mail_waiting(struct doctor *, double seconds);

struct disk_facts {
	const char *directory;
	uint64_t bytes_free, inodes,
	    inodes_free; /* inodes 0: the file system does not count them */
};
void judge_disk(struct doctor *, const struct disk_facts *);

/* Settings of the kernel; -1: it has no such setting. */
struct kernel_facts {
	int64_t userns_clone, max_user_namespaces, apparmor_restrict;
};
void judge_kernel(struct doctor *, const struct kernel_facts *);

struct clock_facts {
	const char *other; /* whose clock it was compared with */
	int64_t ahead_us;  /* of this machine's clock */
};
void judge_clock(struct doctor *, const struct clock_facts *);

struct place_facts {
	const char *path;
	uid_t uid;
	gid_t gid;
	mode_t mode;
};
/* `user` is who must be able to create entries; `name` for people. */
bool place_may_write(const struct place_facts *, uid_t user);
bool place_may_read(const struct place_facts *, uid_t user);
/* A key file that `user`, as whom the services run, must be able to read. */
void judge_key(struct doctor *, const struct place_facts *, uid_t user);
/* nginx_user NULL: not known. */
void judge_settings(struct doctor *, const struct place_facts *, const uid_t *nginx_user);
void judge_run_dir(struct doctor *, const struct place_facts *);
void judge_objects(struct doctor *, const struct place_facts *, uid_t user, const char *name);

struct version_facts {
	const char *unit, *running, *installed; /* NULL: not known */
};
void judge_version(struct doctor *, const struct version_facts *);

struct certificate_facts {
	const char *url, *host;
	int64_t now, served_until, file_until; /* us; 0: not known */
	bool trusted, has_name;
	int key_fits; /* 1, 0; -1: not known */
};
void judge_certificate(struct doctor *, const struct certificate_facts *);

/* last: us, 0: never; wanted: backup.directory is set. */
void judge_backup(struct doctor *, int64_t last, bool wanted);

struct schedule_facts {
	bool servers, cron_line, cron; /* media servers are set up; the line; the daemon */
};
void judge_schedule(struct doctor *, const struct schedule_facts *);

/* --- checks ----------------------------------------------------------------------------------- */

void doctor_check_clock(struct doctor *);
void doctor_check_postgresql(struct doctor *);
void doctor_check_redis(struct doctor *);
void doctor_check_keys(struct doctor *);
void doctor_check_settings(struct doctor *);
void doctor_check_files(struct doctor *);
void doctor_check_tools(struct doctor *);
void doctor_check_disk(struct doctor *);
void doctor_check_processes(struct doctor *);
void doctor_check_nginx(struct doctor *);
void doctor_check_page(struct doctor *);
void doctor_check_storage(struct doctor *);
void doctor_check_sandbox(struct doctor *);
void doctor_check_jobs(struct doctor *);
void doctor_check_mail(struct doctor *);
void doctor_check_backup(struct doctor *);
void doctor_check_sync(struct doctor *);

#endif
