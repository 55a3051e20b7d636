/*
 * Password hashes (argon2id, RFC 9106) behind a gate: 19 MiB and tens of milliseconds each, so at
 * most two run at once.
 */
#include "core/crypto.h"

#include <argon2.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "core/words.h"
#include "core/banned.h"

#define SALT_SIZE 16
#define HASH_SIZE 32
#define GATE_PATH_MAX 4096
#define GATE_POLL_MS 5
#define GATE_RETRY_AFTER 1 /* seconds */

#define PARAMETERS \
	"$argon2id$v=19$m=" TEXT(ARGON2_MEMORY_KIB) ",t=" TEXT(ARGON2_TIME) ",p=" TEXT( \
	    ARGON2_LANES) "$"

/* The hash of no password: verifying against it takes as long as a real verification. */
static const char dummy_hash[] =
    PARAMETERS "bWVkaWFuZXN0LWR1bW15IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static bool
gate_try(const char *dir, int *out, struct error *err)
{
	static unsigned first;
	char path[GATE_PATH_MAX];

	first++; /* spreads the waiters over the places */
	for (unsigned i = 0; i < PASSWORD_GATE_PLACES; i++) {
		int fd;

		if ((size_t)snprintf(path, sizeof(path), "%s/argon2-%u.lock", dir,
			(first + i) % PASSWORD_GATE_PLACES) >= sizeof(path))
			return error_set(err, ERR_INTERNAL, "the run directory's name is too long");
		/*
		 * A lock needs read access only, so that processes of other users can share the
		 * files.
		 */
		fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0) {
			error_set(err, ERR_INTERNAL,
			    "The password could not be checked. Try again later.");
			return error_detail(err, "%s: %s", path, strerror(errno));
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*out = fd;
			return true;
		}
		close(fd);
	}
	*out = -1;
	return true;
}

/* us since the last call of password_time_us(), and when the gate was entered */
static int64_t spent, entered;

int64_t
password_time_us(void)
{
	int64_t us = spent;

	spent = 0;
	return us;
}

/*
 * malloc keeps blocks of the size that it was once given back, so a worker would hold the memory of
 * its last hash as long as it lives.
 */
static void
gate_leave(int fd)
{
	if (fd >= 0) {
		malloc_trim(0);
		close(fd);
	}
	spent += clock_monotonic() - entered;
}

/*
 * Takes a place, which is an open file. It becomes free when the file is closed or the process
 * ends.
 */
static bool
gate_enter(const char *dir, int *fd, struct error *err)
{
	const struct timespec pause = { .tv_nsec = GATE_POLL_MS * 1000000L };
	int64_t deadline;

	entered = clock_monotonic();
	deadline = entered + PASSWORD_GATE_WAIT_MS * US_PER_MS;
	for (;;) {
		if (!gate_try(dir, fd, err))
			return false;
		if (*fd >= 0)
			return true;
		if (clock_monotonic() >= deadline) {
			gate_leave(-1);
			error_slug(err, ERR_UNAVAILABLE, "password_check_busy",
			    "Too many sign-ins at once. Try again shortly.");
			err->retry_after = GATE_RETRY_AFTER;
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

static bool
argon2_failed(int rc, struct error *err)
{
	error_set(err, ERR_INTERNAL, "The password could not be checked. Try again later.");
	return error_detail(err, "argon2: %s", argon2_error_message(rc));
}

bool
password_hash(const char *gate_dir, const char *password, char out[ARGON2_HASH_MAX],
    struct error *err)
{
	unsigned char salt[SALT_SIZE];
	int fd, rc;

	random_bytes(salt, sizeof(salt));
	if (!gate_enter(gate_dir, &fd, err))
		return false;
	rc = argon2id_hash_encoded(ARGON2_TIME, ARGON2_MEMORY_KIB, ARGON2_LANES, password,
	    strlen(password), salt, sizeof(salt), HASH_SIZE, out, ARGON2_HASH_MAX);
	gate_leave(fd);
	return rc == ARGON2_OK || argon2_failed(rc, err);
}

bool
password_verify(const char *gate_dir, const char *hash, const char *password, bool *ok,
    bool *rehash, struct error *err)
{
	const char *against = hash != NULL ? hash : dummy_hash;
	int fd, rc;

	*ok = *rehash = false;
	if (!gate_enter(gate_dir, &fd, err))
		return false;
	rc = argon2id_verify(against, password, strlen(password));
	gate_leave(fd);
	if (rc != ARGON2_OK && rc != ARGON2_VERIFY_MISMATCH)
		return argon2_failed(rc, err);
	*ok = rc == ARGON2_OK && hash != NULL;
	*rehash = *ok && !str_starts(hash, PARAMETERS);
	return true;
}

/* Sorted, lower case. */
static const char *const common[] = {
#include "core/password_list.def"
};

static int
compare(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

bool
password_is_common(const char *password)
{
	char lower[PASSWORD_MAX + 1];
	size_t len = str_copy(lower, sizeof(lower), password);

	if (len >= sizeof(lower))
		return false;
	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (len > 0 && strspn(lower, (const char[]) { lower[0], '\0' }) == len)
		return true; /* one character repeated */
	return bsearch(lower, common, sizeof(common) / sizeof(common[0]), sizeof(common[0]),
		   compare) != NULL;
}
