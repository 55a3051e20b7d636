/* Reading results and writing parameters. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/str.h"
#include "store/pg_internal.h"
#include "core/banned.h"

size_t
rows_count(const struct rows *rows)
{
	return (size_t)PQntuples(rows->res);
}

int64_t
rows_affected(const struct rows *rows)
{
	return strtoll(PQcmdTuples(rows->res), NULL, 10);
}

bool
rows_null(const struct rows *rows, size_t row, int col)
{
	return PQgetisnull(rows->res, (int)row, col) != 0;
}

const char *
rows_str(const struct rows *rows, size_t row, int col)
{
	return rows_null(rows, row, col) ? NULL : PQgetvalue(rows->res, (int)row, col);
}

size_t
rows_len(const struct rows *rows, size_t row, int col)
{
	return (size_t)PQgetlength(rows->res, (int)row, col);
}

int64_t
rows_int(const struct rows *rows, size_t row, int col)
{
	return strtoll(PQgetvalue(rows->res, (int)row, col), NULL, 10);
}

double
rows_num(const struct rows *rows, size_t row, int col)
{
	return strtod(PQgetvalue(rows->res, (int)row, col), NULL);
}

bool
rows_bool(const struct rows *rows, size_t row, int col)
{
	return PQgetvalue(rows->res, (int)row, col)[0] == 't';
}

/*
 * Reads one element at *p and moves *p behind it; the text is unescaped into `out`. Returns NULL
 * for an unquoted NULL.
 */
static const char *
element_take(const char **p, char **out)
{
	char *start = *out, *w = start;
	const char *s = *p;

	if (*s == '"') {
		for (s++; *s != '\0' && *s != '"'; s++) {
			if (*s == '\\' && s[1] != '\0')
				s++;
			*w++ = *s;
		}
		if (*s == '"')
			s++;
		*w++ = '\0';
	} else {
		size_t len = strcspn(s, ",}");

		memcpy(w, s, len);
		w[len] = '\0';
		w += len + 1;
		s += len;
		if (strcmp(start, "NULL") == 0)
			start = NULL;
	}
	*p = s;
	*out = w;
	return start;
}

const char **
rows_array(struct arena *arena, const struct rows *rows, size_t row, int col, size_t *n)
{
	const char *text = PQgetvalue(rows->res, (int)row, col), *p = text;
	size_t len = strlen(text), max = 2, count = 0;
	const char **list;
	char *out;

	for (const char *c = text; *c != '\0'; c++)
		max += *c == ',';
	list = arena_array(arena, max, sizeof(*list));
	out = arena_alloc(arena, len + max + 1);
	if (*p == '{')
		p++;
	while (*p != '\0' && *p != '}') {
		const char *element = element_take(&p, &out);

		if (element != NULL)
			list[count++] = element;
		if (*p == ',')
			p++;
	}
	list[count] = NULL;
	if (n != NULL)
		*n = count;
	return list;
}

struct strings
rows_strings(struct arena *arena, const struct rows *rows, size_t row, int col)
{
	struct strings list;

	list.items = rows_array(arena, rows, row, col, &list.n);
	return list;
}

struct strings
rows_column(struct arena *arena, const struct rows *rows, int col)
{
	size_t n = rows_count(rows);
	const char **items = arena_array(arena, n + 1, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = rows_str(rows, i, col);
	return (struct strings) { items, n };
}

const char *
db_bool(bool b)
{
	return b ? "t" : "f";
}

const char *
db_int(struct arena *arena, int64_t n)
{
	return arena_printf(arena, "%lld", (long long)n);
}

const char *
db_time(struct arena *arena, int64_t us)
{
	char text[RFC3339_MAX];
	int64_t fraction = us % US_PER_SEC;

	if (us == 0)
		return NULL;
	if (fraction < 0)
		fraction += US_PER_SEC;
	time_rfc3339(us - fraction, text);
	text[strcspn(text, ".Z")] = '\0';
	return arena_printf(arena, "%s.%06lldZ", text, (long long)fraction);
}

const char *
db_array(struct arena *arena, const char *const *items, size_t n)
{
	struct buf buf;

	buf_init(&buf, arena, 0);
	buf_addc(&buf, '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(&buf, ',');
		if (items[i] == NULL) {
			buf_adds(&buf, "NULL");
			continue;
		}
		buf_addc(&buf, '"');
		for (const char *p = items[i]; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				buf_addc(&buf, '\\');
			buf_addc(&buf, *p);
		}
		buf_addc(&buf, '"');
	}
	buf_addc(&buf, '}');
	return buf.data;
}

const char *
db_bytea(struct arena *arena, const void *data, size_t len)
{
	return arena_printf(arena, "\\x%s", hex_encode(arena, data, len));
}
