/*
 * The keys directory in a backup: an archive of tar's, encrypted by age for the recipients in a
 * file, or by openssl with the passphrase in it. The file is read once, so it may be a pipe; its
 * content reaches the command through a descriptor, never through its arguments.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "service/keyring.h"
#include "service/operator/backup_internal.h"

#include "core/banned.h"

#define SECRET_MAX 65536UL /* bytes of the file */
#define PASSPHRASE_MIN 8
#define SECRET_PATH "/dev/fd/3" /* BACKUP_SECRET_FD */
#define SECRET_PASS "fd:3"
#define AGE_MAGIC "age-encryption.org/"
#define STAGING ".restoring"

static bool
secret_read(const char *path, char out[SECRET_MAX + 1], size_t *len, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	*len = 0;
	if (fd < 0)
		return backup_file_failed(path, err);
	while (*len < SECRET_MAX && (n = read(fd, out + *len, SECRET_MAX - *len)) > 0)
		*len += (size_t)n;
	close(fd);
	out[*len] = '\0';
	if (n < 0)
		return backup_file_failed(path, err);
	return *len > 0 || error_set(err, ERR_VALIDATION, "%.180s is empty", path);
}

/* Lines of age's recipients, and comments. */
static bool
is_recipients(const char *text)
{
	text += strspn(text, " \t\r\n");
	while (*text == '#') {
		text += strcspn(text, "\n");
		text += strspn(text, " \t\r\n");
	}
	return str_starts(text, "age1") || str_starts(text, "ssh-");
}

static bool
encrypt(int archive, const char *secret, size_t len, int out, struct error *err)
{
	static const char *const age[] = { "age", "-R", SECRET_PATH, NULL };
	static const char *const openssl[] = { "openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-iter",
		"600000", "-md", "sha256", "-salt", "-pass", SECRET_PASS, NULL };
	struct backup_tool tool = { .argv = openssl,
		.in_fd = archive,
		.out_fd = out,
		.secret_fd = backup_memory(secret, len, err) };
	bool ok;

	if (tool.secret_fd < 0)
		return false;
	if (is_recipients(secret))
		tool.argv = age;
	else if (strcspn(secret, "\r\n") < PASSPHRASE_MIN)
		return error_set(err, ERR_VALIDATION,
		    "the passphrase for the keys must have at least %d characters", PASSPHRASE_MIN);
	ok = backup_tool_run(&tool, err);
	close(tool.secret_fd);
	return ok;
}

static bool
archive_make(const char *keys, int *fd, struct error *err)
{
	const char *const argv[] = { "tar", "-C", keys, "--numeric-owner", "-c", ".", NULL };
	struct backup_tool tool = { .argv = argv, .in_fd = -1, .secret_fd = -1 };
	bool ok;

	*fd = tool.out_fd = backup_memory("", 0, err);
	if (*fd < 0)
		return false;
	ok = backup_tool_run(&tool, err);
	if (ok && lseek(*fd, 0, SEEK_SET) != 0)
		ok = backup_file_failed("memory", err);
	if (!ok)
		close(*fd);
	return ok;
}

static const char *
keys_dir(const struct backup_site *site)
{
	const char *dir = config_str(site->config, CFG_KEYS_DIR);

	return *dir != '\0' ?
	    dir :
	    arena_printf(site->arena, "%s/keys", config_str(site->config, CFG_DATA_DIR));
}

bool
backup_keys_write(const struct backup_site *site, const char *keys_file, const char *to,
    struct error *err)
{
	char secret[SECRET_MAX + 1];
	int archive, out;
	size_t len;
	bool ok;

	if (!secret_read(keys_file, secret, &len, err) ||
	    !archive_make(keys_dir(site), &archive, err))
		return false;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ok = out >= 0 ? encrypt(archive, secret, len, out, err) : backup_file_failed(to, err);
	explicit_bzero(secret, sizeof(secret));
	close(archive);
	if (out >= 0)
		close(out);
	return ok;
}

static bool
decrypt(int from, const char *secret, size_t len, int out, struct error *err)
{
	static const char *const age[] = { "age", "-d", "-i", SECRET_PATH, NULL };
	static const char *const openssl[] = { "openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2",
		"-iter", "600000", "-md", "sha256", "-pass", SECRET_PASS, NULL };
	char magic[sizeof(AGE_MAGIC)] = "";
	struct backup_tool tool = { .argv = openssl,
		.in_fd = from,
		.out_fd = out,
		.secret_fd = backup_memory(secret, len, err) };
	bool ok;

	if (tool.secret_fd < 0)
		return false;
	if (pread(from, magic, sizeof(magic) - 1, 0) > 0 && str_starts(magic, AGE_MAGIC))
		tool.argv = age;
	ok = backup_tool_run(&tool, err) ||
	    error_set(err, ERR_VALIDATION,
		"the keys of the backup cannot be decrypted with what the file of --keys has");
	close(tool.secret_fd);
	return ok;
}

/* A wrong passphrase may leave bytes that look decrypted: tar must be able to list them. */
static bool
archive_check(int fd, struct error *err)
{
	static const char *const argv[] = { "tar", "-t", NULL };
	struct backup_tool tool = { .argv = argv, .in_fd = fd, .out_fd = -1, .secret_fd = -1 };

	return lseek(fd, 0, SEEK_SET) == 0 && backup_tool_run(&tool, err) &&
	    lseek(fd, 0, SEEK_SET) == 0;
}

bool
backup_keys_open(const struct backup_site *site, const char *keys_file, const char *from, int *fd,
    struct error *err)
{
	char secret[SECRET_MAX + 1];
	size_t len;
	int in;
	bool ok;

	(void)site;
	*fd = -1;
	if (!secret_read(keys_file, secret, &len, err))
		return false;
	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return backup_file_failed(from, err);
	*fd = backup_memory("", 0, err);
	ok = *fd >= 0 && decrypt(in, secret, len, *fd, err) && archive_check(*fd, err);
	explicit_bzero(secret, sizeof(secret));
	close(in);
	if (!ok && *fd >= 0)
		close(*fd);
	return ok;
}

static bool
same(const char *a, const char *b)
{
	struct file_sum x, y;
	struct error ignored;

	return backup_sum(a, &x, &ignored) && backup_sum(b, &y, &ignored) &&
	    str_eq(x.sha256, y.sha256);
}

/* The group counts too: the object store's pools read their two keys by it. */
static bool
owner_follow(const char *path, const struct stat *as)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	    ((st.st_uid == as->st_uid && st.st_gid == as->st_gid) ||
		chown(path, as->st_uid, as->st_gid) == 0);
}

/* Owner and mode follow the file that was there, or else the directory and the archive. */
static bool
place_one(struct arena *arena, const char *dir, const char *name, struct error *err)
{
	const char *from = arena_printf(arena, "%s/" STAGING "/%s", dir, name),
		   *to = arena_printf(arena, "%s/%s", dir, name);
	struct stat old, above;
	bool ok;

	if (stat(to, &old) == 0) {
		if (same(from, to))
			return true;
		ok = rename(to, arena_printf(arena, "%s.before-restore", to)) == 0 &&
		    chmod(from, old.st_mode & 07777) == 0 && owner_follow(from, &old);
	} else {
		ok = stat(dir, &above) == 0 && owner_follow(from, &above);
	}
	return (ok && rename(from, to) == 0) || backup_file_failed(to, err);
}

static bool
place_all(struct arena *arena, const char *dir, struct error *err)
{
	const char *staging = arena_printf(arena, "%s/" STAGING, dir);
	DIR *list = opendir(staging);
	struct dirent *entry;
	bool ok = true;

	if (list == NULL)
		return backup_file_failed(staging, err);
	while (ok && (entry = readdir(list)) != NULL)
		if (str_ends(entry->d_name, ".key"))
			ok = place_one(arena, dir, entry->d_name, err);
	closedir(list);
	return ok && backup_dir_sync(dir, err);
}

bool
backup_keys_place(const struct backup_site *site, int fd, struct error *err)
{
	const char *dir = keys_dir(site), *staging = arena_printf(site->arena, "%s/" STAGING, dir);
	const char *const argv[] = { "tar", "-C", staging, "--no-same-owner", "-p", "-x", NULL };
	struct backup_tool tool = { .argv = argv, .in_fd = fd, .out_fd = -1, .secret_fd = -1 };

	return lseek(fd, 0, SEEK_SET) == 0 && backup_dir_make(dir, err) &&
	    backup_tree_remove(staging, err) && backup_dir_make(staging, err) &&
	    backup_tool_run(&tool, err) && place_all(site->arena, dir, err) &&
	    backup_tree_remove(staging, err);
}
