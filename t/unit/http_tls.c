/* The authorities that outbound calls trust: the system's and those of outbound.ca_file. */
#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/error.h"
#include "t/unit/local_server.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define DAY_SECONDS 86400L

struct identity {
	X509 *certificate;
	EVP_PKEY *key;
};

static struct identity trusted, stranger, server_id, misnamed;

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
}

/* issuer NULL: self-signed. */
static struct identity
make(const char *name, const struct identity *issuer, const char *alternative)
{
	struct identity id = { X509_new(), EVP_EC_gen("P-256") };
	X509_NAME *subject = X509_get_subject_name(id.certificate);
	static long serial;

	X509_set_version(id.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id.certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(id.certificate), -DAY_SECONDS);
	X509_gmtime_adj(X509_getm_notAfter(id.certificate), DAY_SECONDS);
	X509_set_pubkey(id.certificate, id.key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
	    0);
	if (issuer == NULL)
		issuer = &id;
	X509_set_issuer_name(id.certificate, X509_get_subject_name(issuer->certificate));
	extend(id.certificate, issuer->certificate, NID_basic_constraints,
	    issuer == &id ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (alternative != NULL)
		extend(id.certificate, issuer->certificate, NID_subject_alt_name, alternative);
	X509_sign(id.certificate, issuer->key, EVP_sha256());
	return id;
}

static const char *
write_pem(struct arena *arena, const struct identity *id, const char *name)
{
	const char *path = arena_printf(arena, "/tmp/http-tls-%ld-%s.pem", (long)getpid(), name);
	FILE *file = fopen(path, "we");

	if (file == NULL || PEM_write_X509(file, id->certificate) != 1 || fclose(file) != 0)
		abort();
	return path;
}

static void
serve_as(const struct identity *id, int fd)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(context);
	char text[4096];

	SSL_use_certificate(ssl, id->certificate);
	SSL_use_PrivateKey(ssl, id->key);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		while (SSL_read(ssl, text, sizeof(text)) > 0)
			SSL_write(ssl, reply, sizeof(reply) - 1);
}

static void
serve_right(struct local_server *server, int fd)
{
	serve_as(&server_id, fd);
}

static void
serve_misnamed(struct local_server *server, int fd)
{
	serve_as(&misnamed, fd);
}

static void
serve_plain(struct local_server *server, int fd)
{
	static const char reply[] = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n";
	char text[4096];

	if (recv(fd, text, sizeof(text), 0) > 0 && send(fd, reply, sizeof(reply) - 1, 0) < 0)
		_exit(1);
}

static enum call_end
call(struct arena *arena, const struct local_server *server, const char *ca_file, struct error *err)
{
	struct http_out out = { .method = "GET",
		.url = server->url,
		.timeout_ms = 5000,
		.answer_max = 100,
		.rules = { .allow = server->allow, .ca_file = ca_file } };
	struct http_answer answer;

	error_clear(err);
	http_out(arena, &out, &answer, err);
	return answer.end;
}

static void
untrusted(struct arena *arena, const struct local_server *server, const char *ca_file,
    const char *what)
{
	struct error err;

	is_int(call(arena, server, ca_file, &err), CALL_TLS, "%s", what);
	is_str(error_slug_of(&err), "upstream_tls", "%s: the error says so", what);
}

/* outbound.ca_file adds to the system's authorities only because of a default of libcurl. */
static void
system_too(void)
{
	CURL *curl = curl_easy_init();
	char *path = NULL;

	ok(curl_easy_getinfo(curl, CURLINFO_CAPATH, &path) == CURLE_OK && path != NULL,
	    "the system's authorities stay in force");
	curl_easy_cleanup(curl);
}

int
main(void)
{
	const char *right, *wrong;
	struct local_server server, other, plain;
	struct arena arena;
	struct error err;

	signal(SIGPIPE, SIG_IGN);
	arena_init(&arena);
	trusted = make("Trusted", NULL, NULL);
	stranger = make("Stranger", NULL, NULL);
	server_id = make("server", &trusted, "IP:127.0.0.1");
	misnamed = make("server", &trusted, "DNS:elsewhere.test");
	right = write_pem(&arena, &trusted, "right");
	wrong = write_pem(&arena, &stranger, "wrong");
	local_server_start(&server, "https", serve_right);
	local_server_start(&other, "https", serve_misnamed);
	local_server_start(&plain, "https", serve_plain);
	untrusted(&arena, &server, "", "an authority that the system does not know");
	untrusted(&arena, &server, wrong, "another one in the file");
	is_int(call(&arena, &server, right, &err), CALL_ANSWERED, "the right one: %s", err.detail);
	is_int(call(&arena, &server, right, &err), CALL_ANSWERED, "once more");
	is_int(atomic_load(&server.seen->connections), 3, "over the same connection");
	untrusted(&arena, &server, "", "without the file, a kept connection does not count");
	untrusted(&arena, &server, "/nonexistent.pem", "a file that is not there");
	untrusted(&arena, &other, right, "a certificate of another name");
	untrusted(&arena, &plain, right, "no TLS at all");
	system_too();
	http_out_close();
	local_server_stop(&server);
	local_server_stop(&other);
	local_server_stop(&plain);
	unlink(right);
	unlink(wrong);
	arena_clear(&arena);
	return done_testing();
}
