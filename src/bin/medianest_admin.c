/*
 * medianest-admin: the operator's tool. Parses the command line and calls one service; see
 * medianest-admin(8).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bin/admin_backup.h"
#include "bin/admin_store.h"
#include "bin/admin_user.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/options.h"
#include "service/account/accounts.h"
#include "service/audit.h"
#include "service/operator/doctor.h"
#include "service/keyring.h"
#include "service/operator/migrate.h"
#include "service/operator/nginx_conf.h"
#include "service/operator/reseal.h"
#include "service/operator/setup.h"
#include "store/pg.h"
#include "store/s3.h"
#include "core/banned.h"

#define WORDS_MAX 3
#define STATEMENT_TIMEOUT_MS 3600000 /* a migration may rewrite a large table */

struct admin {
	struct arena arena;
	struct config *config;
	struct db *db;
	const char *config_file, *email, *role, *name, *sql_dir;
	const char *operand; /* the last word of a command that takes one */
	const char *keep, *keys, *rate;
	const char *only;
	const char *answers[SETUP_ANSWERS];
	bool password_stdin, json, private_start, tell, fix, dry_run, yes, upgrade, check, timer,
	    replace, end_sessions, resume;
};

static const struct log context = { .component = "admin" };

enum {
	OPTION_EMAIL,
	OPTION_ROLE,
	OPTION_NAME,
	OPTION_SQL,
	OPTION_PASSWORD_STDIN,
	OPTION_JSON,
	OPTION_PRIVATE,
	OPTION_CHECK,
	OPTION_KEEP,
	OPTION_KEYS,
	OPTION_TIMER,
	OPTION_REPLACE,
	OPTION_END_SESSIONS,
	OPTION_RATE,
	OPTION_RESUME,
	OPTION_PUBLIC_URL,
	OPTION_STORAGE_URL,
	OPTION_CERTIFICATE,
	OPTION_CERTIFICATE_KEY,
	OPTION_CLUSTER,
	OPTION_REDIS,
	OPTION_DRY_RUN,
	OPTION_YES,
	OPTION_UPGRADE,
	OPTION_ONLY,
	OPTION_TELL,
	OPTION_FIX,
};

static const struct option_row options[] = {
	[OPTION_EMAIL] = { "email", true },
	[OPTION_ROLE] = { "role", true },
	[OPTION_NAME] = { "name", true },
	[OPTION_SQL] = { "sql", true },
	[OPTION_PASSWORD_STDIN] = { "password-stdin", false },
	[OPTION_JSON] = { "json", false },
	[OPTION_PRIVATE] = { "private", false },
	[OPTION_CHECK] = { "check", false },
	[OPTION_KEEP] = { "keep", true },
	[OPTION_KEYS] = { "keys", true },
	[OPTION_TIMER] = { "timer", false },
	[OPTION_REPLACE] = { "replace", false },
	[OPTION_END_SESSIONS] = { "end-sessions", false },
	[OPTION_RATE] = { "rate", true },
	[OPTION_RESUME] = { "resume", false },
	[OPTION_PUBLIC_URL] = { "public-url", true },
	[OPTION_STORAGE_URL] = { "storage-url", true },
	[OPTION_CERTIFICATE] = { "certificate", true },
	[OPTION_CERTIFICATE_KEY] = { "certificate-key", true },
	[OPTION_CLUSTER] = { "cluster", true },
	[OPTION_REDIS] = { "redis", true },
	[OPTION_DRY_RUN] = { "dry-run", false },
	[OPTION_YES] = { "yes", false },
	[OPTION_UPGRADE] = { "upgrade", false },
	[OPTION_ONLY] = { "only", true },
	[OPTION_TELL] = { "tell", false },
	[OPTION_FIX] = { "fix", false },
	{ .name = NULL },
};
#define GIVEN(option) (1u << (option))

typedef bool command_fn(struct admin *, int *status, struct error *);

/* Started by root, a command becomes the services' user; AS_ROOT: or does so in its own way. */
enum run_as { AS_SERVICE, AS_ROOT };

struct command {
	const char *words;
	unsigned accepts; /* GIVEN() of each option besides --config, --help, --version */
	command_fn *run;
	const char *synopsis;
	bool operand; /* takes one more word: an operand */
	enum run_as as;
	bool bare; /* works without settings */
};

static const char *
sql_dir(const struct admin *a)
{
	return a->sql_dir != NULL ? a->sql_dir : MN_PKGDATADIR "/sql";
}

static bool
run_migrate(struct admin *a, int *status, struct error *err)
{
	size_t pending;

	if (!a->check)
		return migrate_run(a->db, &a->arena, sql_dir(a), stdout, err);
	if (!migrate_check(a->db, &a->arena, sql_dir(a), stdout, &pending, err))
		return false;
	*status = pending == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	return true;
}

static struct admin_backup
backup_of(struct admin *a)
{
	return (struct admin_backup) { .config = a->config,
		.db = a->db,
		.arena = &a->arena,
		.sql_dir = sql_dir(a),
		.directory = a->operand,
		.keep = a->keep,
		.keys = a->keys,
		.rate = a->rate,
		.timer = a->timer,
		.replace = a->replace,
		.end_sessions = a->end_sessions,
		.resume = a->resume };
}

static bool
run_backup(struct admin *a, int *status, struct error *err)
{
	const struct admin_backup ask = backup_of(a);

	return admin_backup(&ask, err);
}

static bool
run_restore(struct admin *a, int *status, struct error *err)
{
	const struct admin_backup ask = backup_of(a);

	return admin_restore(&ask, err);
}

static bool
run_verify(struct admin *a, int *status, struct error *err)
{
	const struct admin_backup ask = backup_of(a);
	bool whole = false;

	if (!admin_verify(&ask, &whole, err))
		return false;
	*status = whole ? EXIT_SUCCESS : EXIT_FAILURE;
	return true;
}

/* Reads one line of standard input; on a terminal it prompts and turns echo off. */
static bool
password_read(char out[PASSWORD_MAX + 2], struct error *err)
{
	return setup_read_secret("Password: ", out, PASSWORD_MAX + 2) ||
	    error_set(err, ERR_VALIDATION,
		"no password on standard input: write it there on one line");
}

static bool
run_user_create(struct admin *a, int *status, struct error *err)
{
	char password[PASSWORD_MAX + 2], id[UUID_TEXT];
	struct account_request req = {
		.email = a->email,
		.display_name = a->name,
		.password = password,
	};
	bool ok;

	if (a->email == NULL || a->role == NULL || !a->password_stdin)
		return error_set(err, ERR_VALIDATION,
		    "user create needs --email, --role and --password-stdin");
	if (!role_parse(a->role, &req.role))
		return error_set(err, ERR_VALIDATION,
		    "'%.40s' is not a role: use guest, user, admin or super", a->role);
	ok = password_read(password, err) &&
	    account_create(a->db, &a->arena, a->config, &req, id, err);
	explicit_bzero(password, sizeof(password));
	if (ok)
		printf("%s\n", id);
	return ok;
}

static struct json *
users_view(struct arena *arena, const struct user *users, size_t n)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_str(j, "id", users[i].id);
		json_put_str(j, "email", users[i].email);
		json_put_str(j, "displayName", users[i].display_name);
		json_put_str(j, "role", role_name(users[i].role));
		json_put_str(j, "tier", tier_name(users[i].tier));
		json_put_str(j, "status", users[i].active ? "active" : "disabled");
		json_put_time(j, "createdAt", users[i].created_at);
		json_put_time(j, "lastLoginAt", users[i].last_login_at);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return j;
}

static bool
run_user_list(struct admin *a, int *status, struct error *err)
{
	struct user *users;
	size_t n;

	if (!account_list(a->db, &a->arena, &users, &n, err))
		return false;
	if (a->json) {
		puts(users_view(&a->arena, users, n)->buf.data);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		printf("%s  %-5s  %-8s  %s  %s\n", users[i].id, role_name(users[i].role),
		    users[i].active ? "active" : "disabled", users[i].email, users[i].display_name);
	return true;
}

static bool
run_keys_create(struct admin *a, int *status, struct error *err)
{
	return keyring_create(a->config, true, err);
}

static bool
run_keys_rotate(struct admin *a, int *status, struct error *err)
{
	if (!keyring_rotate(a->config, err))
		return false;
	puts("Copy these keys to every other host. The pools use them after a reload (systemctl"
	     " reload 'medianest-fcgi@*'), the worker after a restart; until then they understand"
	     " both.\nOlder jwt-N.key files may be removed a day after that, older data-N.key"
	     " files when 'medianest-admin keys reseal' says so.");
	return true;
}

static bool
run_keys_reseal(struct admin *a, int *status, struct error *err)
{
	bool whole = false;

	if (!reseal_run(a->config, a->db, &a->arena, stdout, &whole, err))
		return false;
	*status = whole ? EXIT_SUCCESS : EXIT_FAILURE;
	return true;
}

static bool
run_bucket_create(struct admin *a, int *status, struct error *err)
{
	struct s3 *s3 = s3_new(a->config, err);
	bool ok = s3 != NULL && s3_bucket_create(s3, err);

	s3_free(s3);
	return ok;
}

static bool
run_nginx(struct admin *a, int *status, struct error *err)
{
	if (a->operand == NULL)
		return error_set(err, ERR_VALIDATION,
		    "nginx needs DIR, the directory for the generated files");
	return nginx_conf_write(a->config, &a->arena, a->operand, a->private_start, err);
}

static bool
run_store_settings(struct admin *a, int *status, struct error *err)
{
	if (a->operand == NULL)
		return error_set(err, ERR_VALIDATION,
		    "store settings needs FILE, where the settings of the store's pools go");
	return admin_store_settings(a->config, &a->arena, a->operand, err);
}

static bool
run_doctor(struct admin *a, int *status, struct error *err)
{
	const struct doctor_ask ask = { .config = a->config,
		.only = a->only,
		.json = a->json,
		.tell = a->tell,
		.fix = a->fix,
		.yes = a->yes };
	bool well;

	if (!doctor_run(&ask, &a->arena, stdout, &well, err))
		return false;
	*status = well ? EXIT_SUCCESS : EXIT_FAILURE;
	return true;
}

static bool
run_audit_verify(struct admin *a, int *status, struct error *err)
{
	struct audit_report report;

	if (!audit_verify(a->db, &a->arena, &report, err))
		return false;
	if (report.broken_at > 0) {
		printf("the audit chain is broken at link %lld: that entry and later ones may"
		       " have been changed\n",
		    (long long)report.broken_at);
		*status = EXIT_FAILURE;
		return true;
	}
	printf("the audit chain is intact: %lld links, %lld entries not linked yet\n",
	    (long long)report.linked, (long long)report.unlinked);
	return true;
}

static bool
run_setup(struct admin *a, int *status, struct error *err)
{
	char password[PASSWORD_MAX + 2] = "";
	struct setup_request request = {
		.config_path = a->config_file != NULL ? a->config_file : CONFIG_FILE_DEFAULT,
		.dry_run = a->dry_run,
		.yes = a->yes,
		.upgrade = a->upgrade,
	};
	bool ok;

	for (unsigned i = 0; i < SETUP_ANSWERS; i++)
		request.answers[i] = a->answers[i];
	if (a->password_stdin) {
		if (!password_read(password, err))
			return false;
		request.password = password;
	}
	ok = setup_run(&a->arena, &request, err);
	explicit_bzero(password, sizeof(password));
	return ok;
}

static const struct command commands[] = {
	{ "setup",
	    GIVEN(OPTION_PUBLIC_URL) | GIVEN(OPTION_STORAGE_URL) | GIVEN(OPTION_CERTIFICATE) |
		GIVEN(OPTION_CERTIFICATE_KEY) | GIVEN(OPTION_EMAIL) | GIVEN(OPTION_PASSWORD_STDIN) |
		GIVEN(OPTION_CLUSTER) | GIVEN(OPTION_REDIS) | GIVEN(OPTION_DRY_RUN) |
		GIVEN(OPTION_YES) | GIVEN(OPTION_UPGRADE),
	    run_setup,
	    "setup [--public-url URL] [--storage-url URL] [--certificate FILE]\n"
	    "           [--certificate-key FILE] [--email ADDRESS] [--password-stdin]\n"
	    "           [--cluster VERSION/NAME] [--redis URL] [--yes] [--dry-run] [--upgrade]",
	    .as = AS_ROOT, .bare = true },
	{ "migrate", GIVEN(OPTION_SQL) | GIVEN(OPTION_CHECK), run_migrate,
	    "migrate [--check] [--sql DIR]", false },
	{ "user create",
	    GIVEN(OPTION_EMAIL) | GIVEN(OPTION_ROLE) | GIVEN(OPTION_NAME) |
		GIVEN(OPTION_PASSWORD_STDIN),
	    run_user_create,
	    "user create --email ADDRESS --role ROLE [--name NAME] --password-stdin", false },
	{ "user list", GIVEN(OPTION_JSON), run_user_list, "user list [--json]", false },
	{ "keys create", 0, run_keys_create, "keys create", false },
	{ "keys rotate", 0, run_keys_rotate, "keys rotate", false },
	{ "keys reseal", 0, run_keys_reseal, "keys reseal", false },
	{ "bucket create", 0, run_bucket_create, "bucket create", false },
	{ "store settings", 0, run_store_settings, "store settings FILE", true, AS_ROOT },
	{ "doctor",
	    GIVEN(OPTION_JSON) | GIVEN(OPTION_ONLY) | GIVEN(OPTION_TELL) | GIVEN(OPTION_FIX) |
		GIVEN(OPTION_YES),
	    run_doctor, "doctor [--json] [--only PART,...] [--tell] [--fix [--yes]]", false },
	{ "backup", GIVEN(OPTION_KEEP) | GIVEN(OPTION_KEYS) | GIVEN(OPTION_TIMER), run_backup,
	    "backup [--keep N] [--keys FILE] [--timer] [DIR]", true, AS_ROOT },
	{ "restore",
	    GIVEN(OPTION_KEYS) | GIVEN(OPTION_REPLACE) | GIVEN(OPTION_END_SESSIONS) |
		GIVEN(OPTION_SQL),
	    run_restore, "restore [--replace] [--keys FILE] [--end-sessions] [--sql DIR] DIR", true,
	    AS_ROOT },
	{ "verify", GIVEN(OPTION_RATE) | GIVEN(OPTION_RESUME), run_verify,
	    "verify [--rate BYTES] [--resume]", false, AS_ROOT },
	{ "audit verify", 0, run_audit_verify, "audit verify", false },
	{ "nginx", GIVEN(OPTION_PRIVATE), run_nginx, "nginx [--private] DIR", true, AS_ROOT },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *out)
{
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "%s medianest-admin [--config FILE] %s\n",
		    i == 0 ? "usage:" : "      ", commands[i].synopsis);
	fputs("       medianest-admin --help | --version\n", out);
}

/* Finds the command with these words; one more is its operand, if it takes one. */
static const struct command *
command_find(struct admin *a, char *const *words, int n)
{
	char text[64];

	for (size_t i = 0; i < COMMANDS && n > 0 && n <= WORDS_MAX; i++) {
		int own = strchr(commands[i].words, ' ') != NULL ? 2 : 1;

		if (n != own && !(commands[i].operand && n == own + 1))
			continue;
		snprintf(text, sizeof(text), "%.20s%s%.20s", words[0], own > 1 ? " " : "",
		    own > 1 ? words[1] : "");
		if (strcmp(commands[i].words, text) == 0) {
			a->operand = own < n ? words[n - 1] : NULL;
			return &commands[i];
		}
	}
	return NULL;
}

static const unsigned answer_options[SETUP_ANSWERS] = {
	[SETUP_PUBLIC_URL] = OPTION_PUBLIC_URL,
	[SETUP_STORAGE_URL] = OPTION_STORAGE_URL,
	[SETUP_CERTIFICATE] = OPTION_CERTIFICATE,
	[SETUP_CERTIFICATE_KEY] = OPTION_CERTIFICATE_KEY,
	[SETUP_EMAIL] = OPTION_EMAIL,
	[SETUP_CLUSTER] = OPTION_CLUSTER,
	[SETUP_REDIS] = OPTION_REDIS,
};

static bool
command_line(struct admin *a, const struct options *o, const struct command **command,
    struct error *err)
{
	*command = command_find(a, o->operands, o->noperands);
	if (*command == NULL)
		return error_set(err, ERR_VALIDATION,
		    o->noperands == 0 ? "no command given" : "unknown command");
	for (unsigned i = 0; options[i].name != NULL; i++)
		if (o->given[i] && !((*command)->accepts & GIVEN(i)))
			return error_set(err, ERR_VALIDATION, "%s does not take --%s",
			    (*command)->words, options[i].name);
	a->config_file = o->config;
	a->email = o->values[OPTION_EMAIL];
	a->role = o->values[OPTION_ROLE];
	a->name = o->values[OPTION_NAME];
	a->sql_dir = o->values[OPTION_SQL];
	a->password_stdin = o->given[OPTION_PASSWORD_STDIN];
	a->json = o->given[OPTION_JSON];
	a->private_start = o->given[OPTION_PRIVATE];
	a->check = o->given[OPTION_CHECK];
	a->keep = o->values[OPTION_KEEP];
	a->keys = o->values[OPTION_KEYS];
	a->timer = o->given[OPTION_TIMER];
	a->replace = o->given[OPTION_REPLACE];
	a->end_sessions = o->given[OPTION_END_SESSIONS];
	a->rate = o->values[OPTION_RATE];
	a->resume = o->given[OPTION_RESUME];
	a->dry_run = o->given[OPTION_DRY_RUN];
	a->yes = o->given[OPTION_YES];
	a->upgrade = o->given[OPTION_UPGRADE];
	for (unsigned i = 0; i < SETUP_ANSWERS; i++)
		a->answers[i] = o->values[answer_options[i]];
	a->only = o->values[OPTION_ONLY];
	a->tell = o->given[OPTION_TELL];
	a->fix = o->given[OPTION_FIX];
	return true;
}

static int
complain(const struct error *err)
{
	for (unsigned i = 0; i < err->nfields; i++)
		fprintf(stderr, "medianest-admin: %s %s\n", err->fields[i].field,
		    err->fields[i].message);
	if (err->nfields == 0)
		fprintf(stderr, "medianest-admin: %s%s%s%s\n", err->message,
		    err->detail[0] != '\0' ? " (" : "", err->detail,
		    err->detail[0] != '\0' ? ")" : "");
	if (err->code == ERR_VALIDATION)
		return EX_USAGE;
	return err->code == ERR_UNAVAILABLE ? EX_TEMPFAIL : EXIT_FAILURE;
}

/* The services' user works in the root directory. */
static const char *
absolute(struct admin *a, const char *path)
{
	char *here;

	if (path == NULL || *path == '/' || (here = getcwd(NULL, 0)) == NULL)
		return path;
	arena_defer(&a->arena, free, here);
	return arena_printf(&a->arena, "%s/%s", here, path);
}

static bool
run_with_settings(struct admin *a, const struct command *command, int *status, struct error *err)
{
	bool ok;

	a->config_file = absolute(a, a->config_file);
	a->operand = absolute(a, a->operand); /* each is a file or a directory */
	a->keys = absolute(a, a->keys);
	a->sql_dir = absolute(a, a->sql_dir);
	a->config = config_load(a->config_file, err);
	if (a->config == NULL) {
		*status = EX_CONFIG;
		return false;
	}
	a->db =
	    db_new(config_str(a->config, CFG_DATABASE_MIGRATE_URL), STATEMENT_TIMEOUT_MS, &context);
	ok = (command->as == AS_ROOT ||
		 admin_become_service(a->config, command->run == run_doctor, err)) &&
	    command->run(a, status, err);
	db_free(a->db);
	config_free(a->config);
	return ok;
}

static int
run(struct admin *a, const struct command *command, struct error *err)
{
	int status = EXIT_SUCCESS, failed;
	bool ok;

	arena_init(&a->arena);
	ok = command->bare ? command->run(a, &status, err) :
			     run_with_settings(a, command, &status, err);
	if (!ok) {
		failed = complain(err);
		status = status == EX_CONFIG ? status : failed;
	}
	arena_clear(&a->arena);
	if (fflush(stdout) != 0 && ok)
		status = EXIT_FAILURE;
	return status;
}

int
main(int argc, char **argv)
{
	struct options given = {
		.program = "medianest-admin (MediaNest)", .usage = usage, .rows = options
	};
	struct admin a = { .json = false };
	const struct command *command = NULL;
	struct error err;
	int status = options_parse(&given, argc, argv);

	if (status != 0)
		return status;
	signal(SIGPIPE, SIG_IGN); /* Redis may close its connection */
	error_clear(&err);
	if (!command_line(&a, &given, &command, &err)) {
		complain(&err);
		usage(stderr);
		return EX_USAGE;
	}
	return run(&a, command, &err);
}
