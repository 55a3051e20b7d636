/* What the routes of Overseerr and of its requests show alike. */
#ifndef MN_HANDLERS_REQUEST_VIEW_H
#define MN_HANDLERS_REQUEST_VIEW_H

struct json;

/* The member posterUrl: at TMDB, of the size that a card needs; nothing for NULL. */
void poster_view(struct json *, const char *poster_path);

#endif
