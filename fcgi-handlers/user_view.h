/* A person as JSON. */
#ifndef MN_HANDLERS_USER_VIEW_H
#define MN_HANDLERS_USER_VIEW_H

#include <stdint.h>

struct json;
struct person_storage;
struct user;

#define USER_ETAG 48                       /* bytes of "version-lastLogin" */
#define USER_STORAGE_ETAG (USER_ETAG + 34) /* and "-bytes-quota" */

void user_etag(const struct user *, char out[USER_ETAG]);
void user_view(struct json *, const char *key, const struct user *);
/*
 * The same with what they use and may use, which is a part of what is shown but of no version:
 * `etag` says both, and If-Match finds the version in it. quota_default: bytes, 0 = no limit.
 */
void user_storage_etag(const struct user *, const struct person_storage *, int64_t quota_default,
    char out[USER_STORAGE_ETAG]);
void user_storage_view(struct json *, const struct user *, const struct person_storage *,
    int64_t quota_default);

#endif
