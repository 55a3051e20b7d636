/*
 * The content type of a file that is to be uploaded. What clients say is a hint: browsers have
 * several names for one type, and none for others. The worker looks at the bytes.
 */
#ifndef MN_SERVICE_CATALOGUE_UPLOAD_TYPE_H
#define MN_SERVICE_CATALOGUE_UPLOAD_TYPE_H

struct arena;

/*
 * The usual name of the type, in lower case and without parameters. Where the client does not know
 * the type (application/octet-stream), that of the file name's ending.
 */
const char *upload_type(struct arena *, const char *type, const char *filename);

#endif
