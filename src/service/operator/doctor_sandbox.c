/* The doctor's checks of the sandbox that decodes untrusted files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "service/processing/sandbox.h"
#include "core/banned.h"

#define SYSCTL_MAX 32

static const struct log context = { .component = "admin" };

void
judge_sandbox(struct doctor *d, const char *reason)
{
	doctor_found(d, FAULT_SANDBOX, NULL, "nothing can be decoded: %s", reason);
}

/* The picture formats that medianest-media finds in its libvips. */
void
judge_formats(struct doctor *d, const char *output)
{
	static const char *const wanted[] = { "jpeg", "png", "webp", "gif", "heif", "tiff" };
	const char *missing = "";

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(output, arena_printf(d->arena, " %s", wanted[i])) == NULL)
			missing = arena_printf(d->arena, "%s%s%s", missing,
			    *missing != '\0' ? ", " : "", wanted[i]);
	if (*missing != '\0')
		doctor_found(d, FAULT_FORMATS, NULL, "pictures of these formats cannot be read: %s",
		    missing);
	else
		doctor_ok(d, "libvips", tool_version(d->arena, output, "libvips "),
		    "reads jpeg, png, webp, gif, heif, tiff");
}

static void
check_formats(struct doctor *d, const char *program)
{
	const char *const argv[] = { program, "--formats", NULL };
	char out[TOOL_OUTPUT_MAX];
	bool found;

	if (tool_run(argv, out, &found))
		judge_formats(d, out);
	else
		judge_sandbox(d,
		    arena_printf(d->arena, "%s %s", program,
			found ? "--formats fails" : "is not installed"));
}

static int64_t
sysctl_read(const char *path)
{
	char text[SYSCTL_MAX];
	int64_t value;

	return run_note_read(path, text, sizeof(text)) && str_to_int(text, 0, INT64_MAX, &value) ?
	    value :
	    -1;
}

/* Called when namespaces do not work: which setting forbids them? */
void
judge_kernel(struct doctor *d, const struct kernel_facts *f)
{
	static const char weak[] = "so media is decoded with weaker protection";

	if (f->userns_clone == 0)
		doctor_found(d, FAULT_SANDBOX_USERNS, NULL,
		    "kernel.unprivileged_userns_clone is 0, %s", weak);
	else if (f->max_user_namespaces == 0)
		doctor_found(d, FAULT_SANDBOX_MAX, NULL, "user.max_user_namespaces is 0, %s", weak);
	else if (f->apparmor_restrict > 0)
		doctor_found(d, FAULT_SANDBOX_APPARMOR, NULL,
		    "kernel.apparmor_restrict_unprivileged_userns is %lld, %s",
		    (long long)f->apparmor_restrict, weak);
	else
		doctor_found(d, FAULT_SANDBOX_WEAK, NULL, "bubblewrap does not work here, %s",
		    weak);
}

static void
check_mode(struct doctor *d, enum sandbox_mode mode)
{
	bool chosen = str_eq(config_str(d->config, CFG_MEDIA_SANDBOX), "seccomp");

	if (mode == SANDBOX_BUBBLEWRAP || chosen)
		doctor_ok(d, "sandbox", sandbox_mode_name(mode), "%s",
		    chosen ? "as media.sandbox says" : "media is decoded in separate namespaces");
	else
		judge_kernel(d,
		    &(struct kernel_facts) {
			.userns_clone = sysctl_read("/proc/sys/kernel/unprivileged_userns_clone"),
			.max_user_namespaces = sysctl_read("/proc/sys/user/max_user_namespaces"),
			.apparmor_restrict = sysctl_read(
			    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns") });
}

void
doctor_check_sandbox(struct doctor *d)
{
	struct sandbox sandbox;
	struct error err = { 0 };

	if (!sandbox_init(&sandbox, d->config, &context, &err)) {
		/* The message says what to change, its detail only what the last tool said. */
		judge_sandbox(d, err.message);
		return;
	}
	check_mode(d, sandbox.mode);
	check_formats(d, sandbox.program);
}
