/* Lists that are read with a cursor. */
#ifndef MN_MODEL_LIST_H
#define MN_MODEL_LIST_H

#define LIST_LIMIT_DEFAULT 25
#define LIST_LIMIT_MAX 100 /* items of a page */

#endif
