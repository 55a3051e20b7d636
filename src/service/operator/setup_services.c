/* Setup: the units, nginx, the bucket and the first account. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/log.h"
#include "core/str.h"
#include "model/user.h"
#include "service/account/accounts.h"
#include "service/operator/health.h"
#include "service/operator/host_file.h"
#include "service/operator/nginx_conf.h"
#include "service/operator/setup_internal.h"
#include "store/pg.h"
#include "store/s3.h"
#include "core/banned.h"

#define LINK MN_SYSCONFDIR "/nginx/sites-enabled/zz-medianest.conf"
#define LINK_TARGET NGINX_DIR "/medianest.conf"
#define LINK_OLD MN_SYSCONFDIR "/nginx/conf.d/medianest.conf" /* of earlier instructions */
#define PASSWORD_BYTES 15                                     /* 20 characters when made here */

static const struct log context = { .component = "admin" };

static bool
own_redis(const struct setup *s)
{
	return str_eq(config_str(s->config, CFG_REDIS_URL), SETUP_REDIS_URL);
}

static bool
unit_is(struct setup *s, const char *what, const char *unit)
{
	return setup_command_is(s, SETUP_ARGV("systemctl", "--quiet", what, unit));
}

/*
 * Was the file changed after what the unit's timestamp says? Then a run of setup was interrupted
 * before the unit had read it. What is not known is no reason to disturb the unit.
 */
static bool
unit_is_behind(struct setup *s, const char *unit, const char *timestamp, const char *path)
{
	const char *out = "";
	struct error ignored;
	struct stat st;
	int64_t since;

	error_clear(&ignored);
	return setup_command(s,
		   SETUP_ARGV("systemctl", "show", "--timestamp=unix", "--value", "--property",
		       timestamp, unit),
		   &out, &ignored) &&
	    *out == '@' &&
	    str_to_int(arena_strndup(s->arena, out + 1, strcspn(out + 1, "\n")), 0, INT64_MAX,
		&since) &&
	    stat(path, &st) == 0 && st.st_mtime > since;
}

static bool
redis_check(struct setup *s, bool *done, struct error *err)
{
	(void)err;
	*done = !own_redis(s) ||
	    (unit_is(s, "is-enabled", SETUP_REDIS_UNIT) &&
		unit_is(s, "is-active", SETUP_REDIS_UNIT));
	if (!*done)
		setup_plan(s, "enable and start " SETUP_REDIS_UNIT " (%s)", SETUP_REDIS_SOCKET);
	return true;
}

static bool
redis_apply(struct setup *s, struct error *err)
{
	return setup_command(s, SETUP_ARGV("systemctl", "daemon-reload"), NULL, err) &&
	    setup_command(s, SETUP_ARGV("systemctl", "enable", "--now", SETUP_REDIS_UNIT), NULL,
		err);
}

const struct setup_step setup_step_redis = {
	.name = "redis",
	.upgrade = true,
	.check = redis_check,
	.apply = redis_apply,
};

static bool
links_to(const char *link, const char *target)
{
	char text[256] = "";

	return readlink(link, text, sizeof(text) - 1) > 0 && strcmp(text, target) == 0;
}

static bool
nginx_check(struct setup *s, bool *done, struct error *err)
{
	struct nginx_files files;
	const char *text;

	/* One that is not ours to remove would be read besides ours. */
	if (access(LINK_OLD, F_OK) == 0 && !links_to(LINK_OLD, LINK_TARGET))
		return error_set(err, ERR_CONFLICT,
		    "%s is in the way: it is no link to " LINK_TARGET
		    ". Move it away when nothing in it is needed",
		    LINK_OLD);
	if (!nginx_conf_make(s->config, s->arena, NGINX_DIR, false, &files, err))
		return false;
	*done = links_to(LINK, LINK_TARGET) && access(LINK_OLD, F_OK) != 0;
	for (size_t i = 0; i < files.n; i++) {
		if (!host_file_read(s->arena, files.items[i].path, &text, err))
			return false;
		if (str_eq(text, files.items[i].text) &&
		    !unit_is_behind(s, "nginx.service", "StateChangeTimestamp",
			files.items[i].path))
			continue;
		*done = false;
		setup_plan(s, "%s", files.items[i].path);
	}
	if (!links_to(LINK, LINK_TARGET))
		setup_plan(s, "%s -> %s, and reload nginx", LINK, LINK_TARGET);
	if (access(LINK_OLD, F_OK) == 0)
		setup_plan(s, "remove %s", LINK_OLD);
	return true;
}

/* What nginx had of ours before, and what is there now. */
struct nginx_before {
	struct nginx_files files; /* text NULL: was not there */
	bool linked, linked_old;
	bool link_made, old_removed;
};

static bool
nginx_remember(struct setup *s, const struct nginx_files *files, struct nginx_before *before,
    struct error *err)
{
	before->linked = links_to(LINK, LINK_TARGET);
	before->linked_old = links_to(LINK_OLD, LINK_TARGET);
	before->files = *files;
	for (size_t i = 0; i < files->n; i++)
		if (!host_file_read(s->arena, files->items[i].path, &before->files.items[i].text,
			err))
			return false;
	return true;
}

static void
nginx_restore(struct setup *s, const struct nginx_before *before)
{
	struct error ignored;

	error_clear(&ignored);
	if (before->link_made)
		unlink(LINK);
	if (before->old_removed && symlink(LINK_TARGET, LINK_OLD) != 0)
		setup_say("%s could not be put back: %s", LINK_OLD, strerror(errno));
	for (size_t i = 0; i < before->files.n; i++) {
		const struct nginx_file *file = &before->files.items[i];

		if (file->text == NULL)
			unlink(file->path);
		else
			host_file_write(s->arena, file->path, file->text, NULL, &ignored);
	}
}

static bool
nginx_put(struct setup *s, struct nginx_before *before, struct error *err)
{
	if (!nginx_conf_write(s->config, s->arena, NGINX_DIR, false, err))
		return false;
	before->old_removed = before->linked_old && unlink(LINK_OLD) == 0;
	if (before->linked_old && !before->old_removed)
		return error_set(err, ERR_INTERNAL, "%s: %s", LINK_OLD, strerror(errno));
	before->link_made = !before->linked && symlink(LINK_TARGET, LINK) == 0;
	if (!before->linked && !before->link_made)
		return error_set(err, ERR_INTERNAL, "%s: %s", LINK, strerror(errno));
	return setup_command(s, SETUP_ARGV("nginx", "-t"), NULL, err);
}

static bool
nginx_apply(struct setup *s, struct error *err)
{
	struct nginx_before before = { .link_made = false };
	struct nginx_files files;

	if (!nginx_conf_make(s->config, s->arena, NGINX_DIR, false, &files, err) ||
	    !nginx_remember(s, &files, &before, err))
		return false;
	if (nginx_put(s, &before, err) &&
	    setup_command(s, SETUP_ARGV("systemctl", "reload-or-restart", "nginx"), NULL, err))
		return true;
	nginx_restore(s, &before);
	return false;
}

const struct setup_step setup_step_nginx = {
	.name = "nginx",
	.upgrade = true,
	.check = nginx_check,
	.apply = nginx_apply,
};

static const char *const services[] = { "medianest.target", "medianest-fcgi@api.service",
	"medianest-fcgi@storage.service", "medianest-worker.service", "medianest-notifyd.service" };
#define SERVICES (sizeof(services) / sizeof(services[0]))
/* Each with its service, which has to be stopped for its socket to start. */
static const char *const sockets[][2] = {
	{ "medianest-fcgi@api.socket", "medianest-fcgi@api.service" },
	{ "medianest-fcgi@storage.socket", "medianest-fcgi@storage.service" },
};
#define SOCKETS (sizeof(sockets) / sizeof(sockets[0]))

/* An upgrade has put other programs in place of those that run, and other units. */
static bool
services_check(struct setup *s, bool *done, struct error *err)
{
	(void)err;
	*done = unit_is(s, "is-enabled", services[0]) &&
	    (s->restarted || (!s->changed && !s->request->upgrade));
	for (size_t i = 0; i < SERVICES; i++)
		*done = unit_is(s, "is-active", services[i]) && *done;
	for (size_t i = 0; i < SOCKETS; i++)
		*done = unit_is(s, "is-active", sockets[i][0]) && *done;
	for (size_t i = 1; i < SERVICES && !s->restarted; i++)
		*done = *done &&
		    !unit_is_behind(s, services[i], "ActiveEnterTimestamp",
			s->request->config_path);
	if (!*done)
		setup_plan(s, "%s: enabled, and its services started again", services[0]);
	return true;
}

static bool
socket_answers(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok;

	ok = fd >= 0 &&
	    str_copy(addr.sun_path, sizeof(addr.sun_path), path) < sizeof(addr.sun_path) &&
	    (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return ok;
}

/*
 * One pool of each group, and notifyd; the doctor looks at all of them. Their process counts too:
 * systemd holds the sockets, and accepts connections for pools that are not running.
 */
static bool
wait_ready(struct setup *s, struct error *err)
{
	static const char *const names[] = { "pool-health", "pool-verify", "pool-store",
		"notifyd" };
	const char *run = config_str(s->config, CFG_RUN_DIR), *silent = NULL;
	int64_t deadline = clock_monotonic() + SETUP_READY_MS * US_PER_MS;

	do {
		silent = NULL;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!socket_answers(arena_printf(s->arena, "%s/%s.sock", run, names[i])) ||
			    process_pid(s->config, names[i]) == 0)
				silent = names[i];
		if (silent == NULL)
			return true;
		poll(NULL, 0, SETUP_POLL_MS);
	} while (clock_monotonic() < deadline);
	return error_set(err, ERR_INTERNAL,
	    "%s does not respond %d seconds after its start: journalctl -u 'medianest-*'", silent,
	    SETUP_READY_MS / 1000);
}

/* Units of before had no sockets. */
static bool
sockets_free(struct setup *s, struct error *err)
{
	for (size_t i = 0; i < SOCKETS; i++)
		if (!unit_is(s, "is-active", sockets[i][0]) &&
		    !setup_command(s, SETUP_ARGV("systemctl", "stop", sockets[i][1]), NULL, err))
			return false;
	return true;
}

static bool
services_apply(struct setup *s, struct error *err)
{
	if (!setup_command(s, SETUP_ARGV("systemctl", "daemon-reload"), NULL, err) ||
	    !sockets_free(s, err) ||
	    !setup_command(s, SETUP_ARGV("systemctl", "enable", services[0]), NULL, err) ||
	    !setup_command(s, SETUP_ARGV("systemctl", "start", services[0]), NULL, err))
		return false;
	for (size_t i = 1; i < SERVICES; i++)
		if (!setup_command(s, SETUP_ARGV("systemctl", "restart", services[i]), NULL, err))
			return false;
	s->restarted = true;
	return wait_ready(s, err);
}

const struct setup_step setup_step_services = {
	.name = "services",
	.upgrade = true,
	.check = services_check,
	.apply = services_apply,
};

/*
 * Asked as the services ask: with their keys, through nginx. Whatever the reason for a failure, to
 * create the bucket again does no harm and says what is wrong.
 */
static bool
bucket_check(struct setup *s, bool *done, struct error *err)
{
	struct error why;
	struct s3 *s3;

	error_clear(&why);
	if (!setup_become(SETUP_USER, &why)) {
		setup_plan(s, "the bucket");
		return true;
	}
	s3 = s3_new(s->config, &why);
	*done = s3 != NULL && s3_probe(s3, &why);
	s3_free(s3);
	setup_return();
	if (!*done)
		setup_plan(s, "the bucket %s at %s", config_str(s->config, CFG_STORAGE_BUCKET),
		    config_str(s->config, CFG_STORAGE_ENDPOINT));
	return true;
}

static bool
bucket_apply(struct setup *s, struct error *err)
{
	struct s3 *s3;
	bool ok;

	if (!setup_become(SETUP_USER, err))
		return false;
	s3 = s3_new(s->config, err);
	ok = s3 != NULL && s3_bucket_create(s3, err);
	s3_free(s3);
	setup_return();
	return ok;
}

const struct setup_step setup_step_bucket = {
	.name = "bucket",
	.check = bucket_check,
	.apply = bucket_apply,
};

static bool
has_super(struct setup *s, bool *has, struct error *err)
{
	struct user *users;
	struct db *db;
	size_t n = 0;
	bool ok;

	*has = false;
	if (!setup_become(SETUP_USER, err))
		return false;
	db = db_new(config_str(s->config, CFG_DATABASE_MIGRATE_URL), SETUP_STATEMENT_MS, &context);
	ok = account_list(db, s->arena, &users, &n, err);
	db_free(db);
	setup_return();
	for (size_t i = 0; ok && i < n; i++)
		*has = *has || users[i].role == ROLE_SUPER;
	return ok;
}

static bool
account_known(struct setup *s, bool *done, struct error *err)
{
	struct error why;

	error_clear(&why);
	if (!has_super(s, done, &why) && !s->planning) {
		*err = why;
		return false;
	}
	if (!*done)
		setup_plan(s, "a super admin%s%s",
		    s->answers[SETUP_EMAIL] != NULL ? ": " : ", with --email",
		    s->answers[SETUP_EMAIL] != NULL ? s->answers[SETUP_EMAIL] : "");
	return true;
}

/* Given, typed, or made here and shown once. */
static const char *
password_choose(struct setup *s, bool *made)
{
	unsigned char raw[PASSWORD_BYTES];
	char line[PASSWORD_MAX + 2] = "";

	*made = false;
	if (s->request->password != NULL)
		return s->request->password;
	if (s->terminal &&
	    setup_read_secret("Password for the first account (empty: one is made): ", line,
		sizeof(line)) &&
	    line[0] != '\0')
		return arena_strdup(s->arena, line);
	*made = true;
	random_bytes(raw, sizeof(raw));
	return base64url_encode(s->arena, raw, sizeof(raw));
}

static bool
account_make(struct setup *s, struct error *err)
{
	struct account_request req = { .email = s->answers[SETUP_EMAIL], .role = ROLE_SUPER };
	char id[UUID_TEXT];
	struct db *db;
	bool ok, made;

	if (req.email == NULL || *req.email == '\0')
		return error_set(err, ERR_VALIDATION,
		    "setup needs --email: the address of the first account");
	req.password = password_choose(s, &made);
	if (!setup_become(SETUP_USER, err))
		return false;
	db = db_new(config_str(s->config, CFG_DATABASE_MIGRATE_URL), SETUP_STATEMENT_MS, &context);
	ok = account_create(db, s->arena, s->config, &req, id, err);
	db_free(db);
	setup_return();
	if (ok && made)
		setup_say("password of %s: %s", req.email, req.password);
	return ok;
}

const struct setup_step setup_step_account = {
	.name = "account",
	.check = account_known,
	.apply = account_make,
};
