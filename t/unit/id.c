/* Identifiers: form, order, uniqueness. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/id.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define MANY 20000

int
main(void)
{
	char last[UUID_TEXT] = "", now[UUID_TEXT], child[UUID_TEXT] = "", stamp[13];
	bool form = true, order = true;
	int fds[2], status;

	for (int i = 0; i < MANY; i++) {
		uuid_v7(now);
		form = form && uuid_valid(now) && now[14] == '7' &&
		    strchr("89ab", now[19]) != NULL && strlen(now) == 36;
		order = order && strcmp(last, now) < 0;
		memcpy(last, now, sizeof(last));
	}
	ok(form, "version 7, variant 10, lower case");
	ok(order, "%d ids in a row increase", MANY);
	memcpy(stamp, now, 8);
	memcpy(stamp + 8, now + 9, 4);
	stamp[12] = '\0';
	ok(llabs(strtoll(stamp, NULL, 16) - clock_now() / US_PER_MS) < 2000,
	    "the id tells its time");

	if (pipe(fds) != 0)
		return 1;
	if (fork() == 0) {
		uuid_v7(child);
		_exit(write(fds[1], child, sizeof(child)) == sizeof(child) ? 0 : 1);
	}
	uuid_v7(now);
	ok(read(fds[0], child, sizeof(child)) == sizeof(child) && strcmp(child, now) != 0,
	    "a forked child makes other ids");
	wait(&status);

	ok(uuid_valid("00000000-0000-0000-0000-000000000000"), "any version is an id");
	ok(uuid_valid("ABCDEFAB-CDEF-4BCD-8FAB-CDEFABCDEFAB"), "in either case");
	ok(!uuid_valid(""), "nothing is none");
	ok(!uuid_valid("00000000-0000-0000-0000-00000000000"), "too short");
	ok(!uuid_valid("00000000-0000-0000-0000-0000000000000"), "too long");
	ok(!uuid_valid("0000000-00000-0000-0000-000000000000"), "hyphens elsewhere");
	ok(!uuid_valid("0000000g-0000-0000-0000-000000000000"), "not a hexadecimal digit");
	ok(!uuid_valid("{0000000-0000-0000-0000-000000000000"), "a brace");

	ok(request_id_valid("abcdefgh"), "8 characters");
	ok(!request_id_valid("abcdefg"), "7 are too few");
	ok(request_id_valid("0123456789012345678901234567890123456789012345678901234567890.-_"),
	    "64 characters");
	ok(!request_id_valid("01234567890123456789012345678901234567890123456789012345678901234"),
	    "65 are too many");
	ok(!request_id_valid("abcdefg\n"), "no line break");
	ok(!request_id_valid("abc defgh"), "no space");
	ok(!request_id_valid("abcdefg\xc3\xa4"), "ASCII only");
	return done_testing();
}
