/* Many requests at a time: each ends as it does, and none waits for another. */
#include "client/http_many.h"
#include "core/clock.h"
#include "core/str.h"
#include "service/notify/hook_message.h"
#include "t/unit/local_server.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define AT_A_TIME 8
#define DEADLINE_MS 1500

static void
serve_good(struct local_server *server, int fd)
{
	while (local_server_read(fd)) {
		atomic_fetch_add(&server->seen->requests, 1);
		local_server_send(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	}
}

static void
serve_long(struct local_server *server, int fd)
{
	local_server_read(fd);
	local_server_send(fd, "HTTP/1.1 202 Yes\r\nContent-Length: 100000\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		local_server_send(fd, "a response that nobody reads to its end");
	sleep(60);
}

static void
serve_silence(struct local_server *server, int fd)
{
	while (local_server_read(fd))
		;
}

static void
serve_redirect(struct local_server *server, int fd)
{
	local_server_read(fd);
	local_server_send(fd,
	    "HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
}

static struct http_out
request(const char *url, const char *allow)
{
	return (struct http_out) { .method = "POST",
		.url = url,
		.body = "{}",
		.body_len = 2,
		.timeout_ms = DEADLINE_MS,
		.answer_max = 1000,
		.rules = { .allow = allow, .ca_file = "" } };
}

/* Waits for the next end of a request. */
static struct http_end
next_end(struct http_many *many)
{
	struct http_end end = { .context = NULL };

	while (!http_many_next(many, &end))
		http_many_wait(many, 50);
	return end;
}

static void
test_ends(void)
{
	static const struct {
		const char *what;
		void (*serve)(struct local_server *, int fd);
		enum call_end end;
		int status;
		const char *failure;
	} rows[] = {
		{ "a good one", serve_good, CALL_ANSWERED, 204, NULL },
		{ "a long response", serve_long, CALL_ANSWERED, 202, NULL },
		{ "silence", serve_silence, CALL_TIMEOUT, 0, "timeout" },
		{ "a redirect", serve_redirect, CALL_ANSWERED, 307, "redirect" },
	};
	struct local_server servers[4];
	struct http_many *many = http_many_new(AT_A_TIME);
	struct http_end end;
	size_t which;

	for (size_t i = 0; i < 4; i++) {
		struct http_out out;

		local_server_start(&servers[i], "http", rows[i].serve);
		out = request(servers[i].url, servers[i].allow);
		ok(http_many_start(many, &out, &servers[i]), "%s: starts", rows[i].what);
	}
	for (size_t i = 0; i < 4; i++) {
		end = next_end(many);
		which = (size_t)((struct local_server *)end.context - servers);
		ok(end.end == rows[which].end && end.status == rows[which].status, "%s: its end",
		    rows[which].what);
		ok(str_eq(hook_failure(end.end, end.status), rows[which].failure), "%s: as a code",
		    rows[which].what);
		ok(which == 2 || end.us < DEADLINE_MS * US_PER_MS, "%s: waits for none",
		    rows[which].what);
	}
	ok(http_many_running(many) == 0, "all are told");
	http_many_free(many);
	for (size_t i = 0; i < 4; i++)
		local_server_stop(&servers[i]);
}

static void
test_guard(void)
{
	static const char *const urls[] = { "http://127.0.0.1:9/", "http://[::1]:9/",
		"http://0x7f.1:9/", "http://169.254.169.254/", "file:///etc/passwd",
		"http://me:secret@127.0.0.1:9/" };
	struct http_many *many = http_many_new(AT_A_TIME);

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct http_out out = request(urls[i], "");
		struct http_end end;

		http_many_start(many, &out, NULL);
		end = next_end(many);
		ok(end.end == CALL_REFUSED_ADDRESS, "%s is refused", urls[i]);
		ok(str_eq(hook_failure(end.end, end.status), "refused_address"), "and says so");
	}
	http_many_free(many);
}

static void
test_places(void)
{
	struct http_many *many = http_many_new(2);
	struct local_server good, silent;
	struct http_out quick, slow;

	local_server_start(&good, "http", serve_good);
	local_server_start(&silent, "http", serve_silence);
	quick = request(good.url, good.allow);
	slow = request(silent.url, silent.allow);
	slow.timeout_ms = 60000; /* it is broken off */
	ok(http_many_start(many, &slow, NULL) && http_many_start(many, &quick, &good),
	    "two places");
	ok(!http_many_start(many, &quick, &good), "there is no third one");
	for (int i = 0; i < 20; i++) {
		next_end(many);
		http_many_start(many, &quick, &good);
	}
	next_end(many);
	ok(atomic_load(&good.seen->requests) == 21, "one goes on while the other hangs");
	ok(atomic_load(&good.seen->connections) == 1, "over one connection");
	ok(http_many_running(many) == 1, "which still hangs");
	http_many_free(many);
	local_server_stop(&good);
	local_server_stop(&silent);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_ends();
	test_guard();
	test_places();
	return done_testing();
}
