noinst_LIBRARIES += src/libstore.a
STORE_LIBS = $(LIBPQ_LIBS) $(HIREDIS_LIBS) $(CURL_LIBS)
src_libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
src_libstore_a_SOURCES = \
	src/store/pg.c src/store/pg_rows.c src/store/pg.h \
	src/store/redis.c src/store/redis.h
src_libstore_a_SOURCES += src/store/store_notifications.c src/store/store_notifications.h
