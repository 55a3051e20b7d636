#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "core/metric.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "notifyd/notifyd.h"
#include "core/banned.h"

#define EDGE_LINE_MAX 256
#define EDGE_LINES 64 /* in one round of the loop */

struct edge {
	char *path;
	int fd;
	struct watch *watch;
};

static const char *const statuses[] = { "400", "403", "405", "408", "411", "413", "414", "416",
	"429", "431", "500", "502", "503", "504" };
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))
_Static_assert(STATUSES == VALUE_EDGE_OTHER, "as in metric_table.def");

/* "<190>Nov 27 12:00:00 nginx: page 429": the prefix is that of syslog. */
static void
line_count(char *line)
{
	char *status = strrchr(line, ' '), *origin;
	uint32_t value = 0;

	if (status == NULL)
		return;
	*status++ = '\0';
	origin = strrchr(line, ' ');
	if (origin == NULL)
		return;
	while (value < STATUSES && !str_eq(status, statuses[value]))
		value++;
	metric_add(METRIC_EDGE_REFUSED,
	    LABELS(str_eq(origin + 1, "storage") ? VALUE_EDGE_STORAGE : VALUE_EDGE_PAGE, value), 1);
}

static void
edge_read(void *context)
{
	struct edge *edge = context;
	char line[EDGE_LINE_MAX];

	for (int i = 0; i < EDGE_LINES; i++) {
		ssize_t n = recv(edge->fd, line, sizeof(line) - 1, MSG_DONTWAIT);

		if (n < 0)
			return;
		line[n] = '\0';
		line_count(line);
	}
}

static bool
edge_bind(struct notifyd *nd, struct edge *edge, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (str_copy(at.sun_path, sizeof(at.sun_path), edge->path) >= sizeof(at.sun_path))
		return error_set(err, ERR_INTERNAL, "the path is too long: %s", edge->path);
	unlink(edge->path);
	edge->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (edge->fd < 0 || bind(edge->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return error_set(err, ERR_INTERNAL, "cannot bind %s: %s", edge->path,
		    strerror(errno));
	return run_socket_grant(edge->path, config_str(nd->config, CFG_SOCKET_GROUP), err);
}

struct edge *
edge_start(struct notifyd *nd, const char *path)
{
	struct edge *edge = xmalloc(sizeof(*edge));
	struct error err;

	*edge = (struct edge) { .path = xstrdup(path), .fd = -1 };
	error_clear(&err);
	if (edge_bind(nd, edge, &err))
		edge->watch = watch_add(nd, edge->fd, edge_read, NULL, edge);
	else
		log_warn(nd->log, "what nginx refuses is not counted: %s", err.message);
	return edge;
}

void
edge_stop(struct edge *edge)
{
	unlink(edge->path);
	watch_remove(edge->watch);
	if (edge->fd >= 0)
		close(edge->fd);
	free(edge->path);
	free(edge);
}
