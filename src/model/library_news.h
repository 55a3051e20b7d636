/* What is new in a library. Strings belong to the arena of the call. */
#ifndef MN_MODEL_LIBRARY_NEWS_H
#define MN_MODEL_LIBRARY_NEWS_H

struct library_news {
	const char *media_id, *title, *kind;
	const char *section_title, *section_id;
	const char *above_id, *above_title; /* its series or album, also of itself; or NULL */
};

#endif
