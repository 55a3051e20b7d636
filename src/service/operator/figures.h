/*
 * Figures of the house: people, items, bytes, growth. All of them are sums that are kept
 * (store_sums.h), so that a page that loads them costs milliseconds, however many items there are.
 */
#ifndef MN_SERVICE_OPERATOR_FIGURES_H
#define MN_SERVICE_OPERATOR_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/figures.h"

struct call;
struct error;

#define FIGURES_MONTHS 24
#define FIGURES_PEOPLE 100

struct house_figures {
	struct figures figures;
	int64_t free;          /* bytes for files on the disk of data.dir; -1: unknown */
	int64_t quota_default; /* bytes; 0: no limit */
};
bool figures_read(const struct call *, struct house_figures *, struct error *);

#endif
