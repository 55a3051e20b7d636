/*
 * The metrics as monitors read them: Prometheus' text format 0.0.4 and OpenMetrics 1.0.0, which
 * differ in the names of counters, in units and in how numbers are written.
 */
#ifndef MN_HANDLERS_METRICS_TEXT_H
#define MN_HANDLERS_METRICS_TEXT_H

struct buf;
struct facts;

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };

/* The format that an Accept header prefers (RFC 9110 section 12.5.1); NULL or "": Prometheus'. */
enum metrics_format metrics_format_of(const char *accept);
const char *metrics_content_type(enum metrics_format);
/* The registry and the facts. */
void metrics_text(struct buf *, enum metrics_format, const struct facts *);

#endif
