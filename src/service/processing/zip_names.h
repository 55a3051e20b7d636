/*
 * Names of the files of a zip: each fits every usual file system, leads nowhere else, and is
 * there once, also where "a.jpg" and "A.jpg" are the same.
 */
#ifndef MN_SERVICE_PROCESSING_ZIP_NAMES_H
#define MN_SERVICE_PROCESSING_ZIP_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define ZIP_NAME_MAX 200       /* bytes; file systems take 255 */
#define ZIP_NAME_ENDING_MAX 20 /* bytes of an ending that survives a cut, with its dot */

/*
 * A name without separators, controls, marks that change the direction of a text, or what Windows
 * refuses (its names of devices too).
 */
const char *zip_name_clean(struct arena *, const char *name);

struct zip_names;
struct zip_names *zip_names_new(struct arena *, size_t most);
/*
 * The clean name, numbered as "name (2).jpg" if it is there already; at most `most` times. folded:
 * the same text for names that differ in case only.
 */
const char *zip_names_add(struct zip_names *, const char *name, const char *folded);

#endif
