/*
 * What medianest-media makes of one file, and its way into the store: thumbnails of uploads and of
 * posters.
 *
 *	struct derived d = { .call = call, .env = env, .job = job, .media_id = id };
 *
 *	derived_init(&d);
 *	d.scratch = scratch_make(...);		SCRATCH/input is the file
 *	derived_decode(&d, err) && derived_reserve(&d, NULL, 0, err) && derived_put(&d, err)
 *
 * and then the transaction that publishes d.keys, or housekeeping collects them.
 */
#ifndef MN_SERVICE_PROCESSING_DERIVED_H
#define MN_SERVICE_PROCESSING_DERIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "service/processing/process_result.h"

struct call;
struct job;
struct job_env;
struct sandbox_transcode;

#define DERIVED_KEYS_MAX (RESULT_ASSETS_MAX + 1)
#define DERIVED_JOB_DIGITS 12 /* of the job's id: the random end of a UUID */

struct derived {
	const struct call *call;
	const struct job_env *env;
	const struct job *job;
	const char *media_id;
	const char *scratch;
	int turn;     /* degrees clockwise, of all that is made */
	bool inspect; /* nothing is made: only what the file says is read */
	/* takes each step that medianest-media reports, or NULL; false ends the run */
	bool (*step)(void *context, const struct process_line *, struct error *);
	/* before each part of a large file is stored, or NULL; false ends the run */
	bool (*go_on)(void *context, struct error *);
	void *context;                             /* of both */
	const struct sandbox_transcode *transcode; /* NULL: thumbnails and previews */

	struct process_result result;
	const char *keys[DERIVED_KEYS_MAX], *sizes[DERIVED_KEYS_MAX]; /* announced objects */
	size_t nkeys;
	struct arena line;     /* of one output line of the sandbox; at last the result's */
	struct error bad_line; /* the error behind a failed output line */
};

void derived_init(struct derived *);
/* Creates SCRATCH/input, which the caller closes. -1: ERR_STORAGE_FULL. */
int derived_input(const struct derived *, struct error *);
/* Fetches an original into it. most: its bytes, or S3_OBJECT_MAX where they are not known. */
bool derived_fetch(const struct derived *, const char *object_key, int64_t most, struct error *);
/*
 * Decodes SCRATCH/input in the sandbox, when a decoder's place is free. ERR_UNPROCESSABLE: the
 * fault of the file, with a slug for its owner.
 */
bool derived_decode(struct derived *, struct error *);
/*
 * Announces every object before its first byte, so that a crash leaves no unknown object. `more`:
 * one more object that the run will write, of so many bytes, or NULL.
 */
bool derived_reserve(struct derived *, const char *more, int64_t size, struct error *);
/* Stores the files that were made: keys[0] to keys[result.nassets - 1]. */
bool derived_put(struct derived *, struct error *);
/* Was a file of this name made? */
bool derived_has(const struct derived *, const char *name);
/* Stores one of them under a key of its own, without announcing it. */
bool derived_put_as(struct derived *, const char *name, const char *key, struct error *);
/* derived/<media>/<lease>-<the last digits of the job's id>: of all of them. */
const char *derived_prefix(const struct derived *);

#endif
