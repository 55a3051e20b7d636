/*
 * The server of sync_model.c: things that a library has, what happens to them, and how the server
 * fails. One for each process.
 */
#ifndef MN_T_TOOLS_SYNC_MODEL_H
#define MN_T_TOOLS_SYNC_MODEL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/media_server.h"

#define THINGS_MAX 128
#define SECTIONS 2

struct thing {
	unsigned key, guid, section;
	bool there, trashed;   /* listed; listed as lying in the server's trash */
	bool broken, nameless; /* cannot be read; not even its key */
	/* where it was when a good run read it last; 0: never */
	unsigned known_key, known_section;
	bool all_the_time, never; /* there from the start of the run to its end; at no time */
	unsigned version;
};
extern struct thing model_things[THINGS_MAX];
extern unsigned model_nthings, model_next_key, model_next_guid;

enum fault {
	FAULT_NONE,
	FAULT_AWAY,     /* does not respond from the n-th question on */
	FAULT_ONCE,     /* does not respond to the n-th question */
	FAULT_TOTAL,    /* counts wrongly */
	FAULT_UNSORTED, /* in another order */
	FAULT_EMPTY,    /* lists nothing */
	FAULT_ENDS,     /* a page ends early */
	FAULT_NO_COUNT, /* does not say how many there are */
	FAULT_NO_LIST,  /* a section is not listed */
	FAULT_CHANGES,  /* the library changes while it is listed */
	FAULT_STOPS,    /* the run is told to stop after the n-th question */
	FAULT_DIES,     /* the process is killed */
	FAULTS,
};
extern const char *const model_fault_names[FAULTS];

/* Of one run: how the server fails, and from which question on; items of its largest page. */
extern enum fault model_fault;
extern unsigned model_questions, model_fault_at, model_page_cap;
extern volatile sig_atomic_t model_stop; /* set by FAULT_STOPS */
extern bool model_doubt; /* something was nameless: its neighbours may hide behind it */

extern const struct media_server_kind model_kind;

extern uint64_t model_state; /* of the random numbers */
extern bool model_trace;
unsigned model_below(unsigned n);
bool model_chance(unsigned percent);

void model_appear(unsigned key);
/* Some random changes; `within` a run: they count for what was there all the time. */
void model_mutate(bool within);
bool model_is_there(const struct thing *);
/* Is it not known to be gone? What cannot be read may be anywhere but gone. */
bool model_may_be_there(const struct thing *);

#endif
