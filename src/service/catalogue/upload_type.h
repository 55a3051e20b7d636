/*
 * The content type of a file that is to be uploaded. What clients say is a hint: browsers have
 * several names for one type, and none for others. The worker looks at the bytes.
 */
#ifndef MN_SERVICE_CATALOGUE_UPLOAD_TYPE_H
#define MN_SERVICE_CATALOGUE_UPLOAD_TYPE_H

#include <stdbool.h>

struct arena;
struct config;

#define UPLOAD_TYPE_UNKNOWN "application/octet-stream"

/*
 * The usual name of the type, in lower case and without parameters. Where the client does not know
 * the type (NULL, empty, application/octet-stream, an experimental name that we do not know) that
 * of the file name's ending. UPLOAD_TYPE_UNKNOWN: only the bytes tell.
 */
const char *upload_type(struct arena *, const char *type, const char *filename);
/* Does the setting upload.types have this type, under any of its names? */
bool upload_type_allowed(struct arena *, const struct config *, const char *type);
/*
 * May a file that was announced as this type be sent? One whose type nobody knows may, unless its
 * ending is that of something else.
 */
bool upload_type_accepted(struct arena *, const struct config *, const char *type,
    const char *filename);
/* Is it a type that the worker may report? */
bool upload_type_known(const char *type);

#endif
