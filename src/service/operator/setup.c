/* The steps of setup and how they run: see setup.h. */
#include "service/operator/setup.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "service/operator/setup_internal.h"
#include "core/banned.h"

/* In the order in which each needs those before it. */
static const struct setup_step *const steps[] = {
	&setup_step_users,
	&setup_step_directories,
	&setup_step_settings,
	&setup_step_keys,
	&setup_step_memory,
	&setup_step_database,
	&setup_step_access,
	&setup_step_schema,
	&setup_step_redis,
	&setup_step_nginx,
	&setup_step_services,
	&setup_step_bucket,
	&setup_step_account,
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

void
setup_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void
setup_plan(struct setup *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->planning)
		return;
	va_start(ap, fmt);
	setup_say("  %-11s  %s", s->step, arena_vprintf(s->arena, fmt, ap));
	va_end(ap);
}

static bool
command_run(struct setup *s, const char *const *argv, const char **out, bool *found)
{
	const struct tool tool = { .argv = argv, .deadline_ms = SETUP_COMMAND_MS };
	char *text = arena_alloc_raw(s->arena, SETUP_OUTPUT_MAX);

	*out = text;
	return tool_call(&tool, text, SETUP_OUTPUT_MAX, found);
}

bool
setup_command(struct setup *s, const char *const *argv, const char **out, struct error *err)
{
	const char *text, *line = argv[0];
	bool found;

	for (size_t i = 1; argv[i] != NULL; i++)
		line = arena_printf(s->arena, "%s %s", line, argv[i]);
	if (command_run(s, argv, &text, &found)) {
		if (out != NULL)
			*out = text;
		return true;
	}
	error_set(err, ERR_INTERNAL, found ? "'%s' failed" : "'%s': there is no such program",
	    line);
	return error_detail(err, "%.400s", text);
}

bool
setup_command_is(struct setup *s, const char *const *argv)
{
	const char *text;
	bool found;

	return command_run(s, argv, &text, &found);
}

bool
setup_become(const char *user, struct error *err)
{
	const struct passwd *entry = getpwnam(user);

	if (entry != NULL && initgroups(entry->pw_name, entry->pw_gid) == 0 &&
	    setegid(entry->pw_gid) == 0 && seteuid(entry->pw_uid) == 0)
		return true;
	setup_return();
	return error_set(err, ERR_INTERNAL, "cannot become the user %s", user);
}

void
setup_return(void)
{
	if (seteuid(0) != 0 || setegid(getgid()) != 0 || setgroups(0, NULL) != 0)
		_exit(1);
}

static bool
included(const struct setup *s, const struct setup_step *step)
{
	return step->upgrade || !s->request->upgrade;
}

/* What all steps would do, as the host is now. */
static bool
plan_all(struct setup *s, unsigned *pending, struct error *err)
{
	bool done;

	*pending = 0;
	s->planning = true;
	for (size_t i = 0; i < STEPS; i++) {
		if (!included(s, steps[i]))
			continue;
		done = false;
		s->step = steps[i]->name;
		if (!steps[i]->check(s, &done, err))
			return false;
		*pending += !done;
	}
	s->planning = false;
	return true;
}

static bool
step_run(struct setup *s, const struct setup_step *step, struct error *err)
{
	bool done = false;

	s->step = step->name;
	if (!step->check(s, &done, err))
		return false;
	if (done)
		return true;
	if (!step->apply(s, err)) {
		if (step->undo != NULL)
			step->undo(s);
		return false;
	}
	if (!step->check(s, &done, err))
		return false;
	if (!done)
		return error_set(err, ERR_INTERNAL, "%s: it was done, but it had no effect",
		    step->name);
	setup_say("%s: done", step->name);
	return true;
}

static bool
run_all(struct setup *s, struct error *err)
{
	for (size_t i = 0; i < STEPS; i++) {
		if (!included(s, steps[i]) || step_run(s, steps[i], err))
			continue;
		setup_say("%s: failed. Everything before it is done; run the same command again"
			  " when the reason is mended.",
		    steps[i]->name);
		return false;
	}
	return true;
}

static bool
confirmed(struct setup *s)
{
	char line[16] = "";

	if (!s->terminal || s->request->yes)
		return true;
	fputs("Make these changes? [y/N] ", stdout);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

/* A warning, such as that of a certificate of one's own, does not spoil a setup. */
static bool
only_warnings(const char *said)
{
	return strstr(said, "\nwarning ") != NULL && strstr(said, "\nfailed ") == NULL;
}

/* The doctor runs as the services do. */
static bool
doctor(struct setup *s, struct error *err)
{
	char self[4096] = "", *out = arena_alloc_raw(s->arena, SETUP_OUTPUT_MAX);
	const char *const argv[] = { "runuser", "-u", SETUP_USER, "--", self, "--config",
		s->request->config_path, "doctor", NULL };
	const struct tool tool = { .argv = argv, .deadline_ms = SETUP_DOCTOR_MS };
	bool found, ok;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return error_set(err, ERR_INTERNAL, "/proc is not here");
	ok = tool_call(&tool, out, SETUP_OUTPUT_MAX, &found);
	fputs(out, stdout);
	return ok || only_warnings(out) ||
	    error_set(err, ERR_CONFLICT,
		"the house is set up, but the doctor found something: see above");
}

static bool
work(struct setup *s, struct error *err)
{
	unsigned pending, obstacles;

	if (!setup_answers(s, err))
		return false;
	obstacles = setup_preflight(s);
	if (obstacles > 0)
		return error_set(err, ERR_CONFLICT, "%u %s in the way: nothing was changed",
		    obstacles, obstacles == 1 ? "thing is" : "things are");
	setup_say(s->request->dry_run ? "Setup would change:" : "Changes:");
	if (!plan_all(s, &pending, err))
		return false;
	if (pending == 0)
		setup_say("  nothing: everything is set up.");
	if (s->request->dry_run)
		return true;
	if (pending > 0 && !confirmed(s))
		return error_set(err, ERR_CONFLICT, "nothing was changed");
	if (!run_all(s, err) || (!s->request->upgrade && !doctor(s, err)))
		return false;
	if (!s->request->upgrade)
		setup_say("MediaNest is at %s", config_str(s->config, CFG_PUBLIC_URL));
	return true;
}

bool
setup_run(struct arena *arena, const struct setup_request *request, struct error *err)
{
	struct setup s = {
		.arena = arena,
		.request = request,
		.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !request->upgrade,
	};
	bool ok;

	if (geteuid() != 0)
		return error_set(err, ERR_CONFLICT,
		    "setup changes the host: run it as root (sudo medianest-admin setup)");
	ok = work(&s, err);
	config_free(s.config);
	return ok;
}
