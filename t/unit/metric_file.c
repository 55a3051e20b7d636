/* The metrics' file: created by many processes at once, damaged, or with another layout. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/metric.h"
#include "core/metric_internal.h"
#include "core/str.h"
#include "t/unit/metric_children.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define CHILDREN 6
#define PATH_SIZE 320

static int
files(char *last)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(last, PATH_SIZE, "%s/%s", dir, entry->d_name);
		n++;
	}
	closedir(d);
	return n;
}

static void
add_one(int unused)
{
	metric_add(METRIC_DB_ERRORS, UNLABELLED, 1);
}

static void
expect_errors(int want)
{
	int got = (int)value_of(METRIC_DB_ERRORS, UNLABELLED);

	if (got != want) {
		printf("# %d, not %d\n", got, want);
		_exit(1);
	}
}

static void
open_at_once(int want)
{
	pid_t children[CHILDREN];
	bool well = true;

	for (int i = 0; i < CHILDREN; i++)
		children[i] = start(add_one, 0);
	for (int i = 0; i < CHILDREN; i++)
		well = ended_well(children[i]) && well;
	ok(well && ended_well(start(expect_errors, want)),
	    "processes that start at once share one file: %d", want);
}

static void
test_file(void)
{
	char path[PATH_SIZE], old[PATH_SIZE];
	struct stat st;
	int fd;

	fresh_dir();
	snprintf(old, sizeof(old), "%s/counters.shm", dir);
	fd = open(old, O_RDWR | O_CREAT, 0600);
	close(fd);
	open_at_once(CHILDREN);
	is_int(files(path), 1, "and leave nothing else, that of an old release included");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660, "for the group too");
	ok(st.st_blocks * 512 >= st.st_size, "all of it is reserved");
	ok(truncate(path, 100) == 0 && ended_well(start(expect_errors, 0)),
	    "a file of the wrong length is replaced");
	clear_dir();
	ok(!ended_well(start(add_one, 0)), "without a run directory there is no file");
	metric_add(METRIC_DB_ERRORS, UNLABELLED, 1);
	is_int(value_of(METRIC_DB_ERRORS, UNLABELLED), 1, "but a process counts for itself");
}

#define OLD_REGISTRY "01890000-0000-7000-8000-000000000001"

/* A file of another build: other order, other limits, one metric with another declaration. */
struct old_layout {
	struct shm_head head;
	uint64_t format, nlabels, nmetrics;
	struct metric_registry registry;
	struct metric_label_note labels[4];
	struct metric_note metrics[4];
	struct metric_name none[1], outcome[2], kind[2];
	_Atomic uint64_t jobs[3 * 3], errors[1], redis[1], duration[WIDTH_LATENCY];
};

static uint64_t
declared(enum metric metric)
{
	static struct metric_layout map;

	metric_fill(&map, NULL, 0);
	return map.metrics[metric].hash;
}

static void
name_old(struct metric_name *slot, const char *name)
{
	atomic_store(&slot->hash, shm_hash(SHM_HASH, name));
	metric_name_write(slot, name);
}

#define AT(member) offsetof(struct old_layout, member)

static void
make_old(struct old_layout *old, uint64_t changed)
{
	memset(old, 0, sizeof(*old));
	old->head = (struct shm_head) { 1, sizeof(*old) };
	old->format = METRIC_FORMAT;
	old->nlabels = 4;
	old->nmetrics = 4;
	str_copy(old->registry.id, sizeof(old->registry.id), OLD_REGISTRY);
	old->registry.created = 1;
	old->labels[1] = (struct metric_label_note) { 0, AT(none), 0 };
	old->labels[2] = (struct metric_label_note) { 0, AT(outcome), 2 };
	old->labels[3] = (struct metric_label_note) { 0, AT(kind), 2 };
	name_old(&old->outcome[0], "dead");
	name_old(&old->outcome[1], "done");
	name_old(&old->kind[0], "mail.send");
	name_old(&old->kind[1], "media.process");
	old->metrics[0] =
	    (struct metric_note) { declared(METRIC_DB_ERRORS), AT(errors), 1, { 1, 1, 1 } };
	old->metrics[1] = (struct metric_note) { declared(METRIC_JOBS), AT(jobs), 1, { 3, 2, 1 } };
	old->metrics[2] =
	    (struct metric_note) { declared(METRIC_REDIS_ERRORS) ^ 1, AT(redis), 1, { 1, 1, 1 } };
	/* of other labels, or as it is now */
	old->metrics[3] = (struct metric_note) { declared(METRIC_HTTP_DURATION) ^ changed,
		AT(duration), WIDTH_LATENCY, { 1, 1, 1 } };
	atomic_store(&old->errors[0], 41);
	atomic_store(&old->redis[0], 7);
	atomic_store(&old->jobs[0 * 3 + 1], 11); /* mail.send, done */
	atomic_store(&old->jobs[1 * 3 + 0], 12); /* media.process, dead */
	atomic_store(&old->jobs[2 * 3 + 1], 13); /* other, done */
}

static void
write_old(const struct old_layout *old, size_t size)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/metrics-0000000000000001.shm", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0660);
	if (fd < 0 || write(fd, old, size) != (ssize_t)size)
		ok(false, "%s is written", path);
	close(fd);
}

static void
expect_registry(int the_old_one)
{
	struct metric_registry registry;

	expect_errors(41);
	if (!metric_registry(&registry) ||
	    str_eq(registry.id, OLD_REGISTRY) != (the_old_one == 1) ||
	    (registry.created == 1) != (the_old_one == 1))
		_exit(1);
}

static void
expect_carried(int unused)
{
	uint32_t mail = metric_label(LABEL_JOB_KIND, "mail.send"),
		 media = metric_label(LABEL_JOB_KIND, "media.process");

	expect_errors(41);
	if (value_of(METRIC_JOBS, LABELS(mail, VALUE_JOB_DONE)) != 11 ||
	    value_of(METRIC_JOBS, LABELS(media, VALUE_JOB_DEAD)) != 12 ||
	    value_of(METRIC_JOBS, LABELS(METRIC_OTHER, VALUE_JOB_DONE)) != 13 ||
	    value_of(METRIC_REDIS_ERRORS, UNLABELLED) != 0)
		_exit(1);
	expect_registry(1);
}

static void
test_layout(void)
{
	struct old_layout old;
	char path[PATH_SIZE];
	void *map;
	int fd;

	fresh_dir();
	make_old(&old, 0);
	write_old(&old, sizeof(old));
	files(path);
	fd = open(path, O_RDWR);
	map = mmap(NULL, sizeof(old), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	ok(ended_well(start(expect_carried, 0)), "metrics that are declared as before go on");
	is_int(files(path), 1, "the old file is gone");
	ok(strstr(path, "0000000000000001") == NULL, "and another is there");
	((struct old_layout *)map)->errors[0]++;
	munmap(map, sizeof(old));
	ok(ended_well(start(expect_errors, 41)), "writing to the old mapping harms nobody");
	clear_dir();
	fresh_dir();
	make_old(&old, 1);
	write_old(&old, sizeof(old));
	ok(ended_well(start(expect_registry, 0)),
	    "counters that do not go on are another registry");
}

/* A file with another layout is read only within its bounds, whatever it contains. */
static void
test_hostile(void)
{
	struct old_layout old;
	uint64_t *words = (uint64_t *)&old;
	static const uint64_t evil[] = { 0, 1, 7, 1 << 20, UINT64_MAX, UINT64_MAX / 2,
		UINT64_MAX - 7 };
	struct metric_layout *fresh = malloc(sizeof(*fresh));
	unsigned tried = 0;

	for (size_t i = 2; i < AT(jobs) / sizeof(uint64_t); i++) {
		for (size_t k = 0; k < sizeof(evil) / sizeof(evil[0]); k++) {
			struct old_layout *exact = malloc(sizeof(*exact));

			make_old(&old, 0);
			words[i] = evil[k];
			memcpy(exact, &old, sizeof(old));
			memset(fresh, 0, sizeof(*fresh));
			metric_fill(fresh, exact, sizeof(*exact));
			free(exact);
			tried++;
		}
	}
	for (size_t size = 0; size < sizeof(old); size += 8) {
		void *cut = malloc(size + 1);

		make_old(&old, 0);
		memcpy(cut, &old, size);
		memset(fresh, 0, sizeof(*fresh));
		metric_fill(fresh, cut, size);
		free(cut);
	}
	ok(tried > 100, "%u false numbers and every shorter file were read", tried);
	free(fresh);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	test_file();
	test_layout();
	test_hostile();
	clear_dir();
	return done_testing();
}
