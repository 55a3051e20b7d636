#include "service/processing/patience.h"

#include <time.h>

#include "core/error.h"
#include "service/job.h"

#include "core/banned.h"

#define PAUSE_MS 50
#define NS_PER_MS 1000000L
#define PAUSES_PER_TRY 10 /* doubled for each try */

bool
patience_ended(const struct job_env *env, struct error *err)
{
	return *env->stop != 0 &&
	    !error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker is being stopped.");
}

bool
patience(const struct job_env *env, int tries, int most, struct error *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * NS_PER_MS };

	if (err->code != ERR_UNAVAILABLE || tries >= most)
		return false;
	for (int i = 0; i < PAUSES_PER_TRY << tries && *env->stop == 0; i++)
		nanosleep(&pause, NULL);
	error_clear(err);
	return !patience_ended(env, err);
}
