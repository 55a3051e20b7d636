/* Addresses and networks as people write them in settings: "192.0.2.1", "2001:db8::/32". */
#ifndef MN_CORE_NETWORK_H
#define MN_CORE_NETWORK_H

#include <stdbool.h>

#define NETWORK_TEXT_MAX 64 /* bytes of one, NUL included */

/*
 * Does a comma-separated list contain an address (as text), by itself or in a network? An IPv4
 * address that is mapped into IPv6 is the IPv4 address. Elements that are neither contain nothing.
 */
bool network_list_has(const char *list, const char *address);
/* Is every element an address or a network? On false, `wrong` has the first that is not. */
bool network_list_valid(const char *list, char wrong[NETWORK_TEXT_MAX]);

#endif
