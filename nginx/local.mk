NGINX_TEMPLATES = nginx/medianest.conf.in nginx/upstreams.conf.in nginx/problems.conf.in \
	nginx/headers.conf.in nginx/page.conf.in nginx/http.conf.in \
	nginx/fcgi.conf.in nginx/storage.conf.in nginx/notifyd.conf.in nginx/nginx.conf.in
nginxtemplatedir = $(pkgdatadir)/nginx
dist_nginxtemplate_DATA = $(NGINX_TEMPLATES)

# What a host needs beside the programs: units, users, directories, log rotation, a cron line.
HOST_FILES = nginx/host/medianest-fcgi@.service nginx/host/medianest-worker.service \
	nginx/host/medianest-notifyd.service nginx/host/medianest-redis.service \
	nginx/host/storage-pool.conf nginx/host/cron
EXTRA_DIST += nginx/host/medianest-fcgi@.service.in nginx/host/medianest-worker.service.in \
	nginx/host/medianest-notifyd.service.in nginx/host/medianest-redis.service.in \
	nginx/host/cron.in nginx/host/medianest.target nginx/host/storage-pool.conf.in \
	nginx/host/medianest-fcgi@api.socket nginx/host/medianest-fcgi@storage.socket \
	nginx/host/sysusers.conf nginx/host/tmpfiles.conf nginx/host/logrotate
CLEANFILES += $(HOST_FILES)
dist_pkglibexec_SCRIPTS = nginx/host/medianest-redis
# Its unit starts it; it takes no options.
AM_INSTALLCHECK_STD_OPTIONS_EXEMPT = nginx/host/medianest-redis
all-local: $(HOST_FILES)
$(HOST_FILES): Makefile
	$(AM_V_GEN)$(MKDIR_P) nginx/host && sed -e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@libexecdir[@]|$(libexecdir)|g' \
		"$(srcdir)/$@.in" > "$@.tmp" && \
		mv "$@.tmp" "$@"
nginx/host/medianest-fcgi@.service: nginx/host/medianest-fcgi@.service.in
nginx/host/medianest-worker.service: nginx/host/medianest-worker.service.in
nginx/host/medianest-notifyd.service: nginx/host/medianest-notifyd.service.in
nginx/host/medianest-redis.service: nginx/host/medianest-redis.service.in
nginx/host/storage-pool.conf: nginx/host/storage-pool.conf.in
nginx/host/cron: nginx/host/cron.in

install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@verify.service.d" \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@store.service.d" \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@storage.service.d" \
	    "$(DESTDIR)$(prefix)/lib/sysusers.d" "$(DESTDIR)$(prefix)/lib/tmpfiles.d" \
	    "$(DESTDIR)$(sysconfdir)/cron.d" "$(DESTDIR)$(sysconfdir)/logrotate.d"
	$(INSTALL_DATA) nginx/host/medianest-fcgi@.service nginx/host/medianest-worker.service \
		nginx/host/medianest-notifyd.service nginx/host/medianest-redis.service \
	    "$(srcdir)/nginx/host/medianest.target" \
	    "$(srcdir)/nginx/host/medianest-fcgi@api.socket" \
	    "$(srcdir)/nginx/host/medianest-fcgi@storage.socket" \
	    "$(DESTDIR)$(systemdsystemunitdir)"
	$(INSTALL_DATA) nginx/host/storage-pool.conf \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@verify.service.d/user.conf"
	$(INSTALL_DATA) nginx/host/storage-pool.conf \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@store.service.d/user.conf"
	$(INSTALL_DATA) nginx/host/storage-pool.conf \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@storage.service.d/user.conf"
	$(INSTALL_DATA) "$(srcdir)/nginx/host/sysusers.conf" \
		"$(DESTDIR)$(prefix)/lib/sysusers.d/medianest.conf"
	$(INSTALL_DATA) "$(srcdir)/nginx/host/tmpfiles.conf" \
		"$(DESTDIR)$(prefix)/lib/tmpfiles.d/medianest.conf"
	$(INSTALL_DATA) nginx/host/cron "$(DESTDIR)$(sysconfdir)/cron.d/medianest"
	$(INSTALL_DATA) "$(srcdir)/nginx/host/logrotate" \
		"$(DESTDIR)$(sysconfdir)/logrotate.d/medianest"

uninstall-local:
	rm -f "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@.service" \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-worker.service" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-notifyd.service" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-redis.service" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest.target" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@api.socket" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@storage.socket" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@verify.service.d/user.conf" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@store.service.d/user.conf" \
	    "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@storage.service.d/user.conf" \
	    "$(DESTDIR)$(prefix)/lib/sysusers.d/medianest.conf" \
	    "$(DESTDIR)$(prefix)/lib/tmpfiles.d/medianest.conf" \
	    "$(DESTDIR)$(sysconfdir)/cron.d/medianest" \
	    "$(DESTDIR)$(sysconfdir)/logrotate.d/medianest"
	-rmdir "$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@verify.service.d" \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@store.service.d" \
		"$(DESTDIR)$(systemdsystemunitdir)/medianest-fcgi@storage.service.d"

# The backup of each night.
nodist_systemdsystemunit_DATA = nginx/host/medianest-backup.service
dist_systemdsystemunit_DATA = nginx/host/medianest-backup.timer nginx/host/medianest.slice
EXTRA_DIST += nginx/host/medianest-backup.service.in
CLEANFILES += nginx/host/medianest-backup.service
nginx/host/medianest-backup.service: nginx/host/medianest-backup.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) nginx/host && sed -e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		"$(srcdir)/nginx/host/medianest-backup.service.in" > "$@.tmp" && mv "$@.tmp" "$@"
