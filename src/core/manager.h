/*
 * What a program tells the service manager that started it, by the protocol of sd_notify(3).
 * Without one (NOTIFY_SOCKET is not set) nothing happens.
 */
#ifndef MN_CORE_MANAGER_H
#define MN_CORE_MANAGER_H

void manager_ready(void);
/*
 * Call it in every turn of a main loop: tells a watchdog (WATCHDOG_USEC) in time that the loop goes
 * on.
 */
void manager_alive(void);
/* How long a turn may wait at most, in milliseconds; INT_MAX without a watchdog. */
int manager_patience_ms(void);

#endif
