#include <string.h>

#include "media/box.h"
#include "media/bytes.h"

#include "core/banned.h"

#define HEADER 8
#define LARGE_HEADER 16

bool
box_read(const unsigned char *b, size_t size, struct box *box)
{
	size_t header = HEADER;
	uint64_t whole;

	if (size < HEADER)
		return false;
	whole = bytes_big(b, 4);
	memcpy(box->type, b + 4, 4);
	box->type[4] = '\0';
	for (int i = 0; i < 4; i++)
		if (b[4 + i] < ' ' || (b[4 + i] > '~' && b[4 + i] != 0xa9))
			return false;
	if (whole == 1) {
		header = LARGE_HEADER;
		if (size < LARGE_HEADER)
			return false;
		whole = (uint64_t)bytes_big(b + 8, 4) << 32 | bytes_big(b + 12, 4);
	} else if (whole == 0) {
		whole = size; /* to the end of the file */
	}
	if (whole < header || whole > size)
		return false;
	box->data = b + header;
	box->size = (size_t)whole - header;
	box->whole = (size_t)whole;
	return true;
}

bool
box_find(const unsigned char *b, size_t size, const char *type, struct box *box)
{
	for (size_t at = 0; box_read(b + at, size - at, box); at += box->whole)
		if (strcmp(box->type, type) == 0)
			return true;
	return false;
}
