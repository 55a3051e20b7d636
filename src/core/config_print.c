/* Generates the list in medianest.conf(5) and the sample file from the settings table. */
#include "core/config.h"

#include <string.h>

#include "core/banned.h"

#define MDOC_COLUMNS 72
#define SAMPLE_COLUMNS 110

static const char *
type_name(const struct config_row *row)
{
	switch (row->type) {
	case CONFIG_INT: return "whole number";
	case CONFIG_SIZE: return "size";
	case CONFIG_BOOL: return "true or false";
	case CONFIG_ENUM: return "one of";
	case CONFIG_PATH: return "absolute path";
	case CONFIG_LIST: return "comma-separated list";
	case CONFIG_STRING: break;
	}
	return "text";
}

/* Running text, broken before `columns` and, for mdoc, after every sentence. */
struct filler {
	FILE *out;
	const char *prefix; /* of every line */
	size_t columns, at;
	bool sentences, mdoc;
};

static void
fill_break(struct filler *f)
{
	if (f->at > 0)
		fputc('\n', f->out);
	f->at = 0;
}

static void
fill_word(struct filler *f, const char *word, size_t len)
{
	if (f->at > 0 && f->at + 1 + len > f->columns)
		fill_break(f);
	if (f->at == 0) {
		fputs(f->prefix, f->out);
		f->at = strlen(f->prefix);
		if (f->mdoc && (*word == '.' || *word == '\''))
			fputs("\\&", f->out);
	} else {
		fputc(' ', f->out);
		f->at++;
	}
	for (size_t i = 0; i < len; i++) {
		if (f->mdoc && word[i] == '\\')
			fputs("\\e", f->out);
		else
			fputc(word[i], f->out);
	}
	f->at += len;
	if (f->sentences && len > 1 && word[len - 1] == '.')
		fill_break(f);
}

static void
fill(struct filler *f, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (len > 0)
			fill_word(f, text, len);
		text += len;
		text += strspn(text, " ");
	}
}

/* Adds a space after each comma of a long list, so that lines can be broken there. */
static void
fill_list(struct filler *f, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, ",");

		if (text[len] == ',')
			len++;
		fill_word(f, text, len);
		text += len;
	}
}

static void
fill_range(struct filler *f, const struct config_row *row)
{
	char text[128];

	fill(f, type_name(row));
	if (row->choices != NULL) {
		if (row->type == CONFIG_LIST)
			fill(f, "of");
		for (const char *p = row->choices; *p != '\0';) {
			size_t len = strcspn(p, "|");

			snprintf(text, sizeof(text), "%.*s%s", (int)len, p,
			    p[len] == '|' ? "," : "");
			fill(f, text);
			p += len + (p[len] == '|');
		}
	} else if (row->type == CONFIG_INT) {
		snprintf(text, sizeof(text), "from %lld to %lld", (long long)row->min,
		    (long long)row->max);
		fill(f, text);
	}
	if (row->unit != NULL) {
		snprintf(text, sizeof(text), "(%s)", row->unit);
		fill(f, text);
	}
}

void
config_print_mdoc(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const struct config_row *row = &config_rows[i];
		struct filler f = { out, "", MDOC_COLUMNS, 0, true, true };

		fprintf(out, ".It Cm %s\n", row->key);
		fill(&f, row->description);
		fill_break(&f);
		fill(&f, "Value:");
		fill_range(&f, row);
		fill_break(&f);
		if (*row->fallback != '\0') {
			fill(&f, "Default:");
			fill_list(&f, row->fallback);
			fill_break(&f);
		}
		if ((row->flags & CONFIG_LIVE) != 0)
			fputs("May be changed while running.\n", out);
		if ((row->flags & CONFIG_SECRET) != 0)
			fputs("Never shown by the API.\n", out);
		if ((row->flags & CONFIG_STORE) != 0)
			fputs("Is in store.conf too.\n", out);
	}
	fputs(".El\n", out);
}

void
config_print_sample(FILE *out)
{
	fputs("# medianest.conf: every setting with its default, commented out. See"
	      " medianest.conf(5).\n"
	      "# One 'key = value' a line; a value is everything after the sign, without the spaces"
	      " around it.\n",
	    out);
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		const struct config_row *row = &config_rows[i];
		struct filler f = { out, "# ", SAMPLE_COLUMNS, 0, false, false };

		fputc('\n', out);
		fill(&f, row->description);
		fill(&f, "Value:");
		fill_range(&f, row);
		fill_break(&f);
		fprintf(out, "#%s =%s%s\n", row->key, *row->fallback == '\0' ? "" : " ",
		    row->fallback);
	}
}

void
config_print_store(const struct config *config, FILE *out)
{
	fprintf(out,
	    "# Made from %s by 'medianest-admin store settings' at each start of a pool of the"
	    " object\n# store, and when it is reloaded. Change the settings there.\n",
	    config_path(config));
	for (unsigned i = 0; i < CONFIG_KEYS; i++)
		if ((config_rows[i].flags & CONFIG_STORE) != 0 &&
		    config_source(config, (enum config_key)i) != CONFIG_FROM_DEFAULT)
			fprintf(out, "%s = %s\n", config_rows[i].key,
			    config_str(config, (enum config_key)i));
}
