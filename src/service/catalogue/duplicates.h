/*
 * What a person has twice: items of theirs with the same bytes, and pictures that look alike. They
 * decide what goes.
 */
#ifndef MN_SERVICE_CATALOGUE_DUPLICATES_H
#define MN_SERVICE_CATALOGUE_DUPLICATES_H

#include <stdbool.h>

#include "model/duplicates.h"
#include "service/list.h"

struct call;
struct error;

/* A page of groups; the newest is the last. */
bool duplicates_list(const struct call *, bool by_look, const struct list_ask *,
    struct duplicate_group **, struct page *, struct error *);

#endif
