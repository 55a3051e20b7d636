#include "core/options.h"

#include <config.h>

#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/banned.h"

#define COMMON_OPTIONS 3
#define CODE_FIRST 256 /* above every character: only -c, -V and -h have a short form */

static const struct option common[COMMON_OPTIONS] = {
	{ "config", required_argument, NULL, 'c' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
};

static void
fill_table(struct option table[OPTIONS_MAX + COMMON_OPTIONS + 1], const struct option_row *rows)
{
	size_t n = 0;

	for (; rows != NULL && rows[n].name != NULL && n < OPTIONS_MAX; n++)
		table[n] = (struct option) { rows[n].name,
			rows[n].takes_value ? required_argument : no_argument, NULL,
			CODE_FIRST + (int)n };
	for (size_t i = 0; i < COMMON_OPTIONS; i++)
		table[n++] = common[i];
	table[n] = (struct option) { 0 };
}

int
options_parse(struct options *options, int argc, char **argv)
{
	struct option table[OPTIONS_MAX + COMMON_OPTIONS + 1];
	int code;

	fill_table(table, options->rows);
	while ((code = getopt_long(argc, argv, "c:Vh", table, NULL)) != -1) {
		switch (code) {
		case 'c': options->config = optarg; break;
		case 'V': printf("%s %s\n", options->program, PACKAGE_VERSION); exit(0);
		case 'h': options->usage(stdout); exit(0);
		case '?': options->usage(stderr); return EX_USAGE;
		default:
			options->given[code - CODE_FIRST] = true;
			options->values[code - CODE_FIRST] = optarg;
		}
	}
	options->operands = argv + optind;
	options->noperands = argc - optind;
	return 0;
}

int
options_parse_alone(struct options *options, int argc, char **argv)
{
	int status = options_parse(options, argc, argv);

	if (status == 0 && options->noperands > 0) {
		options->usage(stderr);
		return EX_USAGE;
	}
	return status;
}
