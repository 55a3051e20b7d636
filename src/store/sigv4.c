#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "store/sigv4.h"

#include "core/banned.h"

#define SIGV4_TERMINATOR "aws4_request"

void
sigv4_signer_init(struct sigv4_signer *signer, const char *access, const char *secret,
    const char *region, const char *service)
{
	*signer = (struct sigv4_signer) { .key_day = "" };
	str_copy(signer->access, sizeof(signer->access), access);
	str_copy(signer->secret, sizeof(signer->secret), secret);
	str_copy(signer->region, sizeof(signer->region), region);
	str_copy(signer->service, sizeof(signer->service), service);
}

const unsigned char *
sigv4_key(struct sigv4_signer *signer, const char *day)
{
	unsigned char step[SHA256_SIZE];
	char seed[sizeof(signer->secret) + 4] = "AWS4";

	if (strncmp(signer->key_day, day, 8) == 0 && signer->key_day[0] != '\0')
		return signer->key;
	str_copy(seed + 4, sizeof(seed) - 4, signer->secret);
	hmac_sha256(seed, strlen(seed), day, strnlen(day, 8), step);
	hmac_sha256(step, sizeof(step), signer->region, strlen(signer->region), step);
	hmac_sha256(step, sizeof(step), signer->service, strlen(signer->service), step);
	hmac_sha256(step, sizeof(step), SIGV4_TERMINATOR, strlen(SIGV4_TERMINATOR), signer->key);
	memcpy(signer->key_day, day, strnlen(day, 8));
	signer->key_day[8] = '\0';
	return signer->key;
}

static int
pair_compare(const void *a, const void *b)
{
	const struct sigv4_pair *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->value, y->value);
}

static const char *
encoded(struct arena *arena, const char *s)
{
	struct buf out;

	buf_init(&out, arena, 0);
	url_encode(&out, s, strlen(s), false);
	return out.data;
}

static void
canonical_query(struct buf *out, const struct sigv4_request *req)
{
	struct sigv4_pair *pairs = arena_array(out->arena, req->nquery + 1, sizeof(*pairs));

	for (size_t i = 0; i < req->nquery; i++)
		pairs[i] = (struct sigv4_pair) { encoded(out->arena, req->query[i].name),
			encoded(out->arena, req->query[i].value) };
	qsort(pairs, req->nquery, sizeof(*pairs), pair_compare);
	for (size_t i = 0; i < req->nquery; i++) {
		if (i > 0)
			buf_addc(out, '&');
		buf_adds(out, pairs[i].name);
		buf_addc(out, '=');
		buf_adds(out, pairs[i].value);
	}
}

/* Lower-case names in order; equal names keep their order (insertion sort is stable). */
static struct sigv4_pair *
sorted_headers(struct arena *arena, const struct sigv4_request *req)
{
	struct sigv4_pair *pairs = arena_array(arena, req->nheaders + 1, sizeof(*pairs));

	for (size_t i = 0; i < req->nheaders; i++) {
		struct sigv4_pair pair = { str_lower(arena, req->headers[i].name),
			req->headers[i].value };
		size_t at = i;

		for (; at > 0 && strcmp(pairs[at - 1].name, pair.name) > 0; at--)
			pairs[at] = pairs[at - 1];
		pairs[at] = pair;
	}
	return pairs;
}

/* Trims the value and replaces runs of blanks by one. */
static void
add_header_value(struct buf *out, const char *value)
{
	bool blank = false, any = false;

	for (; *value != '\0'; value++) {
		if (*value == ' ' || *value == '\t' || *value == '\r' || *value == '\n') {
			blank = any;
			continue;
		}
		if (blank)
			buf_addc(out, ' ');
		blank = false;
		any = true;
		buf_addc(out, *value);
	}
}

static void
canonical_headers(struct buf *out, const struct sigv4_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(pairs[i - 1].name, pairs[i].name) == 0) {
			/* drop the newline of the previous value: values of one name are joined */
			out->data[--out->len] = '\0';
			buf_addc(out, ',');
		} else {
			buf_adds(out, pairs[i].name);
			buf_addc(out, ':');
		}
		add_header_value(out, pairs[i].value);
		buf_addc(out, '\n');
	}
}

static void
signed_names(struct buf *out, const struct sigv4_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(pairs[i - 1].name, pairs[i].name) == 0)
			continue;
		if (i > 0)
			buf_addc(out, ';');
		buf_adds(out, pairs[i].name);
	}
}

void
sigv4_canonical(struct buf *out, const struct sigv4_request *req)
{
	struct sigv4_pair *headers = sorted_headers(out->arena, req);

	buf_adds(out, req->method);
	buf_addc(out, '\n');
	url_encode(out, req->path, strlen(req->path), true);
	buf_addc(out, '\n');
	canonical_query(out, req);
	buf_addc(out, '\n');
	canonical_headers(out, headers, req->nheaders);
	buf_addc(out, '\n');
	signed_names(out, headers, req->nheaders);
	buf_addc(out, '\n');
	buf_adds(out, req->payload);
}

void
sigv4_string_to_sign(struct buf *out, const struct sigv4_signer *signer, const char *date,
    const char *canonical, size_t len)
{
	char hash[SHA256_HEX];

	sha256_hex(canonical, len, hash);
	buf_addf(out, SIGV4_ALGORITHM "\n%s\n%.8s/%s/%s/" SIGV4_TERMINATOR "\n%s", date, date,
	    signer->region, signer->service, hash);
}

void
sigv4_signature(struct sigv4_signer *signer, struct arena *arena, const struct sigv4_request *req,
    const char *date, char out[SIGV4_SIGNATURE])
{
	unsigned char mac[SHA256_SIZE];
	struct buf canonical, text;

	buf_init(&canonical, arena, 0);
	sigv4_canonical(&canonical, req);
	buf_init(&text, arena, 0);
	sigv4_string_to_sign(&text, signer, date, canonical.data, canonical.len);
	hmac_sha256(sigv4_key(signer, date), SHA256_SIZE, text.data, text.len, mac);
	str_copy(out, SIGV4_SIGNATURE, hex_encode(arena, mac, sizeof(mac)));
}

const char *
sigv4_authorization(struct sigv4_signer *signer, struct arena *arena,
    const struct sigv4_request *req, const char *date)
{
	char signature[SIGV4_SIGNATURE];
	struct buf names;

	sigv4_signature(signer, arena, req, date, signature);
	buf_init(&names, arena, 0);
	signed_names(&names, sorted_headers(arena, req), req->nheaders);
	return arena_printf(arena,
	    SIGV4_ALGORITHM " Credential=%s/%.8s/%s/%s/" SIGV4_TERMINATOR
			    ", SignedHeaders=%s, Signature=%s",
	    signer->access, date, signer->region, signer->service, names.data, signature);
}

const char *
sigv4_presign(struct sigv4_signer *signer, struct arena *arena, const struct sigv4_request *req,
    const char *date, int expires)
{
	struct sigv4_pair *query = arena_array(arena, req->nquery + 5, sizeof(*query));
	struct sigv4_request whole = *req;
	char signature[SIGV4_SIGNATURE];
	struct buf names, out;

	buf_init(&names, arena, 0);
	signed_names(&names, sorted_headers(arena, req), req->nheaders);
	query[0] = (struct sigv4_pair) { "X-Amz-Algorithm", SIGV4_ALGORITHM };
	query[1] = (struct sigv4_pair) { "X-Amz-Credential",
		arena_printf(arena, "%s/%.8s/%s/%s/" SIGV4_TERMINATOR, signer->access, date,
		    signer->region, signer->service) };
	query[2] = (struct sigv4_pair) { "X-Amz-Date", date };
	query[3] = (struct sigv4_pair) { "X-Amz-Expires", arena_printf(arena, "%d", expires) };
	query[4] = (struct sigv4_pair) { "X-Amz-SignedHeaders", names.data };
	if (req->nquery > 0)
		memcpy(query + 5, req->query, req->nquery * sizeof(*query));
	whole.query = query;
	whole.nquery = req->nquery + 5;
	sigv4_signature(signer, arena, &whole, date, signature);
	buf_init(&out, arena, 0);
	canonical_query(&out, &whole);
	buf_addf(&out, "&X-Amz-Signature=%s", signature);
	return out.data;
}

static void
sign_text(struct sigv4_signer *signer, struct arena *arena, const char *date,
    const struct buf *text, char out[SIGV4_SIGNATURE])
{
	unsigned char mac[SHA256_SIZE];

	hmac_sha256(sigv4_key(signer, date), SHA256_SIZE, text->data, text->len, mac);
	str_copy(out, SIGV4_SIGNATURE, hex_encode(arena, mac, sizeof(mac)));
}

void
sigv4_chunk_signature(struct sigv4_signer *signer, struct arena *arena, const char *date,
    const char *previous, const unsigned char sum[32], char out[SIGV4_SIGNATURE])
{
	struct buf text;

	buf_init(&text, arena, 0);
	buf_addf(&text,
	    SIGV4_ALGORITHM "-PAYLOAD\n%s\n%.8s/%s/%s/" SIGV4_TERMINATOR "\n%s\n" SIGV4_EMPTY_SHA256
			    "\n%s",
	    date, date, signer->region, signer->service, previous,
	    hex_encode(arena, sum, SHA256_SIZE));
	sign_text(signer, arena, date, &text, out);
}

void
sigv4_trailer_signature(struct sigv4_signer *signer, struct arena *arena, const char *date,
    const char *previous, const char *trailer, size_t len, char out[SIGV4_SIGNATURE])
{
	char hash[SHA256_HEX];
	struct buf text;

	sha256_hex(trailer, len, hash);
	buf_init(&text, arena, 0);
	buf_addf(&text, SIGV4_ALGORITHM "-TRAILER\n%s\n%.8s/%s/%s/" SIGV4_TERMINATOR "\n%s\n%s",
	    date, date, signer->region, signer->service, previous, hash);
	sign_text(signer, arena, date, &text, out);
}
