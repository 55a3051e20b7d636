#include "http/multipart.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

#define BLANKS " \t"
#define DELIMITER_MAX (4 + MULTIPART_BOUNDARY_MAX + 1) /* CR LF "--" boundary NUL */

struct reader {
	struct arena *arena;
	const char *at, *end;
	char delimiter[DELIMITER_MAX]; /* with the line break before it */
	size_t delimiter_len;
};

static bool
malformed(struct error *err, const char *what)
{
	return error_set(err, ERR_MALFORMED, "The form is malformed: %s.", what);
}

static bool
is_token_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, BLANKS);
}

/*
 * The value of a parameter: a token, or a quoted string (RFC 9110 section 5.6.4). Browsers escape
 * only quotes, and some send Windows paths unescaped, so a backslash escapes only a quote or
 * another backslash. NULL: neither.
 */
static const char *
take_value(struct arena *arena, const char *p, const char **value)
{
	struct buf buf;
	size_t n = 0;

	if (*p != '"') {
		while (is_token_char(p[n]))
			n++;
		*value = arena_strndup(arena, p, n);
		return n > 0 ? p + n : NULL;
	}
	buf_init(&buf, arena, 0);
	for (p++; *p != '"'; p++) {
		if (*p == '\0')
			return NULL;
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_addc(&buf, *p);
	}
	*value = buf.data;
	return p + 1;
}

struct wanted {
	const char *name;
	const char *value; /* NULL: absent */
};

/*
 * Reads the wanted parameters of a header's value (the first of each name counts); false when they
 * are malformed.
 */
static bool
take_parameters(struct arena *arena, const char *p, struct wanted *wanted, size_t n)
{
	p += strcspn(p, ";");
	while (*p == ';') {
		const char *name = skip_blanks(p + 1), *value;
		size_t len = 0;

		while (is_token_char(name[len]))
			len++;
		if (len == 0 && name[0] == '\0')
			return true; /* a last semicolon */
		p = skip_blanks(name + len);
		if (len == 0 || *p != '=')
			return false;
		p = take_value(arena, skip_blanks(p + 1), &value);
		if (p == NULL)
			return false;
		for (size_t i = 0; i < n; i++)
			if (wanted[i].value == NULL && strlen(wanted[i].name) == len &&
			    strncasecmp(wanted[i].name, name, len) == 0)
				wanted[i].value = value;
		p = skip_blanks(p);
	}
	return *p == '\0';
}

static bool
boundary_valid(const char *boundary)
{
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ";
	size_t len = strlen(boundary);

	return len > 0 && len <= MULTIPART_BOUNDARY_MAX && strspn(boundary, allowed) == len &&
	    boundary[len - 1] != ' ';
}

static bool
set_delimiter(struct reader *r, const char *content_type, struct error *err)
{
	struct wanted boundary = { .name = "boundary" };

	if (!take_parameters(r->arena, content_type, &boundary, 1) || boundary.value == NULL ||
	    !boundary_valid(boundary.value))
		return malformed(err, "its Content-Type has no valid boundary");
	snprintf(r->delimiter, sizeof(r->delimiter), "\r\n--%s", boundary.value);
	r->delimiter_len = strlen(r->delimiter);
	return true;
}

/* Behind a delimiter: either the end (*last), or padding and a line break before the next part. */
static bool
end_delimiter(struct reader *r, bool *last)
{
	*last = r->end - r->at >= 2 && r->at[0] == '-' && r->at[1] == '-';
	if (*last)
		return true;
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
	if (r->end - r->at < 2 || r->at[0] != '\r' || r->at[1] != '\n')
		return false;
	r->at += 2;
	return true;
}

/* Skips to the first delimiter, which may be at the start of the body. */
static bool
skip_preamble(struct reader *r, bool *last)
{
	size_t bare = r->delimiter_len - 2;
	const char *found;

	if ((size_t)(r->end - r->at) >= bare && memcmp(r->at, r->delimiter + 2, bare) == 0) {
		r->at += bare;
		return end_delimiter(r, last);
	}
	found = memmem(r->at, (size_t)(r->end - r->at), r->delimiter, r->delimiter_len);
	if (found == NULL)
		return false;
	r->at = found + r->delimiter_len;
	return end_delimiter(r, last);
}

/* Reads a header line as a string; NULL if it is malformed. */
static const char *
take_line(struct reader *r, size_t *left, struct error *err)
{
	size_t room = (size_t)(r->end - r->at);
	const char *line = r->at, *stop;
	size_t len;

	stop = memmem(line, room < *left ? room : *left, "\r\n", 2);
	if (stop == NULL && room > *left) {
		error_set(err, ERR_TOO_LARGE,
		    "The headers of a part of the form may have at most %d bytes.",
		    MULTIPART_HEADERS_MAX);
		return NULL;
	}
	len = stop == NULL ? 0 : (size_t)(stop - line);
	if (stop == NULL || memchr(line, '\0', len) != NULL || !utf8_valid(line, len)) {
		malformed(err, "a header of a part is cut off or no text");
		return NULL;
	}
	r->at = stop + 2;
	*left -= len + 2;
	return arena_strndup(r->arena, line, len);
}

static bool
take_disposition(struct reader *r, const char *value, struct multipart_part *part)
{
	struct wanted wanted[] = { { .name = "name" }, { .name = "filename" } };
	size_t len = strcspn(value, "; \t");

	if (len != strlen("form-data") || strncasecmp(value, "form-data", len) != 0 ||
	    !take_parameters(r->arena, value, wanted, 2))
		return false;
	part->name = wanted[0].value;
	part->filename = wanted[1].value;
	return true;
}

static bool
is_header(const char *line, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(line, name, len) == 0;
}

/*
 * RFC 7578 section 4.7 deprecates transfer encodings: only those that keep the bytes are accepted.
 */
static bool
encoding_is_plain(const char *value)
{
	return str_ieq(value, "binary") || str_ieq(value, "8bit") || str_ieq(value, "7bit");
}

static bool
take_header(struct reader *r, const char *line, struct multipart_part *part, struct error *err)
{
	size_t len = 0;
	const char *value;

	while (is_token_char(line[len]))
		len++;
	if (len == 0 || line[len] != ':')
		return malformed(err, "a part has a line that is no header");
	value = str_trim(r->arena, line + len + 1);
	if (is_header(line, len, "Content-Disposition"))
		return (part->name == NULL && take_disposition(r, value, part)) ||
		    malformed(err, "the Content-Disposition of a part is not that of a field");
	if (is_header(line, len, "Content-Type"))
		part->content_type = value;
	else if (is_header(line, len, "Content-Transfer-Encoding") && !encoding_is_plain(value))
		return malformed(err, "a part has a transfer encoding");
	return true;
}

static bool
take_headers(struct reader *r, struct multipart_part *part, struct error *err)
{
	size_t left = MULTIPART_HEADERS_MAX;
	const char *line;

	for (;;) {
		line = take_line(r, &left, err);
		if (line == NULL)
			return false;
		if (*line == '\0')
			break;
		if (!take_header(r, line, part, err))
			return false;
	}
	return part->name != NULL || malformed(err, "a part has no name");
}

static bool
take_data(struct reader *r, struct multipart_part *part, bool *last, struct error *err)
{
	/*
	 * An empty part has no line break of its own: the one after its headers belongs to the
	 * delimiter.
	 */
	const char *from = r->at - 2,
		   *found = memmem(from, (size_t)(r->end - from), r->delimiter, r->delimiter_len);

	if (found == NULL)
		return malformed(err, "its last boundary is missing");
	part->data = r->at;
	part->len = found < r->at ? 0 : (size_t)(found - r->at);
	r->at = found + r->delimiter_len;
	return end_delimiter(r, last) || malformed(err, "a boundary does not end its line");
}

bool
multipart_parse(struct arena *arena, const char *content_type, const char *body, size_t len,
    struct multipart *form, struct error *err)
{
	struct reader r = { .arena = arena, .at = body, .end = body + len };
	bool last = false;

	form->n = 0;
	if (!set_delimiter(&r, content_type, err))
		return false;
	if (!skip_preamble(&r, &last))
		return malformed(err, "its boundary is not in the body");
	while (!last) {
		struct multipart_part *part = &form->parts[form->n];

		if (form->n == MULTIPART_PARTS_MAX)
			return error_set(err, ERR_TOO_LARGE, "A form may have at most %d parts.",
			    MULTIPART_PARTS_MAX);
		*part = (struct multipart_part) { .name = NULL };
		if (!take_headers(&r, part, err) || !take_data(&r, part, &last, err))
			return false;
		form->n++;
	}
	return true;
}

enum part_found
multipart_find(const struct multipart *form, const char *name, size_t max,
    const struct multipart_part **part)
{
	for (size_t i = 0; i < form->n; i++) {
		if (strcmp(form->parts[i].name, name) != 0)
			continue;
		*part = &form->parts[i];
		return (*part)->len <= max ? PART_FOUND : PART_TOO_LARGE;
	}
	return PART_ABSENT;
}
