noinst_LIBRARIES += src/libstore.a
STORE_LIBS = $(LIBPQ_LIBS) $(HIREDIS_LIBS) $(CURL_LIBS)
src_libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
src_libstore_a_SOURCES = \
	src/store/pg.c src/store/pg_transaction.c src/store/pg_connect.c src/store/pg_rows.c \
	src/store/pg.h src/store/pg_internal.h \
	src/store/queries.c \
	src/store/redis.c src/store/redis.h src/store/redis_url.c src/store/redis_url.h \
	src/store/store_accounts.c src/store/store_accounts.h \
	src/store/store_dates.c src/store/store_dates.h \
	src/store/store_search_index.c src/store/store_search_index.h \
	src/store/store_cities.c src/store/store_cities.h \
	src/store/store_doctor.c src/store/store_doctor.h \
	src/store/store_schema.c src/store/store_schema.h
src_libstore_a_SOURCES += src/store/pg_environment.c src/store/pg_environment.h
src_libstore_a_SOURCES += src/store/store_backups.c src/store/store_backup_objects.c \
	src/store/store_backups.h
src_libstore_a_SOURCES += src/store/store_process.c src/store/store_process.h
src_libstore_a_SOURCES += src/store/store_jobs.c src/store/store_jobs.h
src_libstore_a_SOURCES += src/store/store_notifications.c src/store/store_notifications.h
src_libstore_a_SOURCES += src/store/store_notify.c src/store/store_notify.h
src_libstore_a_SOURCES += src/store/store_notify_share.c
src_libstore_a_SOURCES += src/store/store_hooks.c src/store/store_hooks.h
src_libstore_a_SOURCES += src/store/store_plays.c src/store/store_plays.h
src_libstore_a_SOURCES += src/store/store_alerts.c src/store/store_alerts.h \
	src/store/store_alert_facts.c src/store/store_alert_facts.h
src_libstore_a_SOURCES += src/store/store_enrich.c src/store/store_enrich.h
src_libstore_a_SOURCES += src/store/store_title_posters.c src/store/store_title_posters.h
src_libstore_a_SOURCES += src/store/store_servers.c src/store/store_servers.h
src_libstore_a_SOURCES += src/store/store_turn.c src/store/store_turn.h
src_libstore_a_SOURCES += src/store/store_reread.c src/store/store_reread.h
src_libstore_a_SOURCES += src/store/read_sql.h
src_libstore_a_SOURCES += src/store/store_looks.c src/store/store_looks.h
src_libstore_a_SOURCES += src/store/store_spots.c src/store/store_spots.h
src_libstore_a_SOURCES += src/store/store_libraries.c src/store/store_libraries.h
src_libstore_a_SOURCES += src/store/store_endpoints.c src/store/store_endpoints.h \
	src/store/store_deliver.c src/store/store_deliver.h
src_libstore_a_SOURCES += src/store/store_overseerr.c src/store/store_overseerr.h \
	src/store/store_requests.c src/store/store_requests.h
src_libstore_a_SOURCES += src/store/store_sessions.c src/store/store_sessions.h
src_libstore_a_SOURCES += src/store/store_credentials.c src/store/store_credentials.h
src_libstore_a_SOURCES += src/store/store_media.c src/store/store_media_change.c \
	src/store/store_media_list.c src/store/store_media.h
src_libstore_a_SOURCES += src/store/store_collections.c src/store/store_collections.h
src_libstore_a_SOURCES += src/store/store_links.c src/store/store_links.h
src_libstore_a_SOURCES += src/store/store_downloads.c src/store/store_downloads.h
src_libstore_a_SOURCES += src/store/store_playback.c src/store/store_playback.h
src_libstore_a_SOURCES += src/store/store_sums.c src/store/store_sums.h
src_libstore_a_SOURCES += src/store/store_admin_jobs.c src/store/store_admin_jobs.h \
	src/store/store_admin.c src/store/store_admin.h
src_libstore_a_SOURCES += src/store/store_uploads.c src/store/store_uploads.h
src_libstore_a_SOURCES += src/store/store_audit.c src/store/store_audit.h
src_libstore_a_SOURCES += src/store/store_settings.c src/store/store_settings.h
src_libstore_a_SOURCES += src/store/store_setup.c src/store/store_setup.h
src_libstore_a_SOURCES += src/store/scripts.c src/store/scripts.h

# The Lua scripts become string literals of one header.
LUA_FILES = src/store/cache.lua src/store/generation.lua src/store/guard.lua src/store/reload.lua \
	src/store/token_keep.lua src/store/token_recall.lua
EXTRA_DIST += $(LUA_FILES)
BUILT_SOURCES += src/store/lua_scripts.h
CLEANFILES += src/store/lua_scripts.h
src/store/lua_scripts.h: $(LUA_FILES)
	$(AM_V_GEN)$(MKDIR_P) src/store && for s in $(LUA_FILES); do \
		f=$(srcdir)/$$s; \
		echo "static const char $$(basename $$f .lua)_lua[] ="; \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $$f || exit 1; \
		echo ";"; \
	done > $@.tmp && mv $@.tmp $@

# Statements made of fragments are SQL files; each becomes the query table of one store file.
SQL_SHARED = src/store/sql/readable.sql src/store/sql/columns.sql
SQL_FILES = src/store/sql/media.sql src/store/sql/media_list.sql src/store/sql/search.sql \
	src/store/sql/search_words.sql src/store/sql/sync.sql src/store/sql/sync_items.sql
SQL_FILES += src/store/sql/notify.sql
SQL_FILES += src/store/sql/admin_jobs.sql src/store/sql/admin.sql
SQL_TABLES = src/store/sql_media.h src/store/sql_media_list.h src/store/sql_search.h \
	src/store/sql_search_words.h src/store/sql_sync.h src/store/sql_sync_items.h
SQL_TABLES += src/store/sql_notify.h
SQL_TABLES += src/store/sql_admin_jobs.h src/store/sql_admin.h
SQL_FILES += src/store/sql/watch.sql src/store/sql/looks.sql
SQL_TABLES += src/store/sql_watch.h src/store/sql_looks.h
SQL_FILES += src/store/sql/collections.sql
SQL_TABLES += src/store/sql_collections.h
SQL_FILES += src/store/sql/links.sql
SQL_TABLES += src/store/sql_links.h
SQL_FILES += src/store/sql/downloads.sql
SQL_TABLES += src/store/sql_downloads.h
SQL_FILES += src/store/sql/notifications.sql src/store/sql/replay.sql
SQL_FILES += src/store/sql/notify_share.sql
SQL_TABLES += src/store/sql_notify_share.h
SQL_TABLES += src/store/sql_notifications.h src/store/sql_replay.h
SQL_FILES += src/store/sql/playback.sql
SQL_TABLES += src/store/sql_playback.h
SQL_FILES += src/store/sql/spots.sql
SQL_TABLES += src/store/sql_spots.h
EXTRA_DIST += $(SQL_SHARED) $(SQL_FILES) build-aux/sql-queries build-aux/statement-owners
BUILT_SOURCES += $(SQL_TABLES)
CLEANFILES += $(SQL_TABLES)
$(SQL_TABLES): $(SQL_SHARED) build-aux/sql-queries
	$(AM_V_GEN)$(MKDIR_P) src/store && name=`basename $@ .h | sed 's/^sql_//'` && \
		$(PERL) $(srcdir)/build-aux/sql-queries $(srcdir)/src/store/sql/$$name.sql \
		$(srcdir)/src/store/sql/readable.sql $(srcdir)/src/store/sql/columns.sql > $@.tmp \
		&& \
		mv $@.tmp $@
src/store/sql_media.h: src/store/sql/media.sql
src/store/sql_media_list.h: src/store/sql/media_list.sql
src/store/sql_search.h: src/store/sql/search.sql
src/store/sql_search_words.h: src/store/sql/search_words.sql
src/store/sql_notify.h: src/store/sql/notify.sql
src/store/sql_notifications.h: src/store/sql/notifications.sql
src/store/sql_notify_share.h: src/store/sql/notify_share.sql
src/store/sql_replay.h: src/store/sql/replay.sql
src/store/sql_admin.h: src/store/sql/admin.sql
src/store/sql_admin_jobs.h: src/store/sql/admin_jobs.sql
src/store/sql_watch.h: src/store/sql/watch.sql
src/store/sql_looks.h: src/store/sql/looks.sql
src/store/sql_spots.h: src/store/sql/spots.sql
src/store/sql_collections.h: src/store/sql/collections.sql
src/store/sql_links.h: src/store/sql/links.sql
src/store/sql_downloads.h: src/store/sql/downloads.sql
src/store/sql_playback.h: src/store/sql/playback.sql
src/store/sql_sync.h: src/store/sql/sync.sql
src/store/sql_sync_items.h: src/store/sql/sync_items.sql
src_libstore_a_SOURCES += src/store/store_sync.c src/store/store_sync_items.c src/store/store_sync.h
src_libstore_a_SOURCES += src/store/store_health.c src/store/store_health.h
src_libstore_a_SOURCES += src/store/sigv4.c src/store/sigv4_verify.c src/store/sigv4.h
src_libstore_a_SOURCES += src/store/s3.c src/store/s3_call.c src/store/s3_multipart.c \
	src/store/s3_ops.c src/store/s3_presign.c src/store/s3_stream.c src/store/s3.h \
	src/store/s3_internal.h
src_libstore_a_SOURCES += src/store/pg_async.c src/store/pg_async.h
src_libstore_a_SOURCES += src/store/store_objects.c src/store/store_object_uploads.c \
	src/store/store_objects.h
src_libstore_a_SOURCES += src/store/store_search.c src/store/store_search_words.c \
	src/store/store_search.h
src_libstore_a_SOURCES += src/store/store_invites.c src/store/store_invites.h
src_libstore_a_SOURCES += src/store/store_mail_links.c src/store/store_mail_links.h
src_libstore_a_SOURCES += src/store/store_people.c src/store/store_people.h
src_libstore_a_SOURCES += src/store/store_tokens.c src/store/store_tokens.h
src_libstore_a_SOURCES += src/store/store_seals.c src/store/store_seals.h
src_libstore_a_SOURCES += src/store/store_totp.c src/store/store_totp.h
src_libstore_a_SOURCES += src/store/store_account_flow.c src/store/store_account_flow.h
src_libstore_a_SOURCES += src/store/store_idempotency.c src/store/store_idempotency.h
src_libstore_a_SOURCES += src/store/store_plex.c src/store/store_plex.h
src_libstore_a_SOURCES += src/store/store_user.c src/store/store_user.h
src_libstore_a_SOURCES += src/store/store_replay.c src/store/store_replay.h
src_libstore_a_SOURCES += src/store/store_watch.c src/store/store_watch.h
