/*
 * The sandbox that decodes hostile bytes: medianest-media runs under resource limits, in its own
 * namespaces (bubblewrap) without network, with /usr and nothing else of the machine, and under a
 * system call filter.
 *
 * Where namespaces are forbidden it runs under no_new_privs, the same filter (which leaves no
 * sockets and then no signals either), all that Landlock can forbid in this kernel, and the same
 * limits; media.sandbox = required refuses that. The filter and limits alone, where the kernel has
 * no Landlock, leave all files of the worker readable: only media.sandbox = seccomp allows that.
 * sandbox_init() tries the very command line that is used later. All output of the sandbox is
 * untrusted input.
 */
#ifndef MN_SERVICE_PROCESSING_SANDBOX_H
#define MN_SERVICE_PROCESSING_SANDBOX_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct error;
struct log;

/*
 * Bytes of address space of each process: the libraries and a video decoder's pictures, and, for
 * each pixel that a picture may have, what the hungriest decoders hold of one (an interlaced PNG
 * with 16 bits a channel: 8; HEIC: planes and the RGB made of them: 9).
 */
#define SANDBOX_MEMORY (1LL << 30)
#define SANDBOX_PIXEL_MEMORY 12
#define SANDBOX_FILE (64LL << 20)          /* bytes of each file written; RESULT_ASSET_SIZE_MAX */
#define SANDBOX_OUTPUT_FILES 96            /* names in the output directory */
#define SANDBOX_OUTPUT_BYTES (256LL << 20) /* of all of them */
/* tasks in the process namespace of a run: decoders start a thread for each core */
#define SANDBOX_PROCESSES 256
/* without namespaces the limit counts all tasks of the worker's user, pools and all */
#define SANDBOX_USER_PROCESSES 2048
#define SANDBOX_TMP "268435456"        /* bytes of /tmp */
#define SANDBOX_FILES 64               /* open descriptors */
#define SANDBOX_CPU 300                /* seconds of each process */
#define SANDBOX_GRACE 5                /* seconds after the child's own deadline */
#define SANDBOX_LINE_MAX (320UL << 10) /* bytes of an output line; a longer one ends the run */
/* lines of a run: medianest-media writes fewer than ten, and of a transcode one every 2 s */
#define SANDBOX_LINES_MAX 64
#define SANDBOX_TRANSCODE_CPUS 8 /* seconds of CPU in one of a transcode */
#define SANDBOX_MESSAGES 1024    /* bytes kept of standard error */
#define SANDBOX_PATH_MAX 4096
#define SANDBOX_CHARSETS_MAX 512 /* bytes, with the NUL */

#define SANDBOX_INPUT "input"     /* file and directory inside a scratch directory */
#define SANDBOX_SIDECAR "sidecar" /* a file beside it, if there is one */
#define SANDBOX_OUTPUT "out"

enum sandbox_mode { SANDBOX_BUBBLEWRAP, SANDBOX_LANDLOCK, SANDBOX_SECCOMP };

struct sandbox {
	char program[SANDBOX_PATH_MAX]; /* medianest-media */
	enum sandbox_mode mode;
	const struct log *log;
	char tag_charsets[SANDBOX_CHARSETS_MAX]; /* the setting */
};

/* A version that every browser plays, in place of thumbnails. */
struct sandbox_transcode {
	int height;          /* pixels of the shorter side, at most */
	const char *encoder; /* FFmpeg's name */
	const char *device;  /* of that encoder: the one device that it may use */
	bool copy;           /* streams that browsers play may stay as they are */
	int64_t max_bytes;   /* of the output */
};

/* The bounds of a run, and what it makes. */
struct sandbox_terms {
	int64_t max_pixels;
	int seconds;
	int turn;     /* degrees clockwise, of thumbnails and previews */
	bool inspect; /* what the file says, and no thumbnails and previews */
	const struct sandbox_transcode *transcode; /* NULL: thumbnails and previews */
};

/* A line without its end, NUL-terminated; false ends the run. */
typedef bool sandbox_line_fn(void *arg, const char *line, size_t len);

/*
 * Finds the program, tries the modes in order, chooses one and logs it. The trial needs scratch
 * space.
 */
bool sandbox_init(struct sandbox *, const struct config *, const struct log *, struct error *);
const char *sandbox_mode_name(enum sandbox_mode); /* "bubblewrap", "landlock", "seccomp" */

/*
 * Runs medianest-media over SCRATCH/input into SCRATCH/out. True when it ended by itself with
 * status 0. Otherwise: slugs timeout, resource_limit and unreadable (ERR_UNPROCESSABLE: the file's
 * fault), `stopped` when *stop became true, else ERR_INTERNAL.
 */
bool sandbox_run(const struct sandbox *, const char *scratch, const struct sandbox_terms *,
    sandbox_line_fn *, void *arg, const volatile sig_atomic_t *stop, struct error *);
/*
 * The encoder that a transcode will use: without bubblewrap no device is let into the sandbox, so
 * there it is software.
 */
const char *sandbox_encoder(const struct sandbox *, const char *encoder);
#define SANDBOX_ENCODER_SOFTWARE "libx264"

/* sandbox_filter.c: a descriptor with the compiled system call filter for bubblewrap, or -1. */
int sandbox_filter_fd(void);
/*
 * Confines the calling process without namespaces; false: it must not continue. `landlock`: paths
 * are confined too.
 */
bool sandbox_filter_self(const char *program, const char *scratch, bool landlock);
/* Landlock's ABI version; 0 = the kernel has none. */
int sandbox_landlock_abi(void);

#endif
