/* Several calls of http_out.h at the same time. */
#include "client/http_out.h"

#include "client/http_call.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/metric.h"
#include "core/outside.h"

#include "core/banned.h"

#define POLL_MS 1000 /* longest wait; libcurl wakes up for deadlines by itself */

struct crowd {
	CURLM *multi;
	struct http_call calls[HTTP_OUT_EACH_MAX];
	struct http_answer *answers;
	struct error *errors;
};

static void
crowd_end(struct crowd *crowd, CURL *curl, CURLcode code)
{
	struct http_call *call = NULL;
	size_t i;

	curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&call);
	i = (size_t)(call - crowd->calls);
	curl_multi_remove_handle(crowd->multi, curl);
	http_call_close(call, code, &crowd->answers[i], &crowd->errors[i]);
	if (crowd->answers[i].end != CALL_NOT_KEPT)
		call_measure(call->out->service, crowd->answers[i].end,
		    clock_monotonic() - call->start);
	curl_easy_cleanup(curl);
}

static bool
crowd_begin(struct crowd *crowd, struct http_call *call)
{
	CURL *curl = curl_easy_init();

	if (curl == NULL)
		return false;
	call->curl = curl;
	http_call_set(call);
	(void)outside_call("another server");
	curl_easy_setopt(curl, CURLOPT_PRIVATE, (char *)call);
	curl_multi_add_handle(crowd->multi, curl);
	return true;
}

/* Every call has a deadline, so this ends. */
static void
crowd_run(struct crowd *crowd)
{
	int running = 1, left;
	CURLMsg *message;

	while (running > 0) {
		curl_multi_perform(crowd->multi, &running);
		while ((message = curl_multi_info_read(crowd->multi, &left)) != NULL)
			if (message->msg == CURLMSG_DONE)
				crowd_end(crowd, message->easy_handle, message->data.result);
		if (running > 0)
			curl_multi_poll(crowd->multi, NULL, 0, POLL_MS, NULL);
	}
}

void
http_out_each(struct arena *arena, const struct http_out *outs, size_t n,
    struct http_answer *answers, struct error *errors)
{
	struct crowd *crowd = arena_alloc(arena, sizeof(*crowd));

	crowd->multi = n > 0 ? http_kept_multi(&outs[0].rules) : NULL;
	crowd->answers = answers;
	crowd->errors = errors;
	for (size_t i = 0; i < n; i++) {
		struct http_call *call = &crowd->calls[i];

		error_clear(&errors[i]);
		answers[i] = (struct http_answer) { .end = CALL_UNREACHABLE };
		if (crowd->multi == NULL || i >= HTTP_OUT_EACH_MAX) {
			http_not_started(&errors[i]);
			continue;
		}
		answers[i].end = http_call_open(arena, &outs[i], call, &errors[i]);
		if (answers[i].end != CALL_ANSWERED) {
			call_measure(outs[i].service, answers[i].end, 0);
		} else if (!crowd_begin(crowd, call)) {
			answers[i].end = CALL_UNREACHABLE;
			http_not_started(&errors[i]);
		}
	}
	if (crowd->multi != NULL)
		crowd_run(crowd);
}
