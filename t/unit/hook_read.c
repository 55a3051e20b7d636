/* Payloads of webhooks: what they say, however they were edited, and what is masked in them. */
#include "service/integrations/hook_read.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;
static struct error err;
static struct hook_reading got;

static bool
read_text(const char *source, const char *text)
{
	error_clear(&err);
	return hook_read(&arena, source, text, strlen(text), &got, &err);
}

static void
masked_is(const char *text, const char *wanted, const char *what)
{
	ok(read_text("generic", text), "%s", what);
	is_str(got.masked, wanted, "as it is stored");
}

static void
test_plex(void)
{
	ok(read_text("plex",
	       "{\"event\":\"media.play\",\"Server\":{\"uuid\":\"m\"},"
	       "\"Metadata\":{\"ratingKey\":\"17\"}}"),
	    "an event of Plex");
	is_str(got.type, "media.play", "its type");
	is_str(got.machine_id, "m", "its server");
	is_str(got.subject, "17", "its item");
	ok(read_text("plex", "{\"event\":\"device.new\",\"Server\":{\"uuid\":\"m\"}}"),
	    "one without Metadata");
	ok(got.subject == NULL, "is about no item");
	ok(read_text("plex", "{\"event\":7,\"Server\":[],\"Metadata\":{\"ratingKey\":17}}"),
	    "values of other types");
	is_str(got.type, "7", "a number is as good as its text");
	ok(got.machine_id == NULL, "a list is no server");
	is_str(got.subject, "17", "a number is a key");
	ok(read_text("plex", "{\"event\":\"x\",\"Metadata\":{\"ratingKey\":\"1/../2\"}}"),
	    "a path instead of a key");
	ok(got.subject == NULL, "is no key");
}

static void
test_template(void)
{
	ok(read_text("overseerr",
	       "{\"notification_type\":\"MEDIA_APPROVED\",\"request\":{\"request_id\":\"12\"}}"),
	    "an event of Overseerr");
	is_str(got.subject, "12", "its request");
	ok(read_text("overseerr",
	       "{\"notification_type\":\"{{notification_type}}\","
	       "\"{{request}}\":{\"request_id\":\"{{request_id}}\"}}"),
	    "a template that was never filled");
	is_str(got.type, HOOK_TYPE_UNKNOWN, "has no type");
	ok(got.subject == NULL, "and no request");
	ok(read_text("overseerr", "{\"{{request}}\":{\"request_id\":\"12\"}}"),
	    "a name that was not filled");
	is_str(got.subject, "12", "is the name all the same");
	ok(read_text("overseerr", "{\"request\":null,\"notification_type\":\" \"}"),
	    "empty values");
	is_str(got.type, HOOK_TYPE_UNKNOWN, "say nothing");
}

static void
test_masks(void)
{
	masked_is("{\"a\":[1,1.5,true,null,\"x\"],\"{{b}}\":{}}",
	    "{\"a\":[1,1.5,true,null,\"x\"],\"{{b}}\":{}}", "what is no secret");
	masked_is("{\"Token\":\"x\",\"apiKey\":1,\"my_secret\":\"\",\"key\":\"k\"}",
	    "{\"Token\":\"***\",\"apiKey\":\"***\",\"my_secret\":\"***\",\"key\":\"k\"}",
	    "names of secrets");
	masked_is("{\"u\":\"/p?X-Plex-Token=abc&b=1#c\",\"v\":\"a?key=1\",\"w\":\"?keys=1\"}",
	    "{\"u\":\"/p?X-Plex-Token=***&b=1#c\",\"v\":\"a?key=***\",\"w\":\"?keys=1\"}",
	    "parameters of addresses");
	masked_is("{\"a\":\"see whk_0123456789abcdef0123 there\",\"b\":\"whk_short\"}",
	    "{\"a\":\"see *** there\",\"b\":\"whk_short\"}", "a key of ours");
	masked_is("{\"secrets\":{\"a\":[\"x\"]},\"tokens\":[\"x\",{\"b\":1}]}",
	    "{\"secrets\":{\"a\":[\"x\"]},\"tokens\":[\"***\",{\"b\":1}]}",
	    "a container is looked into");
	masked_is("{\"whsec_0123456789abcdef\":\"a\\\"b\"}", "{}", "a secret as a name");
}

static void
test_refused(void)
{
	ok(!read_text("plex", "[]"), "a list is no event");
	is_int(err.code, ERR_MALFORMED, "but malformed");
	ok(!read_text("plex", ""), "nor is nothing");
	ok(!read_text("generic", "{\"a\":1,\"a\":2}"), "nor what says two things at once");
}

int
main(void)
{
	arena_init(&arena);
	test_plex();
	test_template();
	test_masks();
	test_refused();
	arena_clear(&arena);
	return done_testing();
}
