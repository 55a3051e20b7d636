/*
 * The rules of the alerts: t/data/alerts.txt line by line, no flapping whatever the values, and
 * thirty days of ordinary life without a single alert.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/str.h"
#include "service/notify/alert_step.h"
#include "service/operator/alert_facts.h"
#include "service/operator/alert_watch.h"
#include "service/operator/disk_trend.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define MINUTE_US (60 * US_PER_SEC)
#define START_US (1700000000 * US_PER_SEC)
#define WINDOW_US (300 * US_PER_SEC)
#define DAYS 30

static struct arena arena;

static enum alert_id
rule_named(const char *name)
{
	for (enum alert_id id = 0; id < ALERTS; id++)
		if (str_eq(alert_rules[id].name, name))
			return id;
	return ALERTS;
}

static struct alert_limits
default_limits(enum alert_id id)
{
	return alert_limits_from(&alert_rules[id],
	    (double)config_default((enum config_key)alert_rules[id].threshold), WINDOW_US);
}

static struct alert_fact
value_of(double value)
{
	return (struct alert_fact) { .known = FACT_PRESENT, .value = value };
}

static struct alert_fact
fact_of(const char *word)
{
	if (word[0] == '?')
		return (struct alert_fact) { .known = FACT_UNKNOWN };
	if (word[0] == '-')
		return (struct alert_fact) { .known = FACT_ABSENT };
	return value_of(strtod(word, NULL));
}

/* The part of the text up to this character, which goes; NULL: none is left. */
static char *
cut(char **text, char end)
{
	char *start = *text, *at;

	if (start == NULL)
		return NULL;
	at = strchr(start, end);
	*text = at != NULL ? at + 1 : NULL;
	if (at != NULL)
		*at = '\0';
	return start;
}

/* Takes a minute for each value; what happened goes into `said`. */
static void
take(const char *rule, char *values, struct buf *said)
{
	enum alert_id id = rule_named(rule);
	const struct alert_limits limits = default_limits(id);
	struct alert_state state = { .raised = false };
	int minute = 0;

	for (char *word = cut(&values, ' '); word != NULL; word = cut(&values, ' ')) {
		/* "0x6" is a hexadecimal number until it is cut. */
		char *times = word, *value = cut(&times, 'x');
		const struct alert_fact fact = fact_of(value);

		for (long n = times != NULL ? strtol(times, NULL, 10) : 1; n > 0; n--) {
			enum alert_event event = alert_step(&alert_rules[id], &limits, &state,
			    &fact, START_US + minute * MINUTE_US);

			if (event != ALERT_NOTHING)
				buf_addf(said, " %c%d", event == ALERT_RAISE ? '+' : '-', minute);
			minute++;
		}
	}
}

static void
check_line(char *line, unsigned seen[ALERTS])
{
	char *rest = cut(&line, '\n'), *rule = cut(&rest, ' '), *values;
	const char *wanted, *shown;
	struct buf said;

	cut(&rest, ' ');
	values = cut(&rest, '|');
	wanted = rest;
	values[strlen(values) - 1] = '\0';
	shown = arena_strdup(&arena, values);
	if (rule_named(rule) == ALERTS) {
		ok(false, "there is no rule %s", rule);
		return;
	}
	seen[rule_named(rule)] |=
	    (strchr(wanted, '+') != NULL ? 1u : 0) | (strstr(wanted, " -") != NULL ? 2u : 0);
	buf_init(&said, &arena, 0);
	take(rule, values, &said);
	is_str(said.data, wanted, "%s:%s", rule, shown);
}

static void
check_data(void)
{
	const char *dir = getenv("srcdir");
	FILE *f = fopen(arena_printf(&arena, "%s/t/data/alerts.txt", dir != NULL ? dir : "."), "r");
	unsigned seen[ALERTS] = { 0 };
	char line[1024];

	if (!ok(f != NULL, "the data is there"))
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (isalpha((unsigned char)line[0]))
			check_line(line, seen);
	fclose(f);
	for (enum alert_id id = 0; id < ALERTS; id++)
		if (alert_rules[id].side != SIDE_TOLD)
			ok(seen[id] == 3, "%s is raised and cleared", alert_rules[id].name);
}

/* A threshold below 0: nothing is bad, and what was raised ends. */
static void
check_off(void)
{
	for (enum alert_id id = 0; id < ALERTS; id++) {
		const struct alert_limits off = alert_limits_from(&alert_rules[id], -1, WINDOW_US);
		struct alert_state well = { .raised = false }, bad = { .raised = true };
		bool raised = false, cleared = false;

		if (alert_rules[id].side == SIDE_TOLD)
			continue;
		for (int minute = 0; minute < 20; minute++) {
			const struct alert_fact fact = value_of(minute % 2 == 0 ? 0 : 1e9);
			int64_t at = START_US + minute * MINUTE_US;

			raised |=
			    alert_step(&alert_rules[id], &off, &well, &fact, at) == ALERT_RAISE;
			cleared |=
			    alert_step(&alert_rules[id], &off, &bad, &fact, at) == ALERT_CLEAR;
		}
		ok(!raised && cleared, "%s: switched off by -1", alert_rules[id].name);
	}
}

static void
check_rows(void)
{
	for (enum alert_id id = 0; id < ALERTS; id++) {
		const struct alert_rule *rule = &alert_rules[id];

		ok(rule_named(rule->name) == id, "%s: one rule of that name", rule->name);
		if (rule->side == SIDE_TOLD)
			continue;
		is_str(config_rows[rule->threshold].key,
		    arena_printf(&arena, "alerts.%s.threshold", rule->name), "its setting");
		ok(config_rows[rule->threshold].flags & CONFIG_LIVE, "%s: live", rule->name);
		ok(rule->side == SIDE_ABOVE ? rule->clear_percent <= 100 :
					      rule->clear_percent >= 100,
		    "%s: what clears it is no worse than what raises it", rule->name);
		ok(rule->expression != NULL, "%s: in PromQL", rule->name);
	}
	is_str(alert_words(&arena, "{value} % of {limit}; {value}", 12.3456, 5),
	    "12.35 % of 5; 12.35", "numbers in words");
}

/* The same numbers every time. */
static double
chance(void)
{
	static uint64_t seed = 20261127;

	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* Whatever the values: what was raised stays for a window at least. */
static void
check_flapping(enum alert_id id)
{
	const struct alert_rule *rule = &alert_rules[id];
	const struct alert_limits limits = default_limits(id);
	struct alert_state state = { .raised = false };
	int64_t last_raise = 0, shortest = INT64_MAX;
	int raised = 0;

	for (int i = 0; i < 200000; i++) {
		int64_t now = START_US + i * ALERT_PERIOD_S * US_PER_SEC;
		double worst = rule->side == SIDE_ABOVE ? limits.raise * 2 + 1 : 0;
		/* Long stretches on one side, then wild ones. */
		double bad = (i / 40) % 3 == 0 ? 0.99 : (i / 40) % 3 == 1 ? 0.01 : 0.5;
		struct alert_fact fact = value_of(chance() < bad ? worst :
			rule->side == SIDE_ABOVE                 ? 0 :
								   1e9);
		enum alert_event event;

		if (chance() < 0.02)
			fact.known = FACT_UNKNOWN;
		event = alert_step(rule, &limits, &state, &fact, now);
		if (event == ALERT_RAISE)
			raised++;
		if (event == ALERT_RAISE)
			last_raise = now;
		else if (event == ALERT_CLEAR && now - last_raise < shortest)
			shortest = now - last_raise;
	}
	ok(raised > 10 && shortest >= WINDOW_US, "%s: raised %d times, the shortest for %lld s",
	    rule->name, raised, (long long)(shortest / US_PER_SEC));
}

static void
check_gaps(void)
{
	const struct alert_limits limits = default_limits(ALERT_QUEUE_LAG);
	const struct alert_rule *rule = &alert_rules[ALERT_QUEUE_LAG];
	const struct alert_fact bad = value_of(1000), well = value_of(0);
	struct alert_state state = { .raised = false };

	alert_step(rule, &limits, &state, &bad, START_US);
	ok(alert_step(rule, &limits, &state, &bad, START_US + 3600 * US_PER_SEC) == ALERT_NOTHING,
	    "nobody looked for an hour: that it was bad all the time is not known");
	ok(alert_step(rule, &limits, &state, &bad, START_US + 3600 * US_PER_SEC + WINDOW_US) ==
		ALERT_RAISE,
	    "a window later it is");
	alert_step(rule, &limits, &state, &well, START_US + 4000 * US_PER_SEC);
	ok(alert_step(rule, &limits, &state, &well, START_US) == ALERT_NOTHING,
	    "a clock that was set back begins the time again");
	ok(alert_step(rule, &limits, &state, &well, START_US + WINDOW_US) == ALERT_CLEAR,
	    "and counts from there");
}

/* --- the disk --------------------------------------------------------------------------------- */

#define GB 1e9

static enum alert_known
trend(int n, double (*free_at)(double day), double *days)
{
	struct alert_sample samples[3 * 48 + 1];

	for (int i = 0; i < n; i++)
		samples[i] = (struct alert_sample) { START_US + i * TREND_APART_S * US_PER_SEC,
			free_at(i / 48.0) };
	return disk_trend(samples, (size_t)n, days);
}

static double
filling(double day)
{
	return 100 * GB - 20 * GB * day;
}

static double
emptying(double day)
{
	return 100 * GB + GB * day;
}

static double
still(double day)
{
	return 100 * GB;
}

/* Dumps that are made each night and removed again. */
static double
nightly(double day)
{
	return 200 * GB - (day - floor(day) < 0.25 ? 5 * GB : 0);
}

static void
check_days(int n, double (*free_at)(double day), double wanted)
{
	double days = -1;
	enum alert_known known = trend(n, free_at, &days);

	ok(known == FACT_PRESENT && fabs(days - wanted) < 0.01, "full in %.3f days", days);
}

static void
check_trend(void)
{
	double days;
	enum alert_known known;

	check_days(49, filling, 4);
	check_days(145, filling, 2);
	ok(trend(48, filling, &days) == FACT_UNKNOWN, "less than a day is no trend");
	ok(trend(0, filling, &days) == FACT_UNKNOWN, "nothing is none");
	ok(trend(145, emptying, &days) == FACT_ABSENT, "it becomes emptier");
	ok(trend(145, still, &days) == FACT_ABSENT, "it stays as it is");
	known = trend(145, nightly, &days);
	ok(known == FACT_ABSENT || days > 60, "nightly dumps are no trend");
}

/* --- thirty ordinary days --------------------------------------------------------------------- */

#define KEPT 6 /* minutes that figures of five minutes have at most */

/* What a minute counted. */
struct counted {
	int requests, slow, failed, hits;
};

struct house {
	struct alert_state states[ALERTS];
	struct counted minutes[KEPT];
	int raised;
};

static void
look(struct house *house, enum alert_id id, struct alert_fact fact, int64_t now)
{
	const struct alert_limits limits = default_limits(id);

	if (alert_step(&alert_rules[id], &limits, &house->states[id], &fact, now) == ALERT_RAISE) {
		house->raised++;
		printf("# %s raised at %.4g\n", alert_rules[id].name, fact.value);
	}
}

/* One of `n` requests in `every`. */
static int
some_of(int n, double every)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += chance() * every < 1;
	return found;
}

/* Requests come while people are awake; one in a thousand fails, one in a hundred takes long. */
static void
requests_of(struct house *house, int minute, bool awake, bool busy)
{
	struct counted *now = &house->minutes[minute % KEPT], sum = { 0 };
	int64_t at = START_US + minute * MINUTE_US;
	struct alert_fact unknown = { .known = FACT_UNKNOWN };
	bool enough;

	now->requests = (int)(awake ? chance() * 60 : chance() * 2);
	now->slow = busy ? now->requests / 2 : some_of(now->requests, 100);
	now->failed = some_of(now->requests, 1000);
	now->hits = now->requests - some_of(now->requests, 8);
	for (int i = 0; i < KEPT; i++) {
		sum.requests += house->minutes[i].requests;
		sum.slow += house->minutes[i].slow;
		sum.failed += house->minutes[i].failed;
		sum.hits += house->minutes[i].hits;
	}
	enough = sum.requests >= 20;
	look(house, ALERT_LATENCY,
	    enough ? value_of(sum.slow * 20 > sum.requests ? 1500 : 120) : unknown, at);
	look(house, ALERT_LATENCY_CRITICAL,
	    enough ? value_of(sum.slow * 20 > sum.requests ? 1500 : 120) : unknown, at);
	look(house, ALERT_ERRORS,
	    enough ? value_of(alert_error_share((uint64_t)sum.failed, (uint64_t)sum.requests)) :
		     unknown,
	    at);
	look(house, ALERT_CACHE_HITS, enough ? value_of(100.0 * sum.hits / sum.requests) : unknown,
	    at);
}

/* A job runs late, a sync of fifty fails, the host is busy now and then for a minute. */
static void
minute_of(struct house *house, int minute)
{
	const struct alert_fact absent = { .known = FACT_ABSENT };
	int64_t now = START_US + minute * MINUTE_US;
	int of_day = minute % 1440;
	bool awake = of_day > 420 && of_day < 1400, busy = chance() < 0.002;

	requests_of(house, minute, awake, busy);
	look(house, ALERT_SYNC_AGE, value_of(minute % (15 * 50) < 15 ? 1.9 : (minute % 15) / 15.0),
	    now);
	look(house, ALERT_QUEUE_LAG, value_of(busy ? 400 : chance() * 5), now);
	look(house, ALERT_BATCH_FAILURES, chance() < 0.001 ? value_of(chance() * 4) : absent, now);
	look(house, ALERT_DEAD_JOBS, value_of(0), now);
	/* Greylisting: the server takes a mail at the second or third attempt. */
	look(house, ALERT_MAIL_FAILING, value_of(busy ? 4 : 0), now);
	look(house, ALERT_CERTIFICATE, value_of(89 - minute / 1440.0), now);
	look(house, ALERT_REDIS_REBUILT, value_of(0), now);
	look(house, ALERT_BACKUP_AGE, value_of((of_day + chance() * 20) / 60.0), now);
	look(house, ALERT_ONE_ADDRESS, awake ? absent : value_of(2), now);
}

/* Uploads of an evening, a trash that is emptied each week. */
static double
free_after(double day)
{
	return 900 * GB - 2 * GB * day - 6 * GB * (fmod(day, 7)) + 30 * GB * sin(day * 0.7);
}

static void
check_noise(void)
{
	struct house house = { .raised = 0 };
	struct alert_sample samples[145];

	for (int minute = 0; minute < DAYS * 1440; minute++)
		minute_of(&house, minute);
	for (int half_hour = 0; half_hour < DAYS * 48; half_hour++) {
		double days;
		int n = half_hour < 144 ? half_hour + 1 : 145;

		for (int i = 0; i < n; i++) {
			int at = half_hour - n + 1 + i;

			samples[i] =
			    (struct alert_sample) { START_US + at * TREND_APART_S * US_PER_SEC,
				    free_after(at / 48.0) };
		}
		look(&house, ALERT_DISK_FULL,
		    (struct alert_fact) {
			.known = disk_trend(samples, (size_t)n, &days), .value = days },
		    samples[n - 1].at);
	}
	ok(house.raised == 0, "thirty ordinary days raise nothing");
}

int
main(void)
{
	arena_init(&arena);
	check_rows();
	check_off();
	ok(alert_error_share(1, 20) <= 0, "one failure is chance");
	ok(fabs(alert_error_share(2, 20) - 10) < 1e-9, "two of twenty are 10 %%");
	check_data();
	for (enum alert_id id = 0; id < ALERTS; id++)
		if (alert_rules[id].side != SIDE_TOLD)
			check_flapping(id);
	check_gaps();
	check_trend();
	check_noise();
	arena_clear(&arena);
	return done_testing();
}
