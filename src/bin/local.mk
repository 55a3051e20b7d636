ALL_LIBS = src/libservice.a src/libclient.a src/libstore.a src/libcore.a $(SERVICE_LIBS) \
	$(CLIENT_LIBS) $(STORE_LIBS) $(CORE_LIBS)
sbin_PROGRAMS += medianest-fcgi
medianest_fcgi_SOURCES = src/bin/medianest_fcgi.c src/bin/inputs.c src/bin/inputs.h \
	src/bin/pools.c src/bin/pools.h src/bin/guards.c src/bin/guards.h src/bin/daemon.c \
	src/bin/daemon.h
medianest_fcgi_LDADD = fcgi-handlers/libhandlers.a src/libobjectstore.a src/libhttp.a $(ALL_LIBS) \
	$(HTTP_LIBS)

sbin_PROGRAMS += medianest-admin
medianest_admin_SOURCES = src/bin/medianest_admin.c src/bin/admin_store.c src/bin/admin_store.h \
	src/bin/admin_backup.c src/bin/admin_backup.h src/bin/admin_user.c src/bin/admin_user.h
medianest_admin_LDADD = $(ALL_LIBS)

# The settings table is the source of the manual page's list and of the sample file.
noinst_PROGRAMS += config-doc
config_doc_SOURCES = src/bin/config_doc.c
config_doc_LDADD = src/libcore.a $(CORE_LIBS)

medianestconfdir = $(sysconfdir)/medianest
nodist_medianestconf_DATA = nginx/host/medianest.conf.sample
CLEANFILES += nginx/host/medianest.conf.sample
nginx/host/medianest.conf.sample: config-doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) nginx/host && ./config-doc$(EXEEXT) sample > $@.tmp && mv $@.tmp $@

# The rules of the alerts are the source of the rule file for Prometheus.
noinst_PROGRAMS += alert-rules-doc
alert_rules_doc_SOURCES = src/bin/alert_rules_doc.c
alert_rules_doc_LDADD = $(ALL_LIBS)
monitoringdir = $(pkgdatadir)/monitoring
nodist_monitoring_DATA = monitoring/prometheus-rules.yml
CLEANFILES += monitoring/prometheus-rules.yml
monitoring/prometheus-rules.yml: alert-rules-doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) monitoring && ./alert-rules-doc$(EXEEXT) prometheus > $@.tmp && \
	mv $@.tmp $@
dist_monitoring_DATA = monitoring/grafana-dashboard.json

sbin_PROGRAMS += medianest-notifyd
medianest_notifyd_SOURCES = src/bin/medianest_notifyd.c src/bin/daemon.c src/bin/daemon.h \
	src/notifyd/notifyd.h src/notifyd/bus.c src/notifyd/client.c src/notifyd/event.c \
	src/notifyd/feed.c src/notifyd/people.c src/notifyd/server.c src/notifyd/watch.c \
	src/notifyd/edge.c
medianest_notifyd_CPPFLAGS = $(AM_CPPFLAGS) $(LWS_CFLAGS)
medianest_notifyd_LDADD = $(ALL_LIBS) $(LWS_LIBS)
sbin_PROGRAMS += medianest-worker
medianest_worker_SOURCES = src/bin/medianest_worker.c src/bin/jobs.c src/bin/jobs.h \
	src/bin/daemon.c src/bin/daemon.h
# libarchive is for the worker alone: its libraries would cost each process memory.
medianest_worker_LDADD = $(ALL_LIBS) $(ARCHIVE_LIBS)

sbin_PROGRAMS += medianest-sync
medianest_sync_SOURCES = src/bin/medianest_sync.c src/bin/daemon.c src/bin/daemon.h
medianest_sync_LDADD = $(ALL_LIBS)
