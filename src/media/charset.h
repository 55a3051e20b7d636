/*
 * Text of old tags says nothing about its charset, or says ISO 8859-1 whatever it is.
 *
 * Each charset that the house may have is tried on all such text of a file together: what does not
 * decode is out, and what is left is judged by how its language is written (frequent characters of
 * CJK sets, words of one script, capitals at their start, accents). A few characters are often all
 * that there is, which is too little for detectors that count letters.
 */
#ifndef MN_MEDIA_CHARSET_H
#define MN_MEDIA_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* As media.tag_charsets. */
#define CHARSETS_DEFAULT "GB18030,Big5,Shift_JIS,EUC-KR,windows-1251,windows-1253"
#define CHARSET_SAMPLE (16UL << 10) /* bytes that are judged */

/* Whether it is one of those that can be judged; the case does not matter. */
bool charset_known(const char *name);
/*
 * The most likely one of a comma-separated list, earlier ones first where two are as likely;
 * "windows-1252", the ISO 8859-1 of practice, is always among them, and "UTF-8" comes before all.
 */
const char *charset_guess(struct arena *, const char *list, const unsigned char *, size_t);
/* In UTF-8; what cannot be decoded becomes U+FFFD. */
char *charset_decode(struct arena *, const char *charset, const unsigned char *, size_t);

#endif
