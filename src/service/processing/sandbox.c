#include <config.h>

#include "service/processing/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"

#include "core/banned.h"

#define ARGS_MAX 80
#define EXEC_FAILED 127
#define CONFINE_FAILED 126
#define STOP_CHECK_MS 200
#define PROBE_SECONDS 20
#define INSIDE_PROGRAM "/m/medianest-media"
#define INSIDE_INPUT "/w/" SANDBOX_INPUT
#define INSIDE_OUTPUT "/w/" SANDBOX_OUTPUT

static const char *const mode_names[] = { [SANDBOX_BUBBLEWRAP] = "bubblewrap",
	[SANDBOX_LANDLOCK] = "landlock",
	[SANDBOX_SECCOMP] = "seccomp" };

const char *
sandbox_mode_name(enum sandbox_mode mode)
{
	return mode_names[mode];
}

/* The parts of a command line; everything in it outlives the exec. */
struct command {
	const char *argv[ARGS_MAX];
	size_t n;
	char input[SANDBOX_PATH_MAX + 16], output[SANDBOX_PATH_MAX + 16];
	char pixels[24], seconds[24], filter[24];
};

static void
add(struct command *c, const char *const *args)
{
	while (*args != NULL && c->n + 1 < ARGS_MAX)
		c->argv[c->n++] = *args++;
	c->argv[c->n] = NULL;
}
#define ADD(c, ...) add(c, (const char *const[]) { __VA_ARGS__, NULL })

static void
command_bubblewrap(struct command *c, const struct sandbox *box, int filter)
{
	ADD(c, "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
	    "--clearenv", "--setenv", "PATH", "/usr/bin");
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
	    "--bind", c->output, INSIDE_OUTPUT, "--chdir", "/w");
	snprintf(c->filter, sizeof(c->filter), "%d", filter);
	ADD(c, "--seccomp", c->filter, "--", INSIDE_PROGRAM, "--out", INSIDE_OUTPUT, "--max-pixels",
	    c->pixels, "--timeout", c->seconds, INSIDE_INPUT);
}

static void
command_build(struct command *c, const struct sandbox *box, const char *scratch, int64_t max_pixels,
    int seconds, int filter)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->input, sizeof(c->input), "%s/" SANDBOX_INPUT, scratch);
	snprintf(c->output, sizeof(c->output), "%s/" SANDBOX_OUTPUT, scratch);
	snprintf(c->pixels, sizeof(c->pixels), "%lld", (long long)max_pixels);
	snprintf(c->seconds, sizeof(c->seconds), "%d", seconds);
	if (box->mode == SANDBOX_BUBBLEWRAP)
		command_bubblewrap(c, box, filter);
	else
		ADD(c, box->program, "--out", c->output, "--max-pixels", c->pixels, "--timeout",
		    c->seconds, c->input);
}

static void
limit(int resource, rlim_t value)
{
	struct rlimit r = { value, value };

	if (setrlimit(resource, &r) != 0)
		_exit(CONFINE_FAILED);
}

static void
limits(int seconds)
{
#ifndef MN_SANITIZERS /* shadow memory is address space by the terabyte */
	limit(RLIMIT_AS, SANDBOX_MEMORY);
#endif
	limit(RLIMIT_CPU, (rlim_t)(seconds < SANDBOX_CPU ? seconds : SANDBOX_CPU));
	limit(RLIMIT_FSIZE, SANDBOX_FILE);
	limit(RLIMIT_NOFILE, SANDBOX_FILES);
	limit(RLIMIT_CORE, 0);
}

/* In the new process, up to its exec. */
static void
child(const struct sandbox *box, const struct command *c, const char *scratch, int seconds, int out,
    int errors, int filter, pid_t parent)
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
	if (filter >= 0)
		fcntl(filter, F_SETFD, 0);
	limits(seconds);
	if (box->mode != SANDBOX_BUBBLEWRAP &&
	    (chdir(scratch) != 0 ||
		!sandbox_filter_self(box->program, scratch, box->mode == SANDBOX_LANDLOCK)))
		_exit(CONFINE_FAILED);
	execvpe(c->argv[0], (char *const *)(uintptr_t)c->argv, environment);
	_exit(EXEC_FAILED);
}

/* Output of a run: complete lines of standard output, and the start of standard error. */
struct output {
	char *line;
	size_t len;
	unsigned lines;
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
		if (++o->lines > SANDBOX_LINES_MAX || !o->fn(o->arg, o->line, o->len))
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

enum outcome { ENDED, TIMED_OUT, STOPPED, GARBAGE };

static enum outcome
follow(struct output *o, int out, int errors, int64_t until, const volatile sig_atomic_t *stop)
{
	struct pollfd fds[2] = { { .fd = out, .events = POLLIN },
		{ .fd = errors, .events = POLLIN } };
	bool eof;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (stop != NULL && *stop)
			return STOPPED;
		if (clock_monotonic() >= until)
			return TIMED_OUT;
		if (poll(fds, 2, STOP_CHECK_MS) <= 0)
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
explain(enum outcome outcome, int status, const struct output *o, struct error *err)
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
	else if (sig == SIGXCPU || sig == SIGXFSZ || sig == SIGABRT || sig == SIGTRAP)
		error_slug(err, ERR_UNPROCESSABLE, "resource_limit",
		    "The file needs more time or memory than is allowed for one file.");
	else if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGSYS)
		error_slug(err, ERR_UNPROCESSABLE, "unreadable",
		    "The file is damaged and cannot be read. Check the original file.");
	else
		error_slug(err, ERR_INTERNAL, "sandbox_failed", "The file could not be processed.");
	return error_detail(err, "status %#x: %s", (unsigned)status, o->messages);
}

static bool
run(const struct sandbox *box, const struct command *c, const char *scratch, int seconds,
    int filter, struct output *o, const volatile sig_atomic_t *stop, struct error *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, status = 0;
	enum outcome outcome = GARBAGE;
	pid_t pid = -1, self = getpid();

	if (pipe2(out, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		child(box, c, scratch, seconds, out[1], errors[1], filter, self);
	close(out[1]);
	close(errors[1]);
	if (pid > 0) {
		outcome = follow(o, out[0], errors[0],
		    clock_monotonic() + (seconds + SANDBOX_GRACE) * US_PER_SEC, stop);
		if (outcome != ENDED && kill(-pid, SIGKILL) != 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(out[0]);
	close(errors[0]);
	if (pid < 0)
		return error_slug(err, ERR_INTERNAL, "sandbox_failed",
		    "The file could not be processed.");
	if (outcome == ENDED && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return explain(outcome, status, o, err);
}

bool
sandbox_run(const struct sandbox *box, const char *scratch, int64_t max_pixels, int seconds,
    sandbox_line_fn *fn, void *arg, const volatile sig_atomic_t *stop, struct error *err)
{
	static char line[SANDBOX_LINE_MAX]; /* a process does one run at a time */
	struct output o = { .line = line, .fn = fn, .arg = arg };
	int filter = box->mode == SANDBOX_BUBBLEWRAP ? sandbox_filter_fd() : -1;
	struct command c;
	bool ok;

	if (box->mode == SANDBOX_BUBBLEWRAP && filter < 0) {
		ok = error_slug(err, ERR_INTERNAL, "sandbox_failed",
		    "The system call filter could not be created.");
	} else {
		command_build(&c, box, scratch, max_pixels, seconds, filter);
		ok = run(box, &c, scratch, seconds, filter, &o, stop, err);
	}
	if (filter >= 0)
		close(filter);
	return ok;
}

/* A PNG of one pixel for the trial. */
static const unsigned char pixel[] = {
	0x89,
	0x50,
	0x4e,
	0x47,
	0x0d,
	0x0a,
	0x1a,
	0x0a,
	0x00,
	0x00,
	0x00,
	0x0d,
	0x49,
	0x48,
	0x44,
	0x52,
	0x00,
	0x00,
	0x00,
	0x01,
	0x00,
	0x00,
	0x00,
	0x01,
	0x08,
	0x02,
	0x00,
	0x00,
	0x00,
	0x90,
	0x77,
	0x53,
	0xde,
	0x00,
	0x00,
	0x00,
	0x0c,
	0x49,
	0x44,
	0x41,
	0x54,
	0x78,
	0x9c,
	0x63,
	0xf8,
	0x7f,
	0x80,
	0x01,
	0x00,
	0x04,
	0x81,
	0x01,
	0xc0,
	0x77,
	0xd9,
	0x03,
	0x1d,
	0x00,
	0x00,
	0x00,
	0x00,
	0x49,
	0x45,
	0x4e,
	0x44,
	0xae,
	0x42,
	0x60,
	0x82,
};

static bool
probe_line(void *arg, const char *line, size_t len)
{
	bool *ok = arg;

	if (strstr(line, "\"result\":{\"ok\":true") != NULL)
		*ok = true;
	return true;
}

static bool
probe(const struct sandbox *box, const char *scratch, struct error *err)
{
	bool ok = false;

	if (!sandbox_run(box, scratch, 1000000, PROBE_SECONDS, probe_line, &ok, NULL, err))
		return false;
	return ok ||
	    error_slug(err, ERR_INTERNAL, "sandbox_failed",
		"medianest-media could not read the trial picture.");
}

/* Next to this program if it runs from a build tree, otherwise the installed one. */
static bool
find_program(char *path, size_t size, struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 32);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash != NULL) {
			snprintf(slash, size - (size_t)(slash - path), "/medianest-media");
			if (access(path, X_OK) == 0)
				return true;
		}
	}
	snprintf(path, size, "%s/medianest-media", MN_LIBEXECDIR);
	return access(path, X_OK) == 0 ||
	    error_set(err, ERR_INTERNAL, "medianest-media is missing: it should be at %s", path);
}

static bool
make_trial(struct arena *arena, const char *scratch)
{
	const char *file = arena_printf(arena, "%s/" SANDBOX_INPUT, scratch);
	int fd = -1;

	if (mkdir(scratch, 0700) == 0 &&
	    mkdir(arena_printf(arena, "%s/" SANDBOX_OUTPUT, scratch), 0700) == 0)
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (write(fd, pixel, sizeof(pixel)) != (ssize_t)sizeof(pixel)) {
		close(fd);
		return false;
	}
	return close(fd) == 0;
}

static void
remove_trial(struct arena *arena, const char *scratch)
{
	unlink(arena_printf(arena, "%s/" SANDBOX_INPUT, scratch));
	unlink(arena_printf(arena, "%s/" SANDBOX_OUTPUT "/320.webp", scratch));
	rmdir(arena_printf(arena, "%s/" SANDBOX_OUTPUT, scratch));
	rmdir(scratch);
}

/* Chooses the strongest mode that works; *first is the reason why bubblewrap does not. */
static bool
settle(struct sandbox *box, const char *scratch, bool required, struct error *first,
    struct error *err)
{
	box->mode = SANDBOX_BUBBLEWRAP;
	error_clear(first);
	if (probe(box, scratch, first))
		return true;
	if (required) {
		error_set(err, ERR_INTERNAL,
		    "media.sandbox is 'required', but bubblewrap does not work here:"
		    " install bubblewrap and allow user namespaces");
		return error_detail(err, "%s", first->detail);
	}
	if (sandbox_landlock_abi() > 0) {
		box->mode = SANDBOX_LANDLOCK;
		if (probe(box, scratch, err))
			return true;
	}
	box->mode = SANDBOX_SECCOMP;
	return probe(box, scratch, err);
}

bool
sandbox_init(struct sandbox *box, const struct config *config, const struct log *log,
    struct error *err)
{
	struct arena arena;
	struct error first;
	const char *scratch;
	bool ok;

	memset(box, 0, sizeof(*box));
	box->log = log;
	if (!find_program(box->program, sizeof(box->program), err))
		return false;
	arena_init(&arena);
	scratch = arena_printf(&arena, "%s/scratch/trial-%ld", config_str(config, CFG_DATA_DIR),
	    (long)getpid());
	if (make_trial(&arena, scratch))
		ok = settle(box, scratch, str_eq(config_str(config, CFG_MEDIA_SANDBOX), "required"),
		    &first, err);
	else
		ok = error_set(err, ERR_INTERNAL, "cannot write the scratch directory %s: %s",
		    scratch, strerror(errno));
	remove_trial(&arena, scratch);
	if (ok && box->mode != SANDBOX_BUBBLEWRAP)
		log_warn(log,
		    "bubblewrap does not work here (%s): files are decoded under %s, with a"
		    " system call filter and limits only",
		    first.detail, sandbox_mode_name(box->mode));
	else if (ok)
		log_info(log, "files are decoded in the bubblewrap sandbox");
	arena_clear(&arena);
	return ok;
}
