/* The doctor's checks of the sandbox that decodes untrusted files. */
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "service/operator/doctor_internal.h"
#include "service/processing/sandbox.h"
#include "core/banned.h"

static const struct log context = { .component = "admin" };

/* Checks the picture formats that medianest-media finds in its libvips. */
static void
check_formats(struct doctor *d, const char *program)
{
	static const char *const wanted[] = { "jpeg", "png", "webp", "gif", "heif", "tiff" };
	const char *const argv[] = { program, "--formats", NULL };
	const char *missing = "";
	char out[TOOL_OUTPUT_MAX];
	bool found;

	if (!tool_run(argv, out, &found)) {
		doctor_fail(d, "libvips", NULL, "%s %s", program,
		    found ? "--formats failed: is libvips installed?" : "is not installed");
		return;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(out, arena_printf(d->arena, " %s", wanted[i])) == NULL)
			missing = arena_printf(d->arena, "%s%s%s", missing,
			    *missing != '\0' ? ", " : "", wanted[i]);
	if (*missing != '\0')
		doctor_fail(d, "libvips", tool_version(d->arena, out, "libvips "),
		    "cannot read %s: install libvips42 and libheif1 from Debian", missing);
	else
		doctor_ok(d, "libvips", tool_version(d->arena, out, "libvips "),
		    "reads jpeg, png, webp, gif, heif, tiff");
}

void
doctor_check_sandbox(struct doctor *d)
{
	struct sandbox sandbox;
	struct error err;

	error_clear(&err);
	doctor_check_tool(d, "bwrap", "--version", "bubblewrap ", "bubblewrap");
	if (!sandbox_init(&sandbox, d->config, &context, &err)) {
		doctor_fail(d, "sandbox", NULL, "%s%s%s", err.message,
		    err.detail[0] != '\0' ? ": " : "", err.detail);
		return;
	}
	if (sandbox.mode == SANDBOX_BUBBLEWRAP)
		doctor_ok(d, "sandbox", sandbox_mode_name(sandbox.mode),
		    "media is decoded in separate namespaces");
	else
		doctor_warn(d, "sandbox", sandbox_mode_name(sandbox.mode),
		    "bubblewrap does not work here, so media is decoded with weaker"
		    " protection: are unprivileged user namespaces forbidden?");
	check_formats(d, sandbox.program);
}
