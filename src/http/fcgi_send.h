/*
 * The end of a FastCGI request in one write: header, body and the closing records together (FastCGI
 * 1.0, sections 3.3, 5.3 and 5.5).
 *
 * libfcgi's own stream writes 8 KiB at a time and then waits for nginx to hang up: several system
 * calls, wake-ups and TLS records for one response. Use this in place of FCGX_PutStr and
 * FCGX_Finish_r; the connection is closed afterwards.
 */
#ifndef MN_HTTP_FCGI_SEND_H
#define MN_HTTP_FCGI_SEND_H

#include <stdbool.h>
#include <stddef.h>

struct FCGX_Request;

/* nginx reads immediately: a connection that does not is stuck */
#define FCGI_SEND_TIMEOUT_MS 15000

/* False when nginx has closed the connection, or did not read in time. */
bool fcgi_send(struct FCGX_Request *, const char *head, size_t head_len, const char *body,
    size_t body_len);

#endif
