/*
 * Links that are mailed when somebody asks for them: to confirm a registration or a new address,
 * to choose a new password.
 *
 * One link at a time is good. Asking again within mail.link_interval sends nothing, and the link
 * that was sent stays good; later a new one replaces it. Requests are counted for each address that
 * a mail goes to, whether it has an account or not, and for each address that they come from.
 */
#ifndef MN_SERVICE_ACCOUNT_MAIL_LINK_H
#define MN_SERVICE_ACCOUNT_MAIL_LINK_H

#include <stdbool.h>

#include "service/job.h"

struct call;
struct error;
struct mail_new;
struct store_mail_token;

#define MAIL_TOKEN_SECONDS 1800
#define CONFIRM_TOKEN_SECONDS 86400
#define MAIL_TOKEN_BYTES 24

enum mail_link { LINK_REGISTER, LINK_RESET, LINK_EMAIL, LINKS };

/*
 * In the transaction that sends the mail, before anything is looked up. *full: this address has
 * been sent enough mails for now. ERR_RATE_LIMITED too_many_attempts: the caller asks too often.
 */
bool mail_link_count(const struct call *, const char *email, bool *full, struct error *);
/* The same, but a full address is ERR_RATE_LIMITED too: for callers who are signed in. */
bool mail_link_count_own(const struct call *, const char *email, struct error *);
/*
 * In the transaction: sends a link to row->email, unless one that was sent lately is still good.
 * `instead`: the mail to send in place of the one with the link, or NULL. Fills hash, purpose and
 * expiry of the row.
 */
bool mail_link_send(const struct call *, enum mail_link, struct store_mail_token *row,
    const struct mail_new *instead, bool *sent, struct error *);

/*
 * Asks for a link to choose a new password. The worker looks up the address, so that a request
 * takes the same time for all addresses. In the transaction.
 */
bool mail_link_ask_reset(const struct call *, const char *email, struct error *);
bool mail_link_reset_run(const struct call *, const struct job_env *, const struct job *,
    struct error *);

#endif
