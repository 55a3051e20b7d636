/* What this house offers to people who are not signed in, so that a page offers no more. */
#ifndef MN_SERVICE_ACCOUNT_OFFER_H
#define MN_SERVICE_ACCOUNT_OFFER_H

#include <stdbool.h>

struct call;
struct error;

struct account_offer {
	bool registration;   /* anyone may create an account, without an invitation */
	bool password_reset; /* a link can be sent by mail */
	bool plex;           /* somebody can sign in with Plex: an account is linked */
};
bool account_offer(const struct call *, struct account_offer *, struct error *);

#endif
