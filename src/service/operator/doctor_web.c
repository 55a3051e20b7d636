/* The doctor's checks of the page as browsers reach it, and of its certificate. */
#include <string.h>

#include "client/probe.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/str.h"
#include "core/x509.h"
#include "service/operator/doctor_internal.h"
#include "core/banned.h"

#define US_PER_DAY (86400LL * US_PER_SEC)
#define CERTIFICATE_DAYS 14 /* renewed long before, if renewal works */

static const char *
days_text(struct arena *arena, const struct certificate_facts *f)
{
	return arena_printf(arena, "%lld days",
	    (long long)((f->served_until - f->now) / US_PER_DAY));
}

static void
judge_served(struct doctor *d, const struct certificate_facts *f)
{
	int64_t left = f->served_until - f->now;

	if (f->served_until == 0)
		return;
	if (f->file_until > f->served_until && left < CERTIFICATE_DAYS * US_PER_DAY)
		doctor_found(d, FAULT_CERT_STALE, NULL,
		    "the certificate was renewed, but nginx still shows the one that ends in %s",
		    days_text(d->arena, f));
	else if (left < 0)
		doctor_found(d, FAULT_CERT_EXPIRED, NULL, "the certificate of %s has expired",
		    f->url);
	else if (left < CERTIFICATE_DAYS * US_PER_DAY)
		doctor_found(d, FAULT_CERT_EXPIRING, NULL, "the certificate of %s ends in %s",
		    f->url, days_text(d->arena, f));
	else if (!f->has_name)
		doctor_found(d, FAULT_CERT_NAME, f->host,
		    "the certificate of %s is for another name", f->url);
	else if (!f->trusted && !d->clock_wrong)
		doctor_found(d, FAULT_CERT_UNTRUSTED, config_path(d->config),
		    "the certificate of %s is signed by an authority that neither this machine nor"
		    " browsers trust",
		    f->url);
	else
		doctor_ok(d, "certificate", days_text(d->arena, f), "%s", f->url);
}

/* Certificates are judged by this clock, so nothing is said of them while it is wrong. */
void
judge_certificate(struct doctor *d, const struct certificate_facts *f)
{
	if (!d->clock_wrong)
		judge_served(d, f);
	if (f->key_fits == 0)
		doctor_found(d, FAULT_CERT_KEY, config_path(d->config),
		    "nginx.certificate_key is not the key of nginx.certificate: nginx will not"
		    " start again");
}

static const char *
host_of(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	if (*host == '[')
		return arena_strndup(arena, host + 1, strcspn(host + 1, "]"));
	return arena_strndup(arena, host, strcspn(host, ":/"));
}

/* What of the certificate's files could be read: root only may read the key. */
static void
look_at_files(struct doctor *d, struct certificate_facts *f)
{
	struct x509_facts file;
	uid_t user = doctor_root_begin();

	x509_look(config_str(d->config, CFG_NGINX_CERTIFICATE),
	    config_str(d->config, CFG_NGINX_CERTIFICATE_KEY), &file);
	doctor_root_end(user);
	f->file_until = file.not_after;
	f->key_fits = file.key_fits;
}

/* By the system's authorities, or else those that the operator named. */
static bool
is_trusted(struct doctor *d, struct probe_request *req, struct probe *seen)
{
	if (probe_http(req, seen))
		return true;
	req->ca_file = config_ca_file(d->config, CFG_STORAGE_CA_FILE);
	return *req->ca_file != '\0' && seen->untrusted && probe_http(req, seen);
}

static bool
look_at_page(struct doctor *d, struct probe_request *req, struct probe *seen,
    struct certificate_facts *f)
{
	struct probe named;

	f->trusted = is_trusted(d, req, seen);
	f->has_name = true;
	if (f->trusted || !seen->untrusted)
		return f->trusted;
	req->any_authority = true;
	f->has_name = probe_http(req, &named);
	req->insecure = true;
	return probe_http(req, seen);
}

void
doctor_check_page(struct doctor *d)
{
	const char *url = config_str(d->config, CFG_PUBLIC_URL);
	struct probe_request req = { .url = arena_printf(d->arena, "%s/api/health/live", url) };
	struct certificate_facts facts = {
		.url = url, .host = host_of(d->arena, url), .now = clock_now(), .key_fits = -1
	};
	struct probe seen;
	bool answered = look_at_page(d, &req, &seen, &facts), private_start;

	if (!answered)
		doctor_found(d, FAULT_PAGE_DOWN, NULL, "%s is not responding: %s", url,
		    seen.problem)
		    ->fix = (struct fix) { .kind = FIX_START, .what = "nginx" };
	else if (seen.status != 200)
		doctor_found(d, FAULT_PAGE_STATUS, doctor_nginx_dir(d, &private_start),
		    "%s returns status %ld: nginx does not have MediaNest's configuration, or the"
		    " health pool is not running",
		    req.url, seen.status);
	else
		doctor_ok(d, "public.url", NULL, "%s", url);
	if (!str_starts(url, "https://")) {
		doctor_found(d, FAULT_PAGE_PLAIN, config_path(d->config),
		    "public.url is not https, so passwords would be sent unencrypted");
		return;
	}
	look_at_files(d, &facts);
	facts.served_until = answered ? seen.expires_at : 0;
	if (!answered)
		doctor_unknown(d, "page");
	judge_certificate(d, &facts);
}
