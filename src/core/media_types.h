/*
 * The types of files that medianest-media reads: the one list that uploads, the setting
 * upload.types and the worker's check of results go by.
 *
 * A row is the type as the worker reports it, other names of the same that clients use, and the
 * endings of such files, separated by spaces. What decides is the file (src/media/sniff.c, whose
 * types are all here): what a client says is a hint.
 *
 * FIRST(name, aliases, endings) is the first row, X(...) each further one.
 */
#ifndef MN_CORE_MEDIA_TYPES_H
#define MN_CORE_MEDIA_TYPES_H

#define MEDIA_TYPE_TABLE(FIRST, X) \
	FIRST("image/jpeg", "image/jpg image/pjpeg image/mpo", "jpg jpeg jpe jfif mpo") \
	X("image/png", "image/x-png image/apng", "png apng") \
	X("image/webp", "", "webp") \
	X("image/gif", "", "gif") \
	X("image/heic", "image/heif image/heic-sequence image/heif-sequence", \
	    "heic heif heics heifs hif") \
	X("image/avif", "image/avif-sequence", "avif avifs") \
	X("image/tiff", "image/tif image/x-tiff image/x-tif", "tif tiff") \
	X("image/x-nikon-nef", "image/nef", "nef") \
	X("image/x-canon-cr2", "image/cr2", "cr2") \
	X("image/x-canon-cr3", "image/cr3", "cr3") \
	X("image/x-sony-arw", "image/arw", "arw") \
	X("image/x-adobe-dng", "image/dng image/x-dng", "dng") \
	X("image/x-fuji-raf", "image/raf image/x-fujifilm-raf", "raf") \
	X("image/x-olympus-orf", "image/orf", "orf") \
	X("image/x-panasonic-rw2", "image/rw2 image/x-panasonic-raw2", "rw2") \
	X("video/mp4", "video/x-m4v video/m4v application/mp4", "mp4 m4v") \
	X("video/quicktime", "video/x-quicktime", "mov qt") \
	X("video/x-matroska", "video/matroska video/x-mkv video/mkv", "mkv") \
	X("video/webm", "", "webm") \
	X("video/x-msvideo", "video/avi video/msvideo video/vnd.avi", "avi") \
	X("video/mpeg", "video/mpg video/x-mpeg video/mp2p video/dvd", "mpg mpeg vob") \
	X("video/mp2t", "video/vnd.dlna.mpeg-tts video/mts video/m2ts", "mts m2ts ts") \
	X("video/3gpp", "audio/3gpp video/3gp", "3gp 3gpp") \
	X("video/3gpp2", "audio/3gpp2 video/3g2", "3g2 3gpp2") \
	X("video/x-ms-wmv", "video/x-ms-asf application/vnd.ms-asf", "wmv asf") \
	X("video/ogg", "video/x-ogg", "ogv") \
	X("audio/mpeg", "audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3", "mp3") \
	X("audio/flac", "audio/x-flac", "flac") \
	X("audio/ogg", "audio/opus audio/x-ogg application/ogg", "ogg oga opus") \
	X("audio/mp4", "audio/m4a audio/x-m4a audio/x-m4b", "m4a m4b") \
	X("audio/x-ms-wma", "", "wma") \
	X("audio/aac", "audio/x-aac audio/aacp", "aac") \
	X("audio/wav", "audio/x-wav audio/wave audio/vnd.wave", "wav") \
	X("audio/aiff", "audio/x-aiff audio/aifc audio/x-aifc", "aif aiff aifc") \
	X("audio/x-ape", "audio/ape audio/x-monkeys-audio", "ape") \
	X("audio/x-matroska", "audio/matroska audio/x-mka", "mka") \
	X("audio/webm", "", "weba")

#define MEDIA_TYPE_NAME_FIRST(name, aliases, endings) name
#define MEDIA_TYPE_NAME_NEXT(name, aliases, endings) "," name
/* All names, separated by commas. */
#define MEDIA_TYPE_NAMES MEDIA_TYPE_TABLE(MEDIA_TYPE_NAME_FIRST, MEDIA_TYPE_NAME_NEXT)

#endif
