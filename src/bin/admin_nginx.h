/*
 * `medianest-admin nginx [--private] DIR`: fills the templates of nginx/ from the settings, for a
 * host's nginx or a private one.
 *
 * Every template NAME.conf.in in the package data directory becomes DIR/NAME.conf, replaced
 * atomically; nginx.conf (the frame of a private start) only with `private_start`. A setting with a
 * character that is special to nginx is refused, not quoted.
 */
#ifndef MN_BIN_ADMIN_NGINX_H
#define MN_BIN_ADMIN_NGINX_H

#include <stdbool.h>

struct arena;
struct config;
struct error;

#define NGINX_TEMPLATE_MAX (256UL << 10) /* bytes of a template and of its result */

bool admin_nginx_write(const struct config *, struct arena *, const char *dir, bool private_start,
    struct error *);

#endif
