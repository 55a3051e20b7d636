noinst_LIBRARIES += src/libservice.a
SERVICE_LIBS = $(JWT_LIBS)
src_libservice_a_SOURCES =
src_libservice_a_SOURCES += src/service/notify.c src/service/notify.h
