/* How often links are mailed, and which one is still good. The links: store_account_flow.h. */
#ifndef MN_STORE_MAIL_LINKS_H
#define MN_STORE_MAIL_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_mail_links_queries[];

#define MAIL_WINDOW_SECONDS 3600

enum mail_subject { MAIL_TO_ACCOUNT, MAIL_FROM_ADDRESS, MAIL_SUBJECTS };
struct mail_counts {
	int64_t asked[MAIL_SUBJECTS];   /* in the window, this time included */
	int64_t seconds[MAIL_SUBJECTS]; /* until the window ends */
};
/* Counts once more, for each subject; other transactions that count one of them wait. */
bool store_mail_count(struct db *, struct arena *, const char *const subjects[MAIL_SUBJECTS],
    struct mail_counts *, struct error *);

struct mail_link_key {
	const char *purpose, *email;
	const char *user_id; /* NULL: of a registration */
};
/* Whether there is a link, made in the last `seconds`, that could be used now. */
bool store_mail_link_young(struct db *, struct arena *, const struct mail_link_key *,
    int64_t seconds, bool *young, struct error *);
/* Invalidates the open links of a registration. */
bool store_mail_registrations_drop(struct db *, struct arena *, const char *email, struct error *);

#endif
