/* See search_taken.h. */
#include "service/catalogue/search_taken.h"

#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "core/banned.h"

#define YEAR_DIGITS 4
#define PART_DIGITS 2

/* Takes that many digits at *p. */
static bool
digits_take(const char **p, size_t digits, int64_t min, int64_t max, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < digits; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return false;
		*out = *out * 10 + ((*p)[i] - '0');
	}
	*p += digits;
	return *out >= min && *out <= max;
}

static int64_t
days_of(int64_t year, int64_t month)
{
	static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static const char *
day_text(struct arena *arena, int64_t year, int64_t month, int64_t day)
{
	return arena_printf(arena, "%04lld-%02lld-%02lld", (long long)year, (long long)month,
	    (long long)day);
}

/* The first and the last day of a year, a month or a day. */
static bool
span_parse(struct arena *arena, const char *p, const char **first, const char **last)
{
	int64_t year, month, day;

	if (!digits_take(&p, YEAR_DIGITS, 1, 9999, &year))
		return false;
	*first = day_text(arena, year, 1, 1);
	*last = day_text(arena, year, 12, 31);
	if (*p == '\0')
		return true;
	if (*p++ != '-' || !digits_take(&p, PART_DIGITS, 1, 12, &month))
		return false;
	*first = day_text(arena, year, month, 1);
	*last = day_text(arena, year, month, days_of(year, month));
	if (*p == '\0')
		return true;
	if (*p++ != '-' || !digits_take(&p, PART_DIGITS, 1, days_of(year, month), &day))
		return false;
	*first = *last = day_text(arena, year, month, day);
	return *p == '\0';
}

/* Where a range is divided, and how long that is; NULL: no range. */
static const char *
range_at(const char *value, size_t *len)
{
	const char *dots = strstr(value, "..");

	*len = dots != NULL ? 2 : 1;
	if (dots != NULL)
		return dots;
	return strlen(value) == 2 * YEAR_DIGITS + 1 && value[YEAR_DIGITS] == '-' ?
	    value + YEAR_DIGITS :
	    NULL;
}

bool
search_taken_parse(struct arena *arena, const char *value, const char **from, const char **to)
{
	size_t len;
	const char *middle = range_at(value, &len), *left, *right;
	const char *first[2] = { NULL, NULL }, *last[2] = { NULL, NULL };
	bool swapped;

	if (middle == NULL)
		return span_parse(arena, value, from, to);
	left = arena_strndup(arena, value, (size_t)(middle - value));
	right = middle + len;
	if ((*left == '\0' && *right == '\0') ||
	    (*left != '\0' && !span_parse(arena, left, &first[0], &last[0])) ||
	    (*right != '\0' && !span_parse(arena, right, &first[1], &last[1])))
		return false;
	swapped = first[0] != NULL && first[1] != NULL && strcmp(first[0], first[1]) > 0;
	*from = first[swapped ? 1 : 0];
	*to = last[swapped ? 0 : 1];
	return true;
}
