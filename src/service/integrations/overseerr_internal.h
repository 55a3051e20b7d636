/* Private to overseerr*.c and requests*.c: asking Overseerr. */
#ifndef MN_SERVICE_INTEGRATIONS_OVERSEERR_INTERNAL_H
#define MN_SERVICE_INTEGRATIONS_OVERSEERR_INTERNAL_H

#include <stdbool.h>

#include "client/overseerr.h"
#include "model/request.h"

struct call;
struct error;

/*
 * A client that can be asked; ERR_NOT_FOUND where none is set up, ERR_CONFLICT overseerr_off where
 * it is switched off.
 */
bool overseerr_client(const struct call *, struct overseerr *, struct overseerr_settings *,
    struct error *);
/* The same for a request of somebody who waits: with a deadline, and one of the pool's slots. */
bool overseerr_enter(const struct call *, struct overseerr *, int *slot, struct error *);
void overseerr_leave(int slot);
/* Keeps how a question ended; for unknown the error becomes one for clients. */
void overseerr_said(const struct call *, enum answer_kind, struct error *);

/* The users of Overseerr, page by page; then everybody is matched. *whole: they are all. */
bool overseerr_learn_people(const struct call *, const struct overseerr *, bool *whole,
    struct error *);

#endif
