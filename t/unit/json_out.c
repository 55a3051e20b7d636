/* JSON out: commas, escapes, numbers, and detection of misuse. */
#include <math.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "t/unit/tap.h"

#include "core/banned.h"

int
main(void)
{
	static struct error err;
	struct arena arena;
	struct json *json;
	char text[600];

	arena_init(&arena);
	json = json_new(&arena, 0);
	json_object(json, NULL);
	json_put_str(json, "s", "a\"b\\c\n\t\x01/\xc3\xa4");
	json_put_str(json, "z", NULL);
	json_opt_str(json, "none", NULL);
	json_put_int(json, "i", INT64_MIN);
	json_put_int(json, "zero", 0);
	json_array(json, "a");
	json_put_int(json, NULL, 1);
	json_object(json, NULL);
	json_object_end(json);
	json_array(json, NULL);
	json_array_end(json);
	json_put_bool(json, NULL, true);
	json_array_end(json);
	json_put_time(json, "t", 1795335706123000);
	json_put_time(json, "never", 0);
	json_put_raw(json, "raw", "{\"x\":1}");
	json_put_str_dyn(json, "k\"y", "v");
	json_put_strn(json, "n", "abc", 2);
	json_object_end(json);
	is_str(json->buf.data,
	    "{\"s\":\"a\\\"b\\\\c\\n\\t\\u0001/\xc3\xa4\",\"z\":null,\"i\":-9223372036854775808,"
	    "\"zero\":0,"
	    "\"a\":[1,{},[],true],\"t\":\"2026-11-22T08:21:46.123Z\",\"never\":null,\"raw\":"
	    "{\"x\":1},\"k\\\"y\":\"v\",\"n\":\"ab\"}",
	    "a document");
	is_int(json->depth, 0, "everything is closed");
	ok(json_parse(&arena, "[1]", 3, &err) != NULL, "sanity of the reader");

	json = json_new(&arena, 0);
	json_array(json, NULL);
	json_put_num(json, NULL, 0.1);
	json_put_num(json, NULL, 1.0 / 3);
	json_put_num(json, NULL, 1e300);
	json_put_num(json, NULL, NAN);
	json_put_num(json, NULL, INFINITY);
	json_put_num(json, NULL, 5);
	json_array_end(json);
	is_str(json->buf.data, "[0.1,0.3333333333333333,1e+300,null,null,5]",
	    "numbers in their shortest form");

	for (int i = 1; i < 256; i++)
		text[i - 1] = (char)i;
	text[255] = '\0';
	json = json_new(&arena, 0);
	json_put_str(json, NULL, text);
	ok(json_parse(&arena, json->buf.data, json->buf.len, &err) != NULL,
	    "every byte value reads back: invalid UTF-8 is replaced");

	/* The writer looks at eight bytes at a time: every special byte at every place. */
	for (size_t at = 0; at < 24; at++) {
		static const char *const specials[] = { "\"", "\\", "\n", "\x1f", "\xc3\xa4", " ",
			"!", "#", "[", "]", "\x7f" };

		for (size_t k = 0; k < sizeof(specials) / sizeof(specials[0]); k++) {
			char *word = arena_printf(&arena, "%.*s%s%.*s", (int)at,
			    "abcdefghijklmnopqrstuvwxyz", specials[k], (int)(24 - at),
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
			const struct cJSON *tree;

			json = json_new(&arena, 0);
			json_object(json, NULL);
			json_put_str(json, "w", word);
			json_object_end(json);
			tree = json_parse(&arena, json->buf.data, json->buf.len, &err);
			if (tree == NULL || strcmp(json_str(tree, "w", ""), word) != 0)
				is_str(json->buf.data, word, "special %zu at %zu", k, at);
		}
	}
	ok(true, "special bytes at every place read back");

	json = json_new(&arena, 64);
	json_array(json, NULL);
	for (int i = 0; i < 100; i++)
		json_put_str(json, NULL, "abcdef");
	json_array_end(json);
	ok(json->buf.overflow && json->buf.len <= 64, "past the maximum nothing is written");

	json = json_new(&arena, 0);
	for (int i = 0; i < JSON_WRITE_DEPTH_MAX + 8; i++)
		json_array(json, NULL);
	ok(json->buf.overflow, "too deep is an overflow");
	json = json_new(&arena, 0);
	json_object_end(json);
	ok(json->buf.overflow, "so is an end without a beginning");
	arena_clear(&arena);
	return done_testing();
}
