/* Time: formatting and parsing, and texts that are refused. */
#include "core/clock.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static const struct {
	const char *in;
	int64_t us;
	const char *out;
} good[] = {
	{ "2026-11-22T08:21:46.123Z", 1795335706123000, "2026-11-22T08:21:46.123Z" },
	{ "2026-11-22t08:21:46z", 1795335706000000, "2026-11-22T08:21:46.000Z" },
	{ "2026-11-22T08:21:46.123456789Z", 1795335706123456, "2026-11-22T08:21:46.123Z" },
	{ "2026-11-22T10:21:46+02:00", 1795335706000000, "2026-11-22T08:21:46.000Z" },
	{ "2026-11-21T20:51:46-11:30", 1795335706000000, "2026-11-22T08:21:46.000Z" },
	{ "2000-02-29T00:00:00Z", 951782400000000, "2000-02-29T00:00:00.000Z" },
	{ "1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999Z" },
	{ "0001-01-01T00:00:00Z", -62135596800000000, "0001-01-01T00:00:00.000Z" },
	{ "9999-12-31T23:59:59Z", 253402300799000000, "9999-12-31T23:59:59.000Z" },
	{ "2016-12-31T23:59:60Z", 1483228800000000, "2017-01-01T00:00:00.000Z" },
};

static const char *const bad[] = {
	"",
	"2026",
	"2026-11-22",
	"2026-11-22T08:21:46",
	"2026-11-22 08:21:46Z",
	"2026-13-01T00:00:00Z",
	"2026-00-01T00:00:00Z",
	"2026-02-29T00:00:00Z",
	"1900-02-29T00:00:00Z",
	"2026-04-31T00:00:00Z",
	"2026-11-22T24:00:00Z",
	"2026-11-22T08:60:00Z",
	"2026-11-22T08:21:61Z",
	"2026-11-22T08:21:46.Z",
	"2026-11-22T08:21:46Zx",
	"2026-11-22T08:21:46+0200",
	"2026-11-22T08:21:46+24:00",
	"2026-11-22T08:21:46+02:60",
	"0000-01-01T00:00:00Z",
	"0001-01-01T00:00:00+01:00",
	"9999-12-31T23:59:59-01:00",
	"+026-11-22T08:21:46Z",
	"2026-11-22T08:21:4 Z",
	"20261-11-22T08:21:46Z",
};

int
main(void)
{
	char text[RFC3339_MAX], basic[17], http[30];
	int64_t us, before;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ok(time_parse_rfc3339(good[i].in, &us), "%s is a time", good[i].in);
		is_int(us, good[i].us, "its microseconds");
		time_rfc3339(us, text);
		is_str(text, good[i].out, "and back");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!time_parse_rfc3339(bad[i], &us), "'%s' is none", bad[i]);

	time_iso_basic(1795335706123000, basic);
	is_str(basic, "20261122T082146Z", "basic format");
	ok(time_parse_iso_basic("20261122T082146Z", &us), "basic format is read");
	is_int(us, 1795335706000000, "its microseconds");
	ok(!time_parse_iso_basic("20261122T082146", &us), "without Z it is not");
	ok(!time_parse_iso_basic("20261122T082146Z ", &us), "nor with more");
	ok(!time_parse_iso_basic("20261322T082146Z", &us), "nor with month 13");

	time_http(784111777000000, http);
	is_str(http, "Sun, 06 Nov 1994 08:49:37 GMT", "IMF-fixdate");
	ok(time_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &us), "IMF-fixdate is read");
	is_int(us, 784111777000000, "its microseconds");
	ok(!time_parse_http("Sun, 06 Nov 1994 08:49:37 CET", &us), "another zone is refused");
	ok(!time_parse_http("Sun, 06 Nox 1994 08:49:37 GMT", &us), "an unknown month is refused");
	ok(!time_parse_http("", &us), "nothing is refused");

	before = clock_monotonic();
	ok(clock_monotonic() >= before, "the monotonic clock does not go back");
	ok(clock_now() > 1700000000 * US_PER_SEC, "the wall clock is past 2023");

	/* Every day of eight centuries, formatted and parsed. */
	before = -1;
	for (int64_t day = -146097; day <= 146097 && before != -2; day++) {
		time_rfc3339(day * 86400 * US_PER_SEC + 1, text);
		if (!time_parse_rfc3339(text, &us) || us != day * 86400 * US_PER_SEC)
			before = -2;
	}
	is_int(before, -1, "every day from 1570 to 2369 survives the round trip");
	return done_testing();
}
