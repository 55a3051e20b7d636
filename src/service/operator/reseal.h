/*
 * medianest-admin keys reseal: seals every stored secret again with the newest data-N.key, so that
 * older ones can be removed.
 */
#ifndef MN_SERVICE_OPERATOR_RESEAL_H
#define MN_SERVICE_OPERATOR_RESEAL_H

#include <stdbool.h>
#include <stdio.h>

struct arena;
struct config;
struct db;
struct error;

/*
 * Works in batches, each a transaction, and can be repeated: what is sealed with the newest key
 * already is not touched. Prints what it did, each secret that cannot be opened, and which keys may
 * go. *whole is false when a secret is left.
 */
bool reseal_run(struct config *, struct db *, struct arena *, FILE *out, bool *whole,
    struct error *);

#endif
