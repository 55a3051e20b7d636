noinst_LIBRARIES += fcgi-handlers/libhandlers.a
fcgi_handlers_libhandlers_a_SOURCES =
