/*
 * Items that could not be read, processed again on behalf of those who keep the house: whose they
 * are does not matter, and nothing of them is told.
 */
#ifndef MN_SERVICE_CATALOGUE_MEDIA_AGAIN_H
#define MN_SERVICE_CATALOGUE_MEDIA_AGAIN_H

#include <stdbool.h>

struct call;
struct error;

/*
 * In a transaction: the failed item waits for processing again; its job is the caller's. *moved
 * false: there is no such item, or it has not failed. Announced after the commit.
 */
bool media_again(const struct call *, const char *id, bool *moved, struct error *);

#endif
