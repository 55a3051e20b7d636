#include "core/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/id.h"
#include "core/metric_internal.h"
#include "core/str.h"
#include "core/banned.h"

#define OLD_FILE "counters.shm" /* of releases that had counters only */
#define RUN_PATH_MAX 4096
#define NOTES 256         /* of names that were looked up */
#define STAT_MAX 1024     /* of /proc/PID/stat */
#define STAT_STARTTIME 20 /* fields after the name's bracket: proc(5), number 22 */

#define V(id, text) text,
#define FIXED(id, name, ...) static const char *const values_##id[] = { __VA_ARGS__ };
#include "core/metric_table.def"
#undef V

#define BUCKETS(id, scale, ...) \
	static const int64_t bounds_##id[] = { __VA_ARGS__ }; \
	static const double scale_##id = scale; \
	_Static_assert(WIDTH_##id - 2 <= METRIC_BUCKETS_MAX, "too many buckets: " #id);
#include "core/metric_table.def"

const struct metric_label_row metric_label_rows[METRIC_LABELS] = {
	[LABEL_NONE] = { .name = "" },
#define FIXED(id, label, ...) \
	[LABEL_## \
	    id] = { label, values_##id, VALUES_##id, offsetof(struct metric_layout, names.id) },
#define OPEN(id, label, max) \
	[LABEL_##id] = { label, NULL, max, offsetof(struct metric_layout, names.id) },
#include "core/metric_table.def"
};

#define ROW(id, name, help, type, a, b, c) \
	name, help, type, { LABEL_##a, LABEL_##b, LABEL_##c }, \
	{ \
		DIM_##a, DIM_##b, DIM_##c \
	}
#define CELLS(id) offsetof(struct metric_layout, cells.id)
const struct metric_row metric_rows[METRICS] = {
#define COUNTER(id, name, help, a, b, c) \
	[METRIC_##id] = { ROW(id, name, help, METRIC_COUNTER, a, b, c), 1, CELLS(id), .scale = 1 },
#define SECONDS(id, name, help, a, b, c) \
	[METRIC_## \
	    id] = { ROW(id, name, help, METRIC_COUNTER, a, b, c), 1, CELLS(id), .scale = 1e-6 },
#define GAUGE(id, name, help, a, b, c) \
	[METRIC_##id] = { ROW(id, name, help, METRIC_GAUGE, a, b, c), METRIC_PROCESSES, CELLS(id), \
		.scale = 1 },
#define HISTOGRAM(id, name, help, buckets, a, b, c) \
	[METRIC_##id] = { ROW(id, name, help, METRIC_HISTOGRAM, a, b, c), WIDTH_##buckets, \
		CELLS(id), bounds_##buckets, WIDTH_##buckets - 2, scale_##buckets },
#include "core/metric_table.def"
};

static struct metric_layout own;
struct metric_layout *metric_map = &own;

/* index of this process in metric_layout.processes; -1: not claimed yet */
static int own_place = -1;

/* --- labels --------------------------------------------------------------------------------- */

void
metric_name_write(struct metric_name *slot, const char *name)
{
	uint64_t words[METRIC_NAME_MAX / sizeof(uint64_t)] = { 0 };

	str_copy((char *)words, sizeof(words), name);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		atomic_store_explicit(&slot->text[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&slot->named, 1, memory_order_release);
}

void
metric_name_read(const struct metric_name *slot, char out[METRIC_NAME_MAX])
{
	uint64_t words[METRIC_NAME_MAX / sizeof(uint64_t)] = { 0 };

	if (atomic_load_explicit(&slot->named, memory_order_acquire) != 0)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			words[i] = atomic_load_explicit(&slot->text[i], memory_order_relaxed);
	memcpy(out, words, METRIC_NAME_MAX);
	out[METRIC_NAME_MAX - 1] = '\0';
}

uint32_t
metric_label_in(struct metric_layout *map, enum metric_label label, const char *name)
{
	const struct metric_label_row *row = &metric_label_rows[label];
	struct metric_name *names = (struct metric_name *)((char *)map + row->names);
	uint64_t hash, found;

	if (name == NULL || row->max == 0 || strlen(name) >= METRIC_NAME_MAX)
		return METRIC_OTHER;
	hash = shm_hash(SHM_HASH, name);
	if (hash == 0)
		hash = 1; /* 0 is a free place */
	for (unsigned i = 0; i < row->max; i++) {
		unsigned at = (unsigned)((hash + i) % row->max);

		found = atomic_load_explicit(&names[at].hash, memory_order_relaxed);
		/* Another process was faster if the exchange fails, perhaps with the same name. */
		if (found == 0 &&
		    atomic_compare_exchange_strong_explicit(&names[at].hash, &found, hash,
			memory_order_relaxed, memory_order_relaxed))
			found = hash;
		if (found != hash)
			continue;
		if (atomic_load_explicit(&names[at].named, memory_order_relaxed) == 0)
			metric_name_write(&names[at], name);
		return at;
	}
	return METRIC_OTHER;
}

static bool
is_named(const struct metric_name *slot, const char *name)
{
	/* A text never changes once it is written, so it can be compared in place. */
	return atomic_load_explicit(&slot->named, memory_order_acquire) != 0 &&
	    strcmp((const char *)slot->text, name) == 0;
}

/*
 * Most names are literals that are looked up again and again. A note under the address of each
 * remembers its place; it counts if the name in that place is still the same.
 */
uint32_t
metric_label(enum metric_label label, const char *name)
{
	static struct note {
		const char *name;
		enum metric_label label;
		uint32_t value;
	} notes[NOTES];
	struct note *note = &notes[((uintptr_t)name / 8 + label) % NOTES];
	const struct metric_name *names =
	    (const struct metric_name *)((const char *)metric_map + metric_label_rows[label].names);
	uint32_t value;

	if (name != NULL && note->name == name && note->label == label &&
	    is_named(&names[note->value], name))
		return note->value;
	value = metric_label_in(metric_map, label, name);
	if (value != METRIC_OTHER)
		*note = (struct note) { name, label, value };
	return value;
}

/* --- series --------------------------------------------------------------------------------- */

size_t
metric_series(const struct metric_row *row)
{
	return (size_t)row->dims[0] * row->dims[1] * row->dims[2];
}

struct metric_values
metric_values_at(const struct metric_row *row, size_t series)
{
	struct metric_values values;

	for (int i = METRIC_LABELS_MAX - 1; i >= 0; i--) {
		values.v[i] = (uint32_t)(series % row->dims[i]);
		series /= row->dims[i];
	}
	return values;
}

_Atomic uint64_t *
metric_cell(struct metric_layout *map, enum metric metric, struct metric_values values)
{
	const struct metric_row *row = &metric_rows[metric];
	size_t series = 0;

	for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
		series = series * row->dims[i] +
		    (values.v[i] < row->dims[i] ? values.v[i] : row->dims[i] - 1);
	return (_Atomic uint64_t *)((char *)map + row->cells) + series * row->width;
}

static void
add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

void
metric_add(enum metric metric, struct metric_values values, uint64_t n)
{
	add(metric_cell(metric_map, metric, values), n);
}

void
metric_observe(enum metric metric, struct metric_values values, int64_t amount)
{
	const struct metric_row *row = &metric_rows[metric];
	_Atomic uint64_t *cell = metric_cell(metric_map, metric, values);
	unsigned bucket = 0;

	while (bucket < row->nbounds && amount > row->bounds[bucket])
		bucket++;
	add(cell + bucket, 1);
	add(cell + row->nbounds + 1, (uint64_t)(amount > 0 ? amount : 0));
}

/* --- gauges --------------------------------------------------------------------------------- */

/* When the process started, in the kernel's ticks, because process ids are reused. 0: unknown. */
static uint32_t
process_start(pid_t pid)
{
	char path[64], text[STAT_MAX];
	const char *p;
	int64_t ticks;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the name may hold anything */
	for (int i = 0; p != NULL && i < STAT_STARTTIME; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return 0;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(p + 1, " "), p + 1);
	return str_to_int(path, 0, INT64_MAX, &ticks) ? (uint32_t)ticks : 0;
}

static bool
process_exists(uint64_t process)
{
	return kill((pid_t)(process >> 32), 0) == 0 || errno == EPERM;
}

bool
metric_process_lives(uint64_t process)
{
	uint32_t started = (uint32_t)process, now;

	if (process == 0 || !process_exists(process))
		return false;
	now = process_start((pid_t)(process >> 32));
	return now == 0 || started == 0 || now == started;
}

static void
clear_gauges(unsigned place)
{
	for (unsigned m = 0; m < METRICS; m++) {
		const struct metric_row *row = &metric_rows[m];
		_Atomic uint64_t *cell = (_Atomic uint64_t *)((char *)metric_map + row->cells);

		if (row->type != METRIC_GAUGE)
			continue;
		for (size_t i = 0; i < metric_series(row); i++)
			atomic_store_explicit(&cell[i * row->width + place], 0,
			    memory_order_relaxed);
	}
}

static bool
claim(unsigned place, uint64_t seen, uint64_t self)
{
	if (!atomic_compare_exchange_strong_explicit(&metric_map->processes[place], &seen, self,
		memory_order_relaxed, memory_order_relaxed))
		return false;
	clear_gauges(place);
	own_place = (int)place;
	return true;
}

/* Claims a free place, or that of a process that has ended. */
static void
claim_place(void)
{
	uint64_t self = (uint64_t)getpid() << 32 | process_start(getpid()), seen;

	for (unsigned i = 0; i < METRIC_PROCESSES; i++) {
		seen = atomic_load_explicit(&metric_map->processes[i], memory_order_relaxed);
		if ((seen == 0 || !process_exists(seen)) && claim(i, seen, self))
			return;
	}
	/* Also look for reused process ids, which costs more. */
	for (unsigned i = 0; i < METRIC_PROCESSES; i++) {
		seen = atomic_load_explicit(&metric_map->processes[i], memory_order_relaxed);
		if (!metric_process_lives(seen) && claim(i, seen, self))
			return;
	}
	own_place = METRIC_PROCESSES;
}

static void
forget_place(void)
{
	own_place = -1;
}

bool
metric_registry(struct metric_registry *out)
{
	*out = metric_map->registry;
	return metric_map != &own && uuid_valid(out->id);
}

void
metric_gauge_add(enum metric metric, struct metric_values values, int64_t n)
{
	static bool watching;

	if (!watching)
		watching = pthread_atfork(NULL, NULL, forget_place) == 0;
	if (own_place < 0)
		claim_place();
	if (own_place < METRIC_PROCESSES)
		add(metric_cell(metric_map, metric, values) + own_place, (uint64_t)n);
}

/* --- the file ------------------------------------------------------------------------------- */

bool
metric_open(const char *run_dir, struct error *err)
{
	const struct shm_file file = { .name = "metrics",
		.fingerprint = metric_fingerprint(),
		.size = sizeof(struct metric_layout),
		.fill = metric_fill };
	char path[RUN_PATH_MAX];
	void *map;

	if (metric_map != &own)
		return true;
	if ((map = shm_map(run_dir, &file, err)) == NULL)
		return false;
	metric_map = map;
	own_place = -1;
	if ((size_t)snprintf(path, sizeof(path), "%s/" OLD_FILE, run_dir) < sizeof(path))
		unlink(path);
	return true;
}
