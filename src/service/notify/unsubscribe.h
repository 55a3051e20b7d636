/*
 * Links that end mails without signing in (RFC 8058). A token names a person and what to end, a
 * kind of notes or a digest, under a keyed hash of it; nothing is stored.
 */
#ifndef MN_SERVICE_NOTIFY_UNSUBSCRIBE_H
#define MN_SERVICE_NOTIFY_UNSUBSCRIBE_H

#include <stdbool.h>

struct call;
struct error;

#define UNSUBSCRIBE_TOKEN_MAX 256 /* bytes */

/* `what`: a kind, "daily" or "weekly". *url is for List-Unsubscribe and for people. */
bool unsubscribe_url(const struct call *, const char *user, const char *what, const char **url,
    struct error *);
/* ERR_NOT_FOUND: not a token of this server. Doing it again changes nothing. */
bool unsubscribe(const struct call *, const char *token, struct error *);
/* The page that asks before it does so. */
const char *unsubscribe_page(const struct call *, const char *token);

#endif
