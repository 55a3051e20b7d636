/* Every kind of job, one row each. */
#include <stddef.h>

#include "service/account/session_push.h"
#include "service/account/revoke.h"
#include "service/audit.h"
#include "service/catalogue/media.h"
#include "service/notify/mail.h"
#include "service/processing/process.h"
#include "service/processing/purge.h"
#include "service/processing/runner.h"
#include "core/banned.h"

const struct job_kind job_kinds[] = {
	{ JOB_MEDIA_PROCESS_KIND, process_run, process_give_up },
	{ JOB_MEDIA_PURGE_KIND, purge_run, NULL },
	{ JOB_SESSION_PUSH, session_push_run, NULL },
	{ JOB_AUDIT_CHAIN, audit_chain_run, NULL },
	{ JOB_MAIL, mail_run, NULL },
	{ .kind = NULL },
};
