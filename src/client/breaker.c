#include "client/breaker.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "core/shm.h"
#include "core/banned.h"

#define BREAKER_FORMAT "breakers 1" /* change it with struct breaker */
#define PROBE_US (BREAKER_PROBE_SECONDS * US_PER_SEC)
#define FREE 0
/* being initialised; if the process is killed then, the place counts as least recently used */
#define TAKEN 1

struct breaker {
	_Atomic uint64_t origin;                     /* FREE, TAKEN or a hash of it */
	_Atomic int64_t failures, probe_at, used_at; /* the last two in monotonic us */
};

struct breakers {
	struct shm_head head;
	struct breaker slots[BREAKER_ORIGINS];
};

static struct breakers own;
static struct breakers *shared = &own;

static int64_t
get(_Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
set(_Atomic int64_t *value, int64_t to)
{
	atomic_store_explicit(value, to, memory_order_relaxed);
}

/* People choose the origins, so the hash must resist deliberate collisions. */
static uint64_t
hash_of(const char *origin)
{
	unsigned char digest[SHA256_SIZE];
	uint64_t hash;

	sha256(origin, strlen(origin), digest);
	memcpy(&hash, digest, sizeof(hash));
	return hash > TAKEN ? hash : TAKEN + 1;
}

static struct breaker *
find(uint64_t hash)
{
	for (struct breaker *b = shared->slots; b < shared->slots + BREAKER_ORIGINS; b++)
		if (atomic_load_explicit(&b->origin, memory_order_acquire) == hash)
			return b;
	return NULL;
}

/* Returns NULL if another process took the place first. */
static struct breaker *
replace_oldest(uint64_t hash)
{
	struct breaker *oldest = shared->slots;
	uint64_t seen;

	for (struct breaker *b = shared->slots; b < shared->slots + BREAKER_ORIGINS; b++) {
		if (atomic_load_explicit(&b->origin, memory_order_relaxed) == FREE) {
			oldest = b;
			break;
		}
		if (get(&b->used_at) < get(&oldest->used_at))
			oldest = b;
	}
	seen = atomic_load_explicit(&oldest->origin, memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&oldest->origin, &seen, TAKEN,
		memory_order_acquire, memory_order_relaxed))
		return NULL;
	set(&oldest->failures, 0);
	set(&oldest->probe_at, 0);
	atomic_store_explicit(&oldest->origin, hash, memory_order_release);
	return oldest;
}

static struct breaker *
breaker_of(const char *origin, int64_t now)
{
	uint64_t hash = hash_of(origin);
	struct breaker *b = find(hash);

	if (b == NULL)
		b = replace_oldest(hash);
	if (b != NULL)
		set(&b->used_at, now);
	return b;
}

bool
breaker_admits(const char *origin, int64_t now)
{
	struct breaker *b = breaker_of(origin, now);
	int64_t probe_at;

	if (b == NULL || get(&b->failures) < BREAKER_FAILURES)
		return true;
	probe_at = get(&b->probe_at);
	/* A time further ahead than any probe is from before a reboot. */
	if (now < probe_at && probe_at - now <= PROBE_US)
		return false;
	/* Only one of several processes makes the probe. */
	return atomic_compare_exchange_strong_explicit(&b->probe_at, &probe_at, now + PROBE_US,
	    memory_order_relaxed, memory_order_relaxed);
}

void
breaker_result(const char *origin, bool ok, int64_t now)
{
	struct breaker *b = breaker_of(origin, now);

	if (b == NULL)
		return;
	if (ok) {
		set(&b->failures, 0);
	} else if (get(&b->failures) < BREAKER_FAILURES &&
	    atomic_fetch_add_explicit(&b->failures, 1, memory_order_relaxed) + 1 ==
		BREAKER_FAILURES) {
		set(&b->probe_at, now + PROBE_US);
	}
}

bool
breaker_share(const char *run_dir, struct error *err)
{
	const struct shm_file file = { .name = "breakers",
		.fingerprint = shm_hash(SHM_HASH ^ sizeof(struct breakers), BREAKER_FORMAT),
		.size = sizeof(struct breakers) };
	void *map;

	if (shared != &own)
		return true;
	if ((map = shm_map(run_dir, &file, err)) == NULL)
		return false;
	shared = map;
	return true;
}
