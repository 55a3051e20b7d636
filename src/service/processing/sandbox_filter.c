/* The system call filter, and the substitute for namespaces where they are forbidden. */
#include "service/processing/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
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
	"memfd_create",
	"openat2",
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
	"setsid",
	"setpgid",
	"migrate_pages",
	"move_pages",
	/* Memory, semaphores and queues that outlive the run, or that others can reach. */
	"shmget",
	"shmat",
	"shmdt",
	"shmctl",
	"semget",
	"semop",
	"semtimedop",
	"semctl",
	"msgget",
	"msgsnd",
	"msgrcv",
	"msgctl",
	"mq_open",
	"mq_unlink",
	/* The worker removes what was written: it must be able to. */
	"chmod",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"chown",
	"lchown",
	"fchown",
	"fchownat",
	"setxattr",
	"lsetxattr",
	"fsetxattr",
	/*
	 * A file that is written stays in sight: what is removed but open would count for no bound.
	 * Output is regular files in one directory.
	 */
	"link",
	"linkat",
	"symlink",
	"symlinkat",
	"mkdir",
	"mkdirat",
	"rmdir",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
};

/* Calls that may be made for the caller itself only: the argument with a process must be 0. */
static const struct {
	const char *name;
	unsigned arg;
} own_only[] = {
	{ "prlimit64", 0 },
	{ "sched_setaffinity", 0 },
	{ "sched_setattr", 0 },
	{ "sched_setparam", 0 },
	{ "sched_setscheduler", 0 },
	{ "ioprio_set", 1 },
	{ "setpriority", 1 },
};

/* Calls with which a process would have the kernel signal another one, or hide what it writes. */
static const struct {
	const char *name;
	unsigned arg;
	uint64_t mask, value;
} forms[] = {
	{ "fcntl", 1, UINT32_MAX, F_SETOWN },
	{ "fcntl", 1, UINT32_MAX, F_SETOWN_EX },
	{ "ioctl", 1, UINT32_MAX, FIOSETOWN },
	{ "ioctl", 1, UINT32_MAX, SIOCSPGRP },
	{ "open", 1, O_TMPFILE & ~O_DIRECTORY, O_TMPFILE & ~O_DIRECTORY },
	{ "openat", 2, O_TMPFILE & ~O_DIRECTORY, O_TMPFILE & ~O_DIRECTORY },
};

/* Without a process namespace these reach every process of the worker's user. */
static const char *const signals[] = {
	"kill",
	"tkill",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Calls that this architecture or library does not know are skipped: they cannot be made either.
 */
static bool
refuse(scmp_filter_ctx ctx, const char *name, unsigned n, struct scmp_arg_cmp cmp)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR ||
	    seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), nr, n, &cmp) == 0;
}

static bool
refuse_all(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
	const struct scmp_arg_cmp any = { 0 };

	for (size_t i = 0; i < n; i++)
		if (!refuse(ctx, names[i], 0, any))
			return false;
	return true;
}

static bool
refuse_forms(scmp_filter_ctx ctx)
{
	for (size_t i = 0; i < LENGTH(own_only); i++)
		if (!refuse(ctx, own_only[i].name, 1, SCMP_CMP64(own_only[i].arg, SCMP_CMP_NE, 0)))
			return false;
	for (size_t i = 0; i < LENGTH(forms); i++)
		if (!refuse(ctx, forms[i].name, 1,
			SCMP_CMP64(forms[i].arg, SCMP_CMP_MASKED_EQ, forms[i].mask,
			    forms[i].value)))
			return false;
	for (unsigned i = 0; i < 32; i++)
		if ((CLONE_NAMESPACES & (1u << i)) != 0 &&
		    !refuse(ctx, "clone", 1, SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, 1ul << i, 1ul << i)))
			return false;
	return true;
}

/* abort() and raise() of the decoder itself still work; what it starts gives up raising. */
static bool
refuse_signals(scmp_filter_ctx ctx, pid_t self)
{
	return refuse_all(ctx, signals, LENGTH(signals)) &&
	    refuse(ctx, "tgkill", 1, SCMP_CMP64(0, SCMP_CMP_NE, (scmp_datum_t)self));
}

/* `self`: the process that will decode, if it sees those outside; 0: it has its own namespace. */
static scmp_filter_ctx
filter_build(pid_t self)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	/*
	 * A filter cannot read the flags of clone3, which are in memory. Without it the C library
	 * falls back to clone.
	 */
	if (ctx != NULL && refuse_all(ctx, refused, LENGTH(refused)) && refuse_forms(ctx) &&
	    (self == 0 || refuse_signals(ctx, self)) &&
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0)
		return ctx;
	if (ctx != NULL)
		seccomp_release(ctx);
	return NULL;
}

int
sandbox_filter_fd(void)
{
	scmp_filter_ctx ctx = filter_build(0);
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

/* What the headers of Debian 12 do not have; the kernel is asked which of it there is. */
#define ACCESS_FS_REFER (1ULL << 13)
#define ACCESS_FS_TRUNCATE (1ULL << 14)
#define ACCESS_FS_IOCTL_DEV (1ULL << 15)
#define ACCESS_NET_TCP 3ULL /* bind, connect */
#define SCOPE_ALL 3ULL      /* abstract sockets, signals */
#define ABI_REFER 2
#define ABI_TRUNCATE 3
#define ABI_NET 4
#define ABI_IOCTL_DEV 5
#define ABI_SCOPE 6

struct ruleset {
	uint64_t fs, net, scoped;
};

#define LANDLOCK_READ \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)
#define LANDLOCK_WRITE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_FS_TRUNCATE)
/* All rights of ABI 1, because unhandled rights are allowed. */
#define LANDLOCK_ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* Everything that this kernel can forbid; *size is what it knows of the structure. */
static struct ruleset
landlock_handled(int abi, size_t *size)
{
	struct ruleset all = { .fs = LANDLOCK_ALL };

	if (abi >= ABI_REFER)
		all.fs |= ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		all.fs |= ACCESS_FS_TRUNCATE;
	if (abi >= ABI_NET)
		all.net = ACCESS_NET_TCP;
	if (abi >= ABI_IOCTL_DEV)
		all.fs |= ACCESS_FS_IOCTL_DEV;
	if (abi >= ABI_SCOPE)
		all.scoped = SCOPE_ALL;
	*size = abi >= ABI_SCOPE ? sizeof(all) :
	    abi >= ABI_NET       ? offsetof(struct ruleset, scoped) :
				   offsetof(struct ruleset, net);
	return all;
}

struct landlock {
	int fd;
	uint64_t handled;
};

/* A missing path needs no rule. */
static bool
landlock_allow(const struct landlock *l, const char *path, uint64_t access, bool is_file)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access & l->handled };
	bool ok;

	if (is_file)
		rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | ACCESS_FS_TRUNCATE;
	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT;
	ok = syscall(SYS_landlock_add_rule, l->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}

static bool
landlock_rules(const struct landlock *l, const char *program, const char *scratch)
{
	char input[SANDBOX_PATH_MAX + 16], sidecar[SANDBOX_PATH_MAX + 16],
	    output[SANDBOX_PATH_MAX + 16];

	snprintf(sidecar, sizeof(sidecar), "%s/" SANDBOX_SIDECAR, scratch);
	snprintf(input, sizeof(input), "%s/" SANDBOX_INPUT, scratch);
	snprintf(output, sizeof(output), "%s/" SANDBOX_OUTPUT, scratch);
	return landlock_allow(l, "/usr", LANDLOCK_READ, false) &&
	    landlock_allow(l, "/lib", LANDLOCK_READ, false) &&
	    landlock_allow(l, "/lib64", LANDLOCK_READ, false) &&
	    landlock_allow(l, "/bin", LANDLOCK_READ, false) &&
	    landlock_allow(l, "/etc/alternatives", LANDLOCK_READ, false) &&
	    landlock_allow(l, "/etc/ld.so.cache", LANDLOCK_READ, true) &&
	    landlock_allow(l, "/proc/self", LANDLOCK_READ, false) &&
	    landlock_allow(l, "/dev/null", LANDLOCK_WRITE, true) &&
	    landlock_allow(l, "/dev/urandom", LANDLOCK_READ, true) &&
	    landlock_allow(l, program, LANDLOCK_READ, true) &&
	    landlock_allow(l, input, LANDLOCK_READ, true) &&
	    landlock_allow(l, sidecar, LANDLOCK_READ, true) &&
	    landlock_allow(l, output, LANDLOCK_WRITE, false);
}

static bool
landlock_self(const char *program, const char *scratch)
{
	size_t size;
	struct ruleset all = landlock_handled(sandbox_landlock_abi(), &size);
	struct landlock l = { .handled = all.fs };
	bool ok;

	l.fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (l.fd < 0)
		return false;
	ok = landlock_rules(&l, program, scratch) &&
	    syscall(SYS_landlock_restrict_self, l.fd, 0) == 0;
	close(l.fd);
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
	ctx = filter_build(getpid());
	ok = ctx != NULL && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	return ok;
}
