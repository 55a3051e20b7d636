/*
 * What the disk allows: files of a size, each written, synced and its directory synced, by so many
 * processes at once.
 *
 *	disk DIRECTORY PROCESSES BYTES SECONDS -> files a second
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"

#include "core/banned.h"

#define PATH_BYTES 4096
#define PROCESSES_MAX 256
#define BYTES_MAX (1 << 20)

/* Files made until the deadline, which remain for the caller to remove; -1: it failed. */
static long
write_files(const char *dir, int process, size_t bytes, int64_t deadline)
{
	static char body[BYTES_MAX];
	char path[PATH_BYTES];
	int dir_fd, fd;
	long n = 0;

	snprintf(path, sizeof(path), "%s/%d", dir, process);
	if (mkdir(path, 0700) != 0 || (dir_fd = open(path, O_RDONLY | O_DIRECTORY)) < 0)
		return -1;
	for (; clock_monotonic() < deadline; n++) {
		snprintf(path, sizeof(path), "%s/%d/%ld", dir, process, n);
		if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0 ||
		    write(fd, body, bytes) != (ssize_t)bytes || fsync(fd) != 0 || close(fd) != 0 ||
		    fsync(dir_fd) != 0)
			return -1;
	}
	close(dir_fd);
	return n;
}

int
main(int argc, char **argv)
{
	int64_t processes, bytes, seconds;
	long *made, all = 0;

	if (argc != 5 || !str_to_int(argv[2], 1, PROCESSES_MAX, &processes) ||
	    !str_to_int(argv[3], 1, BYTES_MAX, &bytes) || !str_to_int(argv[4], 1, 60, &seconds)) {
		fputs("usage: disk DIRECTORY PROCESSES BYTES SECONDS\n", stderr);
		return EX_USAGE;
	}
	made = mmap(NULL, PROCESSES_MAX * sizeof(*made), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return EX_OSERR;
	for (int i = 0; i < processes; i++) {
		if (fork() == 0) {
			made[i] = write_files(argv[1], i, (size_t)bytes,
			    clock_monotonic() + seconds * US_PER_SEC);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < processes; i++) {
		if (made[i] < 0)
			return EX_IOERR;
		all += made[i];
	}
	printf("%.0f\n", (double)all / (double)seconds);
	return 0;
}
