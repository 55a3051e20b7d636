/* Names of new blobs: see blob_name(). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "objectstore/objects_internal.h"
#include "service/call.h"
#include "service/services.h"

#include "core/banned.h"

#define BATCH_MAX 64
/*
 * Names that are not used so soon are left to the collector. A request may take some minutes after
 * it got its name, and then the name must not be old enough to be collected.
 */
#define NAME_SECONDS 600
#define DIRECTORY_DIGITS 4 /* of a name */

static_assert(NAME_SECONDS * 2 < OBJECT_GARBAGE_SECONDS, "an announced name outlives its use");

/* Of this process. */
static struct {
	char names[BATCH_MAX][BLOB_NAME];
	size_t size, used; /* of the batch */
	int64_t announced; /* us since the boot */
} supply;

static bool
supply_fresh(void)
{
	return supply.size > 0 && clock_boottime() - supply.announced < NAME_SECONDS * US_PER_SEC;
}

static void
make_name(char out[BLOB_NAME])
{
	unsigned char bytes[BLOB_NAME / 2];

	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The next batch is twice as large as the last one if that was used up while it was fresh. */
static bool
supply_fill(const struct call *call, struct error *err)
{
	size_t n = supply_fresh() ? supply.size * 2 : 1;
	const char *names[BATCH_MAX];

	if (n > BATCH_MAX)
		n = BATCH_MAX;
	supply.size = 0;
	for (size_t i = 0; i < n; i++) {
		make_name(supply.names[i]);
		memcpy(supply.names[i], supply.names[0], DIRECTORY_DIGITS);
		names[i] = supply.names[i];
	}
	supply.announced = clock_boottime();
	if (!store_blobs_announce(call->svc->db, call->arena, (struct strings) { names, n }, err))
		return false;
	supply.size = n;
	supply.used = 0;
	return true;
}

bool
blob_name(const struct call *call, char out[BLOB_NAME], struct error *err)
{
	if ((!supply_fresh() || supply.used == supply.size) && !supply_fill(call, err))
		return false;
	memcpy(out, supply.names[supply.used++], BLOB_NAME);
	return true;
}

bool
blob_unannounced(const char *blob, struct error *err)
{
	supply.size = 0;
	error_set(err, ERR_UNAVAILABLE, "The object was not stored. Try again.");
	return error_detail(err, "blob %s is not announced", blob);
}
