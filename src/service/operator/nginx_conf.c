/* See nginx_conf.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/host_file.h"
#include "service/operator/nginx_conf.h"
#include "service/operator/tool.h"

#include "core/banned.h"

#define TEMPLATE_SUFFIX ".conf.in"
#define PAGE_SCRIPT "<script>"
#define NAME_MAX_LEN 32 /* of a placeholder */

/* From this version on nginx warns of `http2` in listen lines: a directive took its place. */
#define HTTP2_DIRECTIVE_SINCE { 1, 25, 1 }
#define VERSION_PARTS 3

/* Characters that nginx reads as syntax or as the start of a variable. */
#define UNSAFE "\"'\\;{}$# \t\r\n"

struct fill {
	const struct config *config;
	struct arena *arena;
	const char *dir;
	const char *web_dir;
	bool http2_directive; /* nginx knows `http2 on` */
};

typedef bool fill_fn(const struct fill *, struct buf *, struct error *);

static bool
add_safe(struct buf *out, const char *what, const char *value, struct error *err)
{
	if (*value == '\0' || strpbrk(value, UNSAFE) != NULL)
		return error_set(err, ERR_VALIDATION,
		    "%s: \"%s\" has a character that nginx's configuration cannot hold", what,
		    value);
	buf_adds(out, value);
	return true;
}

static bool
add_setting(const struct fill *fill, struct buf *out, enum config_key key, struct error *err)
{
	return add_safe(out, config_rows[key].key, config_str(fill->config, key), err);
}

/* Calls `add` for each element of a comma-separated setting. */
static bool
each_item(const struct fill *fill, struct buf *out, enum config_key key,
    bool (*add)(struct buf *, const char *key, const char *item, struct error *), struct error *err)
{
	char *rest = arena_strdup(fill->arena, config_str(fill->config, key));
	char *item;

	while ((item = strsep(&rest, ",")) != NULL) {
		item = str_trim(fill->arena, item);
		if (*item != '\0' && !add(out, config_rows[key].key, item, err))
			return false;
	}
	return true;
}

static bool
add_listen(struct buf *out, const char *key, const char *item, struct error *err)
{
	buf_adds(out, "listen ");
	if (!add_safe(out, key, item, err))
		return false;
	buf_adds(out, " ssl;\n\t");
	return true;
}

static bool
add_listen_http2(struct buf *out, const char *key, const char *item, struct error *err)
{
	buf_adds(out, "listen ");
	if (!add_safe(out, key, item, err))
		return false;
	buf_adds(out, " ssl http2;\n\t");
	return true;
}

static bool
add_listen_plain(struct buf *out, const char *key, const char *item, struct error *err)
{
	buf_adds(out, "listen ");
	if (!add_safe(out, key, item, err))
		return false;
	buf_adds(out, ";\n\t");
	return true;
}

static bool
add_listens(const struct fill *fill, struct buf *out, enum config_key key, struct error *err)
{
	if (!fill->http2_directive)
		return each_item(fill, out, key, add_listen_http2, err);
	if (!each_item(fill, out, key, add_listen, err))
		return false;
	buf_adds(out, "http2 on;");
	return true;
}

static bool
add_proxy(struct buf *out, const char *key, const char *item, struct error *err)
{
	buf_adds(out, "set_real_ip_from ");
	if (!add_safe(out, key, item, err))
		return false;
	buf_adds(out, ";\n\t");
	return true;
}

static bool
add_origin(struct buf *out, const char *key, const char *item, struct error *err)
{
	buf_addc(out, '"');
	if (!add_safe(out, key, item, err))
		return false;
	buf_adds(out, "\" $http_origin;\n\t");
	return true;
}

static const char *
storage_origin(const struct fill *fill)
{
	const char *url = config_str(fill->config, CFG_STORAGE_PUBLIC_ENDPOINT);

	return *url != '\0' ? url : config_str(fill->config, CFG_STORAGE_ENDPOINT);
}

/* scheme://host[:port][/...] -> host, which may be a bracketed IPv6 address. */
static bool
add_host(const struct fill *fill, struct buf *out, const char *key, const char *url,
    struct error *err)
{
	const char *host = strstr(url, "://");
	size_t len;

	if (host == NULL)
		return error_set(err, ERR_VALIDATION,
		    "%s: \"%s\" is not an origin (scheme://host[:port])", key, url);
	host += 3;
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	return add_safe(out, key, arena_strndup(fill->arena, host, len), err);
}

static bool
fill_conf_dir(const struct fill *f, struct buf *b, struct error *e)
{
	return add_safe(b, "the directory", f->dir, e);
}
static bool
fill_web_dir(const struct fill *f, struct buf *b, struct error *e)
{
	return add_safe(b, "the page's directory", f->web_dir, e);
}
static bool
fill_run_dir(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_RUN_DIR, e);
}
static bool
fill_data_dir(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_DATA_DIR, e);
}
static bool
fill_log_dir(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_NGINX_LOG_DIR, e);
}
static bool
fill_certificate(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_NGINX_CERTIFICATE, e);
}
static bool
fill_key(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_NGINX_CERTIFICATE_KEY, e);
}
static bool
fill_public_url(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_PUBLIC_URL, e);
}
static bool
fill_edge_rate(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_LIMIT_EDGE, e);
}
static bool
fill_storage_rate(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_LIMIT_EDGE_STORAGE, e);
}
static bool
fill_connections(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_NGINX_CONNECTIONS, e);
}
static bool
fill_listen(const struct fill *f, struct buf *b, struct error *e)
{
	return add_listens(f, b, CFG_NGINX_LISTEN, e);
}
static bool
fill_http_listen(const struct fill *f, struct buf *b, struct error *e)
{
	return each_item(f, b, CFG_NGINX_HTTP_LISTEN, add_listen_plain, e);
}
static bool
fill_acme_root(const struct fill *f, struct buf *b, struct error *e)
{
	return add_setting(f, b, CFG_NGINX_ACME_ROOT, e);
}
static bool
fill_real_ip(const struct fill *f, struct buf *b, struct error *e)
{
	return each_item(f, b, CFG_TRUSTED_PROXIES, add_proxy, e);
}

/*
 * Without HTTP/2: a browser then opens six connections, and each carries as much as the one that it
 * would have. On a long line with losses that is all that decides how fast uploads are.
 */
static bool
fill_storage_listen(const struct fill *fill, struct buf *out, struct error *err)
{
	return each_item(fill, out, CFG_NGINX_STORAGE_LISTEN, add_listen, err);
}

static bool
fill_objects_dir(const struct fill *fill, struct buf *out, struct error *err)
{
	if (!fill_data_dir(fill, out, err))
		return false;
	buf_adds(out, "/objects");
	return true;
}

static bool
fill_public_ws(const struct fill *fill, struct buf *out, struct error *err)
{
	const char *url = config_str(fill->config, CFG_PUBLIC_URL);

	if (!str_starts(url, "http"))
		return error_set(err, ERR_VALIDATION,
		    "public.url: \"%s\" is not an origin (scheme://host[:port])", url);
	buf_adds(out, "ws");
	return add_safe(out, "public.url", url + strlen("http"), err);
}

static bool
fill_storage_origin(const struct fill *fill, struct buf *out, struct error *err)
{
	return add_safe(out, "storage.public_endpoint", storage_origin(fill), err);
}

static bool
fill_server_name(const struct fill *fill, struct buf *out, struct error *err)
{
	return add_host(fill, out, "public.url", config_str(fill->config, CFG_PUBLIC_URL), err);
}

static bool
fill_storage_server_name(const struct fill *fill, struct buf *out, struct error *err)
{
	return add_host(fill, out, "storage.public_endpoint", storage_origin(fill), err);
}

/* The burst is twice the rate: a page sends many requests when it loads first. */
static bool
add_burst(const struct fill *fill, struct buf *out, enum config_key rate)
{
	buf_addf(out, "%lld", (long long)config_int(fill->config, rate) * 2);
	return true;
}
static bool
fill_edge_burst(const struct fill *f, struct buf *b, struct error *e)
{
	(void)e;
	return add_burst(f, b, CFG_LIMIT_EDGE);
}
static bool
fill_storage_burst(const struct fill *f, struct buf *b, struct error *e)
{
	(void)e;
	return add_burst(f, b, CFG_LIMIT_EDGE_STORAGE);
}

static bool
fill_cors_map(const struct fill *fill, struct buf *out, struct error *err)
{
	return add_origin(out, "public.url", config_str(fill->config, CFG_PUBLIC_URL), err) &&
	    each_item(fill, out, CFG_CORS_ORIGINS, add_origin, err);
}

static bool
fill_storage_include(const struct fill *fill, struct buf *out, struct error *err)
{
	(void)err;
	if (config_bool(fill->config, CFG_STORAGE_EMBEDDED))
		buf_addf(out, "include %s/storage.conf;", fill->dir);
	return true;
}

static bool
fill_http_include(const struct fill *fill, struct buf *out, struct error *err)
{
	(void)err;
	if (*config_str(fill->config, CFG_NGINX_HTTP_LISTEN) != '\0')
		buf_addf(out, "include %s/http.conf;", fill->dir);
	return true;
}

/* The same host may serve both origins, at two ports. */
static bool
fill_http_names(const struct fill *fill, struct buf *out, struct error *err)
{
	struct buf page, store;

	buf_init(&page, fill->arena, NGINX_TEMPLATE_MAX);
	buf_init(&store, fill->arena, NGINX_TEMPLATE_MAX);
	if (!fill_server_name(fill, &page, err) || !fill_storage_server_name(fill, &store, err))
		return false;
	buf_adds(out, page.data);
	if (config_bool(fill->config, CFG_STORAGE_EMBEDDED) && !str_eq(page.data, store.data))
		buf_addf(out, " %s", store.data);
	return true;
}

static char *
read_template(struct arena *arena, const char *path, struct error *err)
{
	char *text = arena_alloc(arena, NGINX_TEMPLATE_MAX + 1);
	FILE *in = fopen(path, "re");
	size_t len;

	if (in == NULL) {
		error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
		return NULL;
	}
	len = fread(text, 1, NGINX_TEMPLATE_MAX, in);
	if (ferror(in) || !feof(in)) {
		error_set(err, ERR_INTERNAL, "%s: cannot be read or is too large", path);
		text = NULL;
	} else {
		text[len] = '\0';
	}
	fclose(in);
	return text;
}

/* The one script that index.html holds, as the policy names it: by the hash of its text. */
static bool
fill_page_script(const struct fill *fill, struct buf *out, struct error *err)
{
	const char *path = arena_printf(fill->arena, "%s/index.html", fill->web_dir);
	const char *text = read_template(fill->arena, path, err);
	unsigned char digest[SHA256_SIZE];
	const char *end;

	if (text == NULL)
		return false;
	if ((text = strstr(text, PAGE_SCRIPT)) == NULL ||
	    (end = strstr(text += strlen(PAGE_SCRIPT), "</script>")) == NULL)
		return error_set(err, ERR_INTERNAL, "%s has no script", path);
	sha256(text, (size_t)(end - text), digest);
	buf_addf(out, "sha256-%s", base64_encode(fill->arena, digest, sizeof(digest)));
	return true;
}

static const struct placeholder {
	const char *name;
	fill_fn *fill;
} placeholders[] = {
	{ "ACME_ROOT", fill_acme_root },
	{ "CONF_DIR", fill_conf_dir },
	{ "CONNECTIONS", fill_connections },
	{ "CORS_MAP", fill_cors_map },
	{ "DATA_DIR", fill_data_dir },
	{ "EDGE_BURST", fill_edge_burst },
	{ "EDGE_RATE", fill_edge_rate },
	{ "HTTP_INCLUDE", fill_http_include },
	{ "HTTP_LISTEN", fill_http_listen },
	{ "HTTP_NAMES", fill_http_names },
	{ "LISTEN", fill_listen },
	{ "LOG_DIR", fill_log_dir },
	{ "OBJECTS_DIR", fill_objects_dir },
	{ "PAGE_SCRIPT", fill_page_script },
	{ "PUBLIC_URL", fill_public_url },
	{ "PUBLIC_WS", fill_public_ws },
	{ "REAL_IP", fill_real_ip },
	{ "RUN_DIR", fill_run_dir },
	{ "SERVER_NAME", fill_server_name },
	{ "STORAGE_BURST", fill_storage_burst },
	{ "STORAGE_INCLUDE", fill_storage_include },
	{ "STORAGE_LISTEN", fill_storage_listen },
	{ "STORAGE_ORIGIN", fill_storage_origin },
	{ "STORAGE_RATE", fill_storage_rate },
	{ "STORAGE_SERVER_NAME", fill_storage_server_name },
	{ "TLS_CERTIFICATE", fill_certificate },
	{ "TLS_KEY", fill_key },
	{ "WEB_DIR", fill_web_dir },
};

/* `text` follows an '@'. Returns the name of the placeholder, or NULL for an ordinary '@'. */
static char *
placeholder_at(struct arena *arena, const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	return len > 0 && len <= NAME_MAX_LEN && text[len] == '@' ?
	    arena_strndup(arena, text, len) :
	    NULL;
}

static bool
placeholder_fill(const struct fill *fill, struct buf *out, const char *name, struct error *err)
{
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(*placeholders); i++)
		if (str_eq(placeholders[i].name, name))
			return placeholders[i].fill(fill, out, err);
	return error_set(err, ERR_INTERNAL, "unknown placeholder @%s@", name);
}

/* Comment lines are left out: they explain the placeholders, which the result does not have. */
static bool
expand(const struct fill *fill, struct buf *out, const char *text, struct error *err)
{
	const char *at;
	char *name;

	for (; (at = strpbrk(text, "@#")) != NULL;) {
		if (*at == '#' && (at == text || at[-1] == '\n')) {
			buf_add(out, text, (size_t)(at - text));
			text = at + strcspn(at, "\n");
			continue;
		}
		name = *at == '@' ? placeholder_at(fill->arena, at + 1) : NULL;
		buf_add(out, text, (size_t)(at - text) + (name == NULL));
		text = at + 1;
		if (name == NULL)
			continue;
		if (!placeholder_fill(fill, out, name, err))
			return false;
		text += strlen(name) + 1;
	}
	buf_adds(out, text);
	if (out->overflow)
		return error_set(err, ERR_INTERNAL, "the result is larger than %lu bytes",
		    NGINX_TEMPLATE_MAX);
	return true;
}

static bool
make_one(const struct fill *fill, const char *templates, const char *name, struct nginx_file *file,
    struct error *err)
{
	size_t stem = strlen(name) - strlen(TEMPLATE_SUFFIX);
	const char *text =
	    read_template(fill->arena, arena_printf(fill->arena, "%s/%s", templates, name), err);
	struct buf out;

	buf_init(&out, fill->arena, NGINX_TEMPLATE_MAX);
	if (text == NULL || !expand(fill, &out, text, err))
		return false;
	*file = (struct nginx_file) {
		arena_printf(fill->arena, "%s/%.*s.conf", fill->dir, (int)stem, name), out.data
	};
	return true;
}

static bool
wanted(const struct config *config, const char *name, bool private_start)
{
	if (!str_ends(name, TEMPLATE_SUFFIX))
		return false;
	if (str_eq(name, "nginx" TEMPLATE_SUFFIX))
		return private_start;
	if (str_eq(name, "storage" TEMPLATE_SUFFIX))
		return config_bool(config, CFG_STORAGE_EMBEDDED);
	if (str_eq(name, "http" TEMPLATE_SUFFIX))
		return *config_str(config, CFG_NGINX_HTTP_LISTEN) != '\0';
	return true;
}

/* Reads "1.26.3"; what is missing or no number counts as 0. */
static void
version_parse(const char *text, long version[VERSION_PARTS])
{
	char *end;

	for (size_t i = 0; i < VERSION_PARTS; i++) {
		version[i] = strtol(text, &end, 10);
		text = *end == '.' ? end + 1 : end;
	}
}

/* Without an nginx to ask: no, because every version takes the parameter. */
static bool
nginx_has_http2_directive(struct arena *arena)
{
	static const long since[VERSION_PARTS] = HTTP2_DIRECTIVE_SINCE;
	const char *const argv[] = { "nginx", "-v", NULL };
	long version[VERSION_PARTS];
	char out[TOOL_OUTPUT_MAX];
	bool found;

	if (!tool_run(argv, out, &found))
		return false;
	version_parse(tool_version(arena, out, "nginx/"), version);
	for (size_t i = 0; i < VERSION_PARTS; i++)
		if (version[i] != since[i])
			return version[i] > since[i];
	return true;
}

bool
nginx_conf_make(const struct config *config, struct arena *arena, const char *dir,
    bool private_start, struct nginx_files *out, struct error *err)
{
	const char *templates = MN_PKGDATADIR "/nginx";
	struct fill fill = { .config = config,
		.arena = arena,
		.dir = dir,
		.web_dir = MN_PKGDATADIR "/web",
		.http2_directive = nginx_has_http2_directive(arena) };
	struct dirent *entry;
	DIR *list = opendir(templates);
	bool ok = true;

	out->n = 0;
	if (list == NULL)
		return error_set(err, ERR_INTERNAL, "%s: %s", templates, strerror(errno));
	while (ok && out->n < NGINX_FILES_MAX && (entry = readdir(list)) != NULL)
		if (wanted(config, entry->d_name, private_start))
			ok = make_one(&fill, templates, entry->d_name, &out->items[out->n++], err);
	closedir(list);
	return ok;
}

bool
nginx_conf_write(const struct config *config, struct arena *arena, const char *dir,
    bool private_start, struct error *err)
{
	struct nginx_files files;
	char *absolute;

	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return error_set(err, ERR_INTERNAL, "%s: %s", dir, strerror(errno));
	if ((absolute = realpath(dir, NULL)) == NULL)
		return error_set(err, ERR_INTERNAL, "%s: %s", dir, strerror(errno));
	arena_defer(arena, free, absolute);
	if (!nginx_conf_make(config, arena, absolute, private_start, &files, err))
		return false;
	for (size_t i = 0; i < files.n; i++)
		if (!host_file_write(arena, files.items[i].path, files.items[i].text, NULL, err))
			return false;
	return true;
}
