/* Figures of the house. Strings belong to the arena. */
#ifndef MN_MODEL_FIGURES_H
#define MN_MODEL_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"

/* So much of a kind, of a state, or of a month (YYYY-MM). */
struct amount {
	const char *name;
	int64_t items, bytes;
};
struct amounts {
	struct amount *items;
	size_t n;
};

struct person_storage {
	const char *user_id, *display_name;
	int64_t bytes, items;
	int64_t quota; /* bytes; -1: none of their own */
};

struct figures {
	int64_t people[ROLES], active[ROLES];
	struct amounts kinds, states, months;
	struct person_storage *persons; /* those who use most */
	size_t npersons;
};

/* What could not be read, for one reason. */
struct failure_group {
	const char *code, *message;
	int64_t n;
	const char *media_id, *title; /* one that the caller can read, or NULL */
};

struct failed_item {
	const char *id, *content_type;
};

struct queue_load {
	const char *queue;
	int64_t running, waiting, oldest_s;
};

struct redis_load {
	const char *version; /* "": unknown */
	int64_t used;        /* bytes */
};

struct postgres_load {
	const char *version;
	int64_t connections; /* to this database, of everyone */
};

#endif
