/* The cursor of lists that are read newest first by (time, id): "<us>.<id>". */
#ifndef MN_SERVICE_TIME_CURSOR_H
#define MN_SERVICE_TIME_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct error;

#define TIME_CURSOR_MAX 80 /* bytes: a number of 64 bits, a dot and an id */

const char *time_cursor_make(struct arena *, int64_t us, const char *id);
/*
 * NULL is the beginning: both parts stay NULL. The parts are query parameters. ERR_VALIDATION when
 * it is no cursor.
 */
bool time_cursor_parse(struct arena *, const char *cursor, const char **us, const char **id,
    struct error *);

#endif
