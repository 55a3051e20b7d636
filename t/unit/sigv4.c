/*
 * Signature Version 4 against what AWS publishes: its test suite (aws-sig-v4-test-suite, service
 * "service") and the worked examples of the S3 reference ("Authenticating Requests", credentials
 * AKIAIOSFODNN7EXAMPLE). Then signatures that the verifier must refuse.
 */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "store/sigv4.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define N 6
#define DATE { "X-Amz-Date", "20150830T123600Z" }
#define HOST { "Host", "example.amazonaws.com" }
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define PARAM1_SHA256 "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"
#define TOKEN \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwA" \
	"eMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8p" \
	"hUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT" \
	"38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabI" \
	"Qwj2ICCR/oLxBA=="

struct vector {
	const char *name, *method, *path;
	struct sigv4_pair query[N], headers[N]; /* end with a NULL name */
	const char *payload;
	const char *signed_headers, *signature;
};

static const struct vector suite[] = {
	{ "get-vanilla", "GET", "/", { { NULL, NULL } }, { HOST, DATE }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-vanilla-empty-query-key", "GET", "/", { { "Param1", "value1" } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ "get-vanilla-query-order-key-case", "GET", "/",
	    { { "Param2", "value2" }, { "Param1", "value1" } }, { HOST, DATE }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-query-order-value", "GET", "/",
	    { { "Param1", "value2" }, { "Param1", "value1" } }, { HOST, DATE }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-date", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694" },
	{ "get-vanilla-query-unreserved", "GET", "/", { { UNRESERVED, UNRESERVED } },
	    { HOST, DATE }, SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ "get-vanilla-utf8-query", "GET", "/", { { "\341\210\264", "bar" } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ "get-unreserved", "GET", "/" UNRESERVED, { { NULL, NULL } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-utf8", "GET", "/\341\210\264", { { NULL, NULL } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-space", "GET", "/example space/", { { NULL, NULL } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
	{ "get-header-key-duplicate", "GET", "/", { { NULL, NULL } },
	    { HOST, { "My-Header1", "value2" }, { "My-Header1", "value2" },
		{ "My-Header1", "value1" }, DATE },
	    SIGV4_EMPTY_SHA256, "host;my-header1;x-amz-date",
	    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	{ "get-header-value-order", "GET", "/", { { NULL, NULL } },
	    { HOST, { "My-Header1", "value4" }, { "My-Header1", "value1" },
		{ "My-Header1", "value3" }, { "My-Header1", "value2" }, DATE },
	    SIGV4_EMPTY_SHA256, "host;my-header1;x-amz-date",
	    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
	{ "get-header-value-multiline", "GET", "/", { { NULL, NULL } },
	    { HOST, { "My-Header1", "value1" }, { "My-Header1", "  value2" },
		{ "My-Header1", "     value3" }, DATE },
	    SIGV4_EMPTY_SHA256, "host;my-header1;x-amz-date",
	    "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790" },
	{ "get-header-value-trim", "GET", "/", { { NULL, NULL } },
	    { HOST, { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" }, DATE },
	    SIGV4_EMPTY_SHA256, "host;my-header1;my-header2;x-amz-date",
	    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "post-header-key-case", "POST", "/", { { NULL, NULL } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "post-header-key-sort", "POST", "/", { { NULL, NULL } },
	    { DATE, { "My-Header1", "value1" }, HOST }, SIGV4_EMPTY_SHA256,
	    "host;my-header1;x-amz-date",
	    "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ "post-header-value-case", "POST", "/", { { NULL, NULL } },
	    { HOST, { "My-Header1", "VALUE1" }, DATE }, SIGV4_EMPTY_SHA256,
	    "host;my-header1;x-amz-date",
	    "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
	{ "post-vanilla", "POST", "/", { { NULL, NULL } }, { HOST, DATE }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "post-vanilla-query", "POST", "/", { { "Param1", "value1" } }, { HOST, DATE },
	    SIGV4_EMPTY_SHA256, "host;x-amz-date",
	    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
	{ "post-x-www-form-urlencoded", "POST", "/", { { NULL, NULL } },
	    { { "Content-Type", "application/x-www-form-urlencoded" }, HOST, DATE }, PARAM1_SHA256,
	    "content-type;host;x-amz-date",
	    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "post-x-www-form-urlencoded-parameters", "POST", "/", { { NULL, NULL } },
	    { { "Content-Type", "application/x-www-form-urlencoded; charset=utf8" }, HOST, DATE },
	    PARAM1_SHA256, "content-type;host;x-amz-date",
	    "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe" },
	{ "post-sts-header-before", "POST", "/", { { NULL, NULL } },
	    { HOST, DATE, { "X-Amz-Security-Token", TOKEN } }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-date;x-amz-security-token",
	    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
};

#define S3_DATE { "x-amz-date", "20130524T000000Z" }
#define S3_HOST { "Host", "examplebucket.s3.amazonaws.com" }
#define S3_EMPTY { "x-amz-content-sha256", SIGV4_EMPTY_SHA256 }
#define S3_BODY_SHA256 "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static const struct vector s3_examples[] = {
	{ "S3 example: GET object", "GET", "/test.txt", { { NULL, NULL } },
	    { S3_HOST, { "Range", "bytes=0-9" }, S3_EMPTY, S3_DATE }, SIGV4_EMPTY_SHA256,
	    "host;range;x-amz-content-sha256;x-amz-date",
	    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "S3 example: PUT object", "PUT", "/test$file.text", { { NULL, NULL } },
	    { S3_HOST, { "Date", "Fri, 24 May 2013 00:00:00 GMT" }, S3_DATE,
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		{ "x-amz-content-sha256", S3_BODY_SHA256 } },
	    S3_BODY_SHA256, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "S3 example: GET bucket lifecycle", "GET", "/", { { "lifecycle", "" } },
	    { S3_HOST, S3_EMPTY, S3_DATE }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-content-sha256;x-amz-date",
	    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "S3 example: list objects", "GET", "/", { { "max-keys", "2" }, { "prefix", "J" } },
	    { S3_HOST, S3_EMPTY, S3_DATE }, SIGV4_EMPTY_SHA256,
	    "host;x-amz-content-sha256;x-amz-date",
	    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static size_t
count(const struct sigv4_pair *pairs)
{
	size_t n = 0;

	while (n < N && pairs[n].name != NULL)
		n++;
	return n;
}

static struct sigv4_request
request_of(const struct vector *v)
{
	return (struct sigv4_request) { v->method, v->path, v->query, count(v->query), v->headers,
		count(v->headers), v->payload };
}

static void
check_vectors(struct arena *arena, struct sigv4_signer *signer, const char *date,
    const struct vector *vectors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct vector *v = &vectors[i];
		struct sigv4_request req = request_of(v);
		const char *want = arena_printf(arena,
		    "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request,"
		    " SignedHeaders=%s, Signature=%s",
		    signer->access, date, signer->service, v->signed_headers, v->signature);
		const char *got = sigv4_authorization(signer, arena, &req, date);
		struct sigv4_claim claim;
		struct error err = { 0 };
		int64_t when = 0;

		is_str(got, want, "%s: authorization", v->name);
		time_parse_iso_basic(date, &when);
		ok(sigv4_parse_authorization(arena, want, &claim, &err) &&
			sigv4_verify(signer, arena, &claim, &req, date, when, &err),
		    "%s: verifies", v->name);
	}
}

/* The S3 reference's presigned GET: 24 hours from 2013-05-24. */
static void
check_presigned(struct arena *arena, struct sigv4_signer *signer)
{
	static const struct sigv4_pair host = S3_HOST;
	static const char want[] =
	    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%"
	    "2Fus-east-1%2Fs3%2Faws4_request"
	    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
	    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
	struct sigv4_request req = { "GET", "/test.txt", NULL, 0, &host, 1, SIGV4_UNSIGNED };
	const int64_t start = 1369353600LL * US_PER_SEC;
	struct sigv4_claim claim;
	struct sigv4_pair *query;
	struct error err = { 0 };
	size_t n;

	is_str(sigv4_presign(signer, arena, &req, "20130524T000000Z", 86400), want,
	    "S3 example: presigned GET");
	ok(sigv4_split_query(arena, want, &query, &n) && n == 6 && sigv4_is_presigned(query, n),
	    "presigned query splits");
	ok(sigv4_parse_query(arena, query, n, &claim, &err) && claim.expires == 86400,
	    "presigned query parses");
	req.query = query;
	req.nquery = 5; /* without the signature, which comes last */
	ok(sigv4_verify(signer, arena, &claim, &req, claim.date, start, &err),
	    "presigned GET verifies at its first second");
	ok(sigv4_verify(signer, arena, &claim, &req, claim.date, start + 86400 * US_PER_SEC, &err),
	    "... and at its last");
	ok(!sigv4_verify(signer, arena, &claim, &req, claim.date, start + 86401 * US_PER_SEC,
	       &err) &&
		str_eq(err.slug, "AccessDenied"),
	    "... and not a second later");
	ok(!sigv4_verify(signer, arena, &claim, &req, claim.date, start - 901 * US_PER_SEC, &err) &&
		str_eq(err.slug, "RequestTimeTooSkewed"),
	    "... nor before its time");
	req.method = "PUT";
	ok(!sigv4_verify(signer, arena, &claim, &req, claim.date, start, &err) &&
		str_eq(err.slug, "SignatureDoesNotMatch"),
	    "another method is refused");
	req.method = "GET";
	req.path = "/test.txt2";
	ok(!sigv4_verify(signer, arena, &claim, &req, claim.date, start, &err),
	    "another key is refused");
}

/* The S3 reference's upload in signed chunks: 64 KiB, 1 KiB and nothing, all 'a'. */
static void
check_chunks(struct arena *arena, struct sigv4_signer *signer)
{
	static const struct sigv4_pair headers[] = { { "Host", "s3.amazonaws.com" },
		{ "x-amz-date", "20130524T000000Z" },
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		{ "x-amz-content-sha256", SIGV4_STREAMING_SIGNED },
		{ "Content-Encoding", "aws-chunked" }, { "x-amz-decoded-content-length", "66560" },
		{ "Content-Length", "66824" } };
	static const struct {
		size_t size;
		const char *signature;
	} chunks[] = {
		{ 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648" },
		{ 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497" },
		{ 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9" },
	};
	struct sigv4_request req = { "PUT", "/examplebucket/chunkObject.txt", NULL, 0, headers,
		sizeof(headers) / sizeof(*headers), SIGV4_STREAMING_SIGNED };
	char previous[SIGV4_SIGNATURE], signature[SIGV4_SIGNATURE],
	    *body = arena_alloc(arena, 65536);
	unsigned char sum[SHA256_SIZE];

	memset(body, 'a', 65536);
	sigv4_signature(signer, arena, &req, "20130524T000000Z", previous);
	is_str(previous, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	    "signed chunks: the request");
	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		sha256(body, chunks[i].size, sum);
		sigv4_chunk_signature(signer, arena, "20130524T000000Z", previous, sum, signature);
		is_str(signature, chunks[i].signature, "signed chunks: %zu bytes", chunks[i].size);
		str_copy(previous, sizeof(previous), signature);
	}
}

static void
check_refusals(struct arena *arena, struct sigv4_signer *signer)
{
	static const char *const bad[] = {
		"",
		"AWS4-HMAC-SHA256",
		"AWS4-HMAC-SHA256 ",
		"AWS AKID:xyz",
		"Bearer abc",
		"AWS4-HMAC-SHA256 Credential=a/20130524/r/s/aws4_request",
		"AWS4-HMAC-SHA256"
		" Credential=a/2013052/r/s/aws4_request,SignedHeaders=host,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=/20130524/r/s/aws4_request,SignedHeaders=host,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_reques,SignedHeaders=host,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_request,SignedHeaders=range,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_request,SignedHeaders=host;,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_request,SignedHeaders=range;host,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_request,SignedHeaders=Host,"
		"Signature=" SIGV4_EMPTY_SHA256,
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_request,SignedHeaders=host,Signature=abc",
		"AWS4-HMAC-SHA256"
		" Credential=a/20130524/r/s/aws4_request,SignedHeaders=host,"
		"Signature=" SIGV4_EMPTY_SHA256 ",Signature=" SIGV4_EMPTY_SHA256,
	};
	struct sigv4_pair *query;
	struct sigv4_claim claim;
	struct error err = { 0 };
	struct sigv4_request req = request_of(&s3_examples[0]);
	const char *good;
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!sigv4_parse_authorization(arena, bad[i], &claim, &err),
		    "malformed header %zu is refused", i);
	ok(!sigv4_split_query(arena, "a=%zz", &query, &n) &&
		!sigv4_split_query(arena, "a=%00", &query, &n),
	    "malformed escapes and NUL are refused");
	ok(sigv4_split_query(arena, "&&a&b=&c=d=e&", &query, &n) && n == 3 &&
		str_eq(query[0].value, "") && str_eq(query[2].value, "d=e"),
	    "a query with empty parts splits");
	ok(sigv4_split_query(arena,
	       "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20130524%2Fr%2Fs%"
	       "2Faws4_request&X-Amz-Date=20130524T000000Z"
	       "&X-Amz-Expires=604801&X-Amz-SignedHeaders=host&X-Amz-Signature=" SIGV4_EMPTY_SHA256,
	       &query, &n) &&
		!sigv4_parse_query(arena, query, n, &claim, &err),
	    "a life of more than seven days is refused");
	good = sigv4_authorization(signer, arena, &req, "20130524T000000Z");
	ok(sigv4_parse_authorization(arena, good, &claim, &err) &&
		!sigv4_verify(signer, arena, &claim, &req, "20130525T000000Z",
		    1369440000LL * US_PER_SEC, &err),
	    "a credential of another day is refused");
	claim.access = "SOMEBODY";
	ok(!sigv4_verify(signer, arena, &claim, &req, "20130524T000000Z", 1369353600LL * US_PER_SEC,
	       &err) &&
		str_eq(err.slug, "InvalidAccessKeyId"),
	    "an unknown access key is refused");
}

int
main(void)
{
	struct sigv4_signer suite_signer, s3_signer;
	struct arena arena;

	arena_init(&arena);
	sigv4_signer_init(&suite_signer, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	    "us-east-1", "service");
	sigv4_signer_init(&s3_signer, "AKIAIOSFODNN7EXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3");
	check_vectors(&arena, &suite_signer, "20150830T123600Z", suite,
	    sizeof(suite) / sizeof(*suite));
	check_vectors(&arena, &s3_signer, "20130524T000000Z", s3_examples,
	    sizeof(s3_examples) / sizeof(*s3_examples));
	check_presigned(&arena, &s3_signer);
	check_chunks(&arena, &s3_signer);
	check_refusals(&arena, &s3_signer);
	arena_clear(&arena);
	return done_testing();
}
