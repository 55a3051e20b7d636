/*
 * Counters that every process of the machine adds to without a lock: a file in the run directory,
 * mapped shared, of fixed layout. Counting is one relaxed atomic add. A file of another layout
 * version is replaced at start.
 */
#ifndef MN_CORE_SHM_H
#define MN_CORE_SHM_H

#include <stdbool.h>
#include <stdint.h>

struct error;

enum counter {
#define COUNTER(id, name, help) COUNTER_##id,
#include "core/counter_table.def"
#undef COUNTER
	COUNTERS,
};

/* without it the counters are private to the process */
bool shm_open_counters(const char *run_dir, struct error *);
void counter_add(enum counter, uint64_t);
uint64_t counter_read(enum counter);
const char *counter_name(enum counter);
const char *counter_help(enum counter);

#endif
