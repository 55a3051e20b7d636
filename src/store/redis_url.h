/* Where Redis is: unix:///path[?db=N], or redis://[[user]:password@]host[:port][/db]. */
#ifndef MN_STORE_REDIS_URL_H
#define MN_STORE_REDIS_URL_H

#include <stdbool.h>

#define REDIS_PORT_DEFAULT 6379
#define REDIS_DB_MAX 1000000

struct redis_url {
	char path[108]; /* of a unix socket; "": host and port */
	char host[256];
	int port, db;
	char user[128], password[512];
	const char *problem; /* what is wrong with the URL, or NULL */
};

/* False with `problem` set when malformed. Percent-encoding is decoded in user and password. */
bool redis_url_parse(const char *url, struct redis_url *);

#endif
