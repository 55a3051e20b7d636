/* What the files of the S3 client share; for src/store/s3*.c only. */
#ifndef MN_STORE_S3_INTERNAL_H
#define MN_STORE_S3_INTERNAL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "store/s3.h"
#include "store/sigv4.h"

#define S3_TRANSFER_MS (6 * 3600 * 1000L) /* total time of a request that carries an object */
/* copies and joins: the server reads and writes an object before it responds */
#define S3_SERVER_WORK_MS (600 * 1000L)
#define S3_ANSWER_MAX (16UL << 20) /* bytes of an XML answer */
#define S3_COPY_MAX (5LL << 30)    /* bytes that one CopyObject may copy */
#define S3_COPY_PART (1LL << 30)
#define S3_DELETE_MAX 1000 /* keys of one multi-object delete */
#define S3_KEY_MAX 1024    /* bytes */
#define S3_ENDPOINT_MAX 256
#define S3_NUMBER_TEXT 12 /* any int */

/* An endpoint: the one for the server, or the one for clients. */
struct s3_endpoint {
	/* scheme://host[:port], with the bucket in the host unless path style */
	char origin[S3_ENDPOINT_MAX + 80];
	char host[S3_ENDPOINT_MAX + 64]; /* value of Host */
	char path[80];                   /* "/bucket", or "" */
};

struct s3_presigner; /* s3_presign.c */

struct s3 {
	struct sigv4_signer signer;
	struct s3_endpoint inside, outside;
	char bucket[64];
	char ca_file[4096];
	int request_ms;
	CURL *curl;         /* made on first use: after the fork */
	struct arena arena; /* of one operation */
	struct s3_presigner *presigner;
};

struct s3_call {
	const char *method;
	const char *key; /* NULL: the bucket */
	const struct sigv4_pair *query;
	size_t nquery;
	/* in addition to those of every request; all are signed */
	const struct sigv4_pair *headers;
	size_t nheaders;
	int in_fd;                /* body from a file; < 0: none */
	int64_t in_from, in_size; /* this part of it */
	const char *body;         /* or from memory; NULL: none */
	size_t body_len;
	int out_fd; /* 2xx body to a file; < 0: to memory */
	int64_t out_max;
	char *into; /* or to this memory, at most into_max bytes; NULL: no */
	size_t into_max;
	bool carries;    /* the body in memory is a part of an object: it takes its time */
	long timeout_ms; /* 0: the client's */

	/* the answer */
	long status;
	struct s3_object object; /* of a part of an object, its size is the part's */
	int64_t whole;           /* and this the object's, by Content-Range; -1: it has none */
	const char *answer;      /* body, when not to a file */
	size_t answer_len;
};

#define S3_CALL(...) ((struct s3_call) { .in_fd = -1, .out_fd = -1, __VA_ARGS__ })

/*
 * Sends the request. 2xx returns true, everything else is an error as described in s3.h. Allocates
 * from s3->arena.
 */
bool s3_perform(struct s3 *, struct s3_call *, struct error *);

struct s3_presigner *s3_presigner_new(void);
void s3_presigner_free(struct s3_presigner *);

#endif
