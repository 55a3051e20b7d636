/* Signatures: the decoder for each type. */
#include <string.h>

#include "core/str.h"
#include "media/mpeg_audio.h"
#include "media/sniff.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define BYTES(s) (const unsigned char *)s, sizeof(s) - 1

static void
is_type(const unsigned char *b, size_t n, const char *want, const char *what)
{
	const struct media_type *t = sniff_bytes(b, n);

	is_str(t != NULL ? t->content_type : NULL, want, "%s", what);
}

/* Frames of 144 bytes (version 1, layer III, 48 kbit/s, 48 kHz) behind something else. */
static void
frames(void)
{
	static unsigned char b[4096];
	size_t length;

	memset(b, 0xff, 700);
	for (size_t at = 700; at + 144 <= sizeof(b); at += 144)
		memcpy(b + at, "\xff\xfb\x34\xc4", 4);
	ok(mpeg_audio_frame(b + 700, sizeof(b) - 700, &length) == MPEG_AUDIO_LAYER && length == 144,
	    "a frame and its length: %zu", length);
	ok(mpeg_audio_find(b, sizeof(b)) == MPEG_AUDIO_LAYER, "frames behind garbage");
	ok(mpeg_audio_find(b, 700 + 3 * 144) == MPEG_AUDIO_NONE, "three frames may be an accident");
	memset(b + 700 + 2 * 144, 0, 4);
	ok(mpeg_audio_find(b, 700 + 5 * 144) == MPEG_AUDIO_NONE, "and so may frames with a gap");
	ok(mpeg_audio_find(b, sizeof(b)) == MPEG_AUDIO_LAYER, "they are found behind it");
}

int
main(void)
{
	static unsigned char ts[600];

	is_type(BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1"), "image/jpeg", "JPEG");
	is_type(BYTES("\x89PNG\r\n\x1a\n\0\0\0\r"), "image/png", "PNG");
	is_type(BYTES("GIF89a\1\0\1\0\0\0\0"), "image/gif", "GIF");
	is_type(BYTES("RIFF\0\0\0\0WEBPVP8 "), "image/webp", "WebP");
	is_type(BYTES("RIFF\0\0\0\0WAVEfmt "), "audio/wav", "WAV");
	is_type(BYTES("FORM\0\0\0\0AIFFCOMM"), "audio/aiff", "AIFF");
	is_type(BYTES("FORM\0\0\0\0AIFCFVER"), "audio/aiff", "AIFF with a codec");
	is_type(BYTES("MAC \x96\x0f\0\0\x34\0\0\0"), "audio/x-ape", "Monkey's Audio");
	is_type(BYTES("RIFF\0\0\0\0AVI LIST"), "video/x-msvideo", "AVI");
	is_type(BYTES("RIFF\0\0\0\0XXXXLIST"), NULL, "another RIFF");
	is_type(BYTES("II*\0\x8\0\0\0\0\0\0\0"), "image/tiff", "TIFF");
	is_type(BYTES("FUJIFILMCCD-RAW 0201FF129502"), "image/x-fuji-raf", "RAF");
	is_type(BYTES("IIRO\x8\0\0\0\0\0\0\0"), "image/x-olympus-orf", "ORF");
	is_type(BYTES("IIU\0\x8\0\0\0\0\0\0\0"), "image/x-panasonic-rw2", "RW2");
	is_type(BYTES("II*\0\x10\0\0\0CR\2\0\0\0\0\0"), "image/x-canon-cr2", "CR2");
	is_type(BYTES("\0\0\0\x18"
		      "ftypcrx \0\0\0\1crx isom"),
	    "image/x-canon-cr3", "CR3");
	is_type(BYTES("\0\0\0\x18"
		      "ftypheic\0\0\0\0mif1heic"),
	    "image/heic", "HEIC");
	is_type(BYTES("\0\0\0\x1c"
		      "ftypmif1\0\0\0\0mif1avifmiaf"),
	    "image/avif", "AVIF by its compatible brand");
	is_type(BYTES("\0\0\0\x18"
		      "ftypmif1\0\0\0\0mif1heic"),
	    "image/heic", "HEIF by its compatible brand");
	is_type(BYTES("\0\0\0\x14"
		      "ftypisom\0\0\2\0isom"),
	    "video/mp4", "MP4");
	is_type(BYTES("\0\0\0\x14"
		      "ftypqt  \0\0\2\0qt  "),
	    "video/quicktime", "QuickTime");
	is_type(BYTES("\0\0\0\x14"
		      "ftypM4A \0\0\2\0M4A "),
	    "audio/mp4", "M4A");
	is_type(BYTES("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm\x42\x87"), "video/webm", "WebM");
	is_type(BYTES("\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska\x42\x87"), "video/x-matroska",
	    "Matroska");
	is_type(BYTES("OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x1eOpusHead"),
	    "audio/ogg", "Opus");
	is_type(BYTES("OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x2a\x80theora"),
	    "video/ogg", "Theora");
	is_type(BYTES("fLaC\0\0\0\x22\0\0\0\0"), "audio/flac", "FLAC");
	is_type(BYTES("ID3\4\0\0\0\0\0\0\0\0"), "audio/mpeg", "MP3 with a tag");
	is_type(BYTES("\xff\xfb\x90\x64\0\0\0\0\0\0\0\0"), "audio/mpeg", "MP3 frame");
	is_type(BYTES("\xff\xf1\x50\x80\0\0\0\0\0\0\0\0"), "audio/aac", "AAC frame");
	is_type(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), NULL,
	    "all ones are no frame");
	is_type(BYTES("\0\0\1\xba\x44\0\4\0\4\1\0\0"), "video/mpeg", "MPEG program stream");
	for (size_t i = 0; i < sizeof(ts); i += 188)
		ts[i] = 0x47;
	is_type(ts, sizeof(ts), "video/mp2t", "MPEG transport stream");
	memset(ts, 0, sizeof(ts));
	for (size_t i = 4; i < sizeof(ts); i += 192)
		ts[i] = 0x47;
	is_type(ts, sizeof(ts), "video/mp2t", "... with time stamps, as camcorders write it");
	is_type(BYTES("\0\0\0\x14"
		      "ftyp3gp4\0\0\2\0isom"),
	    "video/3gpp", "3GP");
	is_type(BYTES("\0\0\0\x14"
		      "ftyp3g2a\0\0\2\0isom"),
	    "video/3gpp2", "3GP2");
	is_type(BYTES("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"),
	    "video/x-ms-wmv", "Windows Media");
	is_type(BYTES("RF64\xff\xff\xff\xffWAVEds64"), "audio/wav", "WAV over 4 GB");
	is_type(BYTES("BW64\xff\xff\xff\xffWAVEds64"), "audio/wav", "... as broadcasters write it");
	is_type(BYTES("RF64\xff\xff\xff\xffXXXXds64"), NULL, "another RF64");
	frames();
	is_type(BYTES("#EXTM3U\n#EXT-X-TARGETDURATION:1\n"), NULL, "a playlist is nothing of ours");
	is_type(BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), NULL, "nor is SVG");
	is_type(BYTES("%PDF-1.4 1 0 obj"), NULL, "nor PDF");
	is_type(BYTES("\xff\xd8"), NULL, "too short");
	return done_testing();
}
