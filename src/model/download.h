/* An archive of many items that a person has made to download them at once. */
#ifndef MN_MODEL_DOWNLOAD_H
#define MN_MODEL_DOWNLOAD_H

#include <stdint.h>

#include "core/str.h"

#define DOWNLOAD_STATUS_LIST(X) X("waiting") X("running") X("ready") X("failed")
#define DOWNLOAD_ITEMS_MAX 10000 /* of one archive */

struct download {
	const char *id, *user_id;
	const char *status;
	const char *title;         /* the name of the archive, without its ending */
	const char *collection_id; /* or NULL: a selection */
	const char *object_key;    /* of one that is ready, or NULL */
	const char *failure_code, *failure_message; /* of one that failed, or NULL */
	int64_t items, left_out;
	int64_t bytes, bytes_done;                   /* of the items */
	int64_t size;                                /* of the archive; -1: not known yet */
	int64_t created_at, finished_at, expires_at; /* us; 0: not yet */
};

/* One item of an archive, as it is now. */
struct download_item {
	int64_t place; /* in the list of the archive, from 1 */
	const char *id;
	const char *name;       /* of its file */
	const char *folded;     /* the same for names that differ in case only */
	const char *object_key; /* NULL: its file is not here */
	int64_t size;
	int64_t at, local; /* us: the instant of its time, and the wall clock of it */
};

#endif
