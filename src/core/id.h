/* Identifiers: UUIDv7 (RFC 9562 section 5.7) as lower-case text, and request ids. */
#ifndef MN_CORE_ID_H
#define MN_CORE_ID_H

#include <stdbool.h>

#define UUID_TEXT 37      /* with NUL */
#define REQUEST_ID_MAX 65 /* with NUL; 8..64 of A-Za-z0-9._- */

void uuid_v7(char out[UUID_TEXT]); /* increasing within a process */
/* 8-4-4-4-12 lower- or upper-case hexadecimal digits, any version */
bool uuid_valid(const char *);
bool request_id_valid(const char *);

#endif
