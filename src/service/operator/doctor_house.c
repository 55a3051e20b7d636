/* The doctor's checks of the work of the house: jobs, mail, backups, syncs. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/notify/mail.h"
#include "service/operator/alert_facts.h"
#include "service/operator/doctor_internal.h"
#include "store/pg.h"
#include "store/store_alert_facts.h"
#include "store/store_backups.h"
#include "core/banned.h"

#define US_PER_HOUR (3600LL * US_PER_SEC)
#define CRON_LINE MN_SYSCONFDIR "/cron.d/medianest"
#define CRON "/usr/sbin/cron"

static const struct log context = { .component = "admin" };

static struct db *
database(struct doctor *d)
{
	return db_new(config_str(d->config, CFG_DATABASE_MIGRATE_URL), DOCTOR_DATABASE_MS,
	    &context);
}

void
doctor_check_jobs(struct doctor *d)
{
	struct db *db = database(d);
	struct error err = { 0 };
	double seconds, dead;

	if (!alert_queue_lag(db, d->arena, &seconds, &err) ||
	    !alert_dead_jobs(db, d->arena, &dead, &err)) {
		doctor_unknown(d, "jobs");
	} else {
		if (seconds > (double)config_int(d->config, CFG_ALERT_QUEUE_LAG))
			doctor_found(d, FAULT_JOBS_STUCK, NULL,
			    "a job has been due for %.0f minutes", seconds / 60)
			    ->fix =
			    (struct fix) { .kind = FIX_RESTART, .what = "medianest-worker" };
		if (dead > (double)config_int(d->config, CFG_ALERT_DEAD_JOBS))
			doctor_found(d, FAULT_JOBS_DEAD, NULL,
			    "%.0f jobs were given up after their last attempt", dead);
		doctor_ok(d, "jobs", NULL, "the oldest that is due waits for %.0f s", seconds);
	}
	db_free(db);
}

static void
check_server(struct doctor *d)
{
	struct error err = { 0 };

	if (mail_probe(d->config, d->arena, &err))
		doctor_ok(d, "mail", NULL, "%s takes mail", config_str(d->config, CFG_SMTP_HOST));
	else if (err.code == ERR_UNPROCESSABLE)
		doctor_found(d, FAULT_MAIL_REFUSED, config_path(d->config),
		    "%s does not take mail from MediaNest: %s",
		    config_str(d->config, CFG_SMTP_HOST), doctor_reason(&err));
	else
		doctor_found(d, FAULT_MAIL_DOWN,
		    arena_printf(d->arena, "%s:%lld", config_str(d->config, CFG_SMTP_HOST),
			(long long)config_int(d->config, CFG_SMTP_PORT)),
		    "the mail server cannot be reached: %s", doctor_reason(&err));
}

void
judge_mail_waiting(struct doctor *d, double seconds)
{
	if (seconds > 60.0 * (double)config_int(d->config, CFG_ALERT_MAIL_FAILING))
		doctor_found(d, FAULT_MAIL_FAILING, NULL, "mail has been waiting for %.0f minutes",
		    seconds / 60);
}

void
doctor_check_mail(struct doctor *d)
{
	struct db *db = database(d);
	struct error err = { 0 };
	double seconds;

	if (!mail_configured(d->config)) {
		doctor_ok(d, "mail", NULL, "is not set up");
	} else {
		check_server(d);
		if (store_mail_failing(db, d->arena, &seconds, &err))
			judge_mail_waiting(d, seconds);
		else
			doctor_unknown(d, "mail");
	}
	db_free(db);
}

void
judge_backup(struct doctor *d, int64_t last, bool wanted)
{
	int64_t hours = (clock_now() - last) / US_PER_HOUR;

	if (last == 0 && !wanted)
		doctor_ok(d, "backup", NULL, "none is made: backup.directory is not set");
	else if (last == 0)
		doctor_found(d, FAULT_BACKUP_OLD, NULL, "no backup has been made yet");
	else if (hours >= config_int(d->config, CFG_ALERT_BACKUP_AGE))
		doctor_found(d, FAULT_BACKUP_OLD, NULL, "the last backup is %lld hours old",
		    (long long)hours);
	else
		doctor_ok(d, "backup", NULL, "the last one is %lld hours old", (long long)hours);
}

void
doctor_check_backup(struct doctor *d)
{
	const char *dir = config_str(d->config, CFG_BACKUP_DIRECTORY);
	bool wanted = *dir != '\0';
	struct db *db = database(d);
	struct error err = { 0 };
	int64_t last;

	if (wanted && access(dir, W_OK | X_OK) != 0)
		doctor_found(d, FAULT_BACKUP_DIRECTORY, dir,
		    "backup.directory %s does not exist or cannot be written by the services' user",
		    dir);
	if (store_backup_last(db, d->arena, &last, &err))
		judge_backup(d, last, wanted);
	else
		doctor_unknown(d, "backup");
	db_free(db);
}

void
judge_schedule(struct doctor *d, const struct schedule_facts *f)
{
	if (f->servers && !f->cron_line)
		doctor_found(d, FAULT_SYNC_SCHEDULE, NULL,
		    "%s is missing, so media servers are not synced", CRON_LINE);
	else if (f->servers && !f->cron)
		doctor_found(d, FAULT_SYNC_SCHEDULE, NULL,
		    "cron is not installed, so media servers are not synced");
}

void
doctor_check_sync(struct doctor *d)
{
	double limit = 60.0 * (double)config_int(d->config, CFG_SYNC_MINUTES) *
	    (double)config_int(d->config, CFG_ALERT_SYNC_AGE);
	struct db *db = database(d);
	struct error err = { 0 };
	struct sync_age *ages;
	size_t n = 0;

	if (limit > 0 && !store_sync_ages(db, d->arena, &ages, &n, &err))
		doctor_unknown(d, "sync");
	judge_schedule(d,
	    &(struct schedule_facts) { .servers = n > 0,
		.cron_line = access(CRON_LINE, F_OK) == 0,
		.cron = access(CRON, F_OK) == 0 });
	for (size_t i = 0; i < n; i++)
		if (ages[i].seconds > limit)
			doctor_found(d, FAULT_SYNC_OLD, ages[i].server_id,
			    "the media server '%s' was last synced %.0f minutes ago", ages[i].name,
			    ages[i].seconds / 60);
	db_free(db);
}
