noinst_LIBRARIES += src/libservice.a
SERVICE_LIBS = $(JWT_LIBS) $(SECCOMP_LIBS)
src_libservice_a_SOURCES =

src_libservice_a_SOURCES += \
	src/service/audit.c \
	src/service/audit.h \
	src/service/call.h \
	src/service/hook_signature.c \
	src/service/hook_signature.h \
	src/service/job.c \
	src/service/job.h \
	src/service/job_kinds.def \
	src/service/keyring.c \
	src/service/keyring.h \
	src/service/keyring_internal.h \
	src/service/keyring_write.c \
	src/service/seal.c \
	src/service/seal.h \
	src/service/services.c \
	src/service/services.h \
	src/service/list.c \
	src/service/list.h

# notify
src_libservice_a_SOURCES += \
	src/service/notify/alert.c \
	src/service/notify/alert.h \
	src/service/notify/alert_step.c \
	src/service/notify/alert_step.h \
	src/service/notify/hook_alert.c \
	src/service/notify/hook_alert.h \
	src/service/notify/hook_deliveries.c \
	src/service/notify/hook_deliveries.h \
	src/service/notify/hook_endpoints.c \
	src/service/notify/hook_endpoints.h \
	src/service/notify/hook_header.c \
	src/service/notify/hook_header.h \
	src/service/notify/hook_message.c \
	src/service/notify/hook_message.h \
	src/service/notify/hook_out.c \
	src/service/notify/hook_out.h \
	src/service/notify/mail.c \
	src/service/notify/mail.h \
	src/service/notify/notify.c \
	src/service/notify/notify.h \
	src/service/notify/notify_group.c \
	src/service/notify/notify_group.h \
	src/service/notify/notify_inbox.c \
	src/service/notify/notify_inbox.h \
	src/service/notify/notify_mail.c \
	src/service/notify/notify_mail.h \
	src/service/notify/notify_share.c \
	src/service/notify/notify_share.h \
	src/service/notify/notify_words.c \
	src/service/notify/notify_words.h \
	src/service/notify/unsubscribe.c \
	src/service/notify/unsubscribe.h

# gate
src_libservice_a_SOURCES += \
	src/service/gate/access.c \
	src/service/gate/access.h \
	src/service/gate/admission.c \
	src/service/gate/admission.h \
	src/service/gate/cache.c \
	src/service/gate/cache.h \
	src/service/gate/forgotten.c \
	src/service/gate/forgotten.h \
	src/service/gate/idempotency.c \
	src/service/gate/idempotency.h

# catalogue
src_libservice_a_SOURCES += \
	src/service/catalogue/collection_change.c \
	src/service/catalogue/collections.c \
	src/service/catalogue/collections.h \
	src/service/catalogue/link_visit.c \
	src/service/catalogue/link_visit.h \
	src/service/catalogue/links.c \
	src/service/catalogue/links.h \
	src/service/catalogue/media.c \
	src/service/catalogue/media.h \
	src/service/catalogue/media_again.c \
	src/service/catalogue/media_again.h \
	src/service/catalogue/media_change.c \
	src/service/catalogue/media_purge.c \
	src/service/catalogue/media_purge.h \
	src/service/catalogue/media_trash.c \
	src/service/catalogue/media_trash.h \
	src/service/catalogue/media_sidecar.c \
	src/service/catalogue/media_sidecar.h \
	src/service/catalogue/media_turn.c \
	src/service/catalogue/media_turn.h \
	src/service/catalogue/pictures.c \
	src/service/catalogue/pictures.h \
	src/service/catalogue/places.c \
	src/service/catalogue/places.h \
	src/service/catalogue/search.c \
	src/service/catalogue/search.h \
	src/service/catalogue/search_fuse.c \
	src/service/catalogue/search_fuse.h \
	src/service/catalogue/search_leg.c \
	src/service/catalogue/search_leg.h \
	src/service/catalogue/search_parse.c \
	src/service/catalogue/search_parse.h \
	src/service/catalogue/search_taken.c \
	src/service/catalogue/search_taken.h \
	src/service/catalogue/search_suggest.c \
	src/service/catalogue/search_words.c \
	src/service/catalogue/search_words.h \
	src/service/catalogue/title_posters.c \
	src/service/catalogue/title_posters.h \
	src/service/catalogue/downloads.c \
	src/service/catalogue/downloads.h \
	src/service/catalogue/playable.c \
	src/service/catalogue/playable.h \
	src/service/catalogue/playback.c \
	src/service/catalogue/playback.h \
	src/service/catalogue/duplicates.c \
	src/service/catalogue/duplicates.h \
	src/service/catalogue/upload.c \
	src/service/catalogue/upload.h \
	src/service/catalogue/upload_complete.c \
	src/service/catalogue/upload_type.c \
	src/service/catalogue/upload_type.h

# account
src_libservice_a_SOURCES += \
	src/service/account/account_flow.c \
	src/service/account/account_flow.h \
	src/service/account/accounts.c \
	src/service/account/accounts.h \
	src/service/account/activity.c \
	src/service/account/activity.h \
	src/service/account/api_token.c \
	src/service/account/api_token.h \
	src/service/account/api_token_use.c \
	src/service/account/credentials.c \
	src/service/account/credentials.h \
	src/service/account/grant.c \
	src/service/account/grant.h \
	src/service/account/offer.c \
	src/service/account/offer.h \
	src/service/account/invites.c \
	src/service/account/invites.h \
	src/service/account/login.c \
	src/service/account/login.h \
	src/service/account/mail_link.c \
	src/service/account/mail_link.h \
	src/service/account/people.c \
	src/service/account/people.h \
	src/service/account/plex_signin.c \
	src/service/account/plex_signin.h \
	src/service/account/revoke.c \
	src/service/account/revoke.h \
	src/service/account/session.c \
	src/service/account/session.h \
	src/service/account/session_notice.c \
	src/service/account/session_notice.h \
	src/service/account/session_push.c \
	src/service/account/session_push.h \
	src/service/account/time_zone.c \
	src/service/account/time_zone.h \
	src/service/account/token.c \
	src/service/account/token.h \
	src/service/account/token_memory.c \
	src/service/account/token_memory.h \
	src/service/account/totp.c \
	src/service/account/totp.h

# integrations
src_libservice_a_SOURCES += \
	src/service/integrations/enrich.c \
	src/service/integrations/enrich.h \
	src/service/integrations/hook_in.c \
	src/service/integrations/hook_in.h \
	src/service/integrations/hook_plan.c \
	src/service/integrations/hook_play.c \
	src/service/integrations/hook_read.c \
	src/service/integrations/hook_read.h \
	src/service/integrations/hook_silence.c \
	src/service/integrations/hook_silence.h \
	src/service/integrations/hook_sources.c \
	src/service/integrations/hook_sources.h \
	src/service/integrations/hook_work.c \
	src/service/integrations/hook_work.h \
	src/service/integrations/libraries.c \
	src/service/integrations/libraries.h \
	src/service/integrations/library_news.c \
	src/service/integrations/library_news.h \
	src/service/integrations/library_settle.c \
	src/service/integrations/server_admin.h \
	src/service/integrations/server_change.c \
	src/service/integrations/server_look.h \
	src/service/integrations/server_owner.c \
	src/service/integrations/server_owner.h \
	src/service/integrations/server_test.c \
	src/service/integrations/search_servers.c \
	src/service/integrations/search_servers.h \
	src/service/integrations/overseerr.c \
	src/service/integrations/overseerr.h \
	src/service/integrations/overseerr_internal.h \
	src/service/integrations/overseerr_people.c \
	src/service/integrations/overseerr_titles.c \
	src/service/integrations/requests_lost.c \
	src/service/integrations/requests.c \
	src/service/integrations/requests.h \
	src/service/integrations/requests_apply.c \
	src/service/integrations/requests_ask.c \
	src/service/integrations/requests_decide.c \
	src/service/integrations/requests_internal.h \
	src/service/integrations/requests_refresh.c \
	src/service/integrations/requests_refusal.c \
	src/service/integrations/servers.c \
	src/service/integrations/servers.h \
	src/service/integrations/sync.c \
	src/service/integrations/sync.h \
	src/service/integrations/sync_end.c \
	src/service/integrations/sync_internal.h \
	src/service/integrations/sync_list.c \
	src/service/integrations/sync_page.c \
	src/service/integrations/sync_report.c \
	src/service/integrations/sync_show.c \
	src/service/integrations/sync_run.c \
	src/service/integrations/sync_settle.c

# processing
src_libservice_a_SOURCES += \
	src/service/processing/bumps.c \
	src/service/processing/bumps.h \
	src/service/processing/deliver.c \
	src/service/processing/deliver.h \
	src/service/processing/deliver_round.c \
	src/service/processing/deliver_internal.h \
	src/service/processing/derived.c \
	src/service/processing/derived.h \
	src/service/processing/large_put.c src/service/processing/large_put.h \
	src/service/processing/patience.c src/service/processing/patience.h \
	src/service/processing/gate.c \
	src/service/processing/gate.h \
	src/service/processing/job_run.c \
	src/service/processing/job_run.h \
	src/service/processing/poster.c \
	src/service/processing/poster.h \
	src/service/processing/playback.c \
	src/service/processing/playback.h \
	src/service/processing/playback_upkeep.c \
	src/service/processing/process.c \
	src/service/processing/process.h \
	src/service/processing/process_result.c \
	src/service/processing/process_result.h \
	src/service/processing/purge.c \
	src/service/processing/purge.h \
	src/service/processing/runner.c \
	src/service/processing/runner.h \
	src/service/processing/sampler.c \
	src/service/processing/sampler.h \
	src/service/processing/sandbox.c \
	src/service/processing/sandbox.h \
	src/service/processing/sandbox_filter.c \
	src/service/processing/sandbox_trial.c \
	src/service/processing/scratch.c \
	src/service/processing/scratch.h \
	src/service/processing/sweep.c \
	src/service/processing/sweep.h \
	src/service/processing/dates_upkeep.c \
	src/service/processing/dates_zone.c \
	src/service/processing/search_upkeep.c \
	src/service/processing/places_upkeep.c \
	src/service/processing/taken.c \
	src/service/processing/taken.h \
	src/service/processing/title_poster.c \
	src/service/processing/title_poster.h \
	src/service/processing/download.c \
	src/service/processing/download.h \
	src/service/processing/download_clean.c \
	src/service/processing/download_clean.h \
	src/service/processing/zip_names.c \
	src/service/processing/zip_names.h \
	src/service/processing/zip_out.c \
	src/service/processing/zip_out.h \
	src/service/processing/reread.c \
	src/service/processing/reread.h \
	src/service/processing/turn.c \
	src/service/processing/turn.h \
	src/service/processing/upkeep.c \
	src/service/processing/upkeep.h \
	src/service/processing/worker.c \
	src/service/processing/worker.h

# operator
src_libservice_a_SOURCES += \
	src/service/operator/backup.c \
	src/service/operator/backup.h \
	src/service/operator/backup_bar.c \
	src/service/operator/backup_dump.c \
	src/service/operator/backup_files.c \
	src/service/operator/backup_internal.h \
	src/service/operator/backup_keys.c \
	src/service/operator/backup_list.c \
	src/service/operator/backup_manifest.c \
	src/service/operator/backup_restore.c \
	src/service/operator/backup_store.c \
	src/service/operator/backup_tool.c \
	src/service/operator/verify.c \
	src/service/operator/certificate.c \
	src/service/operator/certificate.h \
	src/service/operator/alert_facts.c \
	src/service/operator/alert_facts.h \
	src/service/operator/alert_watch.c \
	src/service/operator/alert_watch.h \
	src/service/operator/disk_trend.c \
	src/service/operator/disk_trend.h \
	src/service/operator/doctor.c \
	src/service/operator/doctor.h \
	src/service/operator/doctor_data.c \
	src/service/operator/doctor_faults.def \
	src/service/operator/doctor_fix.c \
	src/service/operator/doctor_files.c \
	src/service/operator/doctor_host.c \
	src/service/operator/doctor_house.c \
	src/service/operator/doctor_internal.h \
	src/service/operator/doctor_keys.c \
	src/service/operator/doctor_nginx.c \
	src/service/operator/doctor_sandbox.c \
	src/service/operator/doctor_storage.c \
	src/service/operator/doctor_tell.c \
	src/service/operator/doctor_tell.h \
	src/service/operator/doctor_web.c \
	src/service/operator/audit_words.c \
	src/service/operator/audit_words.h \
	src/service/operator/failures.c \
	src/service/operator/failures.h \
	src/service/operator/figures.c \
	src/service/operator/figures.h \
	src/service/operator/facts.c \
	src/service/operator/facts.h \
	src/service/operator/health.c \
	src/service/operator/health.h \
	src/service/operator/job_admin.c \
	src/service/operator/job_admin.h \
	src/service/operator/host_file.c \
	src/service/operator/host_memory.c \
	src/service/operator/host_file.h \
	src/service/operator/host_memory.h \
	src/service/operator/migrate.c \
	src/service/operator/processes.c \
	src/service/operator/processes.h \
	src/service/operator/reseal.c \
	src/service/operator/reseal.h \
	src/service/operator/migrate.h \
	src/service/operator/nginx_conf.c \
	src/service/operator/nginx_conf.h \
	src/service/operator/settings.c \
	src/service/operator/settings.h \
	src/service/operator/setup.c \
	src/service/operator/setup.h \
	src/service/operator/setup_ask.c \
	src/service/operator/setup_certificate.c \
	src/service/operator/setup_database.c \
	src/service/operator/setup_memory.c \
	src/service/operator/setup_host.c \
	src/service/operator/setup_internal.h \
	src/service/operator/setup_services.c \
	src/service/operator/setup_settings.c \
	src/service/operator/tool.c \
	src/service/operator/tool.h \
	src/service/operator/watch.c \
	src/service/operator/watch.h

nodist_src_libservice_a_SOURCES = src/service/schema_version.h

# The newest migration is the schema that this program needs.
BUILT_SOURCES += src/service/schema_version.h
CLEANFILES += src/service/schema_version.h
src/service/schema_version.h: $(dist_sql_DATA)
	$(AM_V_GEN)$(MKDIR_P) src/service && v=$$(for f in $(dist_sql_DATA); do basename $$f; done \
		| \
		sed -n 's/^0*\([1-9][0-9]*\)-.*\.sql$$/\1/p' | sort -n | tail -n 1) && \
	{ echo "/* Made from the names in sql/. */"; echo "#define SCHEMA_VERSION $$v"; } > $@.tmp \
	&& mv $@.tmp $@
