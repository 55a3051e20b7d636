/* Key files: see keyring.h. */
#include "service/keyring_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

#define KEY_MODE_WRONG 07337 /* bits that a key file must not have: 0400 and 0440 are fine */
#define STORAGE_MAX 129
#define PREFIX_JWT "jwt"
#define PREFIX_DATA "data"

struct data_key {
	int number;
	unsigned char secret[DATA_KEY_BYTES];
};

/* In ascending order. */
struct numbered {
	struct jwt_key jwt[KEYS_MAX];
	struct data_key data[KEYS_MAX];
	size_t njwt, ndata;
};

struct keyring {
	struct numbered keys;
	char access[STORAGE_MAX], secret[STORAGE_MAX];
	const struct config *config;
	struct timespec changed; /* of the directory, before it was read */
};

bool
keyring_path(const struct config *config, const char *name, char out[KEY_PATH_MAX],
    struct error *err)
{
	const char *dir = config_str(config, CFG_KEYS_DIR);
	bool own = *dir != '\0';

	return (size_t)snprintf(out, KEY_PATH_MAX, "%s%s%s%s",
		   own ? dir : config_str(config, CFG_DATA_DIR), own ? "" : "/keys",
		   *name != '\0' ? "/" : "", name) < KEY_PATH_MAX ||
	    error_set(err, ERR_INTERNAL, "the path of the keys directory is too long");
}

void
keyring_name(const char *prefix, int number, char out[KEY_NAME_MAX])
{
	snprintf(out, KEY_NAME_MAX, "%s-%d.key", prefix, number);
}

/* The number of a file, 0: it is another file. */
static int
number_of(const char *prefix, const char *file)
{
	char digits[KEY_NAME_MAX], name[KEY_NAME_MAX];
	int64_t number;
	size_t len = strlen(prefix);

	if (strncmp(file, prefix, len) != 0 || file[len] != '-' || !str_ends(file, ".key") ||
	    str_copy(digits, sizeof(digits), file + len + 1) >= sizeof(digits))
		return 0;
	digits[strcspn(digits, ".")] = '\0';
	if (!str_to_int(digits, 1, KEY_NUMBER_MAX, &number))
		return 0;
	keyring_name(prefix, (int)number, name);
	return str_eq(name, file) ? (int)number : 0;
}

/* Keeps the list in order. False: it is full. */
static bool
number_add(struct key_numbers *numbers, int number)
{
	size_t at = numbers->n;

	if (numbers->n == KEYS_MAX)
		return false;
	for (; at > 0 && numbers->items[at - 1] > number; at--)
		numbers->items[at] = numbers->items[at - 1];
	numbers->items[at] = number;
	numbers->n++;
	return true;
}

bool
keyring_numbers(const struct config *config, const char *prefix, struct key_numbers *numbers,
    struct error *err)
{
	char path[KEY_PATH_MAX];
	const struct dirent *entry;
	bool ok = true;
	int number;
	DIR *dir;

	*numbers = (struct key_numbers) { .n = 0 };
	if (!keyring_path(config, "", path, err))
		return false;
	if ((dir = opendir(path)) == NULL)
		return errno == ENOENT ||
		    error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
	while (ok && (entry = readdir(dir)) != NULL)
		ok =
		    (number = number_of(prefix, entry->d_name)) == 0 || number_add(numbers, number);
	closedir(dir);
	return ok ||
	    error_set(err, ERR_CONFLICT,
		"%s: there are more than %d %s-N.key files: remove those"
		" with the lowest numbers",
		path, KEYS_MAX, prefix);
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
	if (!keyring_path(config, name, path, err))
		return false;
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
jwt_read(const struct config *config, int kid, struct jwt_key *key, struct error *err)
{
	char name[KEY_NAME_MAX], text[KEY_TEXT_MAX];
	bool ok;

	keyring_name(PREFIX_JWT, kid, name);
	if (!key_read(config, name, text, sizeof(text), err))
		return false;
	key->kid = kid;
	key->len = strlen(text) / 2;
	ok = strlen(text) % 2 == 0 && key->len >= JWT_KEY_MIN && key->len <= sizeof(key->secret) &&
	    hex_decode(text, key->secret, key->len);
	explicit_bzero(text, sizeof(text));
	return ok ||
	    error_set(err, ERR_INTERNAL, "%s: must hold %d to %zu hexadecimal digits", name,
		2 * JWT_KEY_MIN, 2 * sizeof(key->secret));
}

static bool
data_read(const struct config *config, int number, struct data_key *key, struct error *err)
{
	char name[KEY_NAME_MAX], text[KEY_TEXT_MAX];
	bool ok;

	keyring_name(PREFIX_DATA, number, name);
	if (!key_read(config, name, text, sizeof(text), err))
		return false;
	key->number = number;
	ok = strlen(text) == 2 * DATA_KEY_BYTES && hex_decode(text, key->secret, DATA_KEY_BYTES);
	explicit_bzero(text, sizeof(text));
	return ok ||
	    error_set(err, ERR_INTERNAL, "%s: must hold %d hexadecimal digits", name,
		2 * DATA_KEY_BYTES);
}

static bool
numbered_load(const struct config *config, struct numbered *keys, struct error *err)
{
	struct key_numbers jwt, data;

	*keys = (struct numbered) { .njwt = 0 };
	if (!keyring_numbers(config, PREFIX_JWT, &jwt, err) ||
	    !keyring_numbers(config, PREFIX_DATA, &data, err))
		return false;
	for (; keys->njwt < jwt.n; keys->njwt++)
		if (!jwt_read(config, jwt.items[keys->njwt], &keys->jwt[keys->njwt], err))
			return false;
	for (; keys->ndata < data.n; keys->ndata++)
		if (!data_read(config, data.items[keys->ndata], &keys->data[keys->ndata], err))
			return false;
	return keys->njwt > 0 ||
	    error_set(err, ERR_INTERNAL,
		"there is no key to sign tokens: run 'medianest-admin keys create'");
}

/* When an entry of the directory last changed. */
static struct timespec
directory_changed(const struct config *config)
{
	char path[KEY_PATH_MAX];
	struct error ignored;
	struct stat st;

	if (!keyring_path(config, "", path, &ignored) || stat(path, &st) != 0)
		return (struct timespec) { 0 };
	return st.st_mtim;
}

/* True: the directory had changed, and its keys have been read again. */
static bool
look_again(struct keyring *ring)
{
	struct timespec changed = directory_changed(ring->config);
	struct numbered keys;
	struct error ignored;
	bool ok;

	if (changed.tv_sec == ring->changed.tv_sec && changed.tv_nsec == ring->changed.tv_nsec)
		return false;
	ring->changed = changed;
	ok = numbered_load(ring->config, &keys, &ignored);
	if (ok)
		ring->keys = keys;
	explicit_bzero(&keys, sizeof(keys));
	return ok;
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
	ring->config = config;
	ring->changed = directory_changed(config);
	if ((!storage_only && !numbered_load(config, &ring->keys, err)) ||
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
	return keyring_jwt_at(ring, 0);
}

const struct jwt_key *
keyring_jwt_at(const struct keyring *ring, size_t i)
{
	return i < ring->keys.njwt ? &ring->keys.jwt[ring->keys.njwt - 1 - i] : NULL;
}

static const struct jwt_key *
jwt_find(const struct keyring *ring, int kid)
{
	for (size_t i = 0; i < ring->keys.njwt; i++)
		if (ring->keys.jwt[i].kid == kid)
			return &ring->keys.jwt[i];
	return NULL;
}

const struct jwt_key *
keyring_jwt(struct keyring *ring, int kid)
{
	const struct jwt_key *key = jwt_find(ring, kid);

	return key == NULL && look_again(ring) ? jwt_find(ring, kid) : key;
}

static const struct data_key *
data_find(const struct keyring *ring, int kid)
{
	for (size_t i = ring->keys.ndata; i > 0; i--)
		if (kid == 0 || ring->keys.data[i - 1].number == kid)
			return &ring->keys.data[i - 1];
	return NULL;
}

const unsigned char *
keyring_data(struct keyring *ring, int kid, int *found)
{
	const struct data_key *key = data_find(ring, kid);

	if (key == NULL && look_again(ring))
		key = data_find(ring, kid);
	if (key == NULL)
		return NULL;
	if (found != NULL)
		*found = key->number;
	return key->secret;
}

size_t
keyring_data_numbers(const struct keyring *ring, int numbers[KEYS_MAX])
{
	for (size_t i = 0; i < ring->keys.ndata; i++)
		numbers[i] = ring->keys.data[i].number;
	return ring->keys.ndata;
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

bool
keyring_mac(struct keyring *ring, int kid, const char *purpose, const char *text,
    unsigned char mac[SHA256_SIZE], int *found)
{
	const unsigned char *key = keyring_data(ring, kid, found);
	unsigned char derived[SHA256_SIZE];

	if (key == NULL)
		return false;
	hmac_sha256(key, DATA_KEY_BYTES, purpose, strlen(purpose), derived);
	hmac_sha256(derived, sizeof(derived), text, strlen(text), mac);
	return true;
}
