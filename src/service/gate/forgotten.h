/* What Redis keeps of people: removed when they are gone. */
#ifndef MN_SERVICE_GATE_FORGOTTEN_H
#define MN_SERVICE_GATE_FORGOTTEN_H

#include <stdbool.h>

struct call;
struct error;

/*
 * For housekeeping. The generations and the catalogue versions of deleted people have no expiry of
 * their own. Without Redis there is nothing to remove: that is a success.
 */
bool forget_people(const struct call *, struct error *);

#endif
