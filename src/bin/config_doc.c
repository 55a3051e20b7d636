/* Build helper: prints the settings table for the manual page or as a sample file. */
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/banned.h"

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "mdoc") == 0)
		config_print_mdoc(stdout);
	else if (argc == 2 && strcmp(argv[1], "sample") == 0)
		config_print_sample(stdout);
	else {
		fputs("usage: config-doc mdoc|sample\n", stderr);
		return 64;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
