/* The three guards that need services, wired for the API pools. */
#ifndef MN_BIN_GUARDS_H
#define MN_BIN_GUARDS_H

#include "http/guard.h"

const struct guards *guards_default(void);

#endif
