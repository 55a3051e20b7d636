/*
 * One look at an HTTPS address that the operator's own settings name: for medianest-admin doctor,
 * not for addresses from anybody else.
 */
#ifndef MN_CLIENT_PROBE_H
#define MN_CLIENT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct error;

#define PROBE_CONNECT_MS 2000
#define PROBE_TOTAL_MS 5000

struct probe_request {
	const char *url;
	const char *ca_file; /* NULL or "": the system's authorities */
	bool insecure;       /* do not verify: to look at a certificate that is not trusted */
	const char *origin;  /* not NULL: a CORS preflight for a PUT from there */
};

struct probe {
	long status;
	/* untrusted: the certificate did not pass, nothing else was learnt */
	bool tls, untrusted;
	int64_t expires_at;     /* of the certificate, us; 0 = unknown */
	char allow_origin[256]; /* Access-Control-Allow-Origin */
	char expose[256];       /* Access-Control-Expose-Headers */
	char problem[256];      /* what curl says */
};

/* False: no answer, or an untrusted certificate; `problem` says why. */
bool probe_http(const struct probe_request *, struct probe *);

#endif
