#include "service/account/credentials.h"

#include "core/error.h"
#include "service/account/revoke.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_credentials.h"
#include "store/store_invites.h"
#include "store/store_sessions.h"

#include "core/banned.h"

bool
credentials_changed(const struct call *call, const struct credentials_change *change,
    struct revocation *rev, struct error *err)
{
	const struct store_credentials_end end = {
		.user_id = change->user_id,
		.password_hash = change->password_hash,
		.end_tokens = change->end_tokens,
	};
	struct strings tokens;

	return store_credentials_end(call->svc->db, call->arena, &end, &tokens, err) &&
	    revoke_sessions(call, change->user_id, change->keep_session, change->reason, rev,
		err) &&
	    revoke_tokens(call, tokens, rev, err) &&
	    store_invites_prune(call->svc->db, call->arena, err) &&
	    revoke_generation(call, change->user_id, rev, err);
}

bool
credentials_stale(struct error *err)
{
	return error_slug(err, ERR_UNAUTHENTICATED, "token_stale",
	    "The account has changed since this access token was issued. Refresh the token.");
}

bool
credentials_hold(const struct call *call, const struct verified *verified, struct error *err)
{
	const struct principal *who = call->by.who;
	const struct verified as_let_in = {
		.user_id = who->user_id,
		.generation = who->generation,
	};
	bool holds;

	return store_verified_holds(call->svc->db, call->arena,
		   verified != NULL ? verified : &as_let_in, who->session_id, &holds, err) &&
	    (holds || credentials_stale(err));
}

bool
credentials_tell(const struct call *call, const char *user_id, enum mail_kind kind,
    const char *detail, struct error *err)
{
	struct mail_new mail = { .kind = kind, .detail = detail };
	struct user user;

	if (!mail_configured(call->svc->config))
		return true;
	if (!store_person_by_id(call->svc->db, call->arena, user_id, &user, err))
		return false;
	mail.to = user.email;
	mail.name = user.display_name;
	return user.id == NULL || mail_add(call, &mail, err);
}
