/*
 * Checks an HTTPS address from the operator's settings: for medianest-admin doctor, not for
 * addresses from other people.
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
	bool insecure;       /* do not verify, to inspect a certificate that is not trusted */
	bool any_authority;  /* verify nothing but the name in the certificate */
	const char *address; /* not NULL: connect to this host:port instead of the URL's */
	int total_ms;        /* 0: PROBE_TOTAL_MS */
	const char *origin;  /* not NULL: send a CORS preflight for a PUT from this origin */
};

struct probe {
	long status;
	/* untrusted: the certificate is not trusted; nothing else is set */
	bool tls, untrusted;
	int64_t expires_at;     /* of the certificate, us; 0 = unknown */
	int64_t date;           /* the server's clock (Date), us; 0 = unknown */
	char allow_origin[256]; /* Access-Control-Allow-Origin */
	char expose[256];       /* Access-Control-Expose-Headers */
	char problem[256];      /* libcurl's message */
};

/* Returns false without a response or with an untrusted certificate; `problem` says why. */
bool probe_http(const struct probe_request *, struct probe *);

#endif
