#include "http/crew.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http/prefork.h"

#include "core/banned.h"

struct crew {
	int least, most;
	atomic_int serving, busy;
	atomic_bool at_work[PREFORK_SLOTS];
};

/* Of a worker. */
static struct crew *own;
static int own_slot;

struct crew *
crew_new(int least, int most)
{
	struct crew *crew;

	if (most <= least)
		return NULL;
	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew == MAP_FAILED)
		return NULL;
	crew->least = least;
	crew->most = most;
	return crew;
}

void
crew_free(struct crew *crew)
{
	if (crew != NULL)
		munmap(crew, sizeof(*crew));
}

void
crew_count(struct crew *crew, int serving)
{
	if (crew != NULL)
		atomic_store(&crew->serving, serving);
}

void
crew_gone(struct crew *crew, int slot)
{
	if (crew != NULL && atomic_exchange(&crew->at_work[slot], false))
		atomic_fetch_sub(&crew->busy, 1);
}

static bool
all_busy(const struct crew *crew)
{
	return atomic_load(&crew->busy) >= atomic_load(&crew->serving);
}

bool
crew_wants_more(const struct crew *crew)
{
	return crew != NULL && all_busy(crew) && atomic_load(&crew->serving) < crew->most;
}

void
crew_join(struct crew *crew, int slot)
{
	own = crew;
	own_slot = slot;
}

void
crew_busy(void)
{
	if (own == NULL || atomic_exchange(&own->at_work[own_slot], true))
		return;
	atomic_fetch_add(&own->busy, 1);
	if (crew_wants_more(own))
		kill(getppid(), SIGUSR1);
}

void
crew_ready(void)
{
	crew_gone(own, own_slot);
}

bool
crew_spare(void)
{
	int serving;

	if (own == NULL)
		return false;
	serving = atomic_load(&own->serving);
	while (serving > own->least)
		if (atomic_compare_exchange_weak(&own->serving, &serving, serving - 1))
			return true;
	return false;
}
