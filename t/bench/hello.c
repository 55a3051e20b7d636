/*
 * The baseline for the pools: a FastCGI program that only sends a number of bytes. bench-hello
 * SOCKET GROUP WORKERS BYTES
 */
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/log.h"
#include "core/str.h"
#include "http/prefork.h"
#include "core/banned.h"

#define BYTES_MAX (1 << 20)

static int
serve(void *context, int listen_fd)
{
	const int64_t *size = context;
	char *body = xmalloc((size_t)*size);
	FCGX_Request request;

	memset(body, 'x', (size_t)*size);
	/* a plain program waits in accept(2) */
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) & ~O_NONBLOCK);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, listen_fd, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&request) >= 0) {
		FCGX_FPrintF(request.out,
		    "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length:"
		    " %d\r\n\r\n",
		    (int)*size);
		FCGX_PutStr(body, (int)*size, request.out);
		FCGX_Finish_r(&request);
	}
	free(body);
	return 0;
}

int
main(int argc, char **argv)
{
	struct log log = { .component = "bench-hello" };
	struct prefork prefork = { .run = serve, .log = &log };
	int64_t workers, size;

	if (argc != 5 || !str_to_int(argv[3], 1, PREFORK_WORKERS_MAX, &workers) ||
	    !str_to_int(argv[4], 1, BYTES_MAX, &size)) {
		fputs("usage: bench-hello SOCKET GROUP WORKERS BYTES\n", stderr);
		return 64;
	}
	prefork.socket_path = argv[1];
	prefork.socket_group = argv[2];
	prefork.workers = (int)workers;
	prefork.context = &size;
	return prefork_run(&prefork);
}
