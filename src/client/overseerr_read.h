/* Private to overseerr*.c: what its answers say. */
#ifndef MN_CLIENT_OVERSEERR_READ_H
#define MN_CLIENT_OVERSEERR_READ_H

#include <stdbool.h>

#include "client/overseerr.h"

struct arena;
struct cJSON;

/* False: the object is none of these. */
bool overseerr_read_account(struct arena *, const struct cJSON *, struct overseerr_account *);
bool overseerr_read_request(struct arena *, const struct cJSON *, struct overseerr_request *);
bool overseerr_read_title(struct arena *, const struct cJSON *, const char *media_type,
    struct overseerr_title *);
bool overseerr_read_details(struct arena *, const struct cJSON *, const char *media_type,
    struct overseerr_details *);

#endif
