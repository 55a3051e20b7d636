noinst_LIBRARIES += src/libhttp.a
HTTP_LIBS = $(FCGI_LIBS)
src_libhttp_a_SOURCES = \
	src/http/crew.c src/http/crew.h \
	src/http/dispatch.c src/http/dispatch.h \
	src/http/enter.c src/http/enter.h \
	src/http/fcgi.c src/http/fcgi.h src/http/fcgi_send.c src/http/fcgi_send.h \
	src/http/guard.h \
	src/http/input.c src/http/input_json.c src/http/input_query.c src/http/input_schema.c \
	src/http/input.h src/http/input_value.h \
	src/http/measure.c src/http/measure.h \
	src/http/multipart.c src/http/multipart.h \
	src/http/nursery.c src/http/nursery.h \
	src/http/prefork.c src/http/prefork.h \
	src/http/problem.c src/http/problem.h \
	src/http/request.c src/http/request.h \
	src/http/response.c src/http/response.h \
	src/http/route.c src/http/route.h
