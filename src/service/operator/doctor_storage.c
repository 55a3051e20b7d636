/* The doctor's checks of the object store: for the services, and from the page's origin. */
#include <string.h>

#include "client/probe.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "store/s3.h"
#include "core/banned.h"

static void
check_inside(struct doctor *d, enum s3_state state, const struct error *err)
{
	const char *endpoint = config_str(d->config, CFG_STORAGE_ENDPOINT),
		   *bucket = config_str(d->config, CFG_STORAGE_BUCKET);

	switch (state) {
	case S3_WORKS:
		doctor_ok(d, "object store",
		    config_bool(d->config, CFG_STORAGE_EMBEDDED) ? "embedded" : "S3",
		    "%s, bucket %s", endpoint, bucket);
		break;
	case S3_NO_BUCKET:
		doctor_found(d, FAULT_STORAGE_BUCKET, NULL, "%s has no bucket %s", endpoint,
		    bucket);
		break;
	case S3_REFUSES:
		/* Signatures carry the time. */
		if (!d->clock_wrong)
			doctor_found(d, FAULT_STORAGE_KEY, config_path(d->config),
			    "%s rejected the access key or its signature", endpoint);
		break;
	case S3_SILENT:
	default:
		doctor_unknown(d, "storage");
		doctor_found(d, FAULT_STORAGE_DOWN, endpoint, "%s: %s", endpoint,
		    doctor_reason(err));
	}
}

/* The address that the page sends an upload to. */
static const char *
upload_url(struct doctor *d, const char *endpoint)
{
	const char *bucket = config_str(d->config, CFG_STORAGE_BUCKET);
	const char *host = strstr(endpoint, "://");

	if (config_bool(d->config, CFG_STORAGE_PATH_STYLE) || host == NULL)
		return arena_printf(d->arena, "%s/%s/incoming/doctor", endpoint, bucket);
	return arena_printf(d->arena, "%.*s%s.%s/incoming/doctor", (int)(host + 3 - endpoint),
	    endpoint, bucket, host + 3);
}

static void
cors_fault(struct doctor *d, const char *endpoint, const char *origin, const char *what)
{
	bool private_start;
	const char *dir = doctor_nginx_dir(d, &private_start);

	if (config_bool(d->config, CFG_STORAGE_EMBEDDED))
		doctor_found(d, FAULT_STORAGE_CORS_OWN, dir, "%s %s %s", endpoint, what, origin);
	else
		doctor_found(d, FAULT_STORAGE_CORS, origin, "the bucket %s at %s %s %s",
		    config_str(d->config, CFG_STORAGE_BUCKET), endpoint, what, origin);
}

/*
 * The page sends files straight to the store, so the store must allow its origin and expose the
 * ETag of parts.
 */
static void
check_outside(struct doctor *d, const char *endpoint)
{
	const char *origin = config_str(d->config, CFG_PUBLIC_URL);
	struct probe_request req = { .url = upload_url(d, endpoint),
		.ca_file = config_ca_file(d->config, CFG_STORAGE_CA_FILE),
		.origin = origin };
	struct probe seen;

	if (str_starts(origin, "https://") && !str_starts(endpoint, "https://")) {
		doctor_found(d, FAULT_STORAGE_PLAIN, config_path(d->config),
		    "%s is not https, so a browser's page of %s does not send files there",
		    endpoint, origin);
		return;
	}
	if (!probe_http(&req, &seen)) {
		doctor_unknown(d, "storage");
		if (!d->clock_wrong && !doctor_has(d, FAULT_STORAGE_DOWN))
			doctor_found(d, FAULT_STORAGE_PUBLIC, endpoint,
			    "pages of %s send files to %s, which is not responding: %s", origin,
			    endpoint, seen.problem);
	} else if (!str_eq(seen.allow_origin, origin) && !str_eq(seen.allow_origin, "*")) {
		cors_fault(d, endpoint, origin, "does not allow uploads from");
	} else {
		doctor_ok(d, "storage CORS", NULL, "%s is allowed to upload", origin);
	}
}

void
doctor_check_storage(struct doctor *d)
{
	const char *public = config_str(d->config, CFG_STORAGE_PUBLIC_ENDPOINT);
	enum s3_state state = S3_SILENT;
	struct error err = { 0 };
	struct s3 *s3 = s3_new(d->config, &err);

	if (s3 != NULL)
		state = s3_look(s3, &err);
	check_inside(d, state, &err);
	check_outside(d, *public != '\0' ? public : config_str(d->config, CFG_STORAGE_ENDPOINT));
	if (s3 != NULL)
		s3_free(s3);
}
