/* A person as JSON. */
#ifndef MN_HANDLERS_USER_VIEW_H
#define MN_HANDLERS_USER_VIEW_H

struct json;
struct user;

#define USER_ETAG 48 /* bytes of "version-lastLogin" */

void user_etag(const struct user *, char out[USER_ETAG]);
void user_view(struct json *, const char *key, const struct user *);

#endif
