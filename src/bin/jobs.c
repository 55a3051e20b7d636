/* Every kind of job that the worker runs: the rows of service/job_kinds.def. */
#include "bin/jobs.h"

#include "core/config.h"
#include "service/account/mail_link.h"
#include "service/account/session_push.h"
#include "service/audit.h"
#include "service/catalogue/media_trash.h"
#include "service/integrations/hook_in.h"
#include "service/integrations/hook_silence.h"
#include "service/integrations/libraries.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync.h"
#include "service/integrations/requests.h"
#include "service/notify/mail.h"
#include "service/notify/notify_group.h"
#include "service/notify/notify_mail.h"
#include "service/operator/alert_watch.h"
#include "service/processing/deliver.h"
#include "service/processing/download.h"
#include "service/integrations/enrich.h"
#include "service/notify/mail.h"
#include "service/processing/playback.h"
#include "service/processing/poster.h"
#include "service/processing/process.h"
#include "service/processing/purge.h"
#include "service/processing/reread.h"
#include "service/processing/sweep.h"
#include "service/processing/title_poster.h"
#include "service/processing/turn.h"
#include "service/processing/upkeep.h"
#include "core/banned.h"

const struct job_kind job_kinds[] = {
#define JOB(id, kind, queue, attempts, timeout_s, timeout_setting, every_s, backoff_s, batch, run, \
    ...) \
	{ kind, JOB_QUEUE_##queue, attempts, timeout_s, timeout_setting, every_s, backoff_s, \
		batch, run, __VA_ARGS__ },
#include "service/job_kinds.def"
#undef JOB
	{ .kind = NULL },
};
