/* Settings: reading, checking and overriding. config_table.def describes each key. */
#include "core/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/media_types.h"
#include "core/network.h"
#include "core/str.h"
#include "core/banned.h"

#define ENV_PREFIX "MEDIANEST_"
#define ENV_NAME_MAX 128
#define SHOWN_MAX 64 /* bytes of a wrong value that a message repeats */

const struct config_row config_rows[CONFIG_KEYS] = {
#define CONFIG(id, key, type, min, max, choices, fallback, unit, flags, description) \
	{ key, type, min, max, choices, fallback, unit, flags, description },
#include "core/config_table.def"
#undef CONFIG
};

struct value {
	char *text; /* in force */
	/* from file, environment or default: restored when an override is removed */
	char *base;
	int64_t number; /* of INT, SIZE and BOOL */
	enum config_source source, base_source;
	bool in_file;
};

struct config {
	char *path;
	uint64_t version;
	struct value values[CONFIG_KEYS];
};

/* 12, 12K, 12M, 12G, 12T: powers of 1024. */
static bool
size_parse(const char *text, int64_t *out)
{
	static const char suffixes[] = "KMGT";
	char digits[32];
	size_t len = strlen(text);
	int64_t factor = 1;
	const char *suffix;

	if (len == 0 || len >= sizeof(digits))
		return false;
	suffix = strchr(suffixes, toupper((unsigned char)text[len - 1]));
	if (suffix != NULL) {
		factor = (int64_t)1 << (10 * (suffix - suffixes + 1));
		len--;
	}
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!str_to_int(digits, 0, INT64_MAX / factor, out))
		return false;
	*out *= factor;
	return true;
}

static bool
choice_has(const char *choices, const char *value)
{
	size_t len = strlen(value);

	if (strchr(value, '|') != NULL)
		return false;
	for (const char *p = choices; p != NULL; p = strchr(p, '|')) {
		if (*p == '|')
			p++;
		if (strncmp(p, value, len) == 0 && (p[len] == '|' || p[len] == '\0') && len > 0)
			return true;
	}
	return false;
}

/* Whether every element of a list is a choice; else *wrong is where the first other one is. */
static bool
choices_have(const char *choices, const char *list, const char **wrong, size_t *wrong_len)
{
	char item[SHOWN_MAX + 1];

	for (const char *p = list; *(p += strspn(p, ", ")) != '\0'; p += strcspn(p, ",")) {
		size_t len = strcspn(p, ",");

		while (len > 0 && p[len - 1] == ' ')
			len--;
		*wrong = p;
		*wrong_len = len < SHOWN_MAX ? len : SHOWN_MAX;
		memcpy(item, p, *wrong_len);
		item[*wrong_len] = '\0';
		if (len > SHOWN_MAX || !choice_has(choices, item))
			return false;
	}
	return true;
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if (iscntrl((unsigned char)*s))
			return true;
	return false;
}

/* Scheme, host and port: the value is compared with Origin headers and prefixed to paths. */
static bool
origin_valid(const char *s)
{
	if (str_starts(s, "https://"))
		s += strlen("https://");
	else if (str_starts(s, "http://"))
		s += strlen("http://");
	else
		return false;
	return *s != '\0' && strpbrk(s, "/?#@ ") == NULL;
}

static bool
is_origin(enum config_key key)
{
	return key == CFG_PUBLIC_URL || key == CFG_STORAGE_ENDPOINT ||
	    key == CFG_STORAGE_PUBLIC_ENDPOINT;
}

/* Checks the value against its row; `number` receives the value of INT, SIZE and BOOL. */
static bool
value_parse(enum config_key key, const char *text, int64_t *number, struct error *err)
{
	const struct config_row *row = &config_rows[key];
	const char *shown = (row->flags & CONFIG_SECRET) != 0 ? "***" : text;
	char wrong[NETWORK_TEXT_MAX];
	size_t len = strlen(text);
	const char *other;
	size_t other_len;
	bool flag;

	*number = 0;
	switch (row->type) {
	case CONFIG_INT:
		if (!str_to_int(text, row->min, row->max, number))
			return error_set(err, ERR_VALIDATION,
			    "%s: '%.*s' is not a whole number from %lld to %lld", row->key,
			    SHOWN_MAX, shown, (long long)row->min, (long long)row->max);
		return true;
	case CONFIG_SIZE:
		if (!size_parse(text, number) || *number < row->min || *number > row->max)
			return error_set(err, ERR_VALIDATION,
			    "%s: '%.*s' is not a size from %lld to %lld bytes (a number with K, M,"
			    " G or T)",
			    row->key, SHOWN_MAX, shown, (long long)row->min, (long long)row->max);
		return true;
	case CONFIG_BOOL:
		if (!str_to_bool(text, &flag))
			return error_set(err, ERR_VALIDATION, "%s: '%.*s' must be true or false",
			    row->key, SHOWN_MAX, shown);
		*number = flag;
		return true;
	case CONFIG_ENUM:
		if (!choice_has(row->choices, text))
			return error_set(err, ERR_VALIDATION, "%s: '%.*s' is not one of %s",
			    row->key, SHOWN_MAX, shown, row->choices);
		return true;
	case CONFIG_LIST:
		if (row->choices != NULL && !choices_have(row->choices, text, &other, &other_len))
			return error_set(err, ERR_VALIDATION, "%s: '%.*s' is not one of %s",
			    row->key, (int)other_len, other, row->choices);
		break;
	case CONFIG_STRING:
	case CONFIG_PATH: break;
	}
	if ((int64_t)len < row->min || (int64_t)len > row->max)
		return error_set(err, ERR_VALIDATION, "%s: must have %lld to %lld bytes, not %zu",
		    row->key, (long long)row->min, (long long)row->max, len);
	if (has_control(text) || !utf8_valid(text, len))
		return error_set(err, ERR_VALIDATION,
		    "%s: must not contain control characters or invalid UTF-8", row->key);
	if (row->type == CONFIG_PATH && len > 0 && text[0] != '/')
		return error_set(err, ERR_VALIDATION, "%s: '%.*s' is not an absolute path",
		    row->key, SHOWN_MAX, shown);
	if (is_origin(key) && len > 0 && !origin_valid(text))
		return error_set(err, ERR_VALIDATION,
		    "%s: '%.*s' is not an origin: scheme://host[:port] without a path", row->key,
		    SHOWN_MAX, shown);
	if (key == CFG_METRICS_ALLOW && !network_list_valid(text, wrong))
		return error_set(err, ERR_VALIDATION, "%s: '%s' is not an address or a network",
		    row->key, wrong);
	return true;
}

bool
config_check(enum config_key key, const char *value, struct error *err)
{
	int64_t number;

	return value_parse(key, value, &number, err);
}

int64_t
config_default(enum config_key key)
{
	struct error ignored;
	int64_t number;

	return value_parse(key, config_rows[key].fallback, &number, &ignored) ? number : 0;
}

bool
config_find(const char *key, enum config_key *out)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		if (str_eq(config_rows[i].key, key)) {
			*out = (enum config_key)i;
			return true;
		}
	}
	return false;
}

static bool
base_set(struct config *config, enum config_key key, const char *text, enum config_source source,
    struct error *err)
{
	struct value *v = &config->values[key];
	int64_t number;

	if (!value_parse(key, text, &number, err))
		return false;
	free(v->text);
	free(v->base);
	v->text = xstrdup(text);
	v->base = xstrdup(text);
	v->number = number;
	v->source = v->base_source = source;
	return true;
}

/* Cuts white space at both ends, in place. */
static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static bool
line_apply(struct config *config, char *line, struct error *err)
{
	char *text = trim(line), *eq;
	enum config_key key;

	if (*text == '\0' || *text == '#')
		return true;
	eq = strchr(text, '=');
	if (eq == NULL)
		return error_set(err, ERR_VALIDATION, "expected 'key = value'");
	*eq = '\0';
	text = trim(text);
	if (!config_find(text, &key))
		return error_set(err, ERR_VALIDATION, "unknown key '%.*s'", SHOWN_MAX, text);
	if (config->values[key].in_file)
		return error_set(err, ERR_VALIDATION, "%s is set twice", text);
	config->values[key].in_file = true;
	return base_set(config, key, trim(eq + 1), CONFIG_FROM_FILE, err);
}

static bool
file_apply(struct config *config, FILE *f, struct error *err)
{
	char line[CONFIG_LINE_MAX];
	unsigned number = 0;
	struct error inner;

	while (fgets(line, sizeof(line), f) != NULL) {
		number++;
		error_clear(&inner);
		if (strchr(line, '\n') == NULL && !feof(f))
			error_set(&inner, ERR_VALIDATION,
			    "line is longer than %d bytes or contains a NUL", CONFIG_LINE_MAX - 2);
		else
			line_apply(config, line, &inner);
		if (inner.code != ERR_NONE)
			return error_set(err, ERR_VALIDATION, "%s:%u: %s", config->path, number,
			    inner.message);
	}
	if (ferror(f))
		return error_set(err, ERR_VALIDATION, "%s: cannot be read: %s", config->path,
		    strerror(errno));
	return true;
}

static bool
file_load(struct config *config, struct error *err)
{
	struct stat st;
	FILE *f = fopen(config->path, "re");
	bool ok;

	if (f == NULL && errno == EACCES)
		return error_set(err, ERR_VALIDATION,
		    "%s: cannot be opened: %s (run the program as the services' user, whose group"
		    " the file must have: chgrp medianest, chmod 0640)",
		    config->path, strerror(errno));
	if (f == NULL)
		return error_set(err, ERR_VALIDATION,
		    "%s: cannot be opened: %s (use --config or MEDIANEST_CONFIG to name another"
		    " file)",
		    config->path, strerror(errno));
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(f);
		return error_set(err, ERR_VALIDATION, "%s: is a directory", config->path);
	}
	ok = file_apply(config, f, err);
	fclose(f);
	return ok;
}

static bool
environment_apply(struct config *config, struct error *err)
{
	char name[ENV_NAME_MAX];
	struct error inner;

	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const char *value;
		size_t len = str_copy(name, sizeof(name), ENV_PREFIX);

		str_copy(name + len, sizeof(name) - len, config_rows[i].key);
		for (char *p = name + len; *p != '\0'; p++)
			*p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
		value = getenv(name);
		if (value == NULL)
			continue;
		error_clear(&inner);
		if (!base_set(config, (enum config_key)i, value, CONFIG_FROM_ENVIRONMENT, &inner))
			return error_set(err, ERR_VALIDATION, "environment %s: %s", name,
			    inner.message);
	}
	return true;
}

struct config *
config_load(const char *path, struct error *err)
{
	struct config *config = xmalloc(sizeof(*config));

	*config = (struct config) { .version = 1 };
	if (path == NULL)
		path = getenv("MEDIANEST_CONFIG");
	if (path == NULL || *path == '\0')
		path = CONFIG_FILE_DEFAULT;
	config->path = xstrdup(path);
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		if (!base_set(config, (enum config_key)i, config_rows[i].fallback,
			CONFIG_FROM_DEFAULT, err)) {
			config_free(config);
			return NULL;
		}
	}
	if (!file_load(config, err) || !environment_apply(config, err)) {
		config_free(config);
		return NULL;
	}
	return config;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		free(config->values[i].text);
		free(config->values[i].base);
	}
	free(config->path);
	free(config);
}

const char *
config_path(const struct config *config)
{
	return config->path;
}

bool
config_holds_secrets(const struct config *config)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++)
		if ((config_rows[i].flags & CONFIG_SECRET) != 0 && config->values[i].in_file)
			return true;
	return false;
}

const char *
config_str(const struct config *config, enum config_key key)
{
	return config->values[key].text;
}

const char *
config_ca_file(const struct config *config, enum config_key key)
{
	const char *file = config_str(config, key);

	return file[0] != '\0' ? file : config_str(config, CFG_OUTBOUND_CA_FILE);
}

int64_t
config_int(const struct config *config, enum config_key key)
{
	return config->values[key].number;
}

bool
config_bool(const struct config *config, enum config_key key)
{
	return config->values[key].number != 0;
}

enum config_source
config_source(const struct config *config, enum config_key key)
{
	return config->values[key].source;
}

uint64_t
config_version(const struct config *config)
{
	return config->version;
}

bool
config_list_has(const struct config *config, enum config_key key, const char *item)
{
	const char *p = config->values[key].text;
	size_t want = strlen(item);

	while (*p != '\0') {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ",");
		for (size_t cut = len; cut > 0 && p[cut - 1] == ' '; cut--)
			if (cut - 1 == want && strncmp(p, item, want) == 0)
				return true;
		if (len == want && len > 0 && strncmp(p, item, len) == 0)
			return true;
		p += len;
	}
	return false;
}

/* An origin has no path; case does not matter in scheme and host (RFC 6454 section 4). */
bool
config_origin_allowed(const struct config *config, const char *origin)
{
	const char *own = config_str(config, CFG_PUBLIC_URL);
	size_t len = strlen(own);

	while (len > 0 && own[len - 1] == '/')
		len--;
	return (strlen(origin) == len && strncasecmp(origin, own, len) == 0) ||
	    config_list_has(config, CFG_CORS_ORIGINS, origin);
}

bool
config_override(struct config *config, enum config_key key, const char *value, struct error *err)
{
	struct value *v = &config->values[key];
	const char *text = value != NULL ? value : v->base;
	int64_t number;

	if ((config_rows[key].flags & CONFIG_LIVE) == 0)
		return error_slug(err, ERR_CONFLICT, "not_live",
		    "%s cannot be changed while running", config_rows[key].key);
	if (!value_parse(key, text, &number, err))
		return false;
	text = xstrdup(text);
	free(v->text);
	v->text = (char *)text;
	v->number = number;
	v->source = value != NULL ? CONFIG_FROM_DATABASE : v->base_source;
	config->version++;
	return true;
}
