/* Charsets of old tags, by the few characters that there are. */
#include <iconv.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/charset.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;

/* The text as an old program wrote it. */
static size_t
encode(const char *charset, const char *text, char out[256])
{
	char *in = arena_strdup(&arena, text), *to = out;
	size_t len = strlen(text), room = 256;
	iconv_t cd = iconv_open(charset, "UTF-8");

	if (cd == (iconv_t)-1 || iconv(cd, &in, &len, &to, &room) == (size_t)-1)
		ok(false, "%s can be written as %s", text, charset);
	iconv_close(cd);
	return (size_t)(to - out);
}

static void
guessed(const char *list, const char *charset, const char *text)
{
	char bytes[256];
	size_t n = encode(charset, text, bytes);
	const unsigned char *b = (const unsigned char *)bytes;
	const char *guess = charset_guess(&arena, list, b, n);

	is_str(charset_decode(&arena, guess, b, n), text, "%s of %s", text, charset);
}

int
main(void)
{
	static const struct {
		const char *charset, *text;
	} rows[] = {
		{ "UTF-8", "Plain" },
		{ "UTF-8", "Ágætis byrjun 晴天" },
		{ "GB18030", "隐形的翅膀\n张韶涵" },
		{ "GB18030", "张韶涵" },
		{ "GB18030", "月亮代表我的心\n邓丽君\n经典" },
		{ "GB18030", "晴天\n周杰伦\n叶惠美" },
		{ "GB18030", "海阔天空\nBeyond\n乐与怒" },
		{ "Big5", "月亮代表我的心\n鄧麗君" },
		{ "Big5", "青花瓷\n周杰倫" },
		{ "Shift_JIS", "夜に駆ける\nYOASOBI" },
		{ "Shift_JIS", "上を向いて歩こう\n坂本九" },
		{ "Shift_JIS", "紅蓮華\nLiSA" },
		{ "Shift_JIS", "残酷な天使のテーゼ\n高橋洋子" },
		{ "Shift_JIS", "宇多田ヒカル\nFirst Love" },
		{ "EUC-KR", "사랑 아이유\n좋은 날" },
		{ "windows-1251", "Группа крови\nКино" },
		{ "windows-1251", "Кино" },
		{ "windows-1251", "КИНО" },
		{ "windows-1251", "Звезда по имени Солнце" },
		{ "windows-1251", "Земфира\nПрости меня" },
		{ "windows-1251", "Би-2 – Полковнику никто" },
		{ "windows-1253", "Ζορμπάς\nΜίκης Θεοδωράκης" },
		{ "windows-1253", "Μάνος Χατζιδάκις\nΤα παιδιά" },
		{ "windows-1253", "Χάρις Αλεξίου" },
		{ "windows-1253", "Άννα Βίσση" },
		{ "windows-1252", "Édith Piaf\nNon, je ne regrette rien" },
		{ "windows-1252", "Björk\nJóga" },
		{ "windows-1252", "Die Ärzte\nMänner sind Schweine" },
		{ "windows-1252", "Motörhead" },
		{ "windows-1252", "Beyoncé\nDéjà Vu" },
		{ "windows-1252", "Mylène Farmer\nDésenchantée" },
		{ "windows-1252", "Maná\nOye Mi Amor\nCorazón" },
		{ "windows-1252", "Sigur Rós\nÁgætis byrjun" },
		{ "windows-1252", "Blue Öyster Cult" },
	};
	char bytes[256];
	size_t n;

	arena_init(&arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		guessed(CHARSETS_DEFAULT, rows[i].charset, rows[i].text);
	guessed("KOI8-R", "KOI8-R", "Группа крови\nКино");
	guessed("windows-1251,KOI8-R", "KOI8-R", "Группа крови\nКино");
	guessed("KOI8-R,windows-1251", "windows-1251", "Группа крови\nКино");
	guessed("windows-1250", "windows-1250", "Markéta Irglová\nŽižkov");
	guessed("", "windows-1252", "Motörhead");
	n = encode("GB18030", "张韶涵", bytes);
	is_str(charset_guess(&arena, "nonsense", (unsigned char *)bytes, n), "windows-1252",
	    "a name that nobody knows is left out");
	is_str(charset_decode(&arena, "GB18030", (const unsigned char *)"a\xff", 2),
	    "a\xef\xbf\xbd", "what cannot be decoded is replaced");
	ok(charset_known("shift_jis") && !charset_known("Shift"), "names");
	arena_clear(&arena);
	return done_testing();
}
