/* Signatures: the decoder for each type. */
#include "core/str.h"
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

int
main(void)
{
	static unsigned char ts[600];

	is_type(BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1"), "image/jpeg", "JPEG");
	is_type(BYTES("\x89PNG\r\n\x1a\n\0\0\0\r"), "image/png", "PNG");
	is_type(BYTES("GIF89a\1\0\1\0\0\0\0"), "image/gif", "GIF");
	is_type(BYTES("RIFF\0\0\0\0WEBPVP8 "), "image/webp", "WebP");
	is_type(BYTES("RIFF\0\0\0\0WAVEfmt "), "audio/wav", "WAV");
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
	is_type(BYTES("#EXTM3U\n#EXT-X-TARGETDURATION:1\n"), NULL, "a playlist is nothing of ours");
	is_type(BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), NULL, "nor is SVG");
	is_type(BYTES("%PDF-1.4 1 0 obj"), NULL, "nor PDF");
	is_type(BYTES("\xff\xd8"), NULL, "too short");
	return done_testing();
}
