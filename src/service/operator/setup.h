/*
 * `medianest-admin setup`: everything between installed packages and a house that serves, as a
 * table of steps. Each step knows whether it is done already, so that setup can be repeated, goes
 * on where it stopped, and can say beforehand what it would change. `--upgrade` runs those steps
 * again that another version may need; it asks nothing.
 */
#ifndef MN_SERVICE_OPERATOR_SETUP_H
#define MN_SERVICE_OPERATOR_SETUP_H

#include <stdbool.h>

struct arena;
struct error;

/* The Redis of MediaNest's own: medianest-redis.service, which keeps nothing when it stops. */
#define SETUP_REDIS_SOCKET "/run/medianest-redis/redis.sock"
#define SETUP_REDIS_URL "unix://" SETUP_REDIS_SOCKET

enum setup_answer {
	SETUP_PUBLIC_URL,
	SETUP_STORAGE_URL,
	SETUP_CERTIFICATE,
	SETUP_CERTIFICATE_KEY,
	SETUP_EMAIL,
	SETUP_CLUSTER,
	SETUP_REDIS,
	SETUP_ANSWERS,
};

struct setup_request {
	const char *config_path;
	const char *answers[SETUP_ANSWERS]; /* from options; NULL: from the settings, or asked */
	const char *password;               /* of the first account; NULL: asked or made */
	bool dry_run, yes, upgrade;
};

/*
 * Runs as root. Prints what it finds and does. ERR_VALIDATION: a wrong or missing answer;
 * ERR_CONFLICT: the host is not ready (the reasons are printed); nothing was changed by either.
 */
bool setup_run(struct arena *, const struct setup_request *, struct error *);
/* Reads one line from the terminal without showing it; false at the end of input. */
bool setup_read_secret(const char *prompt, char *out, int size);

#endif
