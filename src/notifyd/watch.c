#include "notifyd/notifyd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

struct watch {
	struct notifyd *nd;
	struct lws *wsi; /* NULL: closed by libwebsockets */
	watch_fn *readable, *writable;
	void *context;
	lws_sorted_usec_list_t later;
	bool removed, writing, again;
};

struct watch *
watch_add(struct notifyd *nd, int fd, watch_fn *readable, watch_fn *writable, void *context)
{
	struct watch *w = xmalloc(sizeof(*w));
	lws_sock_file_fd_type copy;

	*w = (struct watch) {
		.nd = nd,
		.readable = readable,
		.writable = writable,
		.context = context,
	};
	/* Use a duplicate, because libwebsockets closes the descriptors that it adopts. */
	copy.filefd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy.filefd >= 0)
		w->wsi = lws_adopt_descriptor_vhost(nd->vhost, LWS_ADOPT_RAW_FILE_DESC, copy,
		    "medianest", NULL);
	if (w->wsi == NULL) {
		log_error(nd->log, "a descriptor could not be watched");
		free(w);
		return NULL;
	}
	lws_set_opaque_user_data(w->wsi, w);
	return w;
}

static void
watch_write_later(lws_sorted_usec_list_t *sul)
{
	struct watch *w = lws_container_of(sul, struct watch, later);

	if (w->wsi != NULL)
		lws_callback_on_writable(w->wsi);
}

void
watch_write(struct watch *w)
{
	if (w == NULL || w->removed || w->wsi == NULL)
		return;
	/* libwebsockets ignores requests made within the writable callback. */
	if (w->writing)
		w->again = true;
	else
		lws_callback_on_writable(w->wsi);
}

void
watch_remove(struct watch *w)
{
	if (w == NULL)
		return;
	w->removed = true;
	lws_sul_cancel(&w->later);
	if (w->wsi == NULL)
		free(w);
	else
		lws_set_timeout(w->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static int
watch_writable(struct watch *w)
{
	w->writing = true;
	w->again = false;
	w->writable(w->context);
	w->writing = false;
	if (w->removed)
		return -1;
	if (w->again)
		lws_sul_schedule(w->nd->lws, 0, &w->later, watch_write_later, 1);
	return 0;
}

static void
watch_closed(struct watch *w)
{
	w->wsi = NULL;
	if (w->removed) {
		free(w);
		return;
	}
	lws_sul_cancel(&w->later);
	/* Hang-up: the owner notices when it reads, and removes the watch. */
	w->readable(w->context);
}

int
watch_callback(struct lws *wsi, enum lws_callback_reasons reason)
{
	struct watch *w = lws_get_opaque_user_data(wsi);

	if (w == NULL)
		return 0;
	if (reason == LWS_CALLBACK_RAW_CLOSE_FILE) {
		lws_set_opaque_user_data(wsi, NULL);
		watch_closed(w);
		return 0;
	}
	if (w->removed)
		return -1;
	if (reason == LWS_CALLBACK_RAW_WRITEABLE_FILE)
		return watch_writable(w);
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		w->readable(w->context);
	return w->removed ? -1 : 0;
}
