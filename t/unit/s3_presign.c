/*
 * Presigned URLs: the fast code compared with sigv4_presign(), buckets of time, the cache, and the
 * time per URL.
 */
#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "store/s3.h"
#include "store/sigv4.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define ACCESS "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOW (1795338301LL * US_PER_SEC) /* 2026-11-22T09:05:01Z */
#define BUCKET_START (NOW - NOW % (S3_URL_BUCKET_SECONDS * US_PER_SEC))

static struct arena arena;

static struct s3 *
client(const char *endpoint, const char *path_style)
{
	struct error err = { 0 };
	struct config *config;
	struct s3 *s3;

	setenv("MEDIANEST_STORAGE_ENDPOINT", endpoint, 1);
	setenv("MEDIANEST_STORAGE_PATH_STYLE", path_style, 1);
	config = config_load("/dev/null", &err);
	ok(config != NULL, "configuration: %s", err.message);
	s3 = s3_new(config, &err);
	ok(s3 != NULL, "client: %s", err.message);
	config_free(config);
	return s3;
}

/* Verifies the URL, independently of the code that made it. */
static bool
verifies(const char *url, const char *method, const char *host, const struct sigv4_pair *extra,
    size_t nextra, int64_t now)
{
	const char *path = strchr(strstr(url, "://") + 3, '/'), *mark = strchr(path, '?');
	struct sigv4_request req = { .method = method, .payload = SIGV4_UNSIGNED };
	struct sigv4_pair *query, headers[8] = { { "host", host } };
	struct sigv4_signer signer;
	struct sigv4_claim claim;
	struct error err = { 0 };
	char *decoded;
	size_t n, len;

	sigv4_signer_init(&signer, ACCESS, SECRET, "us-east-1", "s3");
	if (!sigv4_split_query(&arena, mark + 1, &query, &n) ||
	    !sigv4_parse_query(&arena, query, n, &claim, &err) ||
	    !url_decode(&arena, path, (size_t)(mark - path), false, &decoded, &len) ||
	    !str_eq(query[n - 1].name, "X-Amz-Signature"))
		return false;
	for (size_t i = 0; i < nextra; i++)
		headers[i + 1] = extra[i];
	req.path = decoded;
	req.query = query;
	req.nquery = n - 1;
	req.headers = headers;
	req.nheaders = nextra + 1;
	if (claim.nsigned != nextra + 1)
		return false;
	return sigv4_verify(&signer, &arena, &claim, &req, claim.date, now, &err);
}

/* The URL for HEAD is valid for HEAD and for nothing else. */
static void
is_head(struct s3 *s3, const char *key, const char *host)
{
	const char *get = s3_presign_get(s3, &arena, key, NOW, "a/b", NULL),
		   *head = s3_presign_head(s3, &arena, get, NOW);

	ok(verifies(head, "HEAD", host, NULL, 0, NOW) && !verifies(head, "GET", host, NULL, 0, NOW),
	    "'%.40s' for HEAD at %s", key, host);
	ok(verifies(get, "GET", host, NULL, 0, NOW) && !verifies(get, "HEAD", host, NULL, 0, NOW),
	    "... and that for GET");
}

static void
check_get(void)
{
	static const char *const keys[] = { "derived/018f/lease/thumb-320.webp",
		"a b/\303\251+~%.jpg", "x", "" };
	struct s3 *s3 = client("https://store.example:8444", "true"),
		  *host_style = client("https://s3.example", "false");
	char *huge = arena_alloc(&arena, 3000);

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *url = s3_presign_get(s3, &arena, keys[i], NOW, "image/webp",
		    "inline; filename=\"a b.webp\"");

		ok(verifies(url, "GET", "store.example:8444", NULL, 0, NOW), "'%s' verifies",
		    keys[i]);
		ok(str_starts(url, "https://store.example:8444/medianest/"), "path style");
		is_str(s3_presign_get(s3, &arena, keys[i], BUCKET_START + 299 * US_PER_SEC,
			   "image/webp", "inline; filename=\"a b.webp\""),
		    url, "the same URL within the bucket");
		ok(!str_eq(s3_presign_get(s3, &arena, keys[i], BUCKET_START + 300 * US_PER_SEC,
			       "image/webp", "inline; filename=\"a b.webp\""),
		       url),
		    "another in the next");
		ok(verifies(s3_presign_get(s3, &arena, keys[i], NOW, NULL, NULL), "GET",
		       "store.example:8444", NULL, 0, NOW),
		    "without overrides");
		is_head(s3, keys[i], "store.example:8444");
		is_head(host_style, keys[i], "medianest.s3.example");
		ok(verifies(s3_presign_get(s3, &arena, keys[i], NOW, "a/b", NULL), "GET",
		       "store.example:8444", NULL, 0, NOW),
		    "with a type");
		ok(verifies(s3_presign_get(host_style, &arena, keys[i], NOW, NULL, "attachment"),
		       "GET", "medianest.s3.example", NULL, 0, NOW),
		    "virtual-host style");
	}
	memset(huge, '%', 2999);
	is_head(s3, huge, "store.example:8444");
	ok(verifies(s3_presign_get(s3, &arena, huge, NOW, NULL, NULL), "GET", "store.example:8444",
	       NULL, 0, NOW),
	    "a key too long for the quick way");
	ok(!str_eq(s3_presign_get(s3, &arena, "k", NOW, "", NULL),
	       s3_presign_get(s3, &arena, "k", NOW, NULL, "")),
	    "memo tells its fields apart");
	s3_free(s3);
	s3_free(host_style);
}

static void
check_put(void)
{
	struct s3 *s3 = client("https://store.example", "true");
	unsigned char sum[32] = { 1, 2, 3 };
	const struct sigv4_pair plain[] = { { "content-length", "5" },
		{ "content-type", "image/png" } };
	const struct sigv4_pair summed[] = { plain[0], plain[1],
		{ "x-amz-checksum-sha256", "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } };
	const struct sigv4_pair longer[] = { { "content-length", "6" },
		{ "content-type", "image/png" } };
	const struct s3_put_terms terms = { NOW, 3600, 5, .content_type = "image/png" };
	const struct s3_put_terms with_sum = { NOW, 3600, 5, "image/png", sum };
	const struct s3_put_terms part = { NOW, 3600, 5, .upload_id = "upload", .number = 7 };
	const char *url = s3_presign_put(s3, &arena, "incoming/1", &terms);

	ok(verifies(url, "PUT", "store.example", plain, 2, NOW),
	    "PUT verifies with the signed length and type");
	ok(!verifies(url, "PUT", "store.example", longer, 2, NOW),
	    "PUT of another length does not");
	ok(!verifies(url, "GET", "store.example", plain, 2, NOW), "nor does a GET");
	ok(verifies(s3_presign_put(s3, &arena, "incoming/1", &with_sum), "PUT", "store.example",
	       summed, 3, NOW),
	    "PUT with a checksum");
	ok(verifies(s3_presign_put(s3, &arena, "incoming/1", &part), "PUT", "store.example", plain,
	       1, NOW),
	    "part");
	s3_free(s3);
}

/* Only reported, because machines differ; `./dev bench` checks it. */
static void
report_time(void)
{
	enum { ROUNDS = 200, PAGE = 75 };
	struct s3 *s3 = client("https://store.example:8444", "true");
	int64_t start = clock_monotonic(), cold, warm;

	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < PAGE; k++)
			s3_presign_get(s3, &arena,
			    arena_printf(&arena,
				"derived/018f3c1e-0000-7000-8000-%012d/lease/thumb-320.webp",
				i * PAGE + k),
			    NOW, "image/webp", NULL);
		arena_reset(&arena);
	}
	cold = clock_monotonic() - start;
	start = clock_monotonic();
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < PAGE; k++)
			s3_presign_get(s3, &arena,
			    arena_printf(&arena,
				"derived/018f3c1e-0000-7000-8000-%012d/lease/thumb-320.webp", k),
			    NOW, "image/webp", NULL);
		arena_reset(&arena);
	}
	warm = clock_monotonic() - start;
	printf("# presigned GET: %.2f us each when new, %.2f us when signed before\n",
	    (double)cold / ROUNDS / PAGE, (double)warm / ROUNDS / PAGE);
	s3_free(s3);
}

int
main(void)
{
	arena_init(&arena);
	setenv("MEDIANEST_STORAGE_ACCESS_KEY", ACCESS, 1);
	setenv("MEDIANEST_STORAGE_SECRET_KEY", SECRET, 1);
	check_get();
	check_put();
	report_time();
	arena_clear(&arena);
	return done_testing();
}
