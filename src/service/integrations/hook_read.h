/*
 * The payload of a webhook, read without I/O: its type, what it is about, and a copy whose secrets
 * are masked. People edit templates, so everything but the outermost object is optional, numbers
 * may be texts, and a placeholder such as {{media}} may still stand where something should be.
 */
#ifndef MN_SERVICE_INTEGRATIONS_HOOK_READ_H
#define MN_SERVICE_INTEGRATIONS_HOOK_READ_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct cJSON;
struct error;

#define HOOK_PAYLOAD_MAX (1UL << 20) /* bytes */
#define HOOK_TYPE_MAX 100            /* bytes */
#define HOOK_SUBJECT_MAX 64          /* bytes */
#define HOOK_TITLE_MAX 200           /* bytes of a title for people */
#define HOOK_TYPE_UNKNOWN "unknown"

struct hook_reading {
	const char *type;       /* never NULL */
	const char *machine_id; /* of the media server, or NULL */
	const char *subject;    /* key of the item, number of the request, or NULL */
	const char *masked;     /* JSON object text */
};
/* source: plex, overseerr, generic. ERR_MALFORMED: no JSON object. */
bool hook_read(struct arena *, const char *source, const char *text, size_t len,
    struct hook_reading *, struct error *);

/*
 * A member of the payload that is a text or a number, as text of at most `max` bytes; NULL where it
 * is absent, empty, anything else, or a placeholder. `object` may be NULL.
 */
const char *hook_text(struct arena *, const struct cJSON *object, const char *name, size_t max);
/* An object of the payload, also under the name of its placeholder ("{{media}}"); or NULL. */
const struct cJSON *hook_object(struct arena *, const struct cJSON *object, const char *name);

#endif
