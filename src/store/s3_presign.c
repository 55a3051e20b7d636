/*
 * Presigned URLs. A list page has about 75 of them, so GET URLs are made by special code:
 *
 * - the canonical request is written straight into a stack buffer (the URL is a part of it), no
 *   sorting, no allocation;
 * - the HMAC's inner state after the key and the constant head of the string to sign, and its outer
 *   state, are computed once for
 *   each bucket of time and copied; OpenSSL's EVP layer cannot copy states without allocating, so
 *   SHA256_* is used here;
 * - recently signed URLs are cached: within a bucket they are the same.
 *
 * Everything else, and keys too long for the buffer, uses sigv4_presign(); a test compares the two.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "store/s3_internal.h"

#include "core/banned.h"

#define MEMO_PLACES 1024 /* cached URLs, a power of two */
/* bytes of a cached entry; longer URLs are signed each time */
#define MEMO_ENTRY_MAX 1536
#define CANONICAL_MAX 6144 /* bytes on the stack */
#define HMAC_BLOCK 64

struct memo {
	int64_t bucket;
	size_t name_len; /* key NUL type NUL disposition */
	size_t url_len;
	char *data; /* name, then URL; malloc'd */
};

struct s3_presigner {
	int64_t bucket; /* us; the bucket of time of the fields below; 0 = none */
	char query[512];
	size_t query_len;
	char tail[S3_ENDPOINT_MAX + 160]; /* canonical headers, signed headers, payload */
	size_t tail_len;
	char head[S3_ENDPOINT_MAX + 160]; /* origin + path + '/' of URLs */
	size_t head_len, path_len;        /* the path is the end of the head */
	SHA256_CTX inner, outer;
	struct memo memo[MEMO_PLACES];
};

/* Writes into the stack buffer; beyond its end it only counts. */
struct out {
	char *p, *end;
	bool full;
};

static void
put(struct out *out, const char *s, size_t len)
{
	if ((size_t)(out->end - out->p) < len) {
		out->full = true;
		return;
	}
	memcpy(out->p, s, len);
	out->p += len;
}

/* Percent-encodes all but the unreserved characters of RFC 3986 and, with `keep_slash`, '/'. */
static void
put_encoded(struct out *out, const char *s, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	char escape[3] = "%";

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash)) {
			if (out->p < out->end)
				*out->p++ = (char)c;
			else
				out->full = true;
		} else {
			escape[1] = digits[c >> 4];
			escape[2] = digits[c & 15];
			put(out, escape, sizeof(escape));
		}
	}
}

static void
hmac_states(struct s3_presigner *p, const unsigned char key[32], const char *head)
{
	unsigned char pad[HMAC_BLOCK];

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = (i < 32 ? key[i] : 0) ^ 0x36;
	SHA256_Init(&p->inner);
	SHA256_Update(&p->inner, pad, sizeof(pad));
	SHA256_Update(&p->inner, head, strlen(head));
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&p->outer);
	SHA256_Update(&p->outer, pad, sizeof(pad));
	explicit_bzero(pad, sizeof(pad));
}

/* Everything that is the same for all URLs of a bucket of time. */
static void
start_bucket(struct s3 *s3, int64_t bucket)
{
	struct s3_presigner *p = s3->presigner;
	const struct s3_endpoint *side = &s3->outside;
	char date[SIGV4_DATE], text[512];
	struct out out = { p->query, p->query + sizeof(p->query), false };

	time_iso_basic(bucket, date);
	snprintf(text, sizeof(text), "%s/%.8s/%s/s3/aws4_request", s3->signer.access, date,
	    s3->signer.region);
	put(&out, "X-Amz-Algorithm=" SIGV4_ALGORITHM "&X-Amz-Credential=",
	    strlen("X-Amz-Algorithm=" SIGV4_ALGORITHM "&X-Amz-Credential="));
	put_encoded(&out, text, false);
	snprintf(text, sizeof(text), "&X-Amz-Date=%s&X-Amz-Expires=%d&X-Amz-SignedHeaders=host",
	    date, S3_URL_LIFE_SECONDS);
	put(&out, text, strlen(text));
	p->query_len = out.full ? sizeof(p->query) : (size_t)(out.p - p->query);
	p->tail_len = (size_t)snprintf(p->tail, sizeof(p->tail),
	    "\nhost:%s\n\nhost\n" SIGV4_UNSIGNED, side->host);
	p->head_len = (size_t)snprintf(p->head, sizeof(p->head), "%s%s/", side->origin, side->path);
	p->path_len = strlen(side->path) + 1;
	snprintf(text, sizeof(text), SIGV4_ALGORITHM "\n%s\n%.8s/%s/s3/aws4_request\n", date, date,
	    s3->signer.region);
	hmac_states(p, sigv4_key(&s3->signer, date), text);
	p->bucket = bucket;
}

static void
to_hex(const unsigned char *in, char out[64])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
}

/* HMAC(key, head of the string to sign || hex(SHA-256(canonical))), from the stored states. */
static void
sign(const struct s3_presigner *p, const char *canonical, size_t len, char signature[64])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;
	char hex[64];

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, canonical, len);
	SHA256_Final(digest, &ctx);
	to_hex(digest, hex);
	ctx = p->inner;
	SHA256_Update(&ctx, hex, sizeof(hex));
	SHA256_Final(digest, &ctx);
	ctx = p->outer;
	SHA256_Update(&ctx, digest, sizeof(digest));
	SHA256_Final(digest, &ctx);
	to_hex(digest, signature);
}

/* Eight bytes at a time: this is the hash of a cache, not a security measure. */
static uint64_t
hash_name(const char *s, size_t len)
{
	uint64_t h = len * 0x9e3779b97f4a7c15ULL, word;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, s, len);
	h = (h ^ word) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 29;
}

static void
remember(struct memo *memo, int64_t bucket, const char *name, size_t name_len, const char *url,
    size_t url_len)
{
	if (name_len + url_len + 1 > MEMO_ENTRY_MAX)
		return;
	memo->data = xrealloc(memo->data, name_len + url_len + 1);
	memcpy(memo->data, name, name_len);
	memcpy(memo->data + name_len, url, url_len + 1);
	memo->bucket = bucket;
	memo->name_len = name_len;
	memo->url_len = url_len;
}

/* Makes the URL in the stack buffer; NULL when it does not fit. */
static char *
presign_quick(struct s3 *s3, struct arena *arena, const char *key, const char *type,
    const char *disposition, size_t *len)
{
	const struct s3_presigner *p = s3->presigner;
	char canonical[CANONICAL_MAX], *path, *query, *end, *url, *at;
	struct out out = { canonical, canonical + sizeof(canonical), false };

	if (p->query_len >= sizeof(p->query))
		return NULL;
	put(&out, "GET\n", 4);
	path = out.p;
	put(&out, p->head + p->head_len - p->path_len, p->path_len);
	put_encoded(&out, key, true);
	put(&out, "\n", 1);
	query = out.p;
	put(&out, p->query, p->query_len);
	if (disposition != NULL) {
		put(&out,
		    "&response-content-disposition=", strlen("&response-content-disposition="));
		put_encoded(&out, disposition, false);
	}
	if (type != NULL) {
		put(&out, "&response-content-type=", strlen("&response-content-type="));
		put_encoded(&out, type, false);
	}
	end = out.p;
	put(&out, p->tail, p->tail_len);
	if (out.full)
		return NULL;
	*len = p->head_len - p->path_len + (size_t)(end - path) + strlen("&X-Amz-Signature=") +
	    SIGV4_SIGNATURE - 1;
	at = url = arena_alloc(arena, *len + 1);
	at = mempcpy(at, p->head, p->head_len - p->path_len);
	at = mempcpy(at, path, (size_t)(end - path));
	at[-(end - query) - 1] = '?';
	at = mempcpy(at, "&X-Amz-Signature=", strlen("&X-Amz-Signature="));
	sign(p, canonical, (size_t)(out.p - canonical), at);
	return url;
}

static const char *
presign_plain(struct s3 *s3, struct arena *arena, const char *key, const char *date, int life,
    struct sigv4_request req)
{
	const struct s3_endpoint *side = &s3->outside;
	struct buf url;

	req.path = arena_printf(arena, "%s/%s", side->path, key);
	req.payload = SIGV4_UNSIGNED;
	buf_init(&url, arena, 0);
	buf_adds(&url, side->origin);
	url_encode(&url, req.path, strlen(req.path), true);
	buf_addc(&url, '?');
	buf_adds(&url, sigv4_presign(&s3->signer, arena, &req, date, life));
	return url.data;
}

static const char *
presign_get_plain(struct s3 *s3, struct arena *arena, const char *key, int64_t bucket,
    const char *type, const char *disposition)
{
	const struct sigv4_pair host = { "Host", s3->outside.host };
	struct sigv4_pair query[2];
	struct sigv4_request req = {
		.method = "GET", .query = query, .headers = &host, .nheaders = 1
	};
	char date[SIGV4_DATE];

	if (disposition != NULL)
		query[req.nquery++] =
		    (struct sigv4_pair) { "response-content-disposition", disposition };
	if (type != NULL)
		query[req.nquery++] = (struct sigv4_pair) { "response-content-type", type };
	time_iso_basic(bucket, date);
	return presign_plain(s3, arena, key, date, S3_URL_LIFE_SECONDS, req);
}

/*
 * key NUL type NUL disposition; 0 when it does not fit. The first byte distinguishes absent from
 * empty ones.
 */
static size_t
memo_name(char *out, size_t size, const char *key, const char *type, const char *disposition)
{
	size_t key_len = strlen(key) + 1, type_len = type != NULL ? strlen(type) + 1 : 0,
	       disposition_len = disposition != NULL ? strlen(disposition) + 1 : 0;

	if (key_len + type_len + disposition_len + 2 > size)
		return 0;
	out = mempcpy(out, key, key_len);
	*out++ = type != NULL;
	out = type != NULL ? mempcpy(out, type, type_len) : out;
	*out++ = disposition != NULL;
	if (disposition != NULL)
		memcpy(out, disposition, disposition_len);
	return key_len + type_len + disposition_len + 2;
}

const char *
s3_presign_get(struct s3 *s3, struct arena *arena, const char *key, int64_t now,
    const char *content_type, const char *disposition)
{
	const int64_t bucket = now - now % (S3_URL_BUCKET_SECONDS * US_PER_SEC);
	struct s3_presigner *p = s3->presigner;
	char name[MEMO_ENTRY_MAX];
	size_t name_len = memo_name(name, sizeof(name), key, content_type, disposition), url_len;
	struct memo *memo = &p->memo[hash_name(name, name_len) & (MEMO_PLACES - 1)];
	char *url;

	if (name_len > 0 && memo->bucket == bucket && memo->name_len == name_len &&
	    memcmp(memo->data, name, name_len) == 0)
		return arena_memdup(arena, memo->data + name_len, memo->url_len + 1);
	if (p->bucket != bucket)
		start_bucket(s3, bucket);
	if ((url = presign_quick(s3, arena, key, content_type, disposition, &url_len)) == NULL)
		return presign_get_plain(s3, arena, key, bucket, content_type, disposition);
	if (name_len > 0)
		remember(memo, bucket, name, name_len, url, url_len);
	return url;
}

/* A presigned URL has its canonical form already: only the method and the signature change. */
const char *
s3_presign_head(struct s3 *s3, struct arena *arena, const char *get_url, int64_t now)
{
	static const char mark[] = "&X-Amz-Signature=";
	const int64_t bucket = now - now % (S3_URL_BUCKET_SECONDS * US_PER_SEC);
	struct s3_presigner *p = s3->presigner;
	const char *path, *query, *end;
	char *url, signature[SIGV4_SIGNATURE];
	struct buf canonical;

	if (p->bucket != bucket)
		start_bucket(s3, bucket);
	path = get_url + p->head_len - p->path_len;
	query = strchr(path, '?') + 1;
	end = strstr(query, mark);
	buf_init(&canonical, arena, 0);
	buf_adds(&canonical, "HEAD\n");
	buf_add(&canonical, path, (size_t)(query - 1 - path));
	buf_addc(&canonical, '\n');
	buf_add(&canonical, query, (size_t)(end - query));
	buf_add(&canonical, p->tail, p->tail_len);
	sign(p, canonical.data, canonical.len, signature);
	url = arena_strdup(arena, get_url);
	memcpy(url + (end - get_url) + strlen(mark), signature, SIGV4_SIGNATURE - 1);
	return url;
}

const char *
s3_presign_put(struct s3 *s3, struct arena *arena, const char *key, const struct s3_put_terms *t)
{
	const struct sigv4_pair query[2] = { { "partNumber", arena_printf(arena, "%d", t->number) },
		{ "uploadId", t->upload_id } };
	struct sigv4_pair headers[4] = { { "Host", s3->outside.host },
		{ "Content-Length", arena_printf(arena, "%lld", (long long)t->size) } };
	struct sigv4_request req = {
		.method = "PUT",
		.query = query,
		.nquery = t->upload_id != NULL ? 2 : 0,
		.headers = headers,
		.nheaders = 2,
	};
	char date[SIGV4_DATE];

	if (t->content_type != NULL)
		headers[req.nheaders++] = (struct sigv4_pair) { "Content-Type", t->content_type };
	if (t->sha256 != NULL)
		headers[req.nheaders++] = (struct sigv4_pair) { "x-amz-checksum-sha256",
			base64_encode(arena, t->sha256, 32) };
	time_iso_basic(t->now, date);
	return presign_plain(s3, arena, key, date, t->life_seconds, req);
}

struct s3_presigner *
s3_presigner_new(void)
{
	struct s3_presigner *p = xmalloc(sizeof(*p));

	memset(p, 0, sizeof(*p));
	return p;
}

void
s3_presigner_free(struct s3_presigner *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < MEMO_PLACES; i++)
		free(p->memo[i].data);
	explicit_bzero(p, sizeof(*p));
	free(p);
}
