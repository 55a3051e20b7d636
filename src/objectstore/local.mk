noinst_LIBRARIES += src/libobjectstore.a
src_libobjectstore_a_SOURCES = \
	src/objectstore/objects.c \
	src/objectstore/objects.h \
	src/objectstore/objects_blob.c \
	src/objectstore/objects_checksum.c \
	src/objectstore/objects_checksum.h \
	src/objectstore/objects_chunked.c \
	src/objectstore/objects_crc.c \
	src/objectstore/objects_crc.h \
	src/objectstore/objects_internal.h \
	src/objectstore/objects_list.c \
	src/objectstore/objects_multipart.c \
	src/objectstore/objects_names.c \
	src/objectstore/objectstore.h \
	src/objectstore/protocol.c \
	src/objectstore/protocol.h \
	src/objectstore/protocol_body.c \
	src/objectstore/protocol_get.c \
	src/objectstore/protocol_list.c \
	src/objectstore/protocol_multi.c \
	src/objectstore/protocol_put.c \
	src/objectstore/protocol_request.c
