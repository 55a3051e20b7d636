/*
 * A server on loopback in a process of its own: it accepts one connection after the other and
 * passes each to a function; the test can read the number of connections and requests.
 */
#ifndef MN_T_UNIT_LOCAL_SERVER_H
#define MN_T_UNIT_LOCAL_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct local_server {
	pid_t pid;
	int port;
	char url[64], allow[64];
	struct {
		_Atomic int connections, requests;
	} *seen;
};

/* Reads a request up to the empty line; false: the other side has closed. */
static inline bool
local_server_read(int fd)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, "\r\n\r\n") != NULL)
			return true;
	}
	return false;
}

static inline void
local_server_send(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(1);
}

static inline void
local_server_start(struct local_server *server, const char *scheme,
    void (*serve)(struct local_server *, int fd))
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), client;

	if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		abort();
	server->port = ntohs(address.sin_port);
	snprintf(server->url, sizeof(server->url), "%s://127.0.0.1:%d/", scheme, server->port);
	snprintf(server->allow, sizeof(server->allow), "127.0.0.1:%d", server->port);
	server->seen = mmap(NULL, sizeof(*server->seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	server->pid = fork();
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGCHLD, SIG_IGN);
		while ((client = accept(fd, NULL, NULL)) >= 0) {
			atomic_fetch_add(&server->seen->connections, 1);
			if (fork() == 0) {
				serve(server, client);
				_exit(0);
			}
			close(client);
		}
		_exit(1);
	}
	close(fd);
}

static inline void
local_server_stop(struct local_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

#endif
