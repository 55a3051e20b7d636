/*
 * Access tokens that this process has verified: until one expires it is not verified a second time.
 * Whether its session has ended is asked at every request, remembered or not (gate/admission.h).
 */
#ifndef MN_SERVICE_ACCOUNT_TOKEN_MEMORY_H
#define MN_SERVICE_ACCOUNT_TOKEN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"

#define TOKEN_MEMORY_SLOTS 64 /* a power of two; a newer token replaces an older one */
#define TOKEN_MEMORY_TEXT 768 /* bytes; longer tokens are not remembered (ours have about 450) */

struct token_memory {
	struct {
		size_t len; /* 0: free */
		struct principal who;
		char text[TOKEN_MEMORY_TEXT];
	} slot[TOKEN_MEMORY_SLOTS];
};

/* As token_verify() left it; false: not remembered, or expired at `now` (us). */
bool token_remembered(const struct token_memory *, const char *token, size_t len, int64_t now,
    struct principal *who);
/* Only what token_verify() accepted. */
void token_remember(struct token_memory *, const char *token, size_t len, const struct principal *);

#endif
