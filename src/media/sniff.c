#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <magic.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "media/mapped.h"
#include "media/mpeg_audio.h"
#include "media/raw.h"
#include "media/sniff.h"

#include "core/banned.h"

#define MAGIC_FILE "/usr/share/misc/magic.mgc"
#define TS_PACKETS 3  /* of a transport stream, one after the other, that prove it */
#define ID3_HEADER 10 /* bytes: id3v2.4.0-structure section 3.1 */
#define ID3_TAGS 4    /* in front of one file, at most */

enum type_id {
	T_JPEG,
	T_PNG,
	T_WEBP,
	T_GIF,
	T_HEIC,
	T_AVIF,
	T_TIFF,
	T_NEF, /* raw photographs, in the order of enum raw_kind */
	T_CR2,
	T_CR3,
	T_ARW,
	T_DNG,
	T_RAF,
	T_ORF,
	T_RW2,
	T_MP4,
	T_MOV,
	T_MKV,
	T_WEBM,
	T_AVI,
	T_MPEG,
	T_MPEG_VIDEO,
	T_TS,
	T_M2TS,
	T_3GP,
	T_3G2,
	T_WMV,
	T_OGV,
	T_MP3,
	T_FLAC,
	T_OGG,
	T_OPUS,
	T_M4A,
	T_M4B,
	T_WMA,
	T_AAC,
	T_WAV,
	T_AIFF,
	T_APE,
	T_MKA,
	T_WEBM_SOUND,
};

#define JPEG_LOADER "VipsForeignLoadJpeg"

static const struct media_type types[] = {
	[T_JPEG] = { "image/jpeg", "jpg", "JPEG", true, JPEG_LOADER },
	[T_PNG] = { "image/png", "png", "PNG", true, "VipsForeignLoadPng" },
	[T_WEBP] = { "image/webp", "webp", "WebP", true, "VipsForeignLoadWebp" },
	[T_GIF] = { "image/gif", "gif", "GIF", true, "VipsForeignLoadNsgif" },
	[T_HEIC] = { "image/heic", "heic", "HEIC", true, "VipsForeignLoadHeif" },
	[T_AVIF] = { "image/avif", "avif", "AVIF", true, "VipsForeignLoadHeif" },
	[T_TIFF] = { "image/tiff", "tif", "TIFF", true, "VipsForeignLoadTiff" },
	[T_NEF] = { "image/x-nikon-nef", "nef", "Nikon NEF", true, JPEG_LOADER },
	[T_CR2] = { "image/x-canon-cr2", "cr2", "Canon CR2", true, JPEG_LOADER },
	[T_CR3] = { "image/x-canon-cr3", "cr3", "Canon CR3", true, JPEG_LOADER },
	[T_ARW] = { "image/x-sony-arw", "arw", "Sony ARW", true, JPEG_LOADER },
	[T_DNG] = { "image/x-adobe-dng", "dng", "DNG", true, JPEG_LOADER },
	[T_RAF] = { "image/x-fuji-raf", "raf", "Fujifilm RAF", true, JPEG_LOADER },
	[T_ORF] = { "image/x-olympus-orf", "orf", "Olympus ORF", true, JPEG_LOADER },
	[T_RW2] = { "image/x-panasonic-rw2", "rw2", "Panasonic RW2", true, JPEG_LOADER },
	[T_MP4] = { "video/mp4", "mp4", "MP4", false, "mov" },
	[T_MOV] = { "video/quicktime", "mov", "QuickTime", false, "mov" },
	[T_MKV] = { "video/x-matroska", "mkv", "Matroska", false, "matroska" },
	[T_WEBM] = { "video/webm", "webm", "WebM", false, "matroska" },
	[T_AVI] = { "video/x-msvideo", "avi", "AVI", false, "avi" },
	[T_MPEG] = { "video/mpeg", "mpg", "MPEG", false, "mpeg" },
	[T_MPEG_VIDEO] = { "video/mpeg", "mpg", "MPEG", false, "mpegvideo" },
	[T_TS] = { "video/mp2t", "ts", "MPEG transport stream", false, "mpegts" },
	[T_M2TS] = { "video/mp2t", "m2ts", "MPEG transport stream", false, "mpegts" },
	[T_3GP] = { "video/3gpp", "3gp", "3GP", false, "mov" },
	[T_3G2] = { "video/3gpp2", "3g2", "3GP2", false, "mov" },
	[T_WMV] = { "video/x-ms-wmv", "wmv", "Windows Media", false, "asf" },
	[T_OGV] = { "video/ogg", "ogv", "Ogg video", false, "ogg" },
	[T_MP3] = { "audio/mpeg", "mp3", "MP3", false, "mp3" },
	[T_FLAC] = { "audio/flac", "flac", "FLAC", false, "flac" },
	[T_OGG] = { "audio/ogg", "ogg", "Ogg", false, "ogg" },
	[T_OPUS] = { "audio/ogg", "opus", "Opus", false, "ogg" },
	[T_M4A] = { "audio/mp4", "m4a", "M4A", false, "mov" },
	[T_M4B] = { "audio/mp4", "m4b", "M4B", false, "mov" },
	[T_WMA] = { "audio/x-ms-wma", "wma", "Windows Media audio", false, "asf" },
	[T_AAC] = { "audio/aac", "aac", "AAC", false, "aac" },
	[T_WAV] = { "audio/wav", "wav", "WAV", false, "wav" },
	[T_AIFF] = { "audio/aiff", "aiff", "AIFF", false, "aiff" },
	[T_APE] = { "audio/x-ape", "ape", "Monkey's Audio", false, "ape" },
	[T_MKA] = { "audio/x-matroska", "mka", "Matroska audio", false, "matroska" },
	[T_WEBM_SOUND] = { "audio/webm", "webm", "WebM audio", false, "matroska" },
};

static bool
at(const unsigned char *b, size_t size, size_t offset, const char *bytes, size_t n)
{
	return offset + n <= size && memcmp(b + offset, bytes, n) == 0;
}

static bool
within(const unsigned char *b, size_t size, const char *bytes, size_t n)
{
	return memmem(b, size, bytes, n) != NULL;
}

/*
 * ISO base media files (ISO/IEC 14496-12 section 4.3): looks at the major brand, then at the
 * compatible ones.
 */
static const struct media_type *
sniff_brands(const unsigned char *b, size_t size)
{
	static const struct {
		char brand[5]; /* or the start of it */
		enum type_id id;
	} brands[] = {
		{ "avif", T_AVIF },
		{ "avis", T_AVIF },
		{ "heic", T_HEIC },
		{ "heix", T_HEIC },
		{ "hevc", T_HEIC },
		{ "hevx", T_HEIC },
		{ "heim", T_HEIC },
		{ "heis", T_HEIC },
		{ "M4A ", T_M4A },
		{ "M4B ", T_M4B },
		{ "M4P ", T_M4A },
		{ "qt  ", T_MOV },
		{ "3g2", T_3G2 },
		{ "kddi", T_3G2 },
		{ "3g", T_3GP },
	};
	size_t box = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3], i, o;

	if (box > size || box < 16)
		box = size;
	for (i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
		if (at(b, size, 8, brands[i].brand, strlen(brands[i].brand)))
			return &types[brands[i].id];
	/* mif1 and msf1 mean only 'an image'; the compatible brands give the codec. */
	if (at(b, size, 8, "mif1", 4) || at(b, size, 8, "msf1", 4) || at(b, size, 8, "miaf", 4)) {
		for (o = 16; o + 4 <= box; o += 4)
			if (at(b, size, o, "avif", 4) || at(b, size, o, "avis", 4))
				return &types[T_AVIF];
		return &types[T_HEIC];
	}
	return &types[T_MP4];
}

static const struct media_type *
sniff_ogg(const unsigned char *b, size_t size)
{
	if (within(b, size, "\x80theora", 7))
		return &types[T_OGV];
	if (within(b, size, "OpusHead", 8))
		return &types[T_OPUS];
	return &types[T_OGG];
}

/*
 * Frames of MPEG audio begin where the file does; a first frame that others do not follow is enough
 * there.
 */
static const struct media_type *
sniff_mpeg_audio(const unsigned char *b, size_t size)
{
	switch (mpeg_audio_frame(b, size, NULL)) {
	case MPEG_AUDIO_LAYER: return &types[T_MP3];
	case MPEG_AUDIO_ADTS: return &types[T_AAC];
	default: return NULL;
	}
}

/*
 * Packets of 188 bytes, 192 with a time stamp before each (Blu-ray, camcorders), or 204 with a
 * checksum after each.
 */
static const struct media_type *
sniff_transport(const unsigned char *b, size_t size)
{
	static const struct {
		size_t first, packet;
		enum type_id id;
	} kinds[] = { { 0, 188, T_TS }, { 4, 192, T_M2TS }, { 0, 204, T_TS } };
	size_t i, n;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (n = 0; n < TS_PACKETS; n++)
			if (!at(b, size, kinds[i].first + n * kinds[i].packet, "\x47", 1))
				break;
		if (n == TS_PACKETS)
			return &types[kinds[i].id];
	}
	return NULL;
}

const struct media_type *
sniff_bytes(const unsigned char *b, size_t size)
{
	const struct media_type *type;
	enum raw_kind raw;

	if (size < 12)
		return NULL;
	if (at(b, size, 0, "\xff\xd8\xff", 3))
		return &types[T_JPEG];
	if (at(b, size, 0, "\x89PNG\r\n\x1a\n", 8))
		return &types[T_PNG];
	if (at(b, size, 0, "GIF87a", 6) || at(b, size, 0, "GIF89a", 6))
		return &types[T_GIF];
	if (at(b, size, 0, "RIFF", 4))
		return at(b, size, 8, "WEBP", 4) ? &types[T_WEBP] :
		    at(b, size, 8, "AVI ", 4)    ? &types[T_AVI] :
		    at(b, size, 8, "WAVE", 4)    ? &types[T_WAV] :
						   NULL;
	/* WAV over 4 GB: EBU Tech 3306, ITU-R BS.2088 */
	if (at(b, size, 0, "RF64", 4) || at(b, size, 0, "BW64", 4))
		return at(b, size, 8, "WAVE", 4) ? &types[T_WAV] : NULL;
	if (at(b, size, 0, "FORM", 4))
		return at(b, size, 8, "AIFF", 4) || at(b, size, 8, "AIFC", 4) ? &types[T_AIFF] :
										NULL;
	if (at(b, size, 0, "MAC ", 4))
		return &types[T_APE];
	raw = raw_detect(b, size);
	if (raw != RAW_NONE)
		return &types[T_NEF + (raw - RAW_NEF)];
	if (at(b, size, 0, "II*\0", 4) || at(b, size, 0, "MM\0*", 4) ||
	    at(b, size, 0, "II+\0", 4) || at(b, size, 0, "MM\0+", 4))
		return &types[T_TIFF];
	if (at(b, size, 4, "ftyp", 4))
		return sniff_brands(b, size);
	if (at(b, size, 4, "moov", 4) || at(b, size, 4, "mdat", 4) || at(b, size, 4, "wide", 4) ||
	    at(b, size, 4, "pnot", 4))
		return &types[T_MOV];
	if (at(b, size, 0, "\x1a\x45\xdf\xa3", 4))
		return within(b, size < 256 ? size : 256, "webm", 4)  ? &types[T_WEBM] :
		    within(b, size < 256 ? size : 256, "matroska", 8) ? &types[T_MKV] :
									NULL;
	if (at(b, size, 0, "OggS", 4))
		return sniff_ogg(b, size);
	if (at(b, size, 0, "fLaC", 4))
		return &types[T_FLAC];
	if (at(b, size, 0, "ID3", 3))
		return &types[T_MP3];
	if (at(b, size, 0, "\0\0\1\xba", 4))
		return &types[T_MPEG];
	if (at(b, size, 0, "\0\0\1\xb3", 4))
		return &types[T_MPEG_VIDEO];
	if (at(b, size, 0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8))
		return &types[T_WMV];
	if ((type = sniff_transport(b, size)) != NULL)
		return type;
	return sniff_mpeg_audio(b, size);
}

bool
sniff_is_raw(const struct media_type *type)
{
	return type >= &types[T_NEF] && type <= &types[T_RW2];
}

const struct media_type *
sniff_sound_only(const struct media_type *type)
{
	switch (type - types) {
	case T_MP4:
	case T_3GP:
	case T_3G2:
	case T_MOV: return &types[T_M4A];
	case T_WMV: return &types[T_WMA];
	case T_MKV: return &types[T_MKA];
	case T_WEBM: return &types[T_WEBM_SOUND];
	case T_OGV: return &types[T_OGG];
	default: return type;
	}
}

bool
sniff_names_sound(const struct media_type *type)
{
	return str_starts(type->content_type, "audio/");
}

/* Bytes of the ID3v2 tag at the start of b, header and footer counted; 0: there is none. */
static size_t
id3_size(const unsigned char *b, size_t n)
{
	size_t size;

	if (n < ID3_HEADER || memcmp(b, "ID3", 3) != 0 || ((b[6] | b[7] | b[8] | b[9]) & 0x80) != 0)
		return 0;
	size = (size_t)b[6] << 21 | (size_t)b[7] << 14 | (size_t)b[8] << 7 | b[9];
	return ID3_HEADER + size + ((b[5] & 0x10) != 0 ? ID3_HEADER : 0);
}

/*
 * What follows tags that any sound may have in front, zeros that some tools leave behind them, and
 * other rests before the first frame. NULL: no sound that we know.
 */
static const struct media_type *
sniff_behind(struct arena *arena, int fd)
{
	unsigned char *b = arena_alloc(arena, SNIFF_SEARCH);
	const struct media_type *type;
	size_t skip, where;
	off_t from = 0;
	ssize_t n;

	for (int i = 0; i < ID3_TAGS; i++) {
		n = pread(fd, b, SNIFF_SEARCH, from);
		if (n <= 0 || (skip = id3_size(b, (size_t)n)) == 0)
			break;
		from += (off_t)skip;
	}
	n = pread(fd, b, SNIFF_SEARCH, from);
	if (n <= 0)
		return NULL;
	for (where = 0; where < (size_t)n && b[where] == 0;)
		where++;
	type = sniff_bytes(b + where, (size_t)n - where);
	if (type == &types[T_FLAC])
		return type;
	switch (mpeg_audio_find(b, (size_t)n)) {
	case MPEG_AUDIO_LAYER: return &types[T_MP3];
	case MPEG_AUDIO_ADTS: return &types[T_AAC];
	default: return NULL;
	}
}

/* libmagic's type of the file, or "". */
static const char *
magic_type(struct arena *arena, const unsigned char *b, size_t size)
{
	magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);
	const char *text = NULL;

	if (magic == NULL)
		return "";
	if (magic_load(magic, access(MAGIC_FILE, R_OK) == 0 ? MAGIC_FILE : NULL) == 0)
		text = magic_buffer(magic, b, size);
	text = text != NULL ? utf8_clean(arena, text, strlen(text), 100) : "";
	magic_close(magic);
	return text;
}

/* The name of a refused type in messages. */
static const char *
refused_label(const char *mime)
{
	static const struct {
		const char *mime, *label;
	} labels[] = {
		{ "image/svg+xml", "an SVG drawing" },
		{ "application/pdf", "a PDF document" },
		{ "text/html", "a web page" },
		{ "application/zip", "a ZIP archive" },
		{ "application/x-mpegurl", "a playlist" },
		{ "application/vnd.apple.mpegurl", "a playlist" },
		{ "audio/x-mpegurl", "a playlist" },
		{ "text/plain", "a text file" },
		{ "text/xml", "an XML document" },
		{ "image/bmp", "a BMP picture" },
		{ "image/x-ms-bmp", "a BMP picture" },
		{ "image/jxl", "a JPEG XL picture" },
		{ "image/vnd.adobe.photoshop", "a Photoshop document" },
		{ "audio/midi", "a MIDI file" },
		{ "video/x-flv", "a Flash video" },
	};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (str_eq(mime, labels[i].mime))
			return labels[i].label;
	return "a file of another type";
}

/*
 * Rejects raw photos, which are TIFF files too, and 'pictures' that libmagic recognises as text or
 * a document.
 */
static bool
contradicts(const struct media_type *type, const char *mime)
{
	if (type == &types[T_TIFF])
		return !str_eq(mime, "image/tiff");
	if (sniff_is_raw(type))
		return false;
	return str_starts(mime, "text/") || str_starts(mime, "image/svg") ||
	    str_eq(mime, "application/pdf") || str_eq(mime, "application/zip") ||
	    str_eq(mime, "application/x-executable");
}

/* The directory of a TIFF, and what it points to, may be anywhere in the file. */
static const struct media_type *
raw_type(struct arena *arena, const char *path, const struct media_type *type)
{
	struct mapped file;
	enum raw_kind raw;

	if (!mapped_open(arena, path, &file))
		return type;
	raw = raw_detect(file.data, file.size);
	return raw != RAW_NONE ? &types[T_NEF + (raw - RAW_NEF)] : type;
}

bool
sniff_file(struct arena *arena, const char *path, const struct media_type **out, struct error *err)
{
	unsigned char *b = arena_alloc(arena, SNIFF_BYTES);
	const struct media_type *type = NULL, *behind;
	const char *mime;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0) {
		n = pread(fd, b, SNIFF_BYTES, 0);
		type = n > 0 ? sniff_bytes(b, (size_t)n) : NULL;
		if (n > 0 && (type == NULL || at(b, (size_t)n, 0, "ID3", 3)) &&
		    (behind = sniff_behind(arena, fd)) != NULL)
			type = behind;
		close(fd);
	}
	if (n < 0)
		return error_slug(err, ERR_INTERNAL, "internal", "The file could not be opened.");
	if (n == 0)
		return error_slug(err, ERR_UNPROCESSABLE, "empty",
		    "The file is empty. Upload another file.");
	if (type == &types[T_TIFF])
		type = raw_type(arena, path, type);
	mime = magic_type(arena, b, (size_t)n);
	if (type == NULL || contradicts(type, mime)) {
		error_slug(err, ERR_UNPROCESSABLE, "unsupported_type",
		    "This is %s, which is not supported. Upload a picture, a video or a song.",
		    refused_label(mime));
		return error_detail(err, "libmagic says %s", mime);
	}
	*out = type;
	return true;
}
