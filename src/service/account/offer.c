#include "service/account/offer.h"

#include "core/config.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/mail.h"
#include "service/services.h"
#include "store/store_people.h"

#include "core/banned.h"

bool
account_offer(const struct call *call, struct account_offer *offer, struct error *err)
{
	const struct config *config = call->svc->config;

	offer->password_reset = mail_configured(config);
	/* an open registration is confirmed by mail */
	offer->registration =
	    str_eq(config_str(config, CFG_REGISTRATION_MODE), "open") && mail_configured(config);
	return store_people_any_plex(call->svc->db, call->arena, &offer->plex, err);
}
