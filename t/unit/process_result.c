/* Output of the sandbox is untrusted: only lines that medianest-media can write are accepted. */
#include "core/arena.h"
#include "core/error.h"
#include "service/processing/process_result.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define GOOD \
	"\"kind\":\"image\",\"contentType\":\"image/jpeg\",\"width\":10,\"height\":20," \
	"\"metadata\":{\"genre\":\"Jazz\"}," \
	"\"assets\":[{\"name\":\"320.webp\"}],\"spriteTimes\":[0,1500]"

static struct arena arena;
static struct process_line line;

static bool
parse(const char *text)
{
	struct error err;

	error_clear(&err);
	return process_line_parse(&arena, text, strlen(text), &line, &err);
}

int
main(void)
{
	arena_init(&arena);
	ok(parse("{\"step\":\"inspect\",\"state\":\"done\"}") && line.step != NULL, "a step");
	is_str(line.step, "inspect", "its name");
	ok(!parse("{\"step\":\"<script>\",\"state\":\"done\"}"), "no step of another name");
	ok(!parse("{\"step\":\"inspect\",\"state\":\"x\"}"), "no other state");
	ok(!parse("not JSON"), "not JSON");
	ok(!parse("{}"), "nothing");

	ok(parse("{\"result\":{\"ok\":true," GOOD ",\"taken\":{\"source\":\"exif\","
		 "\"local\":\"2019-12-31T23:30:00\",\"offset\":-120}}}") &&
		line.result.ok,
	    "a result");
	is_str(line.result.taken.source, "exif", "how the date is known");
	ok(line.result.taken.local == 1577835000000000LL, "the wall clock");
	ok(line.result.taken.offset == -120 && line.result.taken.at == 0, "its offset");
	ok(parse("{\"result\":{\"ok\":true," GOOD ",\"taken\":{\"source\":\"exif\","
		 "\"local\":\"2019-02-31T23:30:00\",\"offset\":9999}}}") &&
		line.result.taken.source == NULL && line.result.taken.offset == TAKEN_OFFSET_NONE,
	    "what is no date, and no offset, is left out");
	ok(parse("{\"result\":{\"ok\":true," GOOD ",\"taken\":{\"source\":\"person\","
		 "\"local\":\"2019-02-21T23:30:00\"}}}") &&
		line.result.taken.source == NULL,
	    "the child cannot speak for a person");
	ok(line.result.ngenres == 1, "a genre");
	is_str(line.result.genres[0], "Jazz", "... for show");
	is_str(line.result.assets[0].content_type, "image/webp",
	    "an asset's type comes from its name");
	ok(line.result.nsprite_times == 2, "sprite times");

	ok(parse(
	       "{\"result\":{\"ok\":true,\"kind\":\"audio\",\"contentType\":\"audio/mpeg\","
	       "\"metadata\":{\"genre\":\"Folk, Rock\",\"genres\":[\"Folk\",7,\"\",\"Rock\"]}}}") &&
		line.result.ngenres == 2,
	    "several genres");
	is_str(line.result.genres[1], "Rock", "... each by itself");
	ok(!parse("{\"result\":{\"ok\":true,\"kind\":\"image\",\"contentType\":\"text/html\","
		  "\"metadata\":{}}}"),
	    "no type that is not processed");
	ok(!parse("{\"result\":{\"ok\":true,\"kind\":\"movie\",\"contentType\":\"image/jpeg\","
		  "\"metadata\":{}}}"),
	    "no kind that is not processed");
	ok(!parse("{\"result\":{\"ok\":true,\"kind\":\"image\",\"contentType\":\"image/jpeg\","
		  "\"metadata\":{},\"assets\":[{\"name\":\"../../x\"}]}}"),
	    "no path in an asset");
	ok(!parse("{\"result\":{\"ok\":true,\"kind\":\"image\",\"contentType\":\"image/jpeg\","
		  "\"metadata\":[]}}"),
	    "metadata is an object");
	ok(!parse("{\"result\":{\"ok\":true,\"kind\":\"image\",\"contentType\":\"image/jpeg\","
		  "\"metadata\":{},\"width\":99999999}}"),
	    "no absurd size");
	ok(!parse("{\"result\":{\"ok\":true," GOOD ",\"spriteTimes\":[1]}}"), "no member twice");

	ok(parse("{\"result\":{\"ok\":false,\"failure\":{\"code\":\"truncated\",\"message\":"
		 "\"x\"}}}") &&
		!line.result.ok,
	    "a failure");
	is_str(line.result.failure_code, "truncated", "its code");
	ok(!parse(
	       "{\"result\":{\"ok\":false,\"failure\":{\"code\":\"internal\",\"message\":\"x\"}}}"),
	    "trouble of ours is no reason that is told");

	ok(parse("{\"result\":{\"ok\":true,\"incomplete\":true,\"contentId\":\"0a1b-2c\"," GOOD
		 "}}") &&
		line.result.incomplete,
	    "a file that is cut off");
	is_str(line.result.content_id, "0a1b-2c", "what a live photo and its video have in common");
	ok(parse("{\"result\":{\"ok\":true," GOOD "}}") && !line.result.incomplete &&
		line.result.content_id == NULL,
	    "neither of them");
	ok(!parse("{\"result\":{\"ok\":true,\"contentId\":\"'; DROP TABLE\"," GOOD "}}") &&
		!parse("{\"result\":{\"ok\":true,\"contentId\":\"\"," GOOD "}}"),
	    "no other identifier");
	arena_clear(&arena);
	return done_testing();
}
