/* Fuzz target: the parsers of medianest-media that are our own: signatures, EXIF, WebP chunks. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/dates.h"
#include "media/exif.h"
#include "media/sniff.h"
#include "media/webp.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size + 1);
	struct exif exif;
	struct media_taken taken;
	size_t n;

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	(void)sniff_bytes(copy, size < SNIFF_BYTES ? size : SNIFF_BYTES);
	if (exif_parse(copy, size, &exif)) {
		if (exif.gps &&
		    (exif.latitude < -90 || exif.latitude > 90 || exif.longitude < -180 ||
			exif.longitude > 180))
			abort();
	}
	date_of_photo(&(const struct date_blocks) { &exif, copy, copy, size, size }, &taken);
	/* Stripping a second time changes nothing. */
	n = webp_strip(copy, size);
	if (n > size || (n > 0 && webp_strip(copy, n) != n))
		abort();
	free(copy);
	return 0;
}
