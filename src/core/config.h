/*
 * Settings: one table row each (config_table.def), read from medianest.conf (`key = value`), then
 * from MEDIANEST_<KEY_WITH_UNDERSCORES>, then, where marked live, from the settings table of the
 * database.
 *
 * Unknown keys, repeated keys and values outside a row's range are errors. The message is one line
 * that says what to change; the caller exits 78 (EX_CONFIG). The manual page medianest.conf(5) and
 * the sample file are generated from the table.
 */
#ifndef MN_CORE_CONFIG_H
#define MN_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;

enum config_type {
	CONFIG_STRING,
	CONFIG_INT,
	CONFIG_BOOL,
	CONFIG_SIZE /* bytes, K M G suffix */,
	CONFIG_ENUM,
	CONFIG_PATH,
	CONFIG_LIST, /* comma-separated */
};
enum config_source {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENVIRONMENT,
	CONFIG_FROM_DATABASE,
};

#define CONFIG_LIVE 1u   /* may be changed while running, through the admin API */
#define CONFIG_SECRET 2u /* never shown */
#define CONFIG_STORE 4u  /* the pools of the object store need it: it is in store.conf too */

struct config_row {
	const char *key;
	enum config_type type;
	int64_t min, max;     /* numbers: range; strings and lists: length in bytes */
	const char *choices;  /* ENUM, and each element of a LIST: "none|starttls|tls" */
	const char *fallback; /* as text; "" = unset */
	const char *unit;     /* "seconds", or NULL */
	unsigned flags;
	const char *description;
};

/* CFG_<NAME> for each row, generated from config_table.def. */
enum config_key {
#define CONFIG(id, key, type, min, max, choices, fallback, unit, flags, description) CFG_##id,
#include "core/config_table.def"
#undef CONFIG
	CONFIG_KEYS,
};

extern const struct config_row config_rows[CONFIG_KEYS];

struct config; /* owned by main() for the life of the process */

#define CONFIG_FILE_DEFAULT "/etc/medianest/medianest.conf"
#define CONFIG_LINE_MAX 8192

/*
 * path NULL: $MEDIANEST_CONFIG, else CONFIG_FILE_DEFAULT. Returns NULL on failure, with the line to
 * print in err->message.
 */
struct config *config_load(const char *path, struct error *);
void config_free(struct config *);
const char *config_path(const struct config *);

const char *config_str(const struct config *, enum config_key); /* "" = unset */
int64_t config_int(const struct config *, enum config_key);     /* INT and SIZE */
/* The row's CA file, else that of outbound.ca_file; "" = the system's authorities. */
const char *config_ca_file(const struct config *, enum config_key);
bool config_bool(const struct config *, enum config_key);
enum config_source config_source(const struct config *, enum config_key);
bool config_holds_secrets(const struct config *); /* in the file */
bool config_find(const char *key, enum config_key *);
/* Is `item` an element of a CONFIG_LIST? */
bool config_list_has(const struct config *, enum config_key, const char *item);
/* May a page of this Origin use the API: public.url itself, or one of cors.origins? */
bool config_origin_allowed(const struct config *, const char *origin);

/* The default of an INT, SIZE or BOOL. */
int64_t config_default(enum config_key);
/* Checks a textual value against its row without setting it. */
bool config_check(enum config_key, const char *value, struct error *);
/* Applies a value from the database to a live row; NULL goes back to file or default. */
bool config_override(struct config *, enum config_key, const char *value, struct error *);
uint64_t config_version(const struct config *); /* grows with each override */

/* Generators for the build: the mdoc table and the commented sample file. */
void config_print_mdoc(FILE *);
void config_print_sample(FILE *);
/*
 * store.conf: those settings in force that the pools of the object store need. They run as nginx's
 * user, who must not read the secrets of the others.
 */
void config_print_store(const struct config *, FILE *);

#endif
