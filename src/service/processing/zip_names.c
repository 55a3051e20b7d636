#include "service/processing/zip_names.h"

#include <stdint.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define FALLBACK "file"

/* What a name has once: where the search for the next free number goes on. */
struct taken {
	const char *folded; /* NULL: free */
	unsigned next;
};

struct zip_names {
	struct arena *arena;
	struct taken *slots;
	size_t size; /* a power of two */
};

/* C1 controls, and marks that show the rest of a name in another order. */
static bool
is_unseen(const unsigned char *s, size_t len)
{
	if (len == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	if (len != 3 || s[0] != 0xe2)
		return false;
	return (s[1] == 0x80 &&
		   ((s[2] >= 0x8e && s[2] <= 0x8f) || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
	    (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

static bool
is_forbidden(unsigned char c)
{
	return c < 0x20 || c == 0x7f || strchr("<>:\"/\\|?*", c) != NULL;
}

/* CON, PRN, AUX, NUL, COM0 to COM9 and LPT0 to LPT9, whatever their ending. */
static bool
is_device(const char *name)
{
	static const char *const devices[] = { "con", "prn", "aux", "nul", "com", "lpt" };
	size_t stem = strcspn(name, ".");

	while (stem > 0 && name[stem - 1] == ' ')
		stem--;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		char head[4];

		str_copy(head, sizeof(head), name);
		if (!str_ieq(head, devices[i]))
			continue;
		/* superscript digits count as well: U+00B9, U+00B2, U+00B3 */
		return i < 4 ? stem == 3 :
			       (stem == 4 && name[3] >= '0' && name[3] <= '9') ||
			(stem == 5 && (unsigned char)name[3] == 0xc2 &&
			    strchr("\xb9\xb2\xb3", name[4]) != NULL);
	}
	return false;
}

/* Where the ending begins, or the end of the name. */
static size_t
ending_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t len = strlen(name);

	return dot == NULL || dot == name || strlen(dot) > ZIP_NAME_ENDING_MAX ?
	    len :
	    (size_t)(dot - name);
}

/* The name with `between` before its ending, cut so that it fits. */
static const char *
with(struct arena *arena, const char *name, const char *between)
{
	size_t end = ending_of(name), most = ZIP_NAME_MAX - strlen(name + end) - strlen(between);
	size_t stem = end;

	if (stem > most) {
		stem = most;
		while (stem > 0 && ((unsigned char)name[stem] & 0xc0) == 0x80)
			stem--;
	}
	return arena_printf(arena, "%.*s%s%s", (int)stem, name, between, name + end);
}

const char *
zip_name_clean(struct arena *arena, const char *name)
{
	size_t len = strlen(name), step;
	struct buf out;

	buf_init(&out, arena, 0);
	for (size_t i = 0; i < len; i += step) {
		const unsigned char *s = (const unsigned char *)name + i;

		step = utf8_sequence(s, len - i);
		if (step == 0 || is_unseen(s, step) || (step == 1 && is_forbidden(*s))) {
			buf_addc(&out, '_');
			step = step == 0 ? 1 : step;
		} else if (out.len > 0 || *s != ' ') {
			buf_add(&out, s, step);
		}
	}
	while (out.len > 0 && (out.data[out.len - 1] == ' ' || out.data[out.len - 1] == '.'))
		out.data[--out.len] = '\0';
	if (out.len == 0)
		return FALLBACK;
	return with(arena, is_device(out.data) ? arena_printf(arena, "_%s", out.data) : out.data,
	    "");
}

struct zip_names *
zip_names_new(struct arena *arena, size_t most)
{
	struct zip_names *names = arena_alloc(arena, sizeof(*names));

	names->arena = arena;
	names->size = 16;
	while (names->size < 2 * (most + 1))
		names->size *= 2;
	names->slots = arena_array(arena, names->size, sizeof(*names->slots));
	return names;
}

/* FNV-1a */
static uint64_t
hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	return h;
}

static struct taken *
slot_of(const struct zip_names *names, const char *folded)
{
	size_t i = hash(folded) & (names->size - 1);

	while (names->slots[i].folded != NULL && strcmp(names->slots[i].folded, folded) != 0)
		i = (i + 1) & (names->size - 1);
	return &names->slots[i];
}

const char *
zip_names_add(struct zip_names *names, const char *name, const char *folded)
{
	const char *clean = zip_name_clean(names->arena, name);
	const char *key = zip_name_clean(names->arena, folded);
	struct taken *first = slot_of(names, key), *slot = first;
	const char *between = "";

	while (slot->folded != NULL) {
		between = arena_printf(names->arena, " (%u)", ++first->next);
		slot = slot_of(names, with(names->arena, key, between));
	}
	*slot = (struct taken) { with(names->arena, key, between), 1 };
	return with(names->arena, clean, between);
}
