/*
 * Command lines of the programs: getopt_long(3) over a table of long options. Each program has
 * --config FILE (the settings file), --version and --help without listing them.
 *
 *	enum { POOL, ROUTES };
 *	static const struct option_row rows[] = {
 *		[POOL] = { "pool", true }, [ROUTES] = { "routes" }, { NULL } };
 *	struct options options = { .program = "medianest-fcgi", .usage = usage, .rows = rows };
 *	int status = options_parse(&options, argc, argv);
 */
#ifndef MN_CORE_OPTIONS_H
#define MN_CORE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#define OPTIONS_MAX 32 /* rows of a program */

struct option_row {
	const char *name; /* without the dashes; NULL ends the table */
	bool takes_value;
};

struct options {
	const char *program;
	void (*usage)(FILE *);
	const struct option_row *rows; /* or NULL */

	/* Filled by options_parse(); strings of argv. */
	const char *config;              /* or NULL: the default place */
	const char *values[OPTIONS_MAX]; /* NULL unless given with a value */
	bool given[OPTIONS_MAX];
	char **operands; /* the remaining arguments, in order */
	int noperands;
};

/*
 * Returns 0, or EX_USAGE after printing the usage to stderr. --version and --help print and exit.
 */
int options_parse(struct options *, int argc, char **argv);
/* The same for a program without operands: returns EX_USAGE if there are any. */
int options_parse_alone(struct options *, int argc, char **argv);

#endif
