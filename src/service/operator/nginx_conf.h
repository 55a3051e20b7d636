/*
 * nginx's configuration from the templates of nginx/ and the settings, for a host's nginx or a
 * private one.
 *
 * Every template NAME.conf.in in the package data directory becomes DIR/NAME.conf, replaced
 * atomically; nginx.conf (the frame of a private start) only with `private_start`. A setting with a
 * character that is special to nginx is refused, not quoted.
 */
#ifndef MN_SERVICE_OPERATOR_NGINX_CONF_H
#define MN_SERVICE_OPERATOR_NGINX_CONF_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct config;
struct error;

#define NGINX_TEMPLATE_MAX (256UL << 10) /* bytes of a template and of its result */
#define NGINX_FILES_MAX 16
#define NGINX_DIR MN_SYSCONFDIR "/nginx/medianest" /* of a host's drop-in */

struct nginx_files {
	struct nginx_file {
		const char *path, *text;
	} items[NGINX_FILES_MAX];
	size_t n;
};

/* What would be in the directory, an absolute path; writes nothing. */
bool nginx_conf_make(const struct config *, struct arena *, const char *dir, bool private_start,
    struct nginx_files *, struct error *);
bool nginx_conf_write(const struct config *, struct arena *, const char *dir, bool private_start,
    struct error *);

#endif
