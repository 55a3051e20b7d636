/* Calls to other servers: how they end, connections kept between them, and the breaker. */
#include <ftw.h>
#include <stdlib.h>

#include "client/breaker.h"
#include "client/http_out.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/metric.h"
#include "core/str.h"
#include "t/unit/local_server.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;
static struct error err;
static struct http_answer answer;

static void
serve_http(struct local_server *server, int fd)
{
	while (local_server_read(fd)) {
		atomic_fetch_add(&server->seen->requests, 1);
		local_server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	}
}

static void
serve_503(struct local_server *server, int fd)
{
	while (local_server_read(fd))
		local_server_send(fd, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
}

static void
serve_silence(struct local_server *server, int fd)
{
	while (local_server_read(fd))
		;
}

static void
serve_garbage(struct local_server *server, int fd)
{
	local_server_read(fd);
	local_server_send(fd, "SSH-2.0-OpenSSH_9.2 this is not what was asked for\r\n");
}

static void
serve_end(struct local_server *server, int fd)
{
	local_server_read(fd);
}

static bool
call(const char *url, const char *allow, int timeout_ms)
{
	struct http_out out = { .method = "GET",
		.url = url,
		.timeout_ms = timeout_ms,
		.answer_max = 100,
		.rules = { .allow = allow, .ca_file = "" } };

	error_clear(&err);
	return http_out(&arena, &out, &answer, &err);
}

static void
ends(const struct local_server *server, enum call_end end, const char *slug, const char *what)
{
	ok(!call(server->url, server->allow, 300), "%s", what);
	is_int(answer.end, end, "%s: which end", what);
	is_str(error_slug_of(&err), slug, "%s: said in the error", what);
}

static double
counted(enum call_end end)
{
	struct metric_point point;

	metric_read(METRIC_OUTBOUND_CALLS, LABELS(METRIC_OTHER, (uint32_t)end), &point);
	return point.value;
}

static void
test_ends(void)
{
	struct local_server server;

	local_server_start(&server, "http", serve_silence);
	ends(&server, CALL_TIMEOUT, "upstream_timeout", "a silent server");
	local_server_stop(&server);
	ends(&server, CALL_UNREACHABLE, "upstream_unreachable", "a closed port");
	local_server_start(&server, "http", serve_garbage);
	ends(&server, CALL_PROTOCOL, "upstream_protocol", "another protocol");
	local_server_stop(&server);
	local_server_start(&server, "http", serve_end);
	ends(&server, CALL_UNREACHABLE, "upstream_unreachable", "a connection that ends");
	local_server_stop(&server);
	is_int(counted(CALL_TIMEOUT), 1, "a timeout is counted");
	is_int(counted(CALL_UNREACHABLE), 2, "and the others");
	ok(!call("http://nowhere.invalid/", "", 1000), "no such name");
	is_int(answer.end, CALL_UNREACHABLE, "cannot be reached");
}

static void
test_limit(void)
{
	struct local_server server;
	struct http_out out = { .method = "GET", .timeout_ms = 1000, .answer_max = 4 };

	local_server_start(&server, "http", serve_http);
	out.url = server.url;
	out.rules = (struct outbound) { server.allow, "" };
	error_clear(&err);
	ok(!http_out(&arena, &out, &answer, &err), "an answer past the limit");
	is_int(answer.end, CALL_TOO_LONG, "is too long");
	is_str(error_slug_of(&err), "upstream_too_long", "and says so");
	local_server_stop(&server);
}

struct sunk {
	struct buf all;
	size_t enough; /* bytes after which it has enough */
};

static bool
sink(void *context, const char *data, size_t len)
{
	struct sunk *sunk = context;

	buf_add(&sunk->all, data, len);
	return sunk->all.len < sunk->enough;
}

static void
test_sink(void)
{
	struct local_server server, bad;
	struct sunk sunk = { .enough = 100 };
	struct http_out out = { .method = "GET",
		.timeout_ms = 1000,
		.answer_max = 5,
		.sink = sink,
		.sink_context = &sunk };

	local_server_start(&server, "http", serve_http);
	local_server_start(&bad, "http", serve_503);
	out.url = server.url;
	out.rules =
	    (struct outbound) { arena_printf(&arena, "%s,%s", server.allow, bad.allow), "" };
	buf_init(&sunk.all, &arena, 0);
	error_clear(&err);
	ok(http_out(&arena, &out, &answer, &err), "a body that is taken as it arrives");
	is_str(sunk.all.data, "hello", "all of it");
	is_int((int)answer.len, 0, "and none in the answer");
	out.answer_max = 4;
	ok(!http_out(&arena, &out, &answer, &err) && answer.end == CALL_TOO_LONG,
	    "the limit holds for it too");
	out.answer_max = 5;
	sunk.enough = 1;
	ok(!http_out(&arena, &out, &answer, &err) && answer.end == CALL_PROTOCOL,
	    "a sink that stops ends the call");
	out.url = bad.url;
	buf_reset(&sunk.all);
	ok(http_out(&arena, &out, &answer, &err) && answer.status == 503 && sunk.all.len == 0,
	    "what is no success does not come there");
	local_server_stop(&server);
	local_server_stop(&bad);
}

static void
serve_429(struct local_server *server, int fd)
{
	while (local_server_read(fd))
		local_server_send(fd,
		    "HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
}

/* A silent server takes no time from the others, and has a breaker of this purpose only. */
static void
test_each(void)
{
	struct local_server servers[3];
	struct http_out outs[3];
	struct http_answer answers[3];
	struct error errors[3];
	const char *allow;
	int64_t start;

	local_server_start(&servers[0], "http", serve_silence);
	local_server_start(&servers[1], "http", serve_http);
	local_server_start(&servers[2], "http", serve_429);
	allow =
	    arena_printf(&arena, "%s,%s,%s", servers[0].allow, servers[1].allow, servers[2].allow);
	for (int i = 0; i < 3; i++)
		outs[i] = (struct http_out) { .method = "GET",
			.url = servers[i].url,
			.timeout_ms = 300,
			.answer_max = 100,
			.purpose = "test",
			.rules = { .allow = allow, .ca_file = "" } };
	for (int round = 0; round < BREAKER_FAILURES; round++) {
		start = clock_monotonic();
		http_out_each(&arena, outs, 3, answers, errors);
		ok(clock_monotonic() - start < 600 * US_PER_MS, "one deadline for all");
		is_int(answers[0].end, CALL_TIMEOUT, "the silent one is late");
		is_str(error_slug_of(&errors[0]), "upstream_timeout", "as its error says");
		is_str(answers[1].body, "hello", "another has answered");
		is_int(answers[2].status, 429, "so has the third");
		is_int(answers[2].retry_after, 7, "which says when to come again");
	}
	is_int(servers[1].seen->connections, 1, "connections are kept");
	http_out_each(&arena, outs, 3, answers, errors);
	is_int(answers[0].end, CALL_SUSPENDED, "the silent one is left alone");
	is_int(answers[1].end, CALL_ANSWERED, "not the others");
	ok(!call(servers[0].url, allow, 100) && answer.end == CALL_TIMEOUT,
	    "nor are other calls to it");
	for (int i = 0; i < 3; i++)
		local_server_stop(&servers[i]);
}

static void
test_refused(void)
{
	char entry[HTTP_OUT_ENTRY_MAX] = "";
	struct http_out out = { .method = "GET",
		.url = "http://[::ffff:127.0.0.1]:81/",
		.timeout_ms = 1000,
		.answer_max = 5,
		.rules = { .allow = "", .ca_file = "" },
		.refused = entry };

	error_clear(&err);
	ok(!http_out(&arena, &out, &answer, &err) && answer.end == CALL_REFUSED_ADDRESS,
	    "an address that is not allowed");
	is_str(entry, "127.0.0.1:81", "the entry that would allow it");
	out.url = "http://[fd00::1]:82/";
	ok(!http_out(&arena, &out, &answer, &err), "another one");
	is_str(entry, "[fd00::1]:82", "of IPv6");
}

static int
connections(const struct local_server *server)
{
	return atomic_load(&server->seen->connections);
}

static void
test_kept(void)
{
	struct local_server server, other;
	const char *wider;
	int status;
	pid_t child;

	local_server_start(&server, "http", serve_http);
	local_server_start(&other, "http", serve_http);
	wider = arena_printf(&arena, "%s,%s", server.allow, other.allow);
	ok(call(server.url, server.allow, 1000), "a call");
	is_int(answer.status, 200, "has a status");
	ok(answer.len == 5 && memcmp(answer.body, "hello", 5) == 0, "and a body");
	ok(call(server.url, server.allow, 1000), "a second call");
	is_int(atomic_load(&server.seen->requests), 2, "both arrived");
	is_int(connections(&server), 1, "over one connection");
	ok(call(server.url, wider, 1000) && connections(&server) == 2,
	    "other rules: a connection that they have judged");
	ok(call(other.url, wider, 1000) && connections(&other) == 1 && connections(&server) == 2,
	    "another origin: one of its own");
	ok(call(server.url, wider, 1000) && connections(&server) == 2,
	    "the first one is still kept");
	ok(!call(server.url, other.allow, 1000), "rules that forbid it");
	is_int(answer.end, CALL_REFUSED_ADDRESS, "hold for a kept connection too");
	is_str(error_slug_of(&err), "refused_address", "and the error says so");
	is_int(atomic_load(&server.seen->requests), 4, "nothing was sent");
	ok(call(server.url, wider, 1000) && connections(&server) == 3, "allowed again");
	child = fork();
	if (child == 0)
		_exit(call(server.url, wider, 1000) && connections(&server) == 4 ? 0 : 1);
	ok(waitpid(child, &status, 0) == child && status == 0, "a child has its own connection");
	ok(call(server.url, wider, 1000) && connections(&server) == 4, "and harms none of ours");
	http_out_close();
	ok(call(server.url, wider, 1000) && connections(&server) == 5, "closed ones are gone");
	local_server_stop(&server);
	local_server_stop(&other);
}

static void
test_only_kept(void)
{
	struct local_server server;
	struct http_out out = {
		.method = "GET", .timeout_ms = 1000, .answer_max = 100, .kept = true
	};

	http_out_close();
	local_server_start(&server, "http", serve_http);
	out.url = server.url;
	out.rules = (struct outbound) { server.allow, "" };
	ok(!http_out(&arena, &out, &answer, &err), "a new connection is not for every call");
	is_int(answer.end, CALL_NOT_KEPT, "it says so");
	is_int(server.seen->requests, 0, "and has sent nothing");
	ok(call(server.url, server.allow, 1000), "another call opens one");
	ok(http_out(&arena, &out, &answer, &err), "which serves both");
	local_server_stop(&server);
}

/* --- the breaker ----------------------------------------------------------------------------- */

static void
test_breaker(void)
{
	const char *origin = "https://example.test:443";
	int64_t now = US_PER_SEC;

	for (int i = 0; i < BREAKER_FAILURES; i++) {
		ok(breaker_admits(origin, now), "closed after %d failures", i);
		breaker_result(origin, false, now);
	}
	ok(!breaker_admits(origin, now), "then open");
	ok(breaker_admits("https://other.test:443", now), "for that origin only");
	now += BREAKER_PROBE_SECONDS * US_PER_SEC;
	ok(breaker_admits(origin, now), "a probe");
	ok(!breaker_admits(origin, now), "one only");
	breaker_result(origin, false, now);
	ok(!breaker_admits(origin, now + US_PER_SEC), "it failed: still open");
	now += BREAKER_PROBE_SECONDS * US_PER_SEC;
	ok(breaker_admits(origin, now), "the next probe");
	breaker_result(origin, true, now);
	ok(breaker_admits(origin, now), "it went well: closed");
}

static void
fail(const char *origin, int64_t now)
{
	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_result(origin, false, now);
}

static void
test_forgotten(void)
{
	const char *origin = "https://old.test:443";
	int64_t now = clock_monotonic() + 1000 * US_PER_SEC;

	fail(origin, now);
	for (int i = 1; i < BREAKER_ORIGINS; i++)
		breaker_admits(arena_printf(&arena, "https://%d.test:443", i), now + i);
	ok(!breaker_admits(origin, now + BREAKER_ORIGINS), "as many origins as there is room for");
	for (int i = 0; i < BREAKER_ORIGINS; i++)
		breaker_admits(arena_printf(&arena, "https://new%d.test:443", i),
		    now + 2 * BREAKER_ORIGINS + i);
	ok(breaker_admits(origin, now + 4 * BREAKER_ORIGINS), "the least used one is forgotten");
	fail(origin, now);
	ok(breaker_admits(origin, US_PER_SEC), "a time from before a restart of the machine");
}

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

/* Runs the function in another process that shares the breakers, and returns its result. */
static bool
elsewhere(const char *dir, bool (*run)(const struct local_server *),
    const struct local_server *server)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(breaker_share(dir, &err) && run(server) ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool
fails_often(const struct local_server *server)
{
	for (int i = 0; i < BREAKER_FAILURES; i++)
		if (!call(server->url, server->allow, 1000) || answer.status != 503)
			return false;
	return true;
}

static bool
is_suspended(const struct local_server *server)
{
	struct http_out out = { .method = "GET",
		.url = server->url,
		.timeout_ms = 1000,
		.answer_max = 100,
		.rules = { .allow = server->allow, .ca_file = "" },
		.insist = true };

	return !call(server->url, server->allow, 1000) && answer.end == CALL_SUSPENDED &&
	    err.retry_after == BREAKER_PROBE_SECONDS &&
	    str_eq(error_slug_of(&err), "upstream_suspended") &&
	    http_out(&arena, &out, &answer, &err) && answer.status == 503;
}

static bool
closes(const struct local_server *server)
{
	breaker_result(arena_printf(&arena, "http://127.0.0.1:%d", server->port), true,
	    clock_monotonic());
	return true;
}

static void
test_shared(void)
{
	char dir[] = "/tmp/breaker-XXXXXX";
	struct local_server server;

	if (mkdtemp(dir) == NULL)
		abort();
	local_server_start(&server, "http", serve_503);
	ok(elsewhere(dir, fails_often, &server), "five answers of 503 in one process");
	ok(elsewhere(dir, is_suspended, &server),
	    "another one does not ask, unless a person insists");
	ok(elsewhere(dir, closes, &server), "a success in a third");
	ok(!elsewhere(dir, is_suspended, &server), "closes it for all");
	ok(!elsewhere("/nonexistent", fails_often, &server),
	    "without a run directory it cannot be shared");
	ok(call(server.url, server.allow, 1000), "but calls go out");
	local_server_stop(&server);
	nftw(dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	arena_init(&arena);
	test_ends();
	test_limit();
	test_sink();
	test_each();
	test_refused();
	test_kept();
	test_only_kept();
	test_breaker();
	test_forgotten();
	test_shared();
	http_out_close();
	arena_clear(&arena);
	return done_testing();
}
