/*
 * Closed sets of words (kinds, roles, states): each is a list macro, written once. LIST(X) is
 * X("one") X("two") ..., or X(ONE, "one") X(TWO, "two") ... where an enum goes with it.
 *
 * A field rule takes such a list as its choices:
 *
 *	{ "kind", FIELD_ENUM, .choices = CHOICES(MEDIA_KIND_LIST) },
 */
#ifndef MN_CORE_WORDS_H
#define MN_CORE_WORDS_H

#define WORDS_CHOICE(word) "|" word
#define WORDS_NAMED_CHOICE(id, word) "|" word

/* "one|two": a constant, good in static tables. */
#define CHOICES(LIST) (&("" LIST(WORDS_CHOICE))[1])
#define NAMED_CHOICES(LIST) (&("" LIST(WORDS_NAMED_CHOICE))[1])

/* The text of a number that is a macro, for SQL. */
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

#endif
