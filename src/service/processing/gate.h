/*
 * Bounds how many runners of a queue decode at the same time. There is one more runner than that:
 * it fetches or stores its file while the others keep the processors busy.
 *
 * Each decoder holds the lock of a byte of one file that all runners have open. A lock belongs to
 * its process, so it ends with it, however that ends.
 */
#ifndef MN_SERVICE_PROCESSING_GATE_H
#define MN_SERVICE_PROCESSING_GATE_H

#include <signal.h>
#include <stdbool.h>

#define GATE_WIDTH 256 /* bytes of each queue: more than a setting allows decoders */
#define GATE_LOOK_MS 5 /* between looks for a free one */

struct gate {
	int fd;
	int first, n; /* bytes of the queue */
};

/* The file, before any runner is started; -1: it could not be created. */
int gate_open(void);
/* Waits until fewer than n others decode; returns the byte to leave with, or -1: *stop. */
int gate_enter(const struct gate *, const volatile sig_atomic_t *stop);
void gate_leave(const struct gate *, int byte);

#endif
