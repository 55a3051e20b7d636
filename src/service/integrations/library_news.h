/*
 * News of a library, from the sync or from a webhook, as a part of the note that they belong to:
 * what is below a series or an album is told with it, everything else with its library. Where many
 * series have news at a time, the library is told instead.
 */
#ifndef MN_SERVICE_INTEGRATIONS_LIBRARY_NEWS_H
#define MN_SERVICE_INTEGRATIONS_LIBRARY_NEWS_H

#include "model/library_news.h"
#include "service/notify/notify_group.h"

struct arena;

struct notify_part library_news_part(struct arena *, const struct library_news *);

#endif
