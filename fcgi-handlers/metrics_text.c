#include "fcgi-handlers/metrics_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/metric.h"
#include "core/str.h"
#include "service/operator/facts.h"

#include "core/banned.h"

#define OPENMETRICS_TYPE "application/openmetrics-text"
#define PLAIN_TYPE "text/plain"
#define NUMBER_MAX 32
#define TOTAL "_total"

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

/* --- which format --------------------------------------------------------------------------- */

/* The weight of one element of an Accept header; 1 without one. */
static double
weight(const char *parameters, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++)
		if (parameters[i] == ';' || parameters[i] == ' ')
			if (strncasecmp(parameters + i + 1, "q=", 2) == 0)
				return strtod(parameters + i + 3, NULL);
	return 1;
}

static bool
is_type(const char *element, size_t len, const char *type)
{
	size_t n = strlen(type);

	return len >= n && strncasecmp(element, type, n) == 0 &&
	    (len == n || element[n] == ';' || element[n] == ' ' || element[n] == '\t');
}

enum metrics_format
metrics_format_of(const char *accept)
{
	double open = 0, plain = 0, q;

	for (const char *p = accept; p != NULL && *p != '\0';) {
		size_t len;

		p += strspn(p, ", \t");
		len = strcspn(p, ",");
		q = weight(p, len);
		if (is_type(p, len, OPENMETRICS_TYPE) && q > open)
			open = q;
		else if (is_type(p, len, PLAIN_TYPE) && q > plain)
			plain = q;
		p += len;
	}
	return open > 0 && open >= plain ? METRICS_OPENMETRICS : METRICS_PROMETHEUS;
}

const char *
metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? OPENMETRICS_TYPE "; version=1.0.0; charset=utf-8" :
					       PLAIN_TYPE "; version=0.0.4; charset=utf-8";
}

/* --- parts ---------------------------------------------------------------------------------- */

/* Backslash, line feed and, where it delimits, the quotation mark. */
static void
add_escaped(struct buf *out, const char *text, bool quoted)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			buf_adds(out, "\\n");
		else if (*text == '\\' || (*text == '"' && quoted))
			buf_addf(out, "\\%c", *text);
		else
			buf_addc(out, *text);
}

static void
add_number(struct buf *out, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		buf_addf(out, "%.0f", value);
	else
		buf_addf(out, "%.15g", value);
}

/* OpenMetrics wants a bound to be recognisable as a float, so that all write it alike. */
static void
bound_text(enum metrics_format format, double bound, char out[NUMBER_MAX])
{
	snprintf(out, NUMBER_MAX, "%.15g", bound);
	if (format == METRICS_OPENMETRICS && strpbrk(out, ".e") == NULL)
		snprintf(out, NUMBER_MAX, "%.15g.0", bound);
}

/* A counter's family has no suffix in OpenMetrics. */
static int
family_length(enum metrics_format format, const char *name)
{
	size_t len = strlen(name);

	return (int)(format == METRICS_OPENMETRICS && str_ends(name, TOTAL) ? len - strlen(TOTAL) :
									      len);
}

static const char *
unit_of(const char *name, int len)
{
	static const char *const units[] = { "seconds", "bytes" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int n = (int)strlen(units[i]);

		if (len > n && name[len - n - 1] == '_' &&
		    strncmp(name + len - n, units[i], (size_t)n) == 0)
			return units[i];
	}
	return NULL;
}

static void
add_family(struct buf *out, enum metrics_format format, const char *name, const char *help,
    const char *type)
{
	int len = family_length(format, name);
	const char *unit = unit_of(name, len);

	buf_addf(out, "# HELP %.*s ", len, name);
	add_escaped(out, help, format == METRICS_OPENMETRICS);
	buf_addf(out, "\n# TYPE %.*s %s\n", len, name, type);
	if (format == METRICS_OPENMETRICS && unit != NULL)
		buf_addf(out, "# UNIT %.*s %s\n", len, name, unit);
}

static void
add_label(struct buf *out, bool *first, const char *name, const char *value)
{
	buf_addf(out, "%s%s=\"", *first ? "{" : ",", name);
	add_escaped(out, value, true);
	buf_addc(out, '"');
	*first = false;
}

/* One line; `le` NULL: without that label. */
static void
add_sample(struct buf *out, const struct metric_point *point, const char *suffix, const char *le,
    double value)
{
	bool first = true;

	buf_addf(out, "%s%s", point->name, suffix);
	for (unsigned i = 0; i < point->nlabels; i++)
		add_label(out, &first, point->labels[i].name, point->labels[i].value);
	if (le != NULL)
		add_label(out, &first, "le", le);
	buf_adds(out, first ? " " : "} ");
	add_number(out, value);
	buf_addc(out, '\n');
}

static void
add_histogram(struct buf *out, enum metrics_format format, const struct metric_point *point)
{
	char le[NUMBER_MAX];
	uint64_t below = 0;

	for (unsigned i = 0; i < point->nbounds; i++) {
		below += point->buckets[i];
		bound_text(format, point->bounds[i], le);
		add_sample(out, point, "_bucket", le, (double)below);
	}
	add_sample(out, point, "_bucket", "+Inf", (double)point->count);
	add_sample(out, point, "_sum", NULL, point->value);
	add_sample(out, point, "_count", NULL, (double)point->count);
}

static void
add_registry(struct buf *out, enum metrics_format format)
{
	struct metric_cursor cursor = { 0 };
	struct metric_point point;
	enum metric before = METRICS;

	while (metric_next(&cursor, &point)) {
		if (point.metric != before)
			add_family(out, format, point.name, point.help, type_names[point.type]);
		before = point.metric;
		if (point.type == METRIC_HISTOGRAM)
			add_histogram(out, format, &point);
		else
			add_sample(out, &point, "", NULL, point.value);
	}
}

static void
add_facts(struct buf *out, enum metrics_format format, const struct facts *facts)
{
	const struct fact_row *before = NULL;

	for (size_t i = 0; i < facts->n; i++) {
		const struct fact *fact = &facts->items[i];
		bool first = true;

		if (fact->row != before)
			add_family(out, format, fact->row->name, fact->row->help,
			    type_names[METRIC_GAUGE]);
		before = fact->row;
		buf_adds(out, fact->row->name);
		if (fact->row->label != NULL)
			add_label(out, &first, fact->row->label, fact->value_of_label);
		buf_adds(out, first ? " " : "} ");
		add_number(out, fact->value);
		buf_addc(out, '\n');
	}
}

void
metrics_text(struct buf *out, enum metrics_format format, const struct facts *facts)
{
	add_registry(out, format);
	add_facts(out, format, facts);
	if (format == METRICS_OPENMETRICS)
		buf_adds(out, "# EOF\n");
}
