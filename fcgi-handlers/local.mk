noinst_LIBRARIES += fcgi-handlers/libhandlers.a
fcgi_handlers_libhandlers_a_SOURCES =
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/alerts.c fcgi-handlers/alerts.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/auth.c fcgi-handlers/auth.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/user_view.c fcgi-handlers/user_view.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/notifications.c fcgi-handlers/notifications.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/health.c fcgi-handlers/health.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/media.c fcgi-handlers/media.h \
	fcgi-handlers/media_view.c fcgi-handlers/media_view.h \
	fcgi-handlers/media_months.c fcgi-handlers/media_ids.c fcgi-handlers/media_filter.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/media_bulk.c \
	fcgi-handlers/media_sidecar.c \
	fcgi-handlers/media_playback.c fcgi-handlers/media_playback.h \
	fcgi-handlers/taken_input.c fcgi-handlers/taken_input.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/upload.c fcgi-handlers/duplicates.c \
	fcgi-handlers/collections.c fcgi-handlers/links.c fcgi-handlers/downloads.c
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/places.c
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/webhooks_out.c fcgi-handlers/webhooks_out.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/search.c fcgi-handlers/search.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/admin.c fcgi-handlers/admin.h \
	fcgi-handlers/admin_audit.c fcgi-handlers/admin_house.c fcgi-handlers/admin_jobs.c
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/auth_account.c fcgi-handlers/users.c \
	fcgi-handlers/users.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/account_input.h \
	fcgi-handlers/list_view.c fcgi-handlers/list_view.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/auth_plex.c
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/webhooks_in.c fcgi-handlers/webhooks_in.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/plex.c fcgi-handlers/plex.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/plex_sync.c fcgi-handlers/plex_sync.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/overseerr.c fcgi-handlers/overseerr.h \
	fcgi-handlers/requests.c fcgi-handlers/request_view.h
fcgi_handlers_libhandlers_a_SOURCES += fcgi-handlers/metrics.c fcgi-handlers/metrics.h \
	fcgi-handlers/metrics_text.c fcgi-handlers/metrics_text.h
