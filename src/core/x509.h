/* What the PEM files of a certificate and its key say. */
#ifndef MN_CORE_X509_H
#define MN_CORE_X509_H

#include <stdint.h>

struct x509_facts {
	int64_t not_after; /* us; 0: the certificate could not be read */
	int key_fits;      /* 1: it is the certificate's; 0: it is not; -1: one could not be read */
};

void x509_look(const char *certificate, const char *key, struct x509_facts *);

#endif
