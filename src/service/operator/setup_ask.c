/*
 * What setup needs to know: from options, from the settings that are there, or from the person at
 * the terminal. Each question has an option, so that a script never meets one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/host_file.h"
#include "service/operator/setup_internal.h"
#include "core/banned.h"

#define ANSWER_MAX 1000 /* bytes of a line */
#define HOST_MAX 256
#define STORAGE_PORT "8444"
#define DEFAULT_CLUSTER_PORT "5432"

static const char *
suggest_public(const struct setup *s)
{
	char host[HOST_MAX] = "";

	if (gethostname(host, sizeof(host) - 1) != 0 || strchr(host, '.') == NULL)
		return NULL;
	return arena_printf(s->arena, "https://%s", host);
}

static const char *
suggest_storage(const struct setup *s)
{
	return arena_printf(s->arena, "https://%s:" STORAGE_PORT,
	    setup_url_host(s->arena, s->answers[SETUP_PUBLIC_URL]));
}

static const char *
suggest_certificate(const struct setup *s)
{
	return arena_printf(s->arena, "/etc/letsencrypt/live/%s/fullchain.pem",
	    setup_url_host(s->arena, s->answers[SETUP_PUBLIC_URL]));
}

static const char *
suggest_key(const struct setup *s)
{
	const char *certificate = s->answers[SETUP_CERTIFICATE], *slash = strrchr(certificate, '/');

	return arena_printf(s->arena, "%.*s/privkey.pem",
	    slash != NULL ? (int)(slash - certificate) : 0, certificate);
}

struct question {
	const char *option, *text;
	const char *setting; /* that has the answer already; or NULL */
	const char *(*suggest)(const struct setup *);
	bool needed; /* without an answer nothing can be done */
};

static const struct question questions[SETUP_ANSWERS] = {
	[SETUP_PUBLIC_URL] = { "public-url", "Address of the page", "public.url", suggest_public,
	    true },
	[SETUP_STORAGE_URL] = { "storage-url",
	    "Address of the object store (a host name or a port of its own)", "storage.endpoint",
	    suggest_storage, true },
	[SETUP_CERTIFICATE] = { "certificate", "Certificate for these names, with its chain",
	    "nginx.certificate", suggest_certificate, true },
	[SETUP_CERTIFICATE_KEY] = { "certificate-key", "Its private key", "nginx.certificate_key",
	    suggest_key, true },
	[SETUP_EMAIL] = { "email", "Your email address, for the first account", NULL, NULL, false },
	[SETUP_CLUSTER] = { "cluster", NULL, NULL, NULL, false },
	[SETUP_REDIS] = { "redis", NULL, "redis.url", NULL, false },
};

static bool
ask(struct setup *s, enum setup_answer which, struct error *err)
{
	const struct question *question = &questions[which];
	const char *suggested = question->suggest != NULL ? question->suggest(s) : NULL;
	char line[ANSWER_MAX] = "";

	printf("%s%s%s%s: ", question->text, suggested != NULL ? " [" : "",
	    suggested != NULL ? suggested : "", suggested != NULL ? "]" : "");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return error_set(err, ERR_VALIDATION, "no answer");
	s->answers[which] = str_trim(s->arena, line);
	if (*s->answers[which] == '\0')
		s->answers[which] = suggested;
	return true;
}

static bool
answer(struct setup *s, enum setup_answer which, struct error *err)
{
	const struct question *question = &questions[which];
	const char **value = &s->answers[which];

	*value = s->request->answers[which];
	if (*value == NULL && question->setting != NULL)
		*value = setup_settings_get(s->arena, s->settings_old, question->setting);
	if (*value != NULL || question->text == NULL)
		return true;
	/* The account: where there are settings, there may be one. */
	if (!question->needed && (s->settings_old != NULL || !s->terminal))
		return true;
	if (s->terminal) {
		if (!ask(s, which, err))
			return false;
	} else if (question->suggest != NULL && which != SETUP_PUBLIC_URL) {
		*value = question->suggest(s);
	}
	if (question->needed && (*value == NULL || **value == '\0'))
		return error_set(err, ERR_VALIDATION, "setup needs --%s: %s", question->option,
		    question->text);
	return true;
}

/* A setting that a person may have chosen otherwise stays. */
static void
keep(struct setup *s, const char *key, const char *value)
{
	if (setup_settings_get(s->arena, s->settings_new, key) == NULL)
		s->settings_new = setup_settings_put(s->arena, s->settings_new, key, value);
}

static void
put(struct setup *s, const char *key, const char *value)
{
	if (!str_eq(setup_settings_get(s->arena, s->settings_new, key), value))
		s->settings_new = setup_settings_put(s->arena, s->settings_new, key, value);
}

static const char *
listen_on(struct setup *s, const char *port)
{
	return setup_has_ipv6() ? arena_printf(s->arena, "%s, [::]:%s", port, port) : port;
}

/* libpq finds the socket of the default port by itself. */
static void
put_databases(struct setup *s)
{
	static const char *const keys[][2] = {
		{ "database.api_url", "api" },
		{ "database.worker_url", "worker" },
		{ "database.store_url", "store" },
		{ "database.migrate_url", "migrate" },
	};

	if (s->cluster.port == NULL || str_eq(s->cluster.port, DEFAULT_CLUSTER_PORT))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		keep(s, keys[i][0],
		    arena_printf(s->arena, "postgresql:///medianest?user=medianest_%s&port=%s",
			keys[i][1], s->cluster.port));
}

static void
write_settings(struct setup *s)
{
	const char *const *answers = s->answers;

	s->settings_new = s->settings_old != NULL ?
	    s->settings_old :
	    "# Made by `medianest-admin setup`. medianest.conf(5) has every setting.\n";
	if (s->request->upgrade)
		return;
	put(s, "public.url", answers[SETUP_PUBLIC_URL]);
	put(s, "storage.endpoint", answers[SETUP_STORAGE_URL]);
	put(s, "nginx.certificate", answers[SETUP_CERTIFICATE]);
	put(s, "nginx.certificate_key", answers[SETUP_CERTIFICATE_KEY]);
	keep(s, "nginx.listen", listen_on(s, setup_url_port(s->arena, answers[SETUP_PUBLIC_URL])));
	keep(s, "nginx.storage_listen",
	    listen_on(s, setup_url_port(s->arena, answers[SETUP_STORAGE_URL])));
	keep(s, "nginx.http_listen", listen_on(s, "80"));
	keep(s, "run.socket_group", SETUP_NGINX_USER);
	if (answers[SETUP_REDIS] != NULL)
		put(s, "redis.url", answers[SETUP_REDIS]);
	else
		keep(s, "redis.url", SETUP_REDIS_URL);
	put_databases(s);
}

/* The settings as they will be, read as every program reads them. */
static bool
load(struct setup *s, struct error *err)
{
	char path[] = "/run/medianest-setup.XXXXXX";
	size_t len = strlen(s->settings_new);
	int fd = mkstemp(path);
	bool ok = fd >= 0 && write(fd, s->settings_new, len) == (ssize_t)len;

	if (fd >= 0)
		close(fd);
	if (!ok)
		error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
	else
		s->config = config_load(path, err);
	if (fd >= 0)
		unlink(path);
	return s->config != NULL;
}

static bool
urls_check(const struct setup *s, struct error *err)
{
	const char *page = config_str(s->config, CFG_PUBLIC_URL),
		   *store = config_str(s->config, CFG_STORAGE_ENDPOINT);

	if (!str_starts(page, "https://") || !str_starts(store, "https://"))
		return error_set(err, ERR_VALIDATION,
		    "the addresses of the page and of the object store must begin with https://");
	if (str_eq(page, store))
		return error_set(err, ERR_VALIDATION,
		    "the object store needs a host name or a port of its own: people's files must"
		    " not share the page's origin");
	return true;
}

bool
setup_answers(struct setup *s, struct error *err)
{
	if (!host_file_read(s->arena, s->request->config_path, &s->settings_old, err))
		return false;
	if (s->request->upgrade && s->settings_old == NULL)
		return error_set(err, ERR_CONFLICT, "%s is not here: nothing is set up yet",
		    s->request->config_path);
	for (unsigned i = 0; i < SETUP_ANSWERS && !s->request->upgrade; i++)
		if (!answer(s, (enum setup_answer)i, err))
			return false;
	/* An upgrade asks only the database of the settings, which may be elsewhere. */
	if (!s->request->upgrade && !setup_cluster_find(s, err))
		return false;
	write_settings(s);
	return load(s, err) && (s->request->upgrade || urls_check(s, err));
}

bool
setup_read_secret(const char *prompt, char *out, int size)
{
	struct termios saved, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &saved) == 0, got;

	if (terminal) {
		quiet = saved;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		/* first: who sees the prompt may type, and it drops what was typed before */
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
		fputs(prompt, stderr);
	}
	got = fgets(out, size, stdin) != NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
		fputc('\n', stderr);
	}
	if (got)
		out[strcspn(out, "\r\n")] = '\0';
	return got;
}
