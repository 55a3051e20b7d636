/* What the PEM files of a certificate and its key say. */
#ifndef MN_CORE_X509_H
#define MN_CORE_X509_H

#include <stdbool.h>
#include <stdint.h>

struct x509_facts {
	int64_t not_before, not_after; /* us; 0: the certificate could not be read */
	bool key_read;                 /* a key with a passphrase is not: nginx cannot ask for it */
	int key_fits; /* 1: it is the certificate's; 0: it is not; -1: one could not be read */
};

void x509_look(const char *certificate, const char *key, struct x509_facts *);
/* Is it for this host, a name or an address without brackets? */
bool x509_names(const char *certificate, const char *host);

#endif
