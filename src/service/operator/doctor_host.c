/* The doctor's checks of the machine: commands, disk space, running processes. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "service/operator/health.h"

#include "core/banned.h"

#define DISK_FULL (1ULL << 30) /* bytes free */
#define DISK_LOW (5ULL << 30)
#define INODES_LOW_PERCENT 1
#define NOTE_MAX 64
#define DELETED " (deleted)" /* what Linux appends to the path of a program that was replaced */

void
judge_tool(struct doctor *d, const struct tool_facts *f)
{
	if (!f->found)
		doctor_found(d, FAULT_TOOL_MISSING, f->package, "%s is not installed", f->name);
	else if (!f->works)
		doctor_found(d, FAULT_TOOL_BROKEN, f->package, "%s does not run: %.200s", f->name,
		    f->output);
	else
		doctor_ok(d, f->name, f->version, "%s", "");
}

static void
check_tool(struct doctor *d, const char *const argv[3], const char *before, const char *package)
{
	char out[TOOL_OUTPUT_MAX];
	struct tool_facts facts = { .name = argv[0], .package = package, .output = out };

	facts.works = tool_run(argv, out, &facts.found);
	facts.version = tool_version(d->arena, out, before);
	judge_tool(d, &facts);
}

void
judge_passwords(struct doctor *d, const char *reason)
{
	doctor_found(d, FAULT_PASSWORDS, NULL, "passwords cannot be hashed: %s", reason);
}

static void
check_argon2(struct doctor *d)
{
	int64_t start = clock_monotonic();
	char hash[ARGON2_HASH_MAX];
	struct error err = { 0 };

	if (password_hash(config_str(d->config, CFG_RUN_DIR), "how long does it take?", hash, &err))
		doctor_ok(d, "argon2", "argon2id v19", "%lld ms per hash",
		    (long long)((clock_monotonic() - start) / US_PER_MS));
	else if (err.code == ERR_UNAVAILABLE)
		doctor_unknown(d, "tools"); /* others were hashing all the time */
	else
		judge_passwords(d, doctor_reason(&err));
}

void
doctor_check_tools(struct doctor *d)
{
	check_tool(d, (const char *const[]) { "nginx", "-v", NULL }, "nginx/", "nginx");
	check_tool(d, (const char *const[]) { "ffmpeg", "-version", NULL }, "ffmpeg version ",
	    "ffmpeg");
	check_tool(d, (const char *const[]) { "ffprobe", "-version", NULL }, "ffprobe version ",
	    "ffmpeg");
	check_tool(d, (const char *const[]) { "bwrap", "--version", NULL }, "bubblewrap ",
	    "bubblewrap");
	check_argon2(d);
}

void
judge_disk(struct doctor *d, const struct disk_facts *f)
{
	const char *size =
	    arena_printf(d->arena, "%s free", str_size(d->arena, (int64_t)f->bytes_free));

	if (f->bytes_free < DISK_FULL)
		doctor_found(d, FAULT_DISK_FULL, f->directory, "%s is almost full: %s",
		    f->directory, size);
	else if (f->bytes_free < DISK_LOW)
		doctor_found(d, FAULT_DISK_LOW, f->directory, "%s is filling up: %s", f->directory,
		    size);
	else
		doctor_ok(d, "data.dir", size, "%s", f->directory);
	if (f->inodes > 0 && f->inodes_free * 100 < f->inodes * INODES_LOW_PERCENT)
		doctor_found(d, FAULT_DISK_INODES, f->directory,
		    "%s has room for %llu more files only", f->directory,
		    (unsigned long long)f->inodes_free);
}

void
doctor_check_disk(struct doctor *d)
{
	const char *dir = config_str(d->config, CFG_DATA_DIR);
	struct disk_facts facts = { .directory = dir };
	struct statvfs fs;

	if (statvfs(dir, &fs) < 0) {
		doctor_unknown(d, "disk");
		if (!doctor_has(d, FAULT_FILES_MISSING))
			doctor_found(d, FAULT_FILES_MISSING, dir, "%s: %s", dir, strerror(errno));
		return;
	}
	facts.bytes_free = (uint64_t)fs.f_bavail * fs.f_frsize;
	facts.inodes = fs.f_files;
	facts.inodes_free = fs.f_favail;
	judge_disk(d, &facts);
}

/* --- processes -------------------------------------------------------------------------------- */

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
	    (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN ||
		errno == EACCES);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Was the program of this process replaced since it was started? */
static bool
is_replaced(int64_t pid)
{
	char link[64], target[4200];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%lld/exe", (long long)pid);
	n = pid > 0 ? readlink(link, target, sizeof(target) - 1) : -1;
	if (n <= 0)
		return false; /* not known: another user's */
	target[n] = '\0';
	return str_ends(target, DELETED);
}

void
judge_version(struct doctor *d, const struct version_facts *f)
{
	struct finding *found;

	if (f->running == NULL || str_eq(f->running, f->installed))
		return;
	found = doctor_found(d, FAULT_VERSION, f->unit, "%s runs version %s, but %s is installed",
	    f->unit, f->running, f->installed);
	found->fix = (struct fix) { .kind = FIX_RESTART, .what = f->unit };
}

/* A unit may have several processes: it is named once. */
static bool
is_named(const struct doctor *d, const char *unit)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->findings[i].fix.kind == FIX_RESTART && str_eq(d->findings[i].fix.what, unit))
			return true;
	return false;
}

static void
check_replaced(struct doctor *d, const char *unit, const char *pid_file)
{
	if (!is_named(d, unit) && is_replaced(process_pid(d->config, pid_file)))
		judge_version(d,
		    &(struct version_facts) { unit, "before the last upgrade", PACKAGE_VERSION });
}

static void
service_down(struct doctor *d, enum fault fault, const char *unit, const char *what)
{
	struct finding *f = doctor_found(d, fault, NULL, "%s", what);

	f->fix = (struct fix) { .kind = FIX_START, .what = unit };
}

/* A unit serves a group of pools: that of the object store, or all the others. */
static const char *
group_of(const char *pool)
{
	return str_eq(pool, "verify") || str_eq(pool, "store") ? "storage" : "api";
}

/*
 * The unit that a pool runs in. A unit for this pool alone is possible too, but to start one while
 * a group serves it would be wrong: it would find the pool in use, again and again.
 */
static const char *
unit_of(struct doctor *d, const char *pool)
{
	static const char prefix[] = "medianest-fcgi@";
	const char *alone = arena_printf(d->arena, "%s%s.service", prefix, pool);
	char path[64], line[4200] = "";
	int64_t pid = process_pid(d->config, arena_printf(d->arena, "pool-%s", pool));
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%lld/cgroup", (long long)pid);
	in = pid > 0 ? fopen(path, "re") : NULL;
	if (in != NULL && fgets(line, sizeof(line), in) == NULL)
		line[0] = '\0';
	if (in != NULL)
		fclose(in);
	return arena_printf(d->arena, "%s%s", prefix,
	    strstr(line, alone) != NULL ? pool : group_of(pool));
}

/* systemd may hold the socket, and accepts connections for a pool that is not running. */
static bool
pool_answers(struct doctor *d, const char *run, const char *name)
{
	return socket_answers(arena_printf(d->arena, "%s/pool-%s.sock", run, name)) &&
	    process_pid(d->config, arena_printf(d->arena, "pool-%s", name)) != 0;
}

/* The names of the pools come from their settings: pool.<name>.workers. */
static void
check_pools(struct doctor *d, const char *run)
{
	struct strings silent = { .n = 0 };
	const char *names[CONFIG_KEYS];
	unsigned total = 0;

	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const char *key = config_rows[i].key, *name;

		if (!str_starts(key, "pool.") || !str_ends(key, ".workers"))
			continue;
		name = arena_strndup(d->arena, key + strlen("pool."),
		    strlen(key) - strlen("pool.") - strlen(".workers"));
		total++;
		if (!pool_answers(d, run, name))
			names[silent.n++] = name;
		else
			check_replaced(d, unit_of(d, name),
			    arena_printf(d->arena, "pool-%s", name));
	}
	if (silent.n == 0)
		doctor_ok(d, "pools", NULL, "all %u are responding", total);
	else if (silent.n == total)
		service_down(d, FAULT_POOLS_DOWN, "medianest.target",
		    arena_printf(d->arena, "no pool is running with sockets in %s", run));
	for (size_t i = 0; silent.n < total && i < silent.n; i++)
		doctor_found(d, FAULT_POOL_DOWN, unit_of(d, names[i]),
		    "the pool %s is not responding", names[i])
		    ->fix = (struct fix) { .kind = FIX_RESTART, .what = unit_of(d, names[i]) };
}

static void
check_worker(struct doctor *d, const char *run)
{
	char version[NOTE_MAX];

	if (process_pid(d->config, "worker") == 0) {
		service_down(d, FAULT_WORKER_DOWN, "medianest-worker",
		    "the worker is not running, so uploads are not processed");
		return;
	}
	doctor_ok(d, "worker", NULL, "is running");
	if (run_note_read(arena_printf(d->arena, "%s/worker.version", run), version,
		sizeof(version)))
		judge_version(d,
		    &(struct version_facts) {
			"medianest-worker", arena_strdup(d->arena, version), PACKAGE_VERSION });
	if (!doctor_has(d, FAULT_VERSION))
		check_replaced(d, "medianest-worker", "worker");
}

void
doctor_check_processes(struct doctor *d)
{
	const char *run = config_str(d->config, CFG_RUN_DIR);

	check_pools(d, run);
	check_worker(d, run);
	if (socket_answers(arena_printf(d->arena, "%s/notifyd.sock", run))) {
		doctor_ok(d, "notifyd", NULL, "is responding");
		check_replaced(d, "medianest-notifyd", "notifyd");
	} else {
		service_down(d, FAULT_NOTIFYD_DOWN, "medianest-notifyd",
		    "notifyd is not running, so pages get no live updates");
	}
}
