/*
 * Scratch space of the worker: one directory per run under data.dir/scratch, named after the lease,
 * and removed with the run.
 */
#ifndef MN_SERVICE_PROCESSING_SCRATCH_H
#define MN_SERVICE_PROCESSING_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct config;
struct error;
struct log;

/* Makes the directory with its `out`; NULL: ERR_STORAGE_FULL. The path belongs to the arena. */
const char *scratch_make(const struct config *, struct arena *, const char *name, struct error *);
/*
 * Writes what the sandbox is to read, as `name`: SANDBOX_INPUT, SANDBOX_SIDECAR.
 * ERR_STORAGE_FULL.
 */
bool scratch_write(const char *dir, const char *name, struct arena *, const char *data, size_t len,
    struct error *);
/* The same of a sidecar's text; NULL: there is none. */
bool scratch_sidecar(const char *dir, struct arena *, const char *text, struct error *);
bool scratch_input(const char *dir, struct arena *, const char *data, size_t len, struct error *);
/* Removes a run's directory with everything in it; links are removed, not followed. */
void scratch_remove(const char *path, const struct log *);
const char *scratch_path(const struct config *, struct arena *, const char *name);
/* At start: removes the directories that an earlier worker left behind. */
void scratch_clear(const struct config *, const struct log *);
/* Makes data.dir/scratch, mode 0700. */
bool scratch_init(const struct config *, struct error *);

#endif
