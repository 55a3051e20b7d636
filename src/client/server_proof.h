/*
 * Who gets the token of a media server: the installation that it is for, and nobody who has taken
 * over its address since.
 *
 * Before a token is sent, the server has said who it is, on a request without one. A process
 * remembers that for SERVER_PROOF_S, and as long as the connection lasts: what needs a new
 * connection asks again. A server whose machine_id is not known yet proves nothing.
 */
#ifndef MN_CLIENT_SERVER_PROOF_H
#define MN_CLIENT_SERVER_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct http_answer;
struct http_out;
struct media_server;
struct server_identity;

#define SERVER_PROOF_S 60
#define SERVER_PROOFS_MAX 64 /* a new one replaces the oldest */

/*
 * http_out() for a request with the server's token. Without a response, got->end is never
 * CALL_ANSWERED; error server_changed: another installation responds.
 */
bool server_call(struct arena *, const struct media_server *, struct http_out *,
    struct http_answer *got, struct error *);
/*
 * The same for up to HTTP_OUT_EACH_MAX servers at the same time, all within one deadline (monotonic
 * us): see answers[i].end and errors[i], as with http_out_each().
 */
void server_call_each(struct arena *, const struct media_server *, size_t n, int64_t deadline,
    struct http_out *, struct http_answer *, struct error *);
/* What responded to a request without a token said who it is. False: another one than expected. */
bool server_proof_note(const struct media_server *, const struct server_identity *, struct error *);

#endif
