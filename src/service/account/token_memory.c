#include "service/account/token_memory.h"

#include <string.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "service/account/token.h"

#include "core/banned.h"

#define SLOT_BYTES 8 /* the last ones of the signature choose the slot */

static size_t
slot_of(const char *token, size_t len)
{
	size_t sum = 0;

	for (size_t i = len - SLOT_BYTES; i < len; i++)
		sum = sum * 31 + (unsigned char)token[i];
	return sum & (TOKEN_MEMORY_SLOTS - 1);
}

bool
token_remembered(const struct token_memory *memory, const char *token, size_t len, int64_t now,
    struct principal *who)
{
	size_t i;

	if (len < SLOT_BYTES || len > TOKEN_MEMORY_TEXT)
		return false;
	i = slot_of(token, len);
	if (memory->slot[i].len != len || !secure_equal(memory->slot[i].text, token, len) ||
	    memory->slot[i].who.expires_at + TOKEN_SKEW_SECONDS * US_PER_SEC <= now)
		return false;
	*who = memory->slot[i].who;
	return true;
}

void
token_remember(struct token_memory *memory, const char *token, size_t len,
    const struct principal *who)
{
	size_t i;

	if (len < SLOT_BYTES || len > TOKEN_MEMORY_TEXT)
		return;
	i = slot_of(token, len);
	memory->slot[i].len = len;
	memory->slot[i].who = *who;
	memcpy(memory->slot[i].text, token, len);
}
