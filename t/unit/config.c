/* Settings: the table, the file, the environment, overrides. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static char path[] = "/tmp/mn-config-XXXXXX";

static struct config *
load(const char *text, struct error *err)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	error_clear(err);
	return config_load(path, err);
}

static void
refused(const char *text, const char *complaint)
{
	struct error err;
	struct config *c = load(text, &err);

	ok(c == NULL, "refused: %.40s", text);
	if (!ok(strstr(err.message, complaint) != NULL, "because: %s", complaint))
		printf("# %s\n", err.message);
	config_free(c);
}

static void
env_name(const char *key, char out[128])
{
	snprintf(out, 128, "MEDIANEST_%s", key);
	for (char *p = out; *p != '\0'; p++)
		*p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
}

static void
the_table(void)
{
	char a[128], b[128];
	enum config_key key;
	struct error err;

	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const struct config_row *row = &config_rows[i];
		bool unique = true;

		env_name(row->key, a);
		for (unsigned k = 0; k < i; k++) {
			env_name(config_rows[k].key, b);
			unique = unique && strcmp(a, b) != 0;
		}
		error_clear(&err);
		ok(unique && config_check((enum config_key)i, row->fallback, &err) &&
			row->description[strlen(row->description) - 1] == '.',
		    "%s: one name, a default within its range, a sentence", row->key);
		ok(config_find(row->key, &key) && key == i, "%s: found", row->key);
	}
	ok(!config_find("public", &key) && !config_find("", &key), "no such key");
}

static void
the_file(void)
{
	struct error err;
	struct config *c =
	    load("# a comment\n\n  upload.max_size = 2K \nregistration.mode=open\nredis.prefix"
		 " =\nstorage.path_style = no\n"
		 "database.api_url = host=/x password=a=b#c\ncors.origins = https://a.example,"
		 " https://b.example:8443\n",
		&err);

	if (!ok(c != NULL, "a good file")) {
		printf("# %s\n", err.message);
		return;
	}
	is_int(config_int(c, CFG_UPLOAD_MAX_SIZE), 2048, "a size");
	is_str(config_str(c, CFG_REGISTRATION_MODE), "open", "without spaces");
	is_str(config_str(c, CFG_REDIS_PREFIX), "", "an empty value");
	ok(!config_bool(c, CFG_STORAGE_PATH_STYLE), "no is false");
	is_str(config_str(c, CFG_DATABASE_API_URL), "host=/x password=a=b#c",
	    "a value with signs in it");
	ok(config_list_has(c, CFG_CORS_ORIGINS, "https://b.example:8443") &&
		config_list_has(c, CFG_CORS_ORIGINS, "https://a.example"),
	    "elements of a list");
	ok(!config_list_has(c, CFG_CORS_ORIGINS, "https://b.example") &&
		!config_list_has(c, CFG_CORS_ORIGINS, ""),
	    "and not parts of them");
	ok(config_source(c, CFG_UPLOAD_MAX_SIZE) == CONFIG_FROM_FILE &&
		config_source(c, CFG_TRASH_DAYS) == CONFIG_FROM_DEFAULT,
	    "where from");
	is_int(config_int(c, CFG_TRASH_DAYS), 30, "a default");

	ok(config_override(c, CFG_UPLOAD_MAX_SIZE, "1M", &err) &&
		config_int(c, CFG_UPLOAD_MAX_SIZE) == 1048576,
	    "overridden");
	ok(config_source(c, CFG_UPLOAD_MAX_SIZE) == CONFIG_FROM_DATABASE && config_version(c) == 2,
	    "known as such");
	ok(!config_override(c, CFG_UPLOAD_MAX_SIZE, "many", &err) &&
		config_int(c, CFG_UPLOAD_MAX_SIZE) == 1048576,
	    "a bad override changes nothing");
	ok(config_override(c, CFG_UPLOAD_MAX_SIZE, NULL, &err) &&
		config_int(c, CFG_UPLOAD_MAX_SIZE) == 2048,
	    "and back");
	ok(!config_override(c, CFG_STORAGE_BUCKET, "other", &err) && err.code == ERR_CONFLICT &&
		strcmp(error_slug_of(&err), "not_live") == 0,
	    "not live");
	config_free(c);
}

static void
the_environment(void)
{
	struct error err;
	struct config *c;

	setenv("MEDIANEST_UPLOAD_MAX_SIZE", "3K", 1);
	c = load("upload.max_size = 2K\n", &err);
	ok(c != NULL && config_int(c, CFG_UPLOAD_MAX_SIZE) == 3072 &&
		config_source(c, CFG_UPLOAD_MAX_SIZE) == CONFIG_FROM_ENVIRONMENT,
	    "the environment wins over the file");
	config_free(c);
	setenv("MEDIANEST_UPLOAD_MAX_SIZE", "-1", 1);
	refused("", "environment MEDIANEST_UPLOAD_MAX_SIZE: upload.max_size");
	unsetenv("MEDIANEST_UPLOAD_MAX_SIZE");
	error_clear(&err);
	ok(config_load("/nonexistent/medianest.conf", &err) == NULL &&
		strstr(err.message, "--config") != NULL,
	    "a file that is not there");
	ok(config_load("/tmp", &err) == NULL, "a directory");
}

int
main(void)
{
	char longest[CONFIG_LINE_MAX + 64];

	close(mkstemp(path));
	the_table();
	the_file();
	the_environment();
	refused("upload.maxsize = 1\n", ":1: unknown key 'upload.maxsize'");
	refused("\ntrash.days = 1\ntrash.days = 2\n", ":3: trash.days is set twice");
	refused("trash.days = 0\n", "from 1 to 3650");
	refused("trash.days = 99999999999999999999\n", "whole number");
	refused("trash.days = 1x\n", "whole number");
	refused("trash.days\n", "expected 'key = value'");
	refused("registration.mode = ope\n", "not one of closed|invite|open");
	refused("registration.mode = closed|invite\n", "not one of closed|invite|open");
	refused("storage.path_style = perhaps\n", "must be true or false");
	refused("data.dir = relative\n", "not an absolute path");
	refused("public.url = https://a.example/path\n", "not an origin");
	refused("public.url = ftp://a.example\n", "not an origin");
	refused("upload.max_size = 9999999T\n", "not a size");
	refused("upload.max_size = 1Q\n", "not a size");
	refused("storage.bucket = ab\n", "3 to 63 bytes");
	refused("storage.secret_key = \x01\n", "control characters");
	refused("storage.region = \xff\n", "invalid UTF-8");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refused(longest, ":1: line is longer than");
	unlink(path);
	return done_testing();
}
