/* Where outbound requests may go. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/error.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define PORT 32400

static const struct {
	const char *address, *allow;
	bool want;
} rows[] = {
	{ "93.184.216.34", "", true },
	{ "2606:2800:220:1::1", "", true },
	{ "172.15.255.255", "", true },
	{ "172.32.0.0", "", true },
	{ "100.128.0.0", "", true },
	/* loopback */
	{ "127.0.0.1", "", false },
	{ "127.0.0.1", "127.0.0.1:32400", true },
	{ "127.0.0.1", "127.0.0.1/32:32400", true },
	{ "127.0.0.1", "127.0.0.1:32401", false },
	{ "127.0.0.1", "127.0.0.0/8:32400", false },
	{ "127.0.0.1", "0.0.0.0/0:32400", false },
	{ "127.0.0.2", "127.0.0.1:32400", false },
	{ "::1", "", false },
	{ "::1", "[::1]:32400", true },
	{ "::1", "[::/0]:32400", false },
	/* link-local: the metadata service of clouds lives there */
	{ "169.254.169.254", "", false },
	{ "169.254.169.254", "169.254.0.0/16:32400", false },
	{ "fe80::1", "", false },
	{ "fe80::1", "[fe80::/10]:32400", false },
	/* private */
	{ "10.1.2.3", "", false },
	{ "10.1.2.3", "10.0.0.0/8:32400", true },
	{ "10.1.2.3", "11.0.0.0/8:32400", false },
	{ "172.16.0.1", "", false },
	{ "172.31.255.255", "", false },
	{ "192.168.1.5", "", false },
	{ "192.168.1.5", "192.168.1.0/24:32400", true },
	{ "192.168.1.5", "10.0.0.1:1, 192.168.1.5:32400 ", true },
	{ "192.168.2.5", "192.168.1.0/24:32400", false },
	{ "192.168.1.5", "192.168.1.4/31:32400", true },
	{ "192.168.1.6", "192.168.1.4/31:32400", false },
	{ "100.64.0.1", "", false },
	{ "fd00::5", "", false },
	{ "fd00::5", "[fd00::/8]:32400", true },
	{ "fc00::1", "", false },
	/* never */
	{ "0.0.0.0", "0.0.0.0:32400", false },
	{ "224.0.0.1", "224.0.0.1:32400", false },
	{ "255.255.255.255", "255.255.255.255:32400", false },
	{ "::", "[::]:32400", false },
	{ "ff02::1", "[ff02::1]:32400", false },
	{ "fec0::1", "", false },
	{ "2001::1", "", false },
	/* IPv4 in IPv6 forms */
	{ "::ffff:127.0.0.1", "", false },
	{ "::ffff:10.0.0.1", "", false },
	{ "::ffff:169.254.169.254", "", false },
	{ "::127.0.0.1", "", false },
	{ "64:ff9b::10.0.0.1", "", false },
	{ "64:ff9b::93.184.216.34", "", true },
	{ "2002:7f00:1::", "", false },
	{ "2002:c0a8:101::1", "", false },
	{ "::ffff:192.168.1.5", "192.168.1.5:32400", true },
	/* malformed entries */
	{ "10.1.2.3", "10.1.2.3", false },
	{ "10.1.2.3", "10.1.2.3:", false },
	{ "10.1.2.3", "10.0.0.0/33:32400", false },
	{ "10.1.2.3", ",,:32400,[:32400,plex:32400", false },
};

static bool
may_reach(const char *address, const char *allow)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return http_out_may_reach(allow, (const void *)&in);
	if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
		ok(false, "%s is an address", address);
	return http_out_may_reach(allow, (const void *)&in6);
}

static void
addresses(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok(may_reach(rows[i].address, rows[i].allow) == rows[i].want, "%s with \"%s\": %s",
		    rows[i].address, rows[i].allow, rows[i].want ? "yes" : "no");
	ok(!http_out_may_reach("", (const void *)&un), "no unix socket");
}

static void
refused(struct arena *arena, const char *url)
{
	struct http_out out = {
		.method = "GET",
		.url = url,
		.timeout_ms = 1000,
		.answer_max = 1000,
		.rules = { .allow = "", .ca_file = "" },
	};
	struct http_answer answer;
	struct error err;

	error_clear(&err);
	ok(!http_out(arena, &out, &answer, &err), "%s", url);
	is_str(error_slug_of(&err), "refused_address", "is refused");
	is_int(answer.end, CALL_REFUSED_ADDRESS, "as an address");
}

int
main(void)
{
	struct arena arena;

	arena_init(&arena);
	addresses();
	refused(&arena, "http://127.0.0.1:9/");
	refused(&arena, "http://0x7f.1:9/");
	refused(&arena, "http://2130706433:9/");
	refused(&arena, "http://[::ffff:127.0.0.1]:9/");
	refused(&arena, "file:///etc/passwd");
	refused(&arena, "http://me:secret@127.0.0.1:9/");
	refused(&arena, "no url");
	arena_clear(&arena);
	return done_testing();
}
