/*
 * The doctor's checks of the origins that browsers use: the page with its certificate, and the
 * object store.
 */
#include <string.h>

#include "client/probe.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "store/s3.h"
#include "core/banned.h"

#define US_PER_DAY (86400LL * US_PER_SEC)
#define CERTIFICATE_DAYS 14 /* renewed long before, if renewal works */

static void
certificate_judge(struct doctor *d, const char *url, const struct probe *seen, bool trusted)
{
	long long days = (seen->expires_at - clock_now()) / US_PER_DAY;
	const char *left = arena_printf(d->arena, "%lld days", days);

	if (seen->expires_at == 0)
		doctor_warn(d, "certificate", NULL, "%s does not show when its certificate expires",
		    url);
	else if (days < 0)
		doctor_fail(d, "certificate", left,
		    "the certificate of %s has expired: renew it and reload nginx", url);
	else if (days < CERTIFICATE_DAYS)
		doctor_warn(d, "certificate", left,
		    "the certificate of %s expires soon: does its renewal work?", url);
	else if (!trusted)
		doctor_warn(d, "certificate", left,
		    "the certificate of %s is signed by an authority that this machine does"
		    " not trust: browsers will show a warning",
		    url);
	else
		doctor_ok(d, "certificate", left, "%s", url);
}

void
doctor_check_page(struct doctor *d)
{
	const char *url = config_str(d->config, CFG_PUBLIC_URL);
	struct probe_request req = { .url = arena_printf(d->arena, "%s/api/health/live", url) };
	struct probe seen;
	bool trusted = probe_http(&req, &seen), answered = trusted;

	if (!trusted && seen.untrusted) {
		req.insecure = true;
		answered = probe_http(&req, &seen);
	}
	if (!answered)
		doctor_fail(d, "public.url", NULL,
		    "%s is not responding: is nginx running with MediaNest's configuration? (%s)",
		    url, seen.problem);
	else if (seen.status != 200)
		doctor_fail(d, "public.url", NULL,
		    "%s returns status %ld: does nginx have MediaNest's configuration, and"
		    " is the health pool running?",
		    req.url, seen.status);
	else
		doctor_ok(d, "public.url", NULL, "%s", url);
	if (answered && seen.tls)
		certificate_judge(d, url, &seen, trusted);
	else if (!seen.tls)
		doctor_fail(d, "certificate", NULL,
		    "public.url is not https, so passwords would be sent unencrypted: serve"
		    " the page over https");
}

/*
 * The page sends files straight to the store, so the store must allow its origin and expose the
 * ETag of parts.
 */
static void
check_cors(struct doctor *d, const char *endpoint)
{
	const char *origin = config_str(d->config, CFG_PUBLIC_URL),
		   *bucket = config_str(d->config, CFG_STORAGE_BUCKET);
	struct probe_request req = { .ca_file = config_ca_file(d->config, CFG_STORAGE_CA_FILE),
		.origin = origin };
	const char *host = strstr(endpoint, "://");
	struct probe seen;

	if (config_bool(d->config, CFG_STORAGE_PATH_STYLE) || host == NULL)
		req.url = arena_printf(d->arena, "%s/%s/incoming/doctor", endpoint, bucket);
	else
		req.url = arena_printf(d->arena, "%.*s%s.%s/incoming/doctor",
		    (int)(host + 3 - endpoint), endpoint, bucket, host + 3);
	if (!probe_http(&req, &seen)) {
		doctor_fail(d, "storage CORS", NULL, "%s: %s", endpoint, seen.problem);
		return;
	}
	if (str_eq(seen.allow_origin, origin) || str_eq(seen.allow_origin, "*"))
		doctor_ok(d, "storage CORS", NULL, "%s is allowed to upload", origin);
	else if (config_bool(d->config, CFG_STORAGE_EMBEDDED))
		doctor_fail(d, "storage CORS", NULL,
		    "%s does not allow uploads from %s: run 'medianest-admin nginx' with"
		    " the current settings and reload nginx",
		    endpoint, origin);
	else
		doctor_fail(d, "storage CORS", NULL,
		    "the bucket %s does not allow uploads from %s: give it a CORS rule with"
		    " that AllowedOrigin, AllowedMethod GET PUT HEAD, AllowedHeader * and"
		    " ExposeHeader ETag",
		    bucket, origin);
}

void
doctor_check_storage(struct doctor *d)
{
	const char *endpoint = config_str(d->config, CFG_STORAGE_ENDPOINT),
		   *public = config_str(d->config, CFG_STORAGE_PUBLIC_ENDPOINT);
	const char *kind = config_bool(d->config, CFG_STORAGE_EMBEDDED) ? "embedded" : "S3";
	struct error err;
	struct s3 *s3;
	bool ok;

	error_clear(&err);
	s3 = s3_new(d->config, &err);
	ok = s3 != NULL && s3_probe(s3, &err);
	if (ok)
		doctor_ok(d, "object store", kind, "%s, bucket %s", endpoint,
		    config_str(d->config, CFG_STORAGE_BUCKET));
	else if (err.code == ERR_NOT_FOUND)
		doctor_fail(d, "object store", kind,
		    "%s has no bucket %s: run 'medianest-admin bucket create'", endpoint,
		    config_str(d->config, CFG_STORAGE_BUCKET));
	else
		doctor_fail(d, "object store", kind, "%s: %s", endpoint, doctor_reason(&err));
	if (ok)
		check_cors(d, *public != '\0' ? public : endpoint);
	if (s3 != NULL)
		s3_free(s3);
}
