#include "core/network.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "core/str.h"
#include "core/banned.h"

#define ADDRESS_BYTES 16
#define MAPPED_BYTES 12 /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */

struct network {
	unsigned char bytes[ADDRESS_BYTES]; /* IPv4 as mapped */
	unsigned bits;
};

static const unsigned char mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

static bool
parse_address(const char *text, struct network *out, unsigned *offset)
{
	memset(out, 0, sizeof(*out));
	out->bits = ADDRESS_BYTES * 8;
	*offset = 0;
	if (inet_pton(AF_INET6, text, out->bytes) == 1)
		return true;
	memcpy(out->bytes, mapped, sizeof(mapped));
	*offset = MAPPED_BYTES * 8;
	return inet_pton(AF_INET, text, out->bytes + MAPPED_BYTES) == 1;
}

/* `text` is changed. */
static bool
parse_network(char *text, struct network *out)
{
	char *slash = strchr(text, '/');
	int64_t bits;
	unsigned offset;

	if (slash != NULL)
		*slash = '\0';
	if (!parse_address(text, out, &offset))
		return false;
	if (slash == NULL)
		return true;
	if (!str_to_int(slash + 1, 0, ADDRESS_BYTES * 8 - offset, &bits))
		return false;
	out->bits = (unsigned)bits + offset;
	return true;
}

static bool
contains(const struct network *network, const unsigned char address[ADDRESS_BYTES])
{
	unsigned bytes = network->bits / 8, rest = network->bits % 8;

	return memcmp(network->bytes, address, bytes) == 0 &&
	    (rest == 0 || ((network->bytes[bytes] ^ address[bytes]) >> (8 - rest)) == 0);
}

/* The next element of a list, cut to what fits; false: there is none. */
static bool
next_element(const char **list, char out[NETWORK_TEXT_MAX])
{
	const char *p = *list + strspn(*list, ", \t");
	size_t len = strcspn(p, ", \t");

	if (len == 0)
		return false;
	*list = p + len;
	if (len >= NETWORK_TEXT_MAX)
		len = NETWORK_TEXT_MAX - 1;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

bool
network_list_has(const char *list, const char *address)
{
	struct network network, one;
	char text[NETWORK_TEXT_MAX];
	unsigned ignored;

	if (!parse_address(address, &one, &ignored))
		return false;
	while (next_element(&list, text))
		if (parse_network(text, &network) && contains(&network, one.bytes))
			return true;
	return false;
}

bool
network_list_valid(const char *list, char wrong[NETWORK_TEXT_MAX])
{
	struct network network;
	char text[NETWORK_TEXT_MAX];

	while (next_element(&list, wrong)) {
		str_copy(text, sizeof(text), wrong);
		if (!parse_network(text, &network))
			return false;
	}
	return true;
}
