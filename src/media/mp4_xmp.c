/* XMP of videos: in a box of its own beside the movie, or as QuickTime has it: moov/udta/XMP_. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "media/media.h"
#include "media/mp4_box.h"
#include "media/people.h"

#include "core/banned.h"

/* "uuid" boxes begin with what they are. */
static const unsigned char xmp_id[] = { 0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71,
	0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac };

static bool
is_xmp(int fd, const struct mp4_box *box)
{
	unsigned char id[sizeof(xmp_id)];

	return box->end - box->at > (off_t)sizeof(id) &&
	    pread(fd, id, sizeof(id), box->at) == (ssize_t)sizeof(id) &&
	    memcmp(id, xmp_id, sizeof(id)) == 0;
}

static bool
find_packet(int fd, struct mp4_box *packet)
{
	struct mp4_box file, box, data;
	off_t at;

	if (!mp4_file(fd, &file))
		return false;
	at = file.at;
	for (int i = 0; i < MP4_BOXES_MAX && mp4_next(fd, &at, file.end, &box); i++) {
		if (strcmp(box.type, "uuid") == 0 && is_xmp(fd, &box)) {
			*packet = box;
			packet->at += (off_t)sizeof(xmp_id);
			return true;
		}
	}
	return mp4_find(fd, file, "moov", &box) && mp4_find(fd, box, "udta", &data) &&
	    mp4_find(fd, data, "XMP_", packet);
}

void
people_of_video(struct media_run *run)
{
	int fd = open(run->file, O_RDONLY | O_CLOEXEC);
	struct mp4_box packet;
	unsigned char *text;
	size_t n;

	if (fd < 0)
		return;
	if (find_packet(fd, &packet) && packet.end - packet.at <= (off_t)PEOPLE_XMP_MAX) {
		n = (size_t)(packet.end - packet.at);
		text = arena_alloc(run->arena, n + 1);
		if (pread(fd, text, n, packet.at) == (ssize_t)n)
			people_of_xmp(run, text, n);
	}
	close(fd);
}
