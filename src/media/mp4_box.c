#include "media/mp4_box.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/str.h"
#include "media/bytes.h"

#include "core/banned.h"

#define BOX_HEADER 8

bool
mp4_file(int fd, struct mp4_box *file)
{
	struct stat st;

	*file = (struct mp4_box) { .at = 0 };
	if (fstat(fd, &st) != 0)
		return false;
	file->end = st.st_size;
	return true;
}

bool
mp4_next(int fd, off_t *at, off_t end, struct mp4_box *box)
{
	unsigned char b[BOX_HEADER + 8];
	uint64_t size;
	off_t header = BOX_HEADER;

	if (end - *at < BOX_HEADER || pread(fd, b, BOX_HEADER, *at) != BOX_HEADER)
		return false;
	size = bytes_big(b, 4);
	if (size == 1) {
		if (pread(fd, b, sizeof(b), *at) != (ssize_t)sizeof(b))
			return false;
		size = bytes_big(b + BOX_HEADER, 8);
		header += 8;
	}
	if (size == 0)
		size = (uint64_t)(end - *at);
	if (size < (uint64_t)header || size > (uint64_t)(end - *at))
		return false;
	memcpy(box->type, b + 4, 4);
	box->type[4] = '\0';
	box->at = *at + header;
	box->end = *at + (off_t)size;
	*at = box->end;
	return true;
}

bool
mp4_find(int fd, struct mp4_box in, const char *type, struct mp4_box *found)
{
	off_t at = in.at;

	for (int i = 0; i < MP4_BOXES_MAX && mp4_next(fd, &at, in.end, found); i++)
		if (str_eq(found->type, type))
			return true;
	return false;
}
