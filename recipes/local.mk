# Configurations of other servers that stand beside MediaNest. t/570-two-hosts.t and t/571-proxies.t
# run them.
recipesdir = $(docdir)/recipes
dist_recipes_DATA = recipes/haproxy.cfg recipes/nginx.conf recipes/Caddyfile \
	recipes/pgbouncer.ini recipes/pgbouncer.sql
