/* Setup: what must be right before anything is touched, and the users, directories and keys. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/keyring.h"
#include "service/operator/host_file.h"
#include "service/operator/setup_internal.h"
#include "core/banned.h"

#define TMPFILES MN_PKGDATADIR "/../../lib/tmpfiles.d/medianest.conf"
#define HTTPS_PORT "443"
#define STORAGE_KEY_MODE 0440

const char *
setup_url_host(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + strlen("://") : url;
	return arena_strndup(arena, host,
	    *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/"));
}

const char *
setup_url_port(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://"), *port;

	host = host != NULL ? host + strlen("://") : url;
	port = host + (*host == '[' ? strcspn(host, "]") : 0);
	port += strcspn(port, ":/");
	return *port == ':' ? arena_strndup(arena, port + 1, strcspn(port + 1, "/")) : HTTPS_PORT;
}

/* Is there a socket of this family, and may it be bound to the port? */
static bool
bindable(int family, int port, int *error)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	bool ok;

	if (fd < 0) {
		*error = errno;
		return false;
	}
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ok = family == AF_INET6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0 :
				  bind(fd, (struct sockaddr *)&v4, sizeof(v4)) == 0;
	ok = ok && listen(fd, 1) == 0;
	*error = errno;
	close(fd);
	return ok;
}

bool
setup_has_ipv6(void)
{
	int error;

	return bindable(AF_INET6, 0, &error);
}

void
setup_obstacle(unsigned *n, const char *fmt, ...)
{
	va_list ap;

	fputs("in the way: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	++*n;
}

/* Does a `listen` line of nginx's whole configuration name the port? */
static bool
nginx_listens(struct arena *arena, const char *configuration, const char *port)
{
	char *rest = arena_strdup(arena, configuration), *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *address = line + strspn(line, " \t"), *own;

		if (!str_starts(address, "listen"))
			continue;
		address += strlen("listen");
		address += strspn(address, " \t");
		address = arena_strndup(arena, address, strcspn(address, " \t;"));
		own = *address == '[' ? strstr(address, "]:") : strchr(address, ':');
		if (own == NULL && strspn(address, "0123456789") == strlen(address))
			own = address;
		else
			own = own == NULL ? "80" : own + strspn(own, "]:");
		if (str_eq(own, port))
			return true;
	}
	return false;
}

static void
check_port(struct setup *s, const char *configuration, const char *port, unsigned *obstacles)
{
	int64_t number;
	int error;

	if (!str_to_int(port, 1, UINT16_MAX, &number))
		setup_obstacle(obstacles, "'%s' is no port", port);
	else if (!bindable(AF_INET, (int)number, &error) && error == EADDRINUSE &&
	    !nginx_listens(s->arena, configuration, port))
		setup_obstacle(obstacles,
		    "another program than nginx has port %s: see 'ss -ltnp sport = :%s'", port,
		    port);
}

static void
check_nginx(struct setup *s, unsigned *obstacles)
{
	const char *out = "";
	struct error err;

	error_clear(&err);
	if (!setup_command(s, SETUP_ARGV("nginx", "-T"), &out, &err)) {
		setup_obstacle(obstacles,
		    "nginx does not accept its configuration as it is ('nginx -t'): %s %s",
		    err.message, err.detail);
		return;
	}
	if (strlen(out) == SETUP_OUTPUT_MAX - 1) {
		setup_say("nginx's configuration is too long to be looked through: make sure that"
			  " it includes sites-enabled/*, and that the ports are free or nginx's");
		return;
	}
	if (strstr(out, "sites-enabled/") == NULL)
		setup_obstacle(obstacles,
		    "nginx.conf does not include sites-enabled/*: set it up by hand,"
		    " medianest-setup(7)");
	check_port(s, out, setup_url_port(s->arena, config_str(s->config, CFG_PUBLIC_URL)),
	    obstacles);
	if (config_bool(s->config, CFG_STORAGE_EMBEDDED))
		check_port(s, out,
		    setup_url_port(s->arena, config_str(s->config, CFG_STORAGE_ENDPOINT)),
		    obstacles);
	if (*config_str(s->config, CFG_NGINX_HTTP_LISTEN) != '\0')
		check_port(s, out, "80", obstacles);
}

unsigned
setup_preflight(struct setup *s)
{
	unsigned obstacles = 0;

	if (access("/run/systemd/system", F_OK) != 0)
		setup_obstacle(&obstacles,
		    "this host does not run systemd: set it up by hand, medianest-setup(7)");
	if (s->request->upgrade)
		return obstacles;
	setup_check_cluster(s, &obstacles);
	setup_check_certificate(s, &obstacles);
	check_nginx(s, &obstacles);
	return obstacles;
}

static bool
is_in(const char *user, const struct group *group)
{
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, user) == 0)
			return true;
	return false;
}

static bool
users_check(struct setup *s, bool *done, struct error *err)
{
	const struct group *storage;

	*done = getpwnam(SETUP_USER) != NULL && getpwnam(SETUP_NGINX_USER) != NULL &&
	    (storage = getgrnam(SETUP_STORAGE_GROUP)) != NULL && is_in(SETUP_USER, storage) &&
	    is_in(SETUP_NGINX_USER, storage);
	if (!*done)
		setup_plan(s, "the user " SETUP_USER " and the group " SETUP_STORAGE_GROUP);
	return true;
}

static bool
users_apply(struct setup *s, struct error *err)
{
	return setup_command(s, SETUP_ARGV("systemd-sysusers", "medianest.conf"), NULL, err);
}

const struct setup_step setup_step_users = {
	.name = "users",
	.upgrade = true,
	.check = users_check,
	.apply = users_apply,
};

/* A line `d PATH MODE USER GROUP` of tmpfiles.d(5). */
struct directory {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static bool
directory_parse(struct arena *arena, const char *line, struct directory *out)
{
	char *rest = arena_strdup(arena, line), *word[5];
	const struct passwd *user;
	const struct group *group;

	for (size_t i = 0; i < 5; i++)
		if ((word[i] = strsep(&rest, " \t")) == NULL)
			return false;
	user = getpwnam(word[3]);
	group = getgrnam(word[4]);
	if (!str_eq(word[0], "d") || user == NULL || group == NULL)
		return false;
	*out = (struct directory) { word[1], (mode_t)strtoul(word[2], NULL, 8), user->pw_uid,
		group->gr_gid };
	return true;
}

/* What is there and belongs to somebody else is given back before systemd-tmpfiles looks at it. */
static bool
directory_own(const struct directory *dir, bool mend, bool *right, struct error *err)
{
	int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool ok;

	*right = false;
	if (fd < 0)
		return errno == ENOENT ||
		    error_set(err, ERR_INTERNAL, "%s: %s", dir->path, strerror(errno));
	ok = fstat(fd, &st) == 0;
	*right = ok && st.st_uid == dir->uid && st.st_gid == dir->gid &&
	    (st.st_mode & 07777) == dir->mode;
	if (ok && mend && !*right)
		ok = fchown(fd, dir->uid, dir->gid) == 0 && fchmod(fd, dir->mode) == 0;
	close(fd);
	return ok || error_set(err, ERR_INTERNAL, "%s: %s", dir->path, strerror(errno));
}

static bool
directories_each(struct setup *s, bool mend, bool *all, struct error *err)
{
	struct directory dir;
	const char *text;
	char *rest, *line;
	bool right;

	*all = true;
	if (!host_file_read(s->arena, TMPFILES, &text, err))
		return false;
	if (text == NULL)
		return error_set(err, ERR_INTERNAL, "%s is missing: install the package again",
		    TMPFILES);
	rest = arena_strdup(s->arena, text);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != 'd')
			continue;
		if (!directory_parse(s->arena, line, &dir)) {
			*all = false;
			setup_plan(s, "%s", line); /* its user is not there yet */
			continue;
		}
		if (!directory_own(&dir, mend, &right, err))
			return false;
		*all = *all && right;
		if (!right)
			setup_plan(s, "%s (%04o)", dir.path, (unsigned)dir.mode);
	}
	return true;
}

static bool
directories_check(struct setup *s, bool *done, struct error *err)
{
	return directories_each(s, false, done, err);
}

static bool
directories_apply(struct setup *s, struct error *err)
{
	bool all;

	return directories_each(s, true, &all, err) &&
	    setup_command(s, SETUP_ARGV("systemd-tmpfiles", "--create", "medianest.conf"), NULL,
		err);
}

const struct setup_step setup_step_directories = {
	.name = "directories",
	.upgrade = true,
	.check = directories_check,
	.apply = directories_apply,
};

static const char *const storage_keys[] = { "storage-access.key", "storage-secret.key" };

static const char *
key_path(struct setup *s, const char *name)
{
	const char *dir = config_str(s->config, CFG_KEYS_DIR);

	return *dir != '\0' ?
	    arena_printf(s->arena, "%s/%s", dir, name) :
	    arena_printf(s->arena, "%s/keys/%s", config_str(s->config, CFG_DATA_DIR), name);
}

/* The object store's pools, which run as nginx's user, read these two by their group. */
static bool
storage_key_right(struct setup *s, const char *path)
{
	const struct group *group = getgrnam(SETUP_STORAGE_GROUP);
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT && *config_str(s->config, CFG_STORAGE_SECRET_KEY) != '\0';
	return group != NULL && st.st_gid == group->gr_gid &&
	    (st.st_mode & 07777) == STORAGE_KEY_MODE;
}

static bool
keys_check(struct setup *s, bool *done, struct error *err)
{
	struct error missing;
	struct keyring *ring;

	error_clear(&missing);
	ring = keyring_load(s->config, false, &missing);
	*done = ring != NULL && keyring_data(ring, 0, NULL) != NULL;
	keyring_free(ring);
	if (!*done)
		setup_plan(s, "the missing keys in %s", key_path(s, ""));
	for (size_t i = 0; i < sizeof(storage_keys) / sizeof(storage_keys[0]); i++) {
		const char *path = key_path(s, storage_keys[i]);

		if (storage_key_right(s, path))
			continue;
		*done = false;
		setup_plan(s, "%s: group " SETUP_STORAGE_GROUP ", %04o", path, STORAGE_KEY_MODE);
	}
	return true;
}

static bool
storage_key_mend(const char *path, struct error *err)
{
	const struct group *group = getgrnam(SETUP_STORAGE_GROUP);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ok;

	if (fd < 0 && errno == ENOENT)
		return true;
	ok = fd >= 0 && group != NULL && fchown(fd, (uid_t)-1, group->gr_gid) == 0 &&
	    fchmod(fd, STORAGE_KEY_MODE) == 0;
	if (!ok)
		error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
keys_apply(struct setup *s, struct error *err)
{
	if (!keyring_create(s->config, false, err))
		return false;
	for (size_t i = 0; i < sizeof(storage_keys) / sizeof(storage_keys[0]); i++)
		if (!storage_key_mend(key_path(s, storage_keys[i]), err))
			return false;
	return true;
}

const struct setup_step setup_step_keys = {
	.name = "keys",
	.upgrade = true,
	.check = keys_check,
	.apply = keys_apply,
};
