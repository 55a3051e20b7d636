/* The system call filter, and the substitute for namespaces where they are forbidden. */
#include "service/processing/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/banned.h"

#define CLONE_NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	    CLONE_NEWCGROUP)

/*
 * A decoder reads, writes, computes and starts threads. The filter refuses calls that reach other
 * processes, the network, the kernel's configuration, or parts of the kernel that have been used to
 * escape from sandboxes.
 */
static const char *const refused[] = {
	"socket",
	"socketpair",
	"connect",
	"bind",
	"listen",
	"accept",
	"accept4",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"pidfd_open",
	"pidfd_getfd",
	"pidfd_send_signal",
	"kcmp",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"move_mount",
	"open_tree",
	"mount_setattr",
	"unshare",
	"setns",
	"keyctl",
	"add_key",
	"request_key",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"swapon",
	"swapoff",
	"acct",
	"quotactl",
	"sethostname",
	"setdomainname",
	"settimeofday",
	"clock_settime",
	"clock_adjtime",
	"adjtimex",
	"open_by_handle_at",
	"name_to_handle_at",
	"fanotify_init",
	"inotify_init",
	"inotify_init1",
	"personality",
	"syslog",
	"vhangup",
	"lookup_dcookie",
	"iopl",
	"ioperm",
	"mknod",
	"mknodat",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"capset",
	"memfd_secret",
};

static scmp_filter_ctx
filter_build(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int nr;

	if (ctx == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		nr = seccomp_syscall_resolve_name(refused[i]);
		/*
		 * Calls that this architecture or library does not know are skipped: they cannot be
		 * made either.
		 */
		if (nr == __NR_SCMP_ERROR)
			continue;
		if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0) != 0)
			goto fail;
	}
	/*
	 * A filter cannot read the flags of clone3, which are in memory. Without it the C library
	 * falls back to clone.
	 */
	if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) != 0)
		goto fail;
	for (size_t i = 0; i < 32; i++)
		if ((CLONE_NAMESPACES & (1u << i)) != 0 &&
		    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, 1ul << i, 1ul << i)) != 0)
			goto fail;
	return ctx;
fail:
	seccomp_release(ctx);
	return NULL;
}

int
sandbox_filter_fd(void)
{
	scmp_filter_ctx ctx = filter_build();
	int fd = -1;

	if (ctx == NULL)
		return -1;
	fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd >= 0 && (seccomp_export_bpf(ctx, fd) != 0 || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	seccomp_release(ctx);
	return fd;
}

int
sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

#define LANDLOCK_READ \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)
/* All rights of ABI 1, because unhandled rights are allowed. */
#define LANDLOCK_ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* A missing path needs no rule. */
static bool
landlock_allow(int ruleset, const char *path, uint64_t access, bool is_file)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	bool ok;

	if (is_file)
		rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT;
	ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}

static bool
landlock_self(const char *program, const char *scratch)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ALL };
	char path[SANDBOX_PATH_MAX + 16];
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	bool ok;

	if (ruleset < 0)
		return false;
	ok = landlock_allow(ruleset, "/usr", LANDLOCK_READ, false) &&
	    landlock_allow(ruleset, "/lib", LANDLOCK_READ, false) &&
	    landlock_allow(ruleset, "/lib64", LANDLOCK_READ, false) &&
	    landlock_allow(ruleset, "/bin", LANDLOCK_READ, false) &&
	    landlock_allow(ruleset, "/etc/alternatives", LANDLOCK_READ, false) &&
	    landlock_allow(ruleset, "/etc/ld.so.cache", LANDLOCK_READ, true) &&
	    landlock_allow(ruleset, "/proc/self", LANDLOCK_READ, false) &&
	    landlock_allow(ruleset, "/dev/null", LANDLOCK_ALL, true) &&
	    landlock_allow(ruleset, "/dev/urandom", LANDLOCK_READ, true) &&
	    landlock_allow(ruleset, program, LANDLOCK_READ, true);
	snprintf(path, sizeof(path), "%s/" SANDBOX_INPUT, scratch);
	ok = ok && landlock_allow(ruleset, path, LANDLOCK_READ, true);
	snprintf(path, sizeof(path), "%s/" SANDBOX_OUTPUT, scratch);
	ok = ok &&
	    landlock_allow(ruleset, path, LANDLOCK_ALL & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE,
		false);
	ok = ok && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	close(ruleset);
	return ok;
}

bool
sandbox_filter_self(const char *program, const char *scratch, bool landlock)
{
	scmp_filter_ctx ctx;
	bool ok;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    (landlock && !landlock_self(program, scratch)))
		return false;
	ctx = filter_build();
	ok = ctx != NULL && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	return ok;
}
