noinst_LIBRARIES += src/libclient.a
CLIENT_LIBS = $(CURL_LIBS)
src_libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
src_libclient_a_SOURCES = src/client/probe.c src/client/probe.h
src_libclient_a_SOURCES += src/client/smtp.c src/client/smtp.h
src_libclient_a_SOURCES += src/client/breaker.c src/client/breaker.h src/client/outbound.c \
	src/client/outbound.h
src_libclient_a_SOURCES += src/client/http_each.c
src_libclient_a_SOURCES += src/client/http_out.c src/client/http_address.c src/client/http_out.h \
	src/client/http_call.h src/client/http_many.c src/client/http_many.h
src_libclient_a_SOURCES += src/client/plex_tv.c src/client/plex_tv.h
src_libclient_a_SOURCES += src/client/media_server.c src/client/media_server.h src/client/plex.c
src_libclient_a_SOURCES += src/client/plex_internal.h src/client/plex_more.c
src_libclient_a_SOURCES += src/client/plex_who.c
src_libclient_a_SOURCES += src/client/server_proof.c src/client/server_proof.h
src_libclient_a_SOURCES += src/client/tmdb.c src/client/tmdb.h
src_libclient_a_SOURCES += src/client/overseerr.c src/client/overseerr_read.c \
	src/client/overseerr_read.h src/client/overseerr_rights.c src/client/overseerr.h
src_libclient_a_SOURCES += src/client/slots.c src/client/slots.h
