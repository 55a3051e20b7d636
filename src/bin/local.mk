ALL_LIBS = src/libservice.a src/libstore.a src/libcore.a $(SERVICE_LIBS) $(STORE_LIBS) $(CORE_LIBS)
EXTRA_PROGRAMS += medianest-fcgi
medianest_fcgi_SOURCES = src/bin/medianest_fcgi.c src/bin/pools.c src/bin/pools.h src/bin/guards.c src/bin/guards.h
medianest_fcgi_LDADD = fcgi-handlers/libhandlers.a src/libhttp.a $(ALL_LIBS) $(HTTP_LIBS)
