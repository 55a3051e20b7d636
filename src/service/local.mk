noinst_LIBRARIES += src/libservice.a
SERVICE_LIBS = $(JWT_LIBS)
src_libservice_a_SOURCES =
