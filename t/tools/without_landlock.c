/* Runs a command as on a kernel without Landlock that forbids user namespaces (t/223). */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/banned.h"

/* `flag`: of the first argument; 0: always. */
static bool
refuse(scmp_filter_ctx ctx, const char *name, int reason, uint64_t flag)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO((unsigned)reason),
		   seccomp_syscall_resolve_name(name), flag != 0,
		   SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)) == 0;
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 2 || ctx == NULL || !refuse(ctx, "landlock_create_ruleset", ENOSYS, 0) ||
	    !refuse(ctx, "clone3", ENOSYS, 0) || !refuse(ctx, "unshare", EPERM, 0) ||
	    !refuse(ctx, "clone", EPERM, CLONE_NEWUSER) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seccomp_load(ctx) != 0)
		return EXIT_FAILURE;
	seccomp_release(ctx);
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return EXIT_FAILURE;
}
