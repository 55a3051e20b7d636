/* Which addresses an outbound request may reach: http_out.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client/http_out.h"
#include "core/str.h"

#include "core/banned.h"

enum reach {
	REACH_PUBLIC,
	REACH_LISTED /* by address or network */,
	REACH_EXACT /* by address only */,
	REACH_NEVER,
};

struct address {
	int family;
	unsigned char bytes[16];
	unsigned bits; /* 32 or 128 */
	unsigned short port;
};
struct network {
	int family;
	unsigned char bytes[16];
	unsigned bits;
	enum reach reach;
};

/*
 * The networks of the special-purpose registries (RFC 6890 and its successors) that a server must
 * not be tricked into calling; the first match counts.
 */
static const struct network special[] = {
	{ AF_INET, { 127 }, 8, REACH_EXACT },
	{ AF_INET, { 169, 254 }, 16, REACH_EXACT },
	{ AF_INET, { 10 }, 8, REACH_LISTED },
	{ AF_INET, { 172, 16 }, 12, REACH_LISTED },
	{ AF_INET, { 192, 168 }, 16, REACH_LISTED },
	{ AF_INET, { 100, 64 }, 10, REACH_LISTED },
	{ AF_INET, { 198, 18 }, 15, REACH_LISTED },
	{ AF_INET, { 0 }, 8, REACH_NEVER },
	{ AF_INET, { 192, 0, 0 }, 24, REACH_NEVER },
	{ AF_INET, { 192, 0, 2 }, 24, REACH_NEVER },
	{ AF_INET, { 198, 51, 100 }, 24, REACH_NEVER },
	{ AF_INET, { 203, 0, 113 }, 24, REACH_NEVER },
	{ AF_INET, { 224 }, 3, REACH_NEVER }, /* multicast, reserved, broadcast */
	{ AF_INET6, { [15] = 1 }, 128, REACH_EXACT },
	{ AF_INET6, { 0xfe, 0x80 }, 10, REACH_EXACT },
	{ AF_INET6, { 0xfc }, 7, REACH_LISTED },
	{ AF_INET6, { 0xfe, 0xc0 }, 10, REACH_NEVER },
	{ AF_INET6, { 0xff }, 8, REACH_NEVER },
	{ AF_INET6, { 0x20, 0x01, 0x0d, 0xb8 }, 32, REACH_NEVER },
	{ AF_INET6, { 0x20, 0x01 }, 32, REACH_NEVER }, /* Teredo: carries an IPv4 address */
	{ AF_INET6, { 0x01 }, 64, REACH_NEVER },
};

/*
 * IPv6 forms that contain an IPv4 address, which is checked instead: mapped, compatible, NAT64 (RFC
 * 6052), 6to4 (RFC 3056).
 */
static const struct {
	unsigned char prefix[12];
	size_t len, at;
} embedding[] = {
	{ { [10] = 0xff, [11] = 0xff }, 12, 12 },
	{ { 0x00, 0x64, 0xff, 0x9b }, 12, 12 },
	{ { 0 }, 12, 12 },
	{ { 0x20, 0x02 }, 2, 2 },
};

static bool
same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 &&
	    (rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0);
}

static bool
within(const struct address *a, int family, const unsigned char *network, unsigned bits)
{
	return a->family == family && same_prefix(a->bytes, network, bits);
}

static void
unfold_embedded(struct address *a)
{
	static const unsigned char loopback[16] = { [15] = 1 };

	if (a->family != AF_INET6 || memcmp(a->bytes, loopback, sizeof(loopback)) == 0)
		return;
	for (size_t i = 0; i < sizeof(embedding) / sizeof(embedding[0]); i++) {
		if (memcmp(a->bytes, embedding[i].prefix, embedding[i].len) != 0)
			continue;
		memmove(a->bytes, a->bytes + embedding[i].at, 4);
		a->family = AF_INET;
		a->bits = 32;
		return;
	}
}

static bool
from_sockaddr(const struct sockaddr *sa, struct address *a)
{
	memset(a, 0, sizeof(*a));
	a->family = sa->sa_family;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		memcpy(a->bytes, &in->sin_addr, 4);
		a->bits = 32;
		a->port = ntohs(in->sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		memcpy(a->bytes, &in6->sin6_addr, 16);
		a->bits = 128;
		a->port = ntohs(in6->sin6_port);
		unfold_embedded(a);
		return true;
	}
	return false;
}

/* "10.0.0.0/8:80", "127.0.0.1:80", "[fd00::/8]:80", "[::1]:80", split in place. */
static bool
parse_entry(char *entry, struct address *net, unsigned *bits)
{
	char *colon = strrchr(entry, ':'), *slash;
	int64_t port, prefix;
	size_t len;

	memset(net, 0, sizeof(*net));
	if (colon == NULL || !str_to_int(colon + 1, 1, 65535, &port))
		return false;
	*colon = '\0';
	len = strlen(entry);
	net->family = AF_INET;
	if (entry[0] == '[') {
		if (entry[len - 1] != ']')
			return false;
		entry[len - 1] = '\0';
		entry++;
		net->family = AF_INET6;
	}
	net->bits = net->family == AF_INET ? 32 : 128;
	net->port = (unsigned short)port;
	*bits = net->bits;
	if ((slash = strchr(entry, '/')) != NULL) {
		*slash = '\0';
		if (!str_to_int(slash + 1, 0, net->bits, &prefix))
			return false;
		*bits = (unsigned)prefix;
	}
	return inet_pton(net->family, entry, net->bytes) == 1;
}

static bool
listed(const char *allow, const struct address *a, bool exact)
{
	const char *p = allow, *end;
	char entry[HTTP_OUT_ENTRY_MAX];
	struct address net;
	unsigned bits;
	size_t len;

	for (; *p != '\0'; p = *end == ',' ? end + 1 : end) {
		p += strspn(p, " \t");
		end = p + strcspn(p, ",");
		len = (size_t)(end - p);
		while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		if (len == 0 || len >= sizeof(entry))
			continue;
		memcpy(entry, p, len);
		entry[len] = '\0';
		if (parse_entry(entry, &net, &bits) && net.port == a->port &&
		    (!exact || bits == a->bits) && within(a, net.family, net.bytes, bits))
			return true;
	}
	return false;
}

void
http_out_entry(const struct sockaddr *sa, char entry[HTTP_OUT_ENTRY_MAX])
{
	char text[INET6_ADDRSTRLEN] = "";
	struct address a;

	entry[0] = '\0';
	if (from_sockaddr(sa, &a) && inet_ntop(a.family, a.bytes, text, sizeof(text)) != NULL)
		snprintf(entry, HTTP_OUT_ENTRY_MAX, a.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		    text, (unsigned)a.port);
}

bool
http_out_may_reach(const char *allow, const struct sockaddr *sa)
{
	struct address a;

	if (!from_sockaddr(sa, &a))
		return false;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (!within(&a, special[i].family, special[i].bytes, special[i].bits))
			continue;
		if (special[i].reach == REACH_NEVER)
			return false;
		return listed(allow, &a, special[i].reach == REACH_EXACT);
	}
	return true;
}
