/* Making key files: see keyring.h. */
#include "service/keyring_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

#define STORAGE_ACCESS_DIGITS 18
#define STORAGE_SECRET_BYTES 20 /* 40 hexadecimal digits */

/*
 * Files that root creates get the owner of their directory, so that the services' user can read
 * them.
 */
static bool
owner_take(const char *path, int fd)
{
	char dir[KEY_PATH_MAX];
	struct stat st;
	char *slash;

	str_copy(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (geteuid() != 0 || slash == NULL || slash == dir)
		return true;
	*slash = '\0';
	return stat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;
}

/* Creates the directory, mode 0700. */
static bool
directory_create(const char *dir, struct error *err)
{
	int fd;
	bool ok;

	if (mkdir(dir, 0700) < 0) {
		if (errno == EEXIST)
			return true;
		return error_set(err, ERR_INTERNAL, "%s: %s", dir, strerror(errno));
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && owner_take(dir, fd);
	if (fd >= 0)
		close(fd);
	return ok ||
	    error_set(err, ERR_INTERNAL, "%s: cannot set the owner: %s", dir, strerror(errno));
}

/* A file that appears has all of its text: another process may look for it already. */
static bool
file_make(const char *path, const char *temporary, const char *text)
{
	size_t len = strlen(text);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	bool ok;

	if (fd < 0)
		return false;
	ok = owner_take(path, fd) && write(fd, text, len) == (ssize_t)len &&
	    write(fd, "\n", 1) == 1 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok && link(temporary, path) == 0;
	unlink(temporary);
	return ok;
}

static bool
key_write(const struct config *config, const char *name, const char *text, bool verbose,
    struct error *err)
{
	char path[KEY_PATH_MAX], temporary[KEY_PATH_MAX], hidden[KEY_NAME_MAX];
	unsigned random;

	random_bytes(&random, sizeof(random));
	snprintf(hidden, sizeof(hidden), ".new-%08x", random);
	if (!keyring_path(config, name, path, err) || !keyring_path(config, hidden, temporary, err))
		return false;
	if (access(path, F_OK) == 0) {
		if (verbose)
			printf("%s: kept\n", path);
		return true;
	}
	if (!file_make(path, temporary, text))
		return error_set(err, ERR_INTERNAL, "%s: cannot write the key: %s", path,
		    strerror(errno));
	if (verbose)
		printf("%s: created\n", path);
	return true;
}

static void
random_hex(char *out, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[64];

	random_bytes(raw, bytes);
	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[2 * bytes] = '\0';
	explicit_bzero(raw, sizeof(raw));
}

/* "MN" and 18 capitals and digits: the form that S3 clients expect. */
static void
random_access(char *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char raw[STORAGE_ACCESS_DIGITS];

	random_bytes(raw, sizeof(raw));
	out[0] = 'M';
	out[1] = 'N';
	for (size_t i = 0; i < sizeof(raw); i++)
		out[i + 2] = alphabet[raw[i] & 31];
	out[sizeof(raw) + 2] = '\0';
}

/* The first key of a kind, unless there is one. */
static bool
first_key(const struct config *config, const char *prefix, size_t bytes, bool verbose,
    struct error *err)
{
	char text[KEY_TEXT_MAX], name[KEY_NAME_MAX];
	struct key_numbers numbers;
	bool ok;

	if (!keyring_numbers(config, prefix, &numbers, err))
		return false;
	keyring_name(prefix, numbers.n > 0 ? numbers.items[numbers.n - 1] : 1, name);
	random_hex(text, bytes);
	ok = key_write(config, name, text, verbose, err);
	explicit_bzero(text, sizeof(text));
	return ok;
}

bool
keyring_create(const struct config *config, bool verbose, struct error *err)
{
	char dir[KEY_PATH_MAX], text[KEY_TEXT_MAX];

	if (!keyring_path(config, "", dir, err) || !directory_create(dir, err) ||
	    !first_key(config, "data", DATA_KEY_BYTES, verbose, err) ||
	    !first_key(config, "jwt", JWT_KEY_MIN, verbose, err))
		return false;
	random_access(text);
	if (*config_str(config, CFG_STORAGE_ACCESS_KEY) == '\0' &&
	    !key_write(config, "storage-access.key", text, verbose, err))
		return false;
	random_hex(text, STORAGE_SECRET_BYTES);
	if (*config_str(config, CFG_STORAGE_SECRET_KEY) == '\0' &&
	    !key_write(config, "storage-secret.key", text, verbose, err))
		return false;
	explicit_bzero(text, sizeof(text));
	return true;
}

/* There must be a key before this one, and room for it. */
static bool
next_number(const struct config *config, const char *prefix, int *next, struct error *err)
{
	struct key_numbers numbers;

	if (!keyring_numbers(config, prefix, &numbers, err))
		return false;
	if (numbers.n == KEYS_MAX)
		return error_set(err, ERR_CONFLICT,
		    "there are %d %s-N.key files already: remove %s-%d.key first%s", KEYS_MAX,
		    prefix, prefix, numbers.items[0],
		    str_eq(prefix, "data") ?
			" ('medianest-admin keys reseal' says when it may go)" :
			"");
	*next = numbers.n > 0 ? numbers.items[numbers.n - 1] + 1 : 1;
	return true;
}

static bool
next_key(const struct config *config, const char *prefix, int number, size_t bytes,
    struct error *err)
{
	char text[KEY_TEXT_MAX], name[KEY_NAME_MAX];
	bool ok;

	keyring_name(prefix, number, name);
	random_hex(text, bytes);
	ok = key_write(config, name, text, true, err);
	explicit_bzero(text, sizeof(text));
	return ok;
}

bool
keyring_rotate(const struct config *config, struct error *err)
{
	int data = 0, jwt = 0;

	return next_number(config, "data", &data, err) && next_number(config, "jwt", &jwt, err) &&
	    next_key(config, "data", data, DATA_KEY_BYTES, err) &&
	    next_key(config, "jwt", jwt, JWT_KEY_MIN, err);
}
