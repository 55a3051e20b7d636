/*
 * doctor --fix: named steps, each asked for and each undoable. Rows and objects are never touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "service/operator/nginx_conf.h"
#include "core/banned.h"

#define ANSWER_MAX 16

static const struct log context = { .component = "admin" };

/* A step in words, and how it is undone: both are lines to type. */
struct step {
	const char *does, *undoes;
	const char *kept; /* FIX_NGINX: the directory with the files of before */
};

static struct step
step_of(struct doctor *d, const struct fix *fix)
{
	struct step step = { .kept = "" };
	char stamp[17];

	switch (fix->kind) {
	case FIX_MODE:
		step.does = arena_printf(d->arena, "chmod %04o %s", (unsigned)fix->to, fix->what);
		step.undoes =
		    arena_printf(d->arena, "chmod %04o %s", (unsigned)fix->from, fix->what);
		break;
	case FIX_START:
		step.does = arena_printf(d->arena, "systemctl start %s", fix->what);
		step.undoes = arena_printf(d->arena, "systemctl stop %s", fix->what);
		break;
	case FIX_RESTART:
		step.does = arena_printf(d->arena, "systemctl restart %s", fix->what);
		step.undoes = "nothing to undo";
		break;
	case FIX_NGINX:
		time_iso_basic(clock_now(), stamp);
		step.kept = arena_printf(d->arena, "%s.before-%s", fix->what, stamp);
		step.does = arena_printf(d->arena, "medianest-admin nginx %s", fix->what);
		step.undoes = arena_printf(d->arena, "cp -a %s/. %s/", step.kept, fix->what);
		break;
	case FIX_NONE:
	default: break;
	}
	return step;
}

static bool
agreed(const struct doctor *d, FILE *out)
{
	char answer[ANSWER_MAX];

	if (d->ask->yes)
		return true;
	fputs("         do it? [y/N] ", out);
	fflush(out);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y');
}

static const char *
run(struct doctor *d, const char *const *argv)
{
	char *said = arena_alloc(d->arena, TOOL_OUTPUT_MAX);
	bool found;

	if (tool_run(argv, said, &found))
		return NULL;
	return found && *said != '\0' ? said : arena_printf(d->arena, "%s failed", argv[0]);
}

static const char *
write_nginx(struct doctor *d, const struct fix *fix, const struct step *step)
{
	struct error err = { 0 };
	bool private_start;
	const char *why = run(d, (const char *const[]) { "cp", "-a", fix->what, step->kept, NULL });

	if (why != NULL)
		return why;
	doctor_nginx_dir(d, &private_start);
	if (!nginx_conf_write(d->config, d->arena, fix->what, private_start, &err))
		return arena_strdup(d->arena, doctor_reason(&err));
	if (private_start)
		return NULL;
	why = run(d, (const char *const[]) { "nginx", "-t", NULL });
	if (why == NULL)
		return run(d, (const char *const[]) { "systemctl", "reload", "nginx", NULL });
	/* nginx does not take them: the files of before come back. */
	run(d,
	    (const char *const[]) {
		"cp", "-a", arena_printf(d->arena, "%s/.", step->kept), fix->what, NULL });
	return why;
}

/* Of the file itself: someone who may write in its directory could put a link in its place. */
static const char *
change_mode(const char *path, mode_t mode)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *why = fd >= 0 && fchmod(fd, mode) == 0 ? NULL : strerror(errno);

	if (fd >= 0)
		close(fd);
	return why;
}

/* NULL: done; else why not. */
static const char *
apply(struct doctor *d, const struct fix *fix, const struct step *step)
{
	switch (fix->kind) {
	case FIX_MODE: return change_mode(fix->what, fix->to);
	case FIX_START:
		return run(d, (const char *const[]) { "systemctl", "start", fix->what, NULL });
	case FIX_RESTART:
		return run(d, (const char *const[]) { "systemctl", "restart", fix->what, NULL });
	case FIX_NGINX: return write_nginx(d, fix, step);
	case FIX_NONE:
	default: return "there is no step";
	}
}

/* Everything was asked as the services' user; the steps need root, if root started us. */
static void
be_root_again(void)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) != 0 || saved != 0 || effective == 0)
		return;
	if (setresuid(0, 0, 0) != 0 || setresgid(0, 0, 0) != 0)
		log_warn(&context, "cannot be root again: %s", strerror(errno));
}

/* Several findings may have the same step. */
static bool
is_repeated(const struct doctor *d, size_t at)
{
	const struct fix *fix = &d->findings[at].fix;

	for (size_t i = 0; i < at; i++)
		if (d->findings[i].fix.kind == fix->kind &&
		    str_eq(d->findings[i].fix.what, fix->what))
			return true;
	return false;
}

size_t
doctor_fix(struct doctor *d, FILE *out)
{
	size_t done = 0;

	be_root_again();
	for (size_t i = 0; i < d->n; i++) {
		const struct fix *fix = &d->findings[i].fix;
		struct step step;
		const char *why;

		if (fix->kind == FIX_NONE || is_repeated(d, i))
			continue;
		step = step_of(d, fix);
		fprintf(out, "step     %-22s  %s\n", d->findings[i].code, step.does);
		if (!agreed(d, out)) {
			fputs("         left as it is\n", out);
			continue;
		}
		why = apply(d, fix, &step);
		done += why == NULL;
		if (why == NULL)
			fprintf(out, "         done; to undo it: %s\n", step.undoes);
		else
			fprintf(out, "         failed: %s\n", why);
	}
	return done;
}
