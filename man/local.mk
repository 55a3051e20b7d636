dist_man_MANS += man/medianest-api.7 man/medianest-scaling.7
dist_man_MANS += man/medianest-admin.8
EXTRA_DIST += man/medianest.conf.5.in
nodist_man_MANS = man/medianest.conf.5
CLEANFILES += man/medianest.conf.5
man/medianest.conf.5: man/medianest.conf.5.in config-doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && ./config-doc$(EXEEXT) mdoc > $@.table && \
	sed -e '/^@SETTINGS@$$/r $@.table' -e '/^@SETTINGS@$$/d' $(srcdir)/man/medianest.conf.5.in \
	> $@.tmp && \
	rm -f $@.table && mv $@.tmp $@
dist_man_MANS += man/medianest-sync.8
dist_man_MANS += man/medianest-fcgi.8
dist_man_MANS += man/medianest-media.8 man/medianest-worker.8
dist_man_MANS += man/medianest-notifyd.8
dist_man_MANS += man/medianest-setup.7
