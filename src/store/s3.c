#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "store/s3_internal.h"

#include "core/banned.h"

#define KEY_FILE_MAX 256 /* bytes */

/* Reads the file of a secret: one line. It must exist; medianest-admin creates it. */
static bool
read_key_file(const struct config *config, const char *name, char *out, size_t size,
    struct error *err)
{
	const char *dir = config_str(config, CFG_KEYS_DIR);
	char path[4200], text[KEY_FILE_MAX + 1];
	ssize_t n;
	int fd;

	if (*dir != '\0')
		snprintf(path, sizeof(path), "%s/%s", dir, name);
	else
		snprintf(path, sizeof(path), "%s/keys/%s", config_str(config, CFG_DATA_DIR), name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return error_set(err, ERR_INTERNAL,
		    "Cannot read %s: %s. Set storage.access_key and storage.secret_key, or run"
		    " 'medianest-admin keys create'.",
		    path, strerror(errno));
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		n = 0;
	text[n] = '\0';
	text[strcspn(text, " \t\r\n")] = '\0';
	if (*text == '\0' || str_copy(out, size, text) >= size)
		return error_set(err, ERR_INTERNAL,
		    "%s must contain one line of 1 to %zu characters.", path, size - 1);
	return true;
}

static bool
load_credential(const struct config *config, enum config_key key, const char *file, char *out,
    size_t size, struct error *err)
{
	const char *value = config_str(config, key);

	if (*value == '\0')
		return read_key_file(config, file, out, size, err);
	str_copy(out, size, value);
	return true;
}

static bool
set_endpoint(struct s3_endpoint *endpoint, const char *url, const char *bucket, bool path_style,
    struct error *err)
{
	const char *host = strstr(url, "://");
	size_t len = strlen(url);

	if ((!str_starts(url, "https://") && !str_starts(url, "http://")) || len >= S3_ENDPOINT_MAX)
		return error_set(err, ERR_INTERNAL,
		    "The storage endpoint '%s' must start with http:// or https:// and name a"
		    " host.",
		    url);
	host += 3;
	if (len > 0 && url[len - 1] == '/')
		len--;
	if (*host == '\0' || memchr(host, '/', len - (size_t)(host - url)) != NULL)
		return error_set(err, ERR_INTERNAL,
		    "The storage endpoint '%s' must consist of scheme, host and port, without a"
		    " path.",
		    url);
	snprintf(endpoint->host, sizeof(endpoint->host), "%s%s%.*s", path_style ? "" : bucket,
	    path_style ? "" : ".", (int)(len - (size_t)(host - url)), host);
	snprintf(endpoint->origin, sizeof(endpoint->origin), "%s%s",
	    str_starts(url, "https://") ? "https://" : "http://", endpoint->host);
	if (path_style)
		snprintf(endpoint->path, sizeof(endpoint->path), "/%s", bucket);
	/* Clients leave the scheme's own port out of Host, and Host is signed. */
	if (str_starts(url, "https://") && str_ends(endpoint->host, ":443"))
		endpoint->host[strlen(endpoint->host) - 4] = '\0';
	else if (str_starts(url, "http://") && str_ends(endpoint->host, ":80"))
		endpoint->host[strlen(endpoint->host) - 3] = '\0';
	return true;
}

static bool
configure(struct s3 *s3, const struct config *config, struct error *err)
{
	const char *inside = config_str(config, CFG_STORAGE_ENDPOINT),
		   *outside = config_str(config, CFG_STORAGE_PUBLIC_ENDPOINT);
	bool path_style = config_bool(config, CFG_STORAGE_PATH_STYLE);
	char access[129], secret[129];

	if (!load_credential(config, CFG_STORAGE_ACCESS_KEY, "storage-access.key", access,
		sizeof(access), err) ||
	    !load_credential(config, CFG_STORAGE_SECRET_KEY, "storage-secret.key", secret,
		sizeof(secret), err))
		return false;
	sigv4_signer_init(&s3->signer, access, secret, config_str(config, CFG_STORAGE_REGION),
	    "s3");
	explicit_bzero(secret, sizeof(secret));
	str_copy(s3->bucket, sizeof(s3->bucket), config_str(config, CFG_STORAGE_BUCKET));
	str_copy(s3->ca_file, sizeof(s3->ca_file), config_ca_file(config, CFG_STORAGE_CA_FILE));
	return set_endpoint(&s3->inside, inside, s3->bucket, path_style, err) &&
	    set_endpoint(&s3->outside, *outside != '\0' ? outside : inside, s3->bucket, path_style,
		err);
}

struct s3 *
s3_new(const struct config *config, struct error *err)
{
	struct s3 *s3 = xmalloc(sizeof(*s3));

	*s3 = (struct s3) { .request_ms = S3_REQUEST_MS };
	arena_init(&s3->arena);
	if (!configure(s3, config, err)) {
		s3_free(s3);
		return NULL;
	}
	s3->presigner = s3_presigner_new();
	return s3;
}

void
s3_free(struct s3 *s3)
{
	if (s3 == NULL)
		return;
	if (s3->curl != NULL)
		curl_easy_cleanup(s3->curl);
	s3_presigner_free(s3->presigner);
	arena_clear(&s3->arena);
	explicit_bzero(&s3->signer, sizeof(s3->signer));
	free(s3);
}

void
s3_set_timeout(struct s3 *s3, int request_ms)
{
	s3->request_ms = request_ms;
}
