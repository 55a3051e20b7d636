#include "client/http_many.h"

#include <stdlib.h>
#include <string.h>

#include "client/http_call.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/metric.h"
#include "core/outside.h"
#include "core/str.h"

#include "core/banned.h"

struct sending {
	struct http_call call;
	struct http_out out;
	void *context;
	int64_t start;
	size_t taken; /* bytes of the response */
	bool cut;     /* more came, which nobody reads */
	bool running;
	/* The request never was a transfer; told as it is. */
	bool refused;
};

struct http_many {
	CURLM *multi;
	size_t max, running;
	struct sending *sendings;
};

struct http_many *
http_many_new(size_t max)
{
	struct http_many *many = xmalloc(sizeof(*many));

	*many = (struct http_many) { .multi = curl_multi_init(), .max = max };
	if (many->multi == NULL) {
		free(many);
		return NULL;
	}
	many->sendings = xmalloc(max * sizeof(*many->sendings));
	memset(many->sendings, 0, max * sizeof(*many->sendings));
	curl_multi_setopt(many->multi, CURLMOPT_MAXCONNECTS, (long)max);
	return many;
}

static void
end_transfer(struct http_many *many, struct sending *s)
{
	if (s->call.curl != NULL) {
		curl_multi_remove_handle(many->multi, s->call.curl);
		/* The handle outlives the data that its options point to. */
		curl_easy_reset(s->call.curl);
	}
	curl_slist_free_all(s->call.headers);
	s->call.headers = NULL;
	s->running = s->refused = false;
	many->running--;
}

void
http_many_free(struct http_many *many)
{
	if (many == NULL)
		return;
	for (size_t i = 0; i < many->max; i++) {
		if (many->sendings[i].running)
			end_transfer(many, &many->sendings[i]);
		curl_easy_cleanup(many->sendings[i].call.curl);
	}
	curl_multi_cleanup(many->multi);
	free(many->sendings);
	free(many);
}

static size_t
on_write(char *data, size_t size, size_t n, void *context)
{
	struct sending *s = context;

	s->taken += size * n;
	s->cut = s->taken > s->out.answer_max;
	return s->cut ? 0 : size * n;
}

static struct sending *
free_place(struct http_many *many)
{
	for (size_t i = 0; i < many->max; i++)
		if (!many->sendings[i].running)
			return &many->sendings[i];
	return NULL;
}

static bool
begin(struct http_many *many, struct sending *s)
{
	if (!http_call_origin(s->out.url, s->call.origin))
		return false;
	if (s->call.curl == NULL && (s->call.curl = curl_easy_init()) == NULL)
		return false;
	s->call.headers = http_call_headers(&s->out);
	http_call_set(&s->call);
	curl_easy_setopt(s->call.curl, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(s->call.curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->call.curl, CURLOPT_PRIVATE, s);
	(void)outside_call("the receiver of a webhook");
	return curl_multi_add_handle(many->multi, s->call.curl) == CURLM_OK;
}

bool
http_many_start(struct http_many *many, const struct http_out *out, void *context)
{
	struct sending *s = free_place(many);
	CURL *curl;

	if (s == NULL)
		return false;
	curl = s->call.curl; /* kept from an earlier request */
	*s = (struct sending) {
		.out = *out, .context = context, .start = clock_monotonic(), .running = true
	};
	s->call = (struct http_call) { .out = &s->out, .curl = curl };
	many->running++;
	s->refused = !begin(many, s);
	return true;
}

size_t
http_many_running(const struct http_many *many)
{
	return many->running;
}

void
http_many_wait(struct http_many *many, int timeout_ms)
{
	int running, events;

	curl_multi_perform(many->multi, &running);
	/* Ended ones are told first. */
	if ((size_t)running < many->running)
		return;
	curl_multi_poll(many->multi, NULL, 0, timeout_ms, &events);
	curl_multi_perform(many->multi, &running);
}

static void
tell(struct http_many *many, struct sending *s, enum call_end how, struct http_end *end)
{
	long status = 0;

	if (how == CALL_ANSWERED)
		curl_easy_getinfo(s->call.curl, CURLINFO_RESPONSE_CODE, &status);
	*end = (struct http_end) { .context = s->context,
		.end = how,
		.status = (int)status,
		.us = clock_monotonic() - s->start };
	call_measure(s->out.service, how, end->us);
	end_transfer(many, s);
}

bool
http_many_next(struct http_many *many, struct http_end *end)
{
	struct sending *s;
	CURLMsg *message;
	int left;

	for (size_t i = 0; i < many->max; i++)
		if (many->sendings[i].refused) {
			tell(many, &many->sendings[i], CALL_REFUSED_ADDRESS, end);
			return true;
		}
	while ((message = curl_multi_info_read(many->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&s) !=
			CURLE_OK)
			continue;
		tell(many, s,
		    s->cut ? CALL_ANSWERED : http_call_end(&s->call, message->data.result), end);
		return true;
	}
	return false;
}
