/*
 * Build helper: the rules of the alerts (model/alert_rules.def) for Prometheus, with the thresholds
 * that the settings have by default; or as a table for tests.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/config.h"
#include "model/alert.h"
#include "service/notify/alert_step.h"
#include "core/banned.h"

#define ALERT_NAME_MAX 64
#define TOLD_REMEDY "The alert in MediaNest says what happened, and what to do."

static const char *const severities[] = {
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

static const char *const sides[] = {
	[SIDE_ABOVE] = "above",
	[SIDE_BELOW] = "below",
	[SIDE_TOLD] = "told",
};

/* "disk_full" -> "MedianestDiskFull" */
static void
alert_name(const char *rule, char out[ALERT_NAME_MAX])
{
	char *to = out + snprintf(out, ALERT_NAME_MAX, "Medianest");
	bool large = true;

	for (; *rule != '\0' && to < out + ALERT_NAME_MAX - 1; rule++) {
		if (*rule != '_')
			*to++ = (char)(large && *rule >= 'a' ? *rule - 'a' + 'A' : *rule);
		large = *rule == '_';
	}
	*to = '\0';
}

/* A string of YAML, which is one of JSON. */
static void
put_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

/*
 * As alert_step() decides: raised beyond the threshold, kept until the value is past the other
 * limit, and kept while nothing is known. ALERTS is Prometheus's own memory of what it has raised.
 */
static void
put_expression(const struct alert_rule *rule, const struct alert_limits *limits, const char *name)
{
	const char *beyond = rule->side == SIDE_ABOVE ? ">" : "<", *value = rule->name;

	printf("    expr: >-\n      medianest:%s %s %g\n", value, beyond, limits->raise);
	printf("      or (medianest:%s %s %g and on ()", value, beyond, limits->clear);
	printf(" ALERTS{alertname=\"%s\",alertstate=\"firing\"})\n", name);
	printf("      or (max(ALERTS{alertname=\"%s\",alertstate=\"firing\"})", name);
	printf(" unless on () medianest:%s)\n", value);
}

static void
put_words(const struct alert_rule *rule)
{
	printf("    labels:\n      severity: %s\n    annotations:\n      summary: ",
	    severities[rule->severity]);
	put_string(rule->title);
	printf("\n      description: ");
	put_string(rule->remedy[0] != '\0' ? rule->remedy : TOLD_REMEDY);
	putchar('\n');
}

static void
put_watched(const struct alert_rule *rule, const char *name)
{
	int64_t window = config_default(CFG_ALERT_WINDOW) * US_PER_SEC;
	const struct alert_limits limits = alert_limits_from(rule,
	    (double)config_default((enum config_key)rule->threshold), window);

	put_expression(rule, &limits, name);
	printf("    for: %llds\n    keep_firing_for: %llds\n",
	    (long long)(alert_hold_us(rule, window) / US_PER_SEC),
	    (long long)(window / US_PER_SEC));
}

static void
put_rule(const struct alert_rule *rule)
{
	char name[ALERT_NAME_MAX];

	alert_name(rule->name, name);
	printf("  - record: medianest:%s\n    expr: ", rule->name);
	put_string(rule->expression);
	printf("\n  - alert: %s\n", name);
	if (rule->side == SIDE_TOLD)
		printf("    expr: medianest:%s > 0\n", rule->name);
	else
		put_watched(rule, name);
	put_words(rule);
}

static void
put_rules(void)
{
	printf(
	    "# Made from the rules that MediaNest looks at itself, with the thresholds that its\n"
	    "# settings have by default: medianest.conf(5), alerts.*.\n"
	    "groups:\n- name: medianest\n  interval: 30s\n  rules:\n");
	for (enum alert_id id = 0; id < ALERTS; id++)
		put_rule(&alert_rules[id]);
}

/* rule, alert, side, severity */
static void
put_table(void)
{
	char name[ALERT_NAME_MAX];

	for (enum alert_id id = 0; id < ALERTS; id++) {
		const struct alert_rule *rule = &alert_rules[id];

		alert_name(rule->name, name);
		printf("%s %s %s %s\n", rule->name, name, sides[rule->side],
		    severities[rule->severity]);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "prometheus") == 0)
		put_rules();
	else if (argc == 2 && strcmp(argv[1], "table") == 0)
		put_table();
	else {
		fputs("usage: alert-rules-doc prometheus|table\n", stderr);
		return 64;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
