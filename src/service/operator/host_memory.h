/* What of this host's memory PostgreSQL may keep as shared_buffers, beside the services. */
#ifndef MN_SERVICE_OPERATOR_HOST_MEMORY_H
#define MN_SERVICE_OPERATOR_HOST_MEMORY_H

#include <stdint.h>

/* MB; 0: not known. */
int64_t host_memory_mb(void);

/* The shared_buffers for a host with so much memory, MB; 0: those that it has are right. */
int64_t host_buffers_mb(int64_t memory_mb, int64_t buffers_mb);

#endif
