/* The doctor's checks of the machine: commands, disk space, running processes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"

#include "core/banned.h"

#define DISK_FAILED (1ULL << 30) /* bytes free */
#define DISK_WARNING (10ULL << 30)

void
doctor_check_tool(struct doctor *d, const char *name, const char *option, const char *before,
    const char *package)
{
	const char *const argv[] = { name, option, NULL };
	char out[TOOL_OUTPUT_MAX];
	bool found, ok = tool_run(argv, out, &found);

	if (!found)
		doctor_fail(d, name, NULL, "is not installed: apt install %s", package);
	else if (!ok)
		doctor_fail(d, name, NULL, "'%s %s' fails: %.200s", name, option, out);
	else
		doctor_ok(d, name, tool_version(d->arena, out, before), "%s", "");
}

void
doctor_check_nginx(struct doctor *d)
{
	doctor_check_tool(d, "nginx", "-v", "nginx/", "nginx");
}

void
doctor_check_ffmpeg(struct doctor *d)
{
	doctor_check_tool(d, "ffmpeg", "-version", "ffmpeg version ", "ffmpeg");
	doctor_check_tool(d, "ffprobe", "-version", "ffprobe version ", "ffmpeg");
}

void
doctor_check_disk(struct doctor *d)
{
	const char *dir = config_str(d->config, CFG_DATA_DIR), *size;
	struct statvfs fs;
	unsigned long long bytes;

	if (statvfs(dir, &fs) < 0) {
		doctor_fail(d, "data.dir", NULL,
		    "%s: %s: create the directory and make the services' user its owner", dir,
		    strerror(errno));
		return;
	}
	bytes = (unsigned long long)fs.f_bavail * fs.f_frsize;
	size = arena_printf(d->arena, "%s free", str_size(d->arena, (int64_t)bytes));
	if (bytes < DISK_FAILED)
		doctor_fail(d, "data.dir", size,
		    "%s is almost full and uploads will be refused: free some space", dir);
	else if (bytes < DISK_WARNING)
		doctor_warn(d, "data.dir", size, "%s is filling up: free some space soon", dir);
	else
		doctor_ok(d, "data.dir", size, "%s", dir);
}

static bool
socket_answers(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;
	bool ok;

	if (str_copy(addr.sun_path, sizeof(addr.sun_path), path) >= sizeof(addr.sun_path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ok = fd >= 0 &&
	    (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
pid_alive(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	int64_t pid;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? strcspn(text, "\r\n ") : 0] = '\0';
	return str_to_int(text, 2, INT32_MAX, &pid) && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* The names of the pools come from their settings: pool.<name>.workers. */
static void
check_pools(struct doctor *d, const char *run)
{
	const char *silent = "";
	unsigned total = 0, up = 0;

	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const char *key = config_rows[i].key, *name;

		if (!str_starts(key, "pool.") || !str_ends(key, ".workers"))
			continue;
		name = arena_strndup(d->arena, key + strlen("pool."),
		    strlen(key) - strlen("pool.") - strlen(".workers"));
		total++;
		if (socket_answers(arena_printf(d->arena, "%s/pool-%s.sock", run, name)))
			up++;
		else
			silent = arena_printf(d->arena, "%s%s%s", silent,
			    *silent != '\0' ? ", " : "", name);
	}
	if (up == total)
		doctor_ok(d, "pools", NULL, "all %u are responding", total);
	else if (up == 0)
		doctor_fail(d, "pools", NULL,
		    "no pool is running with sockets in %s: start them (systemctl start"
		    " medianest.target)",
		    run);
	else
		doctor_fail(d, "pools", NULL,
		    "%u of %u are responding, but not these: %s (systemctl restart"
		    " 'medianest-fcgi@*')",
		    up, total, silent);
}

void
doctor_check_processes(struct doctor *d)
{
	const char *run = config_str(d->config, CFG_RUN_DIR);

	check_pools(d, run);
	if (pid_alive(arena_printf(d->arena, "%s/worker.pid", run)))
		doctor_ok(d, "worker", NULL, "is running");
	else
		doctor_fail(d, "worker", NULL,
		    "the worker is not running, so uploads are not processed (systemctl"
		    " start medianest-worker)");
	if (socket_answers(arena_printf(d->arena, "%s/notifyd.sock", run)))
		doctor_ok(d, "notifyd", NULL, "is responding");
	else
		doctor_fail(d, "notifyd", NULL,
		    "notifyd is not running, so pages get no live updates (systemctl start"
		    " medianest-notifyd)");
}
