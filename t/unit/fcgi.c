/*
 * The FastCGI loop from nginx's side of the socket: responses of every size, refused lengths, a
 * request that is running at SIGTERM.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "http/fcgi.h"
#include "http/prefork.h"
#include "http/request.h"
#include "http/response.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define BODY_MAX 1000
#define ANSWER_MAX (1 << 20)
#define NAP_US 300000

static struct log quiet = { .component = "test" };
static char path[64];

/* Bodies of up to BODY_MAX bytes are read. */
static size_t
open_request(void *context, struct request *req, size_t announced)
{
	struct error *err;

	if (req->framing != NULL || announced <= BODY_MAX)
		return req->framing != NULL ? 0 : announced;
	err = arena_alloc(req->arena, sizeof(*err));
	error_set(err, ERR_TOO_LARGE, "At most %d bytes.", BODY_MAX);
	req->framing = err;
	return 0;
}

/* /N returns N bytes; bad framing returns its slug; /nap takes a while. */
static void
handler(void *context, struct request *req, struct response *res)
{
	char *body;
	int64_t n = 0;

	res->status = 200;
	res->content_type = "text/plain";
	if (req->framing != NULL) {
		res->status = 400;
		res->body = error_slug_of(req->framing);
		res->body_len = strlen(res->body);
		return;
	}
	if (strcmp(req->path, "/full") == 0)
		for (;;)
			arena_alloc(req->arena, 1 << 20);
	if (strcmp(req->path, "/nap") == 0)
		usleep(NAP_US);
	str_to_int(req->path + 1, 0, ANSWER_MAX, &n);
	body = arena_alloc(req->arena, (size_t)n + 1);
	for (int64_t i = 0; i < n; i++)
		body[i] = (char)('a' + i % 26);
	res->body = req->body_len > 0 ? req->body : body;
	res->body_len = req->body_len > 0 ? req->body_len : (size_t)n;
}

static void
request_sent(void *context, const struct request *req, const struct response *res)
{
}

static void
refuse_full(void *context, struct request *req, struct response *res)
{
	res->status = 413;
	res->content_type = "text/plain";
	res->body = "too much";
	res->body_len = strlen(res->body);
}

static int
listen_at(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	str_copy(address.sun_path, sizeof(address.sun_path), path);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 16) == 0 ?
	    fd :
	    -1;
}

static int
connect_to(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	str_copy(address.sun_path, sizeof(address.sun_path), path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static void
add_record(struct buf *buf, int type, const void *data, size_t len)
{
	const char head[] = { 1, (char)type, 0, 1, (char)(len >> 8), (char)len, 0, 0 };

	buf_add(buf, head, sizeof(head));
	buf_add(buf, data, len);
}

static void
add_param(struct buf *buf, const char *name, const char *value)
{
	buf_addc(buf, (char)strlen(name));
	buf_addc(buf, (char)strlen(value));
	buf_adds(buf, name);
	buf_adds(buf, value);
}

static int
send_request(struct arena *arena, const char *method, const char *uri, const char *length,
    const char *body)
{
	struct buf params, out;
	int fd = connect_to();

	buf_init(&params, arena, 0);
	buf_init(&out, arena, 0);
	add_param(&params, "REQUEST_METHOD", method);
	add_param(&params, "REQUEST_URI", uri);
	if (length != NULL)
		add_param(&params, "CONTENT_LENGTH", length);
	add_record(&out, 1, "\0\1\0\0\0\0\0\0", 8);
	add_record(&out, 4, params.data, params.len);
	add_record(&out, 4, "", 0);
	if (*body != '\0')
		add_record(&out, 5, body, strlen(body));
	add_record(&out, 5, "", 0);
	return write(fd, out.data, out.len) == (ssize_t)out.len ? fd : -1;
}

/*
 * The content of all STDOUT records; NULL unless the request ended properly and the connection was
 * closed.
 */
static const char *
read_answer(struct arena *arena, int fd, size_t *len)
{
	unsigned char *data = arena_alloc(arena, 2 * ANSWER_MAX);
	struct buf out;
	size_t total = 0, at = 0;
	bool ended = false;
	ssize_t n;

	while ((n = read(fd, data + total, 2 * ANSWER_MAX - total)) > 0)
		total += (size_t)n;
	close(fd);
	buf_init(&out, arena, 4 * ANSWER_MAX);
	while (n == 0 && at + 8 <= total) {
		size_t content = (size_t)data[at + 4] << 8 | data[at + 5];

		if (data[at + 1] == 6)
			buf_add(&out, data + at + 8, content);
		ended = data[at + 1] == 3;
		at += 8 + content + data[at + 6];
	}
	*len = out.len;
	return ended && at == total ? out.data : NULL;
}

static bool
answers(struct arena *arena, const char *method, const char *uri, const char *length,
    const char *body, const char *status, size_t want)
{
	size_t len;
	const char *text = read_answer(arena, send_request(arena, method, uri, length, body), &len),
		   *end;

	if (text == NULL || !str_starts(text, "Status: ") ||
	    strncmp(text + 8, status, strlen(status)) != 0)
		return false;
	end = strstr(text, "\r\n\r\n");
	return end != NULL && len - (size_t)(end + 4 - text) == want;
}

static pid_t
start(int listen_fd)
{
	struct fcgi_loop loop = { .listen_fd = listen_fd,
		.open = open_request,
		.handler = handler,
		.full = refuse_full,
		.sent = request_sent,
		.log = &quiet,
		.idle_seconds = 60 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(fcgi_run(&loop));
	return pid;
}

int
main(void)
{
	struct arena arena;
	const char *text, *end;
	int listen_fd, fd, status;
	size_t len;
	pid_t pid;

	log_set_level(LOG_L_CRIT);
	arena_init(&arena);
	snprintf(path, sizeof(path), "/tmp/mn-fcgi-%d.sock", (int)getpid());
	listen_fd = listen_at();
	pid = start(listen_fd);
	ok(listen_fd >= 0 && pid > 0, "the loop runs");

	for (size_t i = 0; i < 8; i++) {
		static const char *const sizes[] = { "0", "1", "7000", "8192", "65400", "65528",
			"131072", "1000000" };

		ok(answers(&arena, "GET", arena_printf(&arena, "/%s", sizes[i]), NULL, "", "200 OK",
		       (size_t)strtol(sizes[i], NULL, 10)),
		    "%s bytes", sizes[i]);
	}
	text = read_answer(&arena, send_request(&arena, "GET", "/1000000", NULL, ""), &len);
	end = text == NULL ? NULL : strstr(text, "\r\n\r\n");
	ok(end != NULL && end[4] == 'a' && end[4 + 999999] == (char)('a' + 999999 % 26) &&
		end[4 + 70000] == (char)('a' + 70000 % 26),
	    "pieces come in order");
	ok(answers(&arena, "HEAD", "/5000", NULL, "", "200 OK", 0), "HEAD has no body");
	ok(answers(&arena, "POST", "/0", "5", "hello", "200 OK", 5), "a body is read");
	ok(answers(&arena, "POST", "/0", "9", "hello", "400", strlen("malformed_request")),
	    "a body that is too short");
	ok(answers(&arena, "POST", "/0", "2", "hello", "200 OK", 2),
	    "one that is longer than it said");
	ok(answers(&arena, "POST", "/0", "1001", "hello", "400", strlen("payload_too_large")),
	    "one above the limit");
	ok(answers(&arena, "POST", "/0", "x", "", "400", strlen("malformed_request")),
	    "a length that is none");

	fd = send_request(&arena, "GET", "/nap", NULL, "");
	usleep(NAP_US / 3);
	kill(pid, SIGTERM);
	text = read_answer(&arena, fd, &len);
	ok(text != NULL && str_starts(text, "Status: 200 OK"),
	    "SIGTERM lets the request in hand end");
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "then the loop ends");

	pid = start(listen_fd);
	ok(answers(&arena, "GET", "/full", NULL, "", "413", strlen("too much")),
	    "a request that needs too much memory is answered");
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		WEXITSTATUS(status) == PREFORK_EXIT_MEMORY,
	    "and the process ends in order, and says why");

	close(listen_fd);
	unlink(path);
	arena_clear(&arena);
	return done_testing();
}
