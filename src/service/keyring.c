/* Key files: see keyring.h. */
#include "service/keyring.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

#define KEY_PATH_MAX 4200
#define KEY_TEXT_MAX 256     /* bytes of a key file */
#define KEY_MODE_WRONG 07337 /* bits that a key file must not have: 0400 and 0440 are fine */
#define STORAGE_ACCESS_DIGITS 18
#define STORAGE_SECRET_BYTES 20 /* 40 hexadecimal digits */
#define STORAGE_MAX 129

struct keyring {
	struct jwt_key jwt[JWT_KEYS_MAX];
	unsigned njwt;
	unsigned char data[DATA_KEYS_MAX + 1][DATA_KEY_BYTES]; /* by number, from 1 */
	bool has_data[DATA_KEYS_MAX + 1];
	char access[STORAGE_MAX], secret[STORAGE_MAX];
};

static bool
key_path(const struct config *config, const char *name, char out[KEY_PATH_MAX])
{
	const char *dir = config_str(config, CFG_KEYS_DIR);

	if (*dir != '\0')
		return (size_t)snprintf(out, KEY_PATH_MAX, "%s%s%s", dir, *name != '\0' ? "/" : "",
			   name) < KEY_PATH_MAX;
	return (size_t)snprintf(out, KEY_PATH_MAX, "%s/keys%s%s", config_str(config, CFG_DATA_DIR),
		   *name != '\0' ? "/" : "", name) < KEY_PATH_MAX;
}

/* Reads the only line of the file, or "" if there is no such file. */
static bool
key_read(const struct config *config, const char *name, char *out, size_t size, struct error *err)
{
	char path[KEY_PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	out[0] = '\0';
	if (!key_path(config, name, path))
		return error_set(err, ERR_INTERNAL, "the path of the keys directory is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if ((st.st_mode & KEY_MODE_WRONG) != 0) {
		close(fd);
		return error_set(err, ERR_INTERNAL, "%s: mode %04o is too open: chmod 0400", path,
		    (unsigned)(st.st_mode & 07777));
	}
	n = read(fd, out, size - 1);
	close(fd);
	if (n < 0 || n == (ssize_t)size - 1)
		return error_set(err, ERR_INTERNAL, "%s: cannot be read or is too long for a key",
		    path);
	out[n] = '\0';
	while (n > 0 && isspace((unsigned char)out[n - 1]))
		out[--n] = '\0';
	return true;
}

static bool
jwt_load(struct keyring *ring, const struct config *config, struct error *err)
{
	for (int kid = 1; kid <= JWT_KEYS_MAX; kid++) {
		char name[32], text[KEY_TEXT_MAX];
		struct jwt_key *key = &ring->jwt[ring->njwt];

		snprintf(name, sizeof(name), "jwt-%d.key", kid);
		if (!key_read(config, name, text, sizeof(text), err))
			return false;
		if (text[0] == '\0')
			continue;
		key->kid = kid;
		key->len = strlen(text) / 2;
		if (strlen(text) % 2 != 0 || key->len < JWT_KEY_MIN ||
		    key->len > sizeof(key->secret) || !hex_decode(text, key->secret, key->len))
			return error_set(err, ERR_INTERNAL,
			    "%s: must hold %d to %zu hexadecimal digits", name, 2 * JWT_KEY_MIN,
			    2 * sizeof(key->secret));
		ring->njwt++;
		explicit_bzero(text, sizeof(text));
	}
	if (ring->njwt == 0)
		return error_set(err, ERR_INTERNAL,
		    "there is no key to sign tokens: run 'medianest-admin keys create'");
	return true;
}

static bool
data_load(struct keyring *ring, const struct config *config, struct error *err)
{
	for (int kid = 1; kid <= DATA_KEYS_MAX; kid++) {
		char name[32], text[KEY_TEXT_MAX];

		snprintf(name, sizeof(name), "data-%d.key", kid);
		if (!key_read(config, name, text, sizeof(text), err))
			return false;
		if (text[0] == '\0')
			continue;
		if (strlen(text) != 2 * DATA_KEY_BYTES ||
		    !hex_decode(text, ring->data[kid], DATA_KEY_BYTES))
			return error_set(err, ERR_INTERNAL, "%s: must hold %d hexadecimal digits",
			    name, 2 * DATA_KEY_BYTES);
		ring->has_data[kid] = true;
		explicit_bzero(text, sizeof(text));
	}
	return true;
}

/* The settings take precedence over the file. */
static bool
storage_load(const struct config *config, enum config_key key, const char *file,
    char out[STORAGE_MAX], struct error *err)
{
	if (*config_str(config, key) == '\0')
		return key_read(config, file, out, STORAGE_MAX, err);
	str_copy(out, STORAGE_MAX, config_str(config, key));
	return true;
}

struct keyring *
keyring_load(const struct config *config, bool storage_only, struct error *err)
{
	struct keyring *ring = xmalloc(sizeof(*ring));

	memset(ring, 0, sizeof(*ring));
	if ((!storage_only && (!jwt_load(ring, config, err) || !data_load(ring, config, err))) ||
	    !storage_load(config, CFG_STORAGE_ACCESS_KEY, "storage-access.key", ring->access,
		err) ||
	    !storage_load(config, CFG_STORAGE_SECRET_KEY, "storage-secret.key", ring->secret,
		err)) {
		keyring_free(ring);
		return NULL;
	}
	return ring;
}

void
keyring_free(struct keyring *ring)
{
	if (ring == NULL)
		return;
	explicit_bzero(ring, sizeof(*ring));
	free(ring);
}

const struct jwt_key *
keyring_jwt_signing(const struct keyring *ring)
{
	return ring->njwt > 0 ? &ring->jwt[ring->njwt - 1] : NULL;
}

const struct jwt_key *
keyring_jwt(const struct keyring *ring, int kid)
{
	for (unsigned i = 0; i < ring->njwt; i++)
		if (ring->jwt[i].kid == kid)
			return &ring->jwt[i];
	return NULL;
}

const unsigned char *
keyring_data(const struct keyring *ring, int kid, int *found)
{
	for (int i = DATA_KEYS_MAX; i >= 1; i--) {
		if (ring->has_data[i] && (kid == 0 || kid == i)) {
			if (found != NULL)
				*found = i;
			return ring->data[i];
		}
	}
	return NULL;
}

const char *
keyring_storage_access(const struct keyring *ring)
{
	return ring->access;
}

const char *
keyring_storage_secret(const struct keyring *ring)
{
	return ring->secret;
}

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

static bool
key_write(const struct config *config, const char *name, const char *text, bool verbose,
    struct error *err)
{
	char path[KEY_PATH_MAX];
	size_t len = strlen(text);
	bool ok;
	int fd;

	if (!key_path(config, name, path))
		return error_set(err, ERR_INTERNAL, "the path of the keys directory is too long");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0 && errno == EEXIST) {
		if (verbose)
			printf("%s: kept\n", path);
		return true;
	}
	if (fd < 0)
		return error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
	ok = owner_take(path, fd) && write(fd, text, len) == (ssize_t)len &&
	    write(fd, "\n", 1) == 1 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (!ok) {
		unlink(path);
		return error_set(err, ERR_INTERNAL, "%s: cannot write the key: %s", path,
		    strerror(errno));
	}
	if (verbose)
		printf("%s: created\n", path);
	return true;
}

static bool
key_exists(const struct config *config, const char *name)
{
	char path[KEY_PATH_MAX];

	return key_path(config, name, path) && access(path, F_OK) == 0;
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

bool
keyring_create(const struct config *config, bool verbose, struct error *err)
{
	char dir[KEY_PATH_MAX], text[KEY_TEXT_MAX];
	bool have_jwt = false, have_data = false;

	if (!key_path(config, "", dir))
		return error_set(err, ERR_INTERNAL, "the path of the keys directory is too long");
	if (!directory_create(dir, err))
		return false;
	for (int kid = 1; kid <= JWT_KEYS_MAX; kid++) {
		snprintf(text, sizeof(text), "jwt-%d.key", kid);
		have_jwt = have_jwt || key_exists(config, text);
	}
	for (int kid = 1; kid <= DATA_KEYS_MAX; kid++) {
		snprintf(text, sizeof(text), "data-%d.key", kid);
		have_data = have_data || key_exists(config, text);
	}
	random_hex(text, DATA_KEY_BYTES);
	if (!have_data && !key_write(config, "data-1.key", text, verbose, err))
		return false;
	random_hex(text, JWT_KEY_MIN);
	if (!have_jwt && !key_write(config, "jwt-1.key", text, verbose, err))
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
