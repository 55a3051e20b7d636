/*
 * Calls to other servers happen outside transactions: otherwise everyone who waits for a locked row
 * waits for that server too. The database says when a transaction begins and ends, every client of
 * another server says when it calls, and a call inside is a bug that the log names and every test
 * looks for.
 */
#ifndef MN_CORE_OUTSIDE_H
#define MN_CORE_OUTSIDE_H

#include <stdbool.h>

void outside_began(void); /* a transaction of this process */
void outside_ended(void);
/* Before the call; `what` names the server. False: a transaction is open. */
bool outside_call(const char *what);

#endif
