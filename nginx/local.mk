NGINX_TEMPLATES = nginx/medianest.conf.in nginx/upstreams.conf.in nginx/problems.conf.in nginx/headers.conf.in nginx/page.conf.in \
	nginx/fcgi.conf.in nginx/storage.conf.in nginx/notifyd.conf.in nginx/nginx.conf.in
nginxtemplatedir = $(pkgdatadir)/nginx
dist_nginxtemplate_DATA = $(NGINX_TEMPLATES)
