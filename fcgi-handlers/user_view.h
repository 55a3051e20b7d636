/* A person as JSON. */
#ifndef MN_HANDLERS_USER_VIEW_H
#define MN_HANDLERS_USER_VIEW_H

struct json;
struct user;

void user_view(struct json *, const char *key, const struct user *);

#endif
