noinst_LIBRARIES += src/libcore.a
CORE_LIBS = $(CJSON_LIBS) $(CRYPTO_LIBS) $(ARGON2_LIBS) $(EXPAT_LIBS) -lm
src_libcore_a_SOURCES = \
	src/core/access.c src/core/access.h \
	src/core/arena.c src/core/arena.h \
	src/core/banned.h \
	src/core/clock.c src/core/clock.h \
	src/core/config.c src/core/config_print.c src/core/config.h src/core/config_table.def \
	src/core/crypto.c src/core/crypto.h \
	src/core/x509.c src/core/x509.h \
	src/core/password.c src/core/password_list.def \
	src/core/error.c src/core/error.h src/core/error_slugs.def \
	src/core/id.c src/core/id.h \
	src/core/json_in.c src/core/json_out.c src/core/json.h \
	src/core/json_split.c src/core/json_split.h \
	src/core/journal.c src/core/journal.h \
	src/core/log.c src/core/log.h src/core/outside.c src/core/outside.h \
	src/core/options.c src/core/options.h \
	src/core/problem_document.c src/core/problem_document.h \
	src/core/run_dir.c src/core/run_dir.h \
	src/core/metric.c src/core/metric_carry.c src/core/metric_read.c src/core/metric.h \
	src/core/metric_internal.h src/core/metric_table.def \
	src/core/shm.c src/core/shm.h \
	src/core/str.c src/core/str_encode.c src/core/str.h \
	src/core/words.h
src_libcore_a_SOURCES += src/core/xml.c src/core/xml.h
src_libcore_a_SOURCES += src/core/network.c src/core/network.h
src_libcore_a_SOURCES += src/core/manager.c src/core/manager.h
src_libcore_a_SOURCES += src/core/media_types.h
src_libcore_a_SOURCES += \
	src/model/alert.h \
	src/model/collection.h \
	src/model/link.h \
	src/model/download.h \
	src/model/alert_rules.def \
	src/model/audit.h \
	src/model/hook_out.h \
	src/model/job.h \
	src/model/library_news.h \
	src/model/job.h src/model/job_admin.h \
	src/model/job.h src/model/job_admin.h src/model/figures.h \
	src/model/list.h \
	src/model/hook.h \
	src/model/media.h \
	src/model/request.h \
	src/model/notification.h \
	src/model/notification_kinds.def \
	src/model/notification_places.def \
	src/model/setting.h \
	src/model/server.h \
	src/model/sync.h \
	src/model/duplicates.h \
	src/model/upload.h \
	src/model/user.h \
	src/model/watch.h
