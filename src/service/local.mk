noinst_LIBRARIES += src/libservice.a
SERVICE_LIBS = $(JWT_LIBS) $(SECCOMP_LIBS)
src_libservice_a_SOURCES = \
	src/service/accounts.c src/service/accounts.h \
	src/service/doctor.c src/service/doctor_data.c src/service/doctor_host.c src/service/doctor_sandbox.c src/service/doctor_web.c \
	src/service/doctor.h src/service/doctor_internal.h \
	src/service/migrate.c src/service/migrate.h \
	src/service/keyring.c src/service/keyring.h \
	src/service/services.c src/service/services.h
nodist_src_libservice_a_SOURCES = src/service/schema_version.h

# The newest migration is the schema that this program needs.
BUILT_SOURCES += src/service/schema_version.h
CLEANFILES += src/service/schema_version.h
src/service/schema_version.h: $(dist_sql_DATA)
	$(AM_V_GEN)$(MKDIR_P) src/service && v=$$(for f in $(dist_sql_DATA); do basename $$f; done | \
		sed -n 's/^0*\([1-9][0-9]*\)-.*\.sql$$/\1/p' | sort -n | tail -n 1) && \
	{ echo "/* Made from the names in sql/. */"; echo "#define SCHEMA_VERSION $$v"; } > $@.tmp && mv $@.tmp $@
src_libservice_a_SOURCES += src/service/notify.c src/service/notify.h
src_libservice_a_SOURCES += src/service/access.c src/service/access.h
src_libservice_a_SOURCES += src/service/admission.c src/service/admission.h
src_libservice_a_SOURCES += src/service/cache.c src/service/cache.h
src_libservice_a_SOURCES += src/service/login.c src/service/login.h
src_libservice_a_SOURCES += src/service/session.c src/service/session.h src/service/user.h
src_libservice_a_SOURCES += src/service/token.c src/service/token.h
src_libservice_a_SOURCES += src/service/notify_inbox.c src/service/notify_inbox.h
src_libservice_a_SOURCES += src/service/health.c src/service/health.h
src_libservice_a_SOURCES += src/service/sandbox.c src/service/sandbox_filter.c src/service/sandbox.h
src_libservice_a_SOURCES += src/service/job.c src/service/job.h
src_libservice_a_SOURCES += src/service/process.c src/service/process.h src/service/process_result.c src/service/process_result.h
src_libservice_a_SOURCES += src/service/purge.c src/service/purge.h src/service/housekeeping.c src/service/housekeeping.h
src_libservice_a_SOURCES += src/service/scratch.c src/service/scratch.h
src_libservice_a_SOURCES += src/service/session_push.c src/service/session_push.h
src_libservice_a_SOURCES += src/service/worker.c src/service/worker.h
src_libservice_a_SOURCES += src/service/media.c src/service/media_change.c src/service/media.h
src_libservice_a_SOURCES += src/service/upload.c src/service/upload_complete.c src/service/upload.h
src_libservice_a_SOURCES += src/service/objects.c src/service/objects_blob.c src/service/objects_chunked.c src/service/objects_crc.c src/service/objects_crc.h src/service/objects_list.c src/service/objects_multipart.c
src_libservice_a_SOURCES += src/service/objects.h src/service/objects_internal.h
src_libservice_a_SOURCES += src/service/search.c src/service/search.h src/service/search_fuse.c src/service/search_fuse.h \
	src/service/search_parse.c src/service/search_parse.h src/service/search_suggest.c \
	src/service/search_words.c src/service/search_words.h
src_libservice_a_SOURCES += src/service/audit.c src/service/audit.h src/service/caller.h
src_libservice_a_SOURCES += src/service/revoke.c src/service/revoke.h
src_libservice_a_SOURCES += src/service/settings.c src/service/settings.h
src_libservice_a_SOURCES += src/service/user.c
src_libservice_a_SOURCES += src/service/people.c src/service/people.h
src_libservice_a_SOURCES += src/service/api_token.c src/service/api_token.h
src_libservice_a_SOURCES += src/service/seal.c src/service/seal.h
src_libservice_a_SOURCES += src/service/totp.c src/service/totp.h
src_libservice_a_SOURCES += src/service/account_flow.c src/service/account_flow.h
src_libservice_a_SOURCES += src/service/mail.c src/service/mail.h
src_libservice_a_SOURCES += src/service/activity.c src/service/activity.h
src_libservice_a_SOURCES += src/service/idempotency.c src/service/idempotency.h
src_libservice_a_SOURCES += src/service/plex_signin.c src/service/plex_signin.h
src_libservice_a_SOURCES += src/service/time_cursor.c src/service/time_cursor.h
