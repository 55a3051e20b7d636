# medianest-media: the sandboxed child that touches hostile bytes
noinst_LIBRARIES += src/libmedia.a
MEDIA_LIBS = $(VIPS_LIBS) $(WEBP_LIBS) $(PNG_LIBS) $(MAGIC_LIBS) -lm
src_libmedia_a_CPPFLAGS = $(AM_CPPFLAGS) $(VIPS_CFLAGS) $(WEBP_CFLAGS) $(PNG_CFLAGS)
src_libmedia_a_SOURCES = \
	src/media/box.c src/media/box.h \
	src/media/bytes.h \
	src/media/chapters.c src/media/chapters.h \
	src/media/charset.c src/media/charset.h \
	src/media/child.c src/media/child.h \
	src/media/codecs.c src/media/codecs.h \
	src/media/cr3.c src/media/cr3.h \
	src/media/dates.c src/media/dates.h \
	src/media/container.c src/media/container.h \
	src/media/exif.c src/media/exif.h \
	src/media/frames.c src/media/frames.h \
	src/media/heic_part.c src/media/heic_part.h \
	src/media/jpeg.c src/media/jpeg.h \
	src/media/live.c src/media/live.h \
	src/media/mapped.c src/media/mapped.h \
	src/media/media.h \
	src/media/motion.c src/media/motion.h \
	src/media/genres.c \
	src/media/id3.c \
	src/media/measure.c \
	src/media/media.h \
	src/media/mp4_box.c \
	src/media/mp4_box.h \
	src/media/mp4_tags.c \
	src/media/mp4_xmp.c \
	src/media/mpeg_audio.c src/media/mpeg_audio.h \
	src/media/look.c src/media/look.h \
	src/media/part.c src/media/part.h \
	src/media/people.c src/media/people.h \
	src/media/photo.c src/media/photo.h \
	src/media/picture.c src/media/picture.h \
	src/media/picture_formats.c \
	src/media/probe.c src/media/probe.h \
	src/media/process.c \
	src/media/raw.c src/media/raw.h \
	src/media/report.c \
	src/media/riff.c \
	src/media/sniff.c src/media/sniff.h \
	src/media/song.c src/media/song.h \
	src/media/song_tags.c src/media/song_tags.h \
	src/media/tags.c src/media/tags.h \
	src/media/thumbhash.c src/media/thumbhash.h \
	src/media/tiff.c src/media/tiff.h \
	src/media/tone.c src/media/tone.h \
	src/media/transcode.c src/media/transcode.h \
	src/media/video.c src/media/video.h \
	src/media/vorbis.c \
	src/media/webp.c src/media/webp.h
pkglibexec_PROGRAMS += medianest-media
medianest_media_SOURCES = src/bin/medianest_media.c
medianest_media_CPPFLAGS = $(AM_CPPFLAGS) $(VIPS_CFLAGS)
medianest_media_LDADD = src/libmedia.a src/libcore.a $(MEDIA_LIBS) $(CORE_LIBS)
