/* Mail as it is sent: headers, parts, and the meaning of refusals. */
#include "client/outbound.h"
#include "client/smtp.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/metric.h"
#include "core/str.h"
#include "t/unit/local_server.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define MAIL_MAX 16384

static char *wire; /* the last mail, as the server received it */
static struct arena arena;
static struct error err;

static void
say(FILE *out, const char *line)
{
	fprintf(out, "%s\r\n", line);
	fflush(out);
}

static void
take_data(FILE *in)
{
	char line[2048];

	wire[0] = '\0';
	while (fgets(line, sizeof(line), in) != NULL && strcmp(line, ".\r\n") != 0)
		str_copy(wire + strlen(wire), MAIL_MAX - strlen(wire), line);
}

static void
serve_smtp(struct local_server *server, int fd)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[2048];

	say(out, "220 here");
	while (fgets(line, sizeof(line), in) != NULL) {
		if (str_starts(line, "RCPT TO:<refused")) {
			say(out, "550 nobody here");
		} else if (str_starts(line, "RCPT TO:<later")) {
			say(out, "451 not now");
		} else if (str_starts(line, "DATA")) {
			say(out, "354 go on");
			take_data(in);
			say(out, "250 kept");
		} else {
			say(out, "250 ok");
		}
	}
}

static bool
deliver(const struct local_server *server, const char *to, const char *subject, const char *html)
{
	const struct smtp_server where = { .host = "127.0.0.1",
		.port = server->port,
		.tls = SMTP_PLAIN,
		.user = "",
		.password = "",
		.ca_file = "" };
	const struct smtp_mail mail = { .from = "house@medianest.test",
		.to = to,
		.message_id = "1@medianest.test",
		.subject = subject,
		.text = "Hello J\xc3\xbcrgen,\n\n.a line\n",
		.html = html };

	error_clear(&err);
	return smtp_send(&arena, &where, &mail, &err);
}

static int
parts(void)
{
	int n = 0;

	for (const char *p = wire; (p = strstr(p, "Content-Transfer-Encoding: base64")) != NULL;
	    p++)
		n++;
	return n;
}

static void
holds(const char *text, const char *what)
{
	if (!ok(strcasestr(wire, text) != NULL, "%s", what))
		printf("# not in the mail: %s\n", text);
}

static void
test_text(const struct local_server *server)
{
	ok(deliver(server, "a@medianest.test", "Plain", NULL), "a mail of text");
	holds("From: MediaNest <house@medianest.test>\r\n", "who sent it");
	holds("To: <a@medianest.test>\r\n", "to whom");
	holds("Message-ID: <1@medianest.test>\r\n", "its id");
	holds("Date: ", "its date");
	holds("+0000\r\n", "with a zone in digits");
	holds("MIME-Version: 1.0\r\n", "MIME");
	holds("Auto-Submitted: auto-generated\r\n", "no person wrote it");
	holds("Subject: =?UTF-8?B?UGxhaW4=?=\r\n", "its subject");
	holds("Content-Type: multipart/alternative; boundary=", "parts to choose from");
	holds("Content-Type: text/plain; charset=utf-8\r\n", "of text");
	holds(base64_encode(&arena, "Hello J\xc3\xbcrgen,\n\n.a line\n", 24),
	    "which arrives as it is");
	is_int(parts(), 1, "one of them");
}

static void
test_html(const struct local_server *server)
{
	const char *text, *html;

	ok(deliver(server, "a@medianest.test",
	       "\xc3\x84 subject of more than forty-two bytes, which \xc3\xbc takes two words",
	       "<p>Hello</p>"),
	    "a mail of text and HTML");
	is_int(parts(), 2, "has two parts");
	text = strstr(wire, "text/plain; charset=utf-8");
	html = strstr(wire, "text/html; charset=utf-8");
	ok(text != NULL && html != NULL && text < html, "the better one last");
	holds("?=\r\n =?UTF-8?B?", "a long subject is folded");
}

static void
test_refusals(struct local_server *server)
{
	struct metric_point point;

	ok(!deliver(server, "refused@medianest.test", "x", NULL), "refused for good");
	is_str(error_slug_of(&err), "mail_refused", "is said");
	is_int(err.code, ERR_UNPROCESSABLE, "as what no repetition helps");
	ok(!deliver(server, "later@medianest.test", "x", NULL), "refused for now");
	is_str(error_slug_of(&err), "mail_unavailable", "may be tried again");
	ok(!deliver(server, "a@b>\r\nBcc: c@d", "x", NULL), "an address that is none");
	is_str(error_slug_of(&err), "mail_refused", "goes nowhere");
	local_server_stop(server);
	ok(!deliver(server, "a@medianest.test", "x", NULL), "no server");
	is_str(error_slug_of(&err), "mail_unavailable", "may be tried again");
	metric_read(METRIC_OUTBOUND_CALLS,
	    LABELS(metric_label(LABEL_SERVICE, "smtp"), CALL_REFUSED), &point);
	is_int(point.value, 1, "a refusal is counted");
	metric_read(METRIC_OUTBOUND_CALLS,
	    LABELS(metric_label(LABEL_SERVICE, "smtp"), CALL_ANSWERED), &point);
	is_int(point.value, 2, "and so are mails");
}

int
main(void)
{
	struct local_server server;

	signal(SIGPIPE, SIG_IGN);
	arena_init(&arena);
	wire = mmap(NULL, MAIL_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	local_server_start(&server, "smtp", serve_smtp);
	test_text(&server);
	test_html(&server);
	test_refusals(&server);
	arena_clear(&arena);
	return done_testing();
}
