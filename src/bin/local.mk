ALL_LIBS = src/libservice.a src/libstore.a src/libcore.a $(SERVICE_LIBS) $(STORE_LIBS) $(CORE_LIBS)
