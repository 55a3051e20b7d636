#include <stdio.h>

#include <vips/vips.h>

#include "core/error.h"
#include "media/picture.h"

#include "core/banned.h"

bool
picture_formats(FILE *out)
{
	static const struct {
		const char *name, *loader;
	} formats[] = { { "jpeg", "jpegload" }, { "png", "pngload" }, { "webp", "webpload" },
		{ "gif", "gifload" }, { "heif", "heifload" }, { "tiff", "tiffload" } };
	struct error err;

	if (!picture_start(&err))
		return false;
	fprintf(out, "libvips %s\n", vips_version_string());
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (vips_type_find("VipsForeignLoad", formats[i].loader) != 0)
			fprintf(out, " %s\n", formats[i].name);
	return fflush(out) == 0;
}
