#include "service/integrations/enrich.h"

#include "core/banned.h"

bool
enrich_request(const struct call *call, const char *const *media_ids, size_t n, struct error *err)
{
	return true;
}
