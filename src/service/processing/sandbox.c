#include <config.h>

#include "service/processing/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

#define ARGS_MAX 128
#define EXEC_FAILED 127
#define CONFINE_FAILED 126
#define CHECK_MS 100   /* between looks at the stop flag and the output directory */
#define DISK_BLOCK 512 /* bytes, of st_blocks */
#define INSIDE_PROGRAM "/m/medianest-media"
#define INSIDE_INPUT "/w/" SANDBOX_INPUT
#define INSIDE_SIDECAR "/w/" SANDBOX_SIDECAR
#define INSIDE_OUTPUT "/w/" SANDBOX_OUTPUT

/* A run: its terms, and the parts of its command line, which outlive the exec. */
struct command {
	const char *scratch;
	const struct sandbox_terms *terms;
	int filter_fd; /* of bubblewrap, or -1 */
	const char *argv[ARGS_MAX];
	size_t n;
	char input[SANDBOX_PATH_MAX + 16], sidecar[SANDBOX_PATH_MAX + 16],
	    output[SANDBOX_PATH_MAX + 16];
	char pixels[24], seconds[24], degrees[24], filter[24], processes[40], height[24], bytes[24];
};

static void
add(struct command *c, const char *const *args)
{
	while (*args != NULL && c->n + 1 < ARGS_MAX)
		c->argv[c->n++] = *args++;
	c->argv[c->n] = NULL;
}
#define ADD(c, ...) add(c, (const char *const[]) { __VA_ARGS__, NULL })

/* What medianest-media itself is told. */
static void
command_media(struct command *c, const struct sandbox *box, const char *output, const char *sidecar,
    const char *input)
{
	const struct sandbox_transcode *t = c->terms->transcode;

	ADD(c, "--out", output, "--max-pixels", c->pixels, "--timeout", c->seconds);
	if (t == NULL) {
		ADD(c, "--tag-charsets", box->tag_charsets, "--sidecar", sidecar);
		if (c->terms->turn != 0)
			ADD(c, "--turn", c->degrees);
		if (c->terms->inspect)
			ADD(c, "--inspect");
		ADD(c, input);
		return;
	}
	snprintf(c->height, sizeof(c->height), "%d", t->height);
	snprintf(c->bytes, sizeof(c->bytes), "%lld", (long long)t->max_bytes);
	ADD(c, "--transcode", c->height, "--max-bytes", c->bytes, "--encoder",
	    sandbox_encoder(box, t->encoder), "--device", t->device);
	if (!t->copy)
		ADD(c, "--no-copy");
	ADD(c, input);
}

static bool
uses_device(const struct sandbox *box, const struct sandbox_transcode *t)
{
	return t != NULL && !str_eq(sandbox_encoder(box, t->encoder), SANDBOX_ENCODER_SOFTWARE);
}

/*
 * The encoder's device, and what its driver reads to know it. Only a transcode has them, and only
 * where the operator named an encoder.
 */
static void
command_device(struct command *c, const struct sandbox *box)
{
	const struct sandbox_transcode *t = c->terms->transcode;

	if (!uses_device(box, t))
		return;
	if (!str_eq(t->encoder, "h264_nvenc")) {
		ADD(c, "--dev-bind-try", t->device, t->device, "--ro-bind-try", "/sys/dev/char",
		    "/sys/dev/char", "--ro-bind-try", "/sys/devices", "/sys/devices");
		return;
	}
	ADD(c, "--dev-bind-try", "/dev/nvidia0", "/dev/nvidia0", "--dev-bind-try", "/dev/nvidiactl",
	    "/dev/nvidiactl", "--dev-bind-try", "/dev/nvidia-uvm", "/dev/nvidia-uvm");
}

static void
command_bubblewrap(struct command *c, const struct sandbox *box)
{
	/* All that the worker's unit allows: others would hide no more than the host's name. */
	ADD(c, "bwrap", "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net");
	ADD(c, "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", "--setenv",
	    "PATH", "/usr/bin");
#ifdef MN_SANITIZERS
	ADD(c, "--setenv", "ASAN_OPTIONS", "detect_leaks=0", "--setenv", "UBSAN_OPTIONS",
	    "print_stacktrace=1");
#endif
	ADD(c, "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink",
	    "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin");
	ADD(c, "--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--ro-bind-try",
	    "/etc/ld.so.cache", "/etc/ld.so.cache");
	ADD(c, "--proc", "/proc", "--dev", "/dev", "--size", SANDBOX_TMP, "--tmpfs", "/tmp");
	ADD(c, "--ro-bind", box->program, INSIDE_PROGRAM, "--ro-bind", c->input, INSIDE_INPUT,
	    "--ro-bind-try", c->sidecar, INSIDE_SIDECAR, "--bind", c->output, INSIDE_OUTPUT,
	    "--chdir", "/w");
	command_device(c, box);
	/* Memory as well: only /tmp, which is limited, and the output stay writable. */
	ADD(c, "--remount-ro", "/dev", "--remount-ro", "/");
	snprintf(c->filter, sizeof(c->filter), "%d", c->filter_fd);
	snprintf(c->processes, sizeof(c->processes), "--nproc=%d", SANDBOX_PROCESSES);
	/* Set inside, where only the processes of this run count. */
	ADD(c, "--seccomp", c->filter, "--", "prlimit", c->processes, "--", INSIDE_PROGRAM);
	command_media(c, box, INSIDE_OUTPUT, INSIDE_SIDECAR, INSIDE_INPUT);
}

static void
command_build(struct command *c, const struct sandbox *box)
{
	snprintf(c->input, sizeof(c->input), "%s/" SANDBOX_INPUT, c->scratch);
	snprintf(c->sidecar, sizeof(c->sidecar), "%s/" SANDBOX_SIDECAR, c->scratch);
	snprintf(c->output, sizeof(c->output), "%s/" SANDBOX_OUTPUT, c->scratch);
	snprintf(c->pixels, sizeof(c->pixels), "%lld", (long long)c->terms->max_pixels);
	snprintf(c->seconds, sizeof(c->seconds), "%d", c->terms->seconds);
	snprintf(c->degrees, sizeof(c->degrees), "%d", c->terms->turn);
	if (box->mode == SANDBOX_BUBBLEWRAP) {
		command_bubblewrap(c, box);
		return;
	}
	ADD(c, box->program);
	command_media(c, box, c->output, c->sidecar, c->input);
}

/* A limit that is lower already stays. */
static void
limit(int resource, rlim_t value)
{
	struct rlimit r;

	if (getrlimit(resource, &r) != 0)
		_exit(CONFINE_FAILED);
	r.rlim_max = r.rlim_max < value ? r.rlim_max : value;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(resource, &r) != 0)
		_exit(CONFINE_FAILED);
}

static rlim_t
cpu_seconds(const struct sandbox_terms *terms)
{
	if (terms->transcode != NULL)
		return (rlim_t)terms->seconds * SANDBOX_TRANSCODE_CPUS;
	return (rlim_t)(terms->seconds < SANDBOX_CPU ? terms->seconds : SANDBOX_CPU);
}

static void
limits(const struct sandbox *box, const struct command *c)
{
	const struct sandbox_transcode *t = c->terms->transcode;
#ifndef MN_SANITIZERS /* shadow memory is address space by the terabyte */
	rlim_t memory = (rlim_t)(SANDBOX_MEMORY + c->terms->max_pixels * SANDBOX_PIXEL_MEMORY);

	/* Drivers of graphics processors reserve address space by the hundred gigabytes. */
	if (uses_device(box, t)) {
		limit(RLIMIT_AS, RLIM_INFINITY);
		limit(RLIMIT_DATA, memory);
	} else {
		limit(RLIMIT_AS, memory);
	}
#endif
	if (box->mode != SANDBOX_BUBBLEWRAP)
		limit(RLIMIT_NPROC, SANDBOX_USER_PROCESSES);
	limit(RLIMIT_CPU, cpu_seconds(c->terms));
	limit(RLIMIT_FSIZE, t != NULL ? (rlim_t)t->max_bytes : SANDBOX_FILE);
	limit(RLIMIT_NOFILE, SANDBOX_FILES);
	limit(RLIMIT_CORE, 0);
}

/* In the new process, up to its exec. */
static void
child(const struct sandbox *box, const struct command *c, int out, int errors, pid_t parent)
{
	static char *const environment[] = { "PATH=/usr/bin",
#ifdef MN_SANITIZERS
		"ASAN_OPTIONS=detect_leaks=0",
#endif
		NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0)
		_exit(CONFINE_FAILED);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	/*
	 * Closes everything else that the worker has open: connections, files, the other ends of
	 * pipes.
	 */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	if (c->filter_fd >= 0)
		fcntl(c->filter_fd, F_SETFD, 0);
	limits(box, c);
	if (box->mode != SANDBOX_BUBBLEWRAP &&
	    (chdir(c->scratch) != 0 ||
		!sandbox_filter_self(box->program, c->scratch, box->mode == SANDBOX_LANDLOCK)))
		_exit(CONFINE_FAILED);
	execvpe(c->argv[0], (char *const *)(uintptr_t)c->argv, environment);
	_exit(EXEC_FAILED);
}

/* Output of a run: complete lines of standard output, and the start of standard error. */
struct output {
	char *line;
	size_t len;
	unsigned lines, lines_max;
	char messages[SANDBOX_MESSAGES];
	size_t nmessages;
	sandbox_line_fn *fn;
	void *arg;
};

static bool
output_feed(struct output *o, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			if (o->len + 1 >= SANDBOX_LINE_MAX)
				return false;
			o->line[o->len++] = bytes[i];
			continue;
		}
		o->line[o->len] = '\0';
		if (++o->lines > o->lines_max || !o->fn(o->arg, o->line, o->len))
			return false;
		o->len = 0;
	}
	return true;
}

/* True: continue; *eof is set at the end. */
static bool
output_read(struct output *o, int fd, bool is_error, bool *eof)
{
	char buf[16384];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t room;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	*eof = n == 0;
	if (!is_error)
		return output_feed(o, buf, (size_t)n);
	room = sizeof(o->messages) - 1 - o->nmessages;
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(o->messages + o->nmessages, buf, room);
	o->nmessages += room;
	o->messages[o->nmessages] = '\0';
	return true;
}

/*
 * More in the output directory than medianest-media ever writes: names, or bytes on the disk. It
 * makes no directories.
 */
static bool
overfull(const char *path, int64_t max_bytes)
{
	DIR *dir = opendir(path);
	int64_t bytes = 0;
	int files = 0;
	struct dirent *entry;
	struct stat st;
	bool over = dir == NULL;

	while (!over && (entry = readdir(dir)) != NULL) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (int64_t)st.st_blocks * DISK_BLOCK;
		over =
		    ++files > SANDBOX_OUTPUT_FILES || bytes > max_bytes || entry->d_type == DT_DIR;
	}
	if (dir != NULL)
		closedir(dir);
	return over;
}

enum outcome { ENDED, TIMED_OUT, STOPPED, GARBAGE, OVERFULL };

/* What may end a run from outside. */
struct watch {
	const char *output;
	int64_t max_bytes;   /* of all that is in it */
	int64_t until, look; /* us, monotonic: the deadline; the next look at the directory */
	const volatile sig_atomic_t *stop;
};

/* ENDED: no reason to end it. */
static enum outcome
watch_check(struct watch *w)
{
	int64_t now = clock_monotonic();

	if (w->stop != NULL && *w->stop)
		return STOPPED;
	if (now >= w->until)
		return TIMED_OUT;
	if (now < w->look)
		return ENDED;
	if (overfull(w->output, w->max_bytes))
		return OVERFULL;
	w->look = clock_monotonic() + CHECK_MS * US_PER_MS;
	return ENDED;
}

static enum outcome
follow(struct output *o, struct watch *w, int out, int errors)
{
	enum outcome outcome;
	struct pollfd fds[2] = { { .fd = out, .events = POLLIN },
		{ .fd = errors, .events = POLLIN } };
	bool eof;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if ((outcome = watch_check(w)) != ENDED)
			return outcome;
		if (poll(fds, 2, CHECK_MS) <= 0)
			continue;
		for (int i = 0; i < 2; i++) {
			eof = false;
			if (fds[i].fd >= 0 && fds[i].revents != 0 &&
			    !output_read(o, fds[i].fd, i == 1, &eof))
				return GARBAGE;
			if (eof)
				fds[i].fd = -1;
		}
	}
	return ENDED;
}

/*
 * Sets the error of a failed run. A crashing decoder would crash again, so it counts as a fault of
 * the file.
 */
static bool
explain(enum outcome outcome, int status, struct output *o, struct error *err)
{
	/* bubblewrap reports a signal as 128 + its number. */
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) :
	    WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 :
					0;

	if (outcome == STOPPED)
		return error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker is being stopped.");
	if (outcome == TIMED_OUT)
		return error_slug(err, ERR_UNPROCESSABLE, "timeout",
		    "The file took too long to process.");
	if (outcome == GARBAGE)
		error_slug(err, ERR_UNPROCESSABLE, "unreadable",
		    "The file is damaged and cannot be read. Check the original file.");
	else if (outcome == OVERFULL || sig == SIGXCPU || sig == SIGXFSZ || sig == SIGABRT ||
	    sig == SIGTRAP)
		error_slug(err, ERR_UNPROCESSABLE, "resource_limit",
		    "The file needs more time or memory than is allowed for one file.");
	else if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGSYS)
		error_slug(err, ERR_UNPROCESSABLE, "unreadable",
		    "The file is damaged and cannot be read. Check the original file.");
	else
		error_slug(err, ERR_INTERNAL, "sandbox_failed", "The file could not be processed.");
	for (char *p = o->messages; (p = strchr(p, '\n')) != NULL;)
		*p = ' ';
	return error_detail(err, "status %#x: %s", (unsigned)status, o->messages);
}

/* A child may have closed its output and still run. */
static enum outcome
wait_end(pid_t pid, struct watch *w)
{
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	enum outcome outcome = ENDED;
	siginfo_t info = { .si_pid = 0 };

	while (outcome == ENDED &&
	    (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0 ||
		info.si_pid != pid)) {
		outcome = watch_check(w);
		if (outcome == ENDED)
			poll(&end, 1, CHECK_MS);
	}
	if (end.fd >= 0)
		close(end.fd);
	return outcome;
}

/*
 * Ends what the child has left behind, in its process group, which the filter lets none leave; then
 * its status.
 */
static int
reap(pid_t pid, struct watch *w, enum outcome *outcome)
{
	siginfo_t info;
	int status = 0;

	if (*outcome == ENDED)
		*outcome = wait_end(pid, w);
	if (*outcome != ENDED && kill(-pid, SIGKILL) != 0)
		kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static bool
run(const struct sandbox *box, const struct command *c, struct output *o,
    const volatile sig_atomic_t *stop, struct error *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, status = 0;
	enum outcome outcome = GARBAGE;
	struct watch watch = { .output = c->output,
		.max_bytes = SANDBOX_OUTPUT_BYTES,
		.until = clock_monotonic() + (c->terms->seconds + SANDBOX_GRACE) * US_PER_SEC,
		.stop = stop };
	pid_t pid = -1, self = getpid();

	if (c->terms->transcode != NULL)
		watch.max_bytes += c->terms->transcode->max_bytes;
	if (pipe2(out, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		child(box, c, out[1], errors[1], self);
	close(out[1]);
	close(errors[1]);
	if (pid > 0) {
		outcome = follow(o, &watch, out[0], errors[0]);
		status = reap(pid, &watch, &outcome);
	}
	close(out[0]);
	close(errors[0]);
	if (pid < 0)
		return error_slug(err, ERR_INTERNAL, "sandbox_failed",
		    "The file could not be processed.");
	if (outcome == ENDED && overfull(c->output, watch.max_bytes))
		outcome = OVERFULL;
	if (outcome == ENDED && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return explain(outcome, status, o, err);
}

const char *
sandbox_encoder(const struct sandbox *box, const char *encoder)
{
	return box->mode == SANDBOX_BUBBLEWRAP ? encoder : SANDBOX_ENCODER_SOFTWARE;
}

bool
sandbox_run(const struct sandbox *box, const char *scratch, const struct sandbox_terms *terms,
    sandbox_line_fn *fn, void *arg, const volatile sig_atomic_t *stop, struct error *err)
{
	static char line[SANDBOX_LINE_MAX]; /* a process does one run at a time */
	struct output o = { .line = line, .lines_max = SANDBOX_LINES_MAX, .fn = fn, .arg = arg };
	struct command c = { .scratch = scratch,
		.terms = terms,
		.filter_fd = box->mode == SANDBOX_BUBBLEWRAP ? sandbox_filter_fd() : -1 };
	bool ok;

	if (box->mode == SANDBOX_BUBBLEWRAP && c.filter_fd < 0)
		return error_slug(err, ERR_INTERNAL, "sandbox_failed",
		    "The system call filter could not be created.");
	if (terms->transcode != NULL)
		o.lines_max += (unsigned)terms->seconds;
	command_build(&c, box);
	ok = run(box, &c, &o, stop, err);
	if (c.filter_fd >= 0)
		close(c.filter_fd);
	return ok;
}
