/* As whom medianest-admin works when root starts it. */
#ifndef MN_BIN_ADMIN_USER_H
#define MN_BIN_ADMIN_USER_H

#include <stdbool.h>

struct config;
struct error;

/*
 * Root becomes the user whom PostgreSQL knows and who owns the keys: the owner of the run
 * directory, or before there is one, the user of the packages. `come_back`: the process may be
 * root again; programs that it starts are not.
 */
bool admin_become_service(const struct config *, bool come_back, struct error *);

#endif
