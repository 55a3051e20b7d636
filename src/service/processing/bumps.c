#include "service/processing/bumps.h"

#include <string.h>

#include "core/clock.h"
#include "core/str.h"
#include "service/gate/cache.h"
#include "core/banned.h"

void
bumps_missed(struct bumps *b)
{
	b->all = true;
	b->next = 0;
}

void
bumps_config(struct bumps *b)
{
	b->config = true;
}

void
bumps_scope(struct bumps *b, const char *scope)
{
	for (unsigned i = 0; i < b->n; i++)
		if (str_eq(b->scopes[i], scope))
			return;
	if (b->n == BUMPS_MAX || strlen(scope) >= UUID_TEXT)
		b->all = true;
	else
		str_copy(b->scopes[b->n++], UUID_TEXT, scope);
}

bool
bumps_pending(const struct bumps *b)
{
	return b->all || b->config || b->n > 0;
}

static bool
push(struct bumps *b, const struct call *call)
{
	if (b->all) {
		if (!cache_drop_versions(call))
			return false;
		memset(b, 0, sizeof(*b));
		return true;
	}
	if (b->config && !cache_raise(call, CACHE_CONFIG))
		return false;
	b->config = false;
	for (; b->n > 0; b->n--)
		if (!cache_raise(call, b->scopes[b->n - 1]))
			return false;
	return true;
}

void
bumps_push(struct bumps *b, const struct call *call)
{
	int64_t now = clock_monotonic();

	if (!bumps_pending(b) || now < b->next)
		return;
	b->next = push(b, call) ? 0 : now + BUMPS_RETRY_MS * US_PER_MS;
}
