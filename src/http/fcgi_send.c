#include "http/fcgi_send.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/banned.h"

#define RECORD_STDOUT 6
#define RECORD_END_REQUEST 3
#define RECORD_HEADER 8
/* bytes of content: a multiple of 8 below 2^16, so that no padding is needed */
#define RECORD_MAX 65528
/* empty STDOUT, END_REQUEST with its body: all zero = complete */
#define END_BYTES (RECORD_HEADER + RECORD_HEADER + 8)
#define PARTS_MAX 4 /* record header, end of the head, piece of the body, closing records */
#define DRAIN_CHUNK 4096
#define DRAIN_MAX (16UL << 20)

static void
record_header(unsigned char out[RECORD_HEADER], int type, int request_id, size_t len)
{
	out[0] = 1;
	out[1] = (unsigned char)type;
	out[2] = (unsigned char)(request_id >> 8);
	out[3] = (unsigned char)request_id;
	out[4] = (unsigned char)(len >> 8);
	out[5] = (unsigned char)len;
	out[6] = out[7] = 0;
}

/* Most responses fit the socket's buffer: it is waited for only when it is full. */
static bool
write_all(int fd, struct iovec *part, int parts)
{
	while (parts > 0) {
		const struct msghdr message = { .msg_iov = part, .msg_iovlen = (size_t)parts };
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		ssize_t n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && poll(&pfd, 1, FCGI_SEND_TIMEOUT_MS) > 0)
			continue;
		if (n < 0)
			return false;
		for (; parts > 0 && (size_t)n >= part->iov_len; part++, parts--)
			n -= (ssize_t)part->iov_len;
		if (parts > 0) {
			part->iov_base = (char *)part->iov_base + n;
			part->iov_len -= (size_t)n;
		}
	}
	return true;
}

static void
add_part(struct iovec *part, int *parts, const void *data, size_t len)
{
	if (len > 0)
		part[(*parts)++] =
		    (struct iovec) { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
}

/*
 * Closing a socket with unread input resets the connection, and the peer may lose the response. So
 * read the input to its end.
 */
static void
read_rest(FCGX_Request *fcgx)
{
	char chunk[DRAIN_CHUNK];
	size_t total = 0;
	int n;

	while (total < DRAIN_MAX && (n = FCGX_GetStr(chunk, sizeof(chunk), fcgx->in)) > 0)
		total += (size_t)n;
}

bool
fcgi_send(FCGX_Request *fcgx, const char *head, size_t head_len, const char *body, size_t body_len)
{
	unsigned char start[RECORD_HEADER], end[END_BYTES] = { 0 };
	bool ok = true;

	read_rest(fcgx);
	record_header(end, RECORD_STDOUT, fcgx->requestId, 0);
	record_header(end + RECORD_HEADER, RECORD_END_REQUEST, fcgx->requestId, 8);
	do {
		struct iovec part[PARTS_MAX];
		size_t from_head = head_len < RECORD_MAX ? head_len : RECORD_MAX;
		size_t from_body =
		    body_len < RECORD_MAX - from_head ? body_len : RECORD_MAX - from_head;
		int parts = 0;

		record_header(start, RECORD_STDOUT, fcgx->requestId, from_head + from_body);
		add_part(part, &parts, start, sizeof(start));
		add_part(part, &parts, head, from_head);
		add_part(part, &parts, body, from_body);
		head += from_head;
		head_len -= from_head;
		body_len -= from_body;
		if (from_body > 0)
			body += from_body;
		if (head_len + body_len == 0)
			add_part(part, &parts, end, sizeof(end));
		ok = write_all(fcgx->ipcFd, part, parts);
	} while (ok && head_len + body_len > 0);
	/* close at once: the kernel has everything */
	FCGX_Detach(fcgx);
	FCGX_Free(fcgx, 1);
	return ok;
}
