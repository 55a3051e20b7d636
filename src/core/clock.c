#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"

#include "core/banned.h"

#define DAY_SECONDS 86400LL

struct civil {
	int year, month, day, hour, minute, second;
	int weekday; /* 0 = Sunday */
	int micros;
};

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };
static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these two clocks */
	return (int64_t)ts.tv_sec * US_PER_SEC + ts.tv_nsec / 1000;
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_boottime(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
month_days(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
 * Days since 1970-01-01 of a proleptic Gregorian date; years are counted from March, so that the
 * leap day is their last.
 */
static int64_t
days_from_civil(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void
civil_from_us(int64_t us, struct civil *c)
{
	int64_t seconds = us / US_PER_SEC, micros = us % US_PER_SEC;
	int64_t days, rest, z, era, doe, yoe, doy, mp;

	if (micros < 0) {
		micros += US_PER_SEC;
		seconds--;
	}
	days = seconds / DAY_SECONDS;
	rest = seconds % DAY_SECONDS;
	if (rest < 0) {
		rest += DAY_SECONDS;
		days--;
	}
	z = days + 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c->year = (int)(yoe + era * 400 + (c->month <= 2));
	c->hour = (int)(rest / 3600);
	c->minute = (int)(rest / 60 % 60);
	c->second = (int)(rest % 60);
	c->micros = (int)micros;
	c->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

/* Checks the ranges; a leap second counts as the first second of the next minute. */
static bool
civil_to_us(const struct civil *c, int64_t *us)
{
	if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
	    c->day > month_days(c->year, c->month) || c->hour > 23 || c->minute > 59 ||
	    c->second > 60)
		return false;
	*us = (days_from_civil(c->year, c->month, c->day) * DAY_SECONDS + c->hour * 3600 +
		  c->minute * 60 + c->second) *
		US_PER_SEC +
	    c->micros;
	return true;
}

/* Reads exactly n digits at *s and moves *s past them. */
static bool
digits(const char **s, int n, int *value)
{
	*value = 0;
	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*value = *value * 10 + (**s - '0');
	}
	return true;
}

static bool
literal(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/*
 * Writes n decimal digits at *p and moves *p past them. Without printf(), which showed in profiles:
 * a page of a list writes dozens of times.
 */
static void
put_digits(char **p, int n, int value)
{
	for (int i = n - 1; i >= 0; i--, value /= 10)
		(*p)[i] = (char)('0' + value % 10);
	*p += n;
}

void
time_rfc3339(int64_t us, char out[RFC3339_MAX])
{
	struct civil c;
	char *p = out;

	civil_from_us(us, &c);
	put_digits(&p, 4, c.year);
	*p++ = '-';
	put_digits(&p, 2, c.month);
	*p++ = '-';
	put_digits(&p, 2, c.day);
	*p++ = 'T';
	put_digits(&p, 2, c.hour);
	*p++ = ':';
	put_digits(&p, 2, c.minute);
	*p++ = ':';
	put_digits(&p, 2, c.second);
	*p++ = '.';
	put_digits(&p, 3, c.micros / 1000);
	*p++ = 'Z';
	*p = '\0';
}

void
time_local(int64_t us, char out[TIME_LOCAL_MAX])
{
	char text[RFC3339_MAX];

	time_rfc3339(us, text);
	memcpy(out, text, TIME_LOCAL_MAX - 1);
	out[TIME_LOCAL_MAX - 1] = '\0';
}

bool
time_parse_local(const char *s, int64_t *us)
{
	char text[TIME_LOCAL_MAX + 1];

	if (strlen(s) != TIME_LOCAL_MAX - 1)
		return false;
	snprintf(text, sizeof(text), "%sZ", s);
	return time_parse_rfc3339(text, us);
}

/* ".123" of any length; digits beyond microseconds are dropped. */
static bool
parse_fraction(const char **s, int *micros)
{
	int unit = 100000;

	*micros = 0;
	if (**s != '.')
		return true;
	(*s)++;
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*micros += (**s - '0') * unit;
	return true;
}

static bool
parse_offset(const char **s, int64_t *offset_us)
{
	int sign, hours, minutes;

	*offset_us = 0;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	sign = *(*s)++ == '-' ? -1 : 1;
	if (!digits(s, 2, &hours) || !literal(s, ':') || !digits(s, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*offset_us = sign * (hours * 3600 + minutes * 60) * US_PER_SEC;
	return true;
}

bool
time_parse_rfc3339(const char *s, int64_t *us)
{
	struct civil c = { 0 }, utc;
	int64_t local, offset;

	if (!digits(&s, 4, &c.year) || !literal(&s, '-') || !digits(&s, 2, &c.month) ||
	    !literal(&s, '-') || !digits(&s, 2, &c.day) || (*s != 'T' && *s != 't'))
		return false;
	s++;
	if (!digits(&s, 2, &c.hour) || !literal(&s, ':') || !digits(&s, 2, &c.minute) ||
	    !literal(&s, ':') || !digits(&s, 2, &c.second) || !parse_fraction(&s, &c.micros) ||
	    !parse_offset(&s, &offset) || *s != '\0' || !civil_to_us(&c, &local))
		return false;
	civil_from_us(local - offset, &utc);
	if (utc.year < 1 || utc.year > 9999)
		return false;
	*us = local - offset;
	return true;
}

void
time_iso_basic(int64_t us, char out[17])
{
	char text[64];
	struct civil c;

	civil_from_us(us, &c);
	(void)snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day,
	    c.hour, c.minute, c.second);
	memcpy(out, text, 16);
	out[16] = '\0';
}

bool
time_parse_iso_basic(const char *s, int64_t *us)
{
	struct civil c = { 0 };

	return digits(&s, 4, &c.year) && digits(&s, 2, &c.month) && digits(&s, 2, &c.day) &&
	    literal(&s, 'T') && digits(&s, 2, &c.hour) && digits(&s, 2, &c.minute) &&
	    digits(&s, 2, &c.second) && literal(&s, 'Z') && *s == '\0' && civil_to_us(&c, us);
}

void
time_http(int64_t us, char out[30])
{
	char text[64];
	struct civil c;

	civil_from_us(us, &c);
	(void)snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    day_names[c.weekday], c.day, month_names[c.month - 1], c.year, c.hour, c.minute,
	    c.second);
	memcpy(out, text, 29);
	out[29] = '\0';
}

/* A three-letter name at *s: its index from 0, or -1. */
static int
name_index(const char **s, const char names[][4], int n)
{
	for (int i = 0; i < n; i++)
		if (strncmp(*s, names[i], 3) == 0) {
			*s += 3;
			return i;
		}
	return -1;
}

bool
time_parse_http(const char *s, int64_t *us)
{
	struct civil c = { 0 };

	if (name_index(&s, day_names, 7) < 0 || !literal(&s, ',') || !literal(&s, ' ') ||
	    !digits(&s, 2, &c.day) || !literal(&s, ' '))
		return false;
	c.month = name_index(&s, month_names, 12) + 1;
	return literal(&s, ' ') && digits(&s, 4, &c.year) && literal(&s, ' ') &&
	    digits(&s, 2, &c.hour) && literal(&s, ':') && digits(&s, 2, &c.minute) &&
	    literal(&s, ':') && digits(&s, 2, &c.second) && strcmp(s, " GMT") == 0 &&
	    civil_to_us(&c, us);
}
