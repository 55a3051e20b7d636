/* Shared by the files of setup. */
#ifndef MN_SERVICE_OPERATOR_SETUP_INTERNAL_H
#define MN_SERVICE_OPERATOR_SETUP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "service/operator/setup.h"
#include "service/operator/tool.h"

struct cluster_facts;
struct config;
struct db;

#define SETUP_USER "medianest"
#define SETUP_STORAGE_GROUP "medianest-storage"
#define SETUP_NGINX_USER "www-data"
#define SETUP_REDIS_UNIT "medianest-redis.service"
#define SETUP_OUTPUT_MAX (1UL << 20) /* bytes of a command's output: nginx -T */
#define SETUP_COMMAND_MS 180000      /* of a command; a unit may take a minute to stop */
#define SETUP_DOCTOR_MS 120000       /* it waits for each part in turn */
#define SETUP_READY_MS 30000         /* until the services that were started respond */
#define SETUP_POLL_MS 100
#define SETUP_STATEMENT_MS 60000 /* CREATE DATABASE copies a template */
#define SETUP_MIGRATE_MS 3600000 /* a migration may rewrite a large table */

struct setup_cluster {
	const char *version, *name, *port, *owner; /* "15", "main", "5432", "postgres" */
};

struct setup {
	struct arena *arena;
	const struct setup_request *request;
	bool terminal;                      /* a person can be asked */
	bool changed;                       /* something that running services have read */
	bool restarted;                     /* they have been */
	const char *answers[SETUP_ANSWERS]; /* NULL or "": none */
	const char *settings_old;           /* text of the settings file, NULL: none */
	const char *settings_new;
	struct config *config; /* what settings_new says */
	struct setup_cluster cluster;
	bool planning;
	const char *step; /* that is at work */
};

/* `check`: is it done? It tells with setup_plan() what `apply` would change. */
struct setup_step {
	const char *name;
	bool upgrade; /* repeated by --upgrade */
	bool (*check)(struct setup *, bool *done, struct error *);
	bool (*apply)(struct setup *, struct error *);
	void (*undo)(struct setup *); /* after a failed apply; or NULL */
};

void setup_plan(struct setup *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void setup_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Runs a command; false: `err` has what it printed. *out may be NULL. */
bool setup_command(struct setup *, const char *const *argv, const char **out, struct error *);
/* The same as a question: whether the command succeeded. */
bool setup_command_is(struct setup *, const char *const *argv);
#define SETUP_ARGV(...) ((const char *const[]) { __VA_ARGS__, NULL })

/*
 * From here on, connections and files are that user's, with its groups: PostgreSQL looks at the
 * effective user. setup_return() drops every group but root's own.
 */
bool setup_become(const char *user, struct error *);
void setup_return(void);

/* setup_ask.c: fills answers, settings_new and config. */
bool setup_answers(struct setup *, struct error *);
/* setup_settings.c: the text with `key = value` in it, in place of an earlier line of that key. */
const char *setup_settings_put(struct arena *, const char *text, const char *key,
    const char *value);
/* The value of a key in the text, or NULL. */
const char *setup_settings_get(struct arena *, const char *text, const char *key);
/* setup_host.c: [host] or host of an origin, and its port. */
const char *setup_url_host(struct arena *, const char *url);
const char *setup_url_port(struct arena *, const char *url);
bool setup_has_ipv6(void);

/* Before anything is touched: prints what is in the way, and counts it. */
unsigned setup_preflight(struct setup *);
void setup_obstacle(unsigned *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void setup_check_certificate(struct setup *, unsigned *obstacles);
void setup_check_cluster(struct setup *, unsigned *obstacles);

extern const struct setup_step setup_step_users, setup_step_directories, setup_step_settings,
    setup_step_keys, setup_step_memory, setup_step_database, setup_step_access, setup_step_schema,
    setup_step_redis, setup_step_nginx, setup_step_services, setup_step_bucket, setup_step_account;

/* setup_database.c */
bool setup_cluster_find(struct setup *, struct error *);
bool setup_cluster_facts(struct setup *, struct cluster_facts *, struct error *);
/* A connection as the cluster's superuser, after setup_become(). */
struct db *setup_superuser(struct setup *);

#endif
