/* The kinds that the server knows, one line each: t/111-inputs.t compares. */

/*
 * Of media: the word for one, its glyph where there is no picture; named: people know it by title,
 * not by sight; page: it opens as a page of its own, not in the lightbox.
 */
export const MEDIA = {
	image: { word: 'photo', glyph: 'photos' },
	video: { word: 'video', glyph: 'film' },
	audio: { word: 'song', glyph: 'music', named: true },
	movie: { word: 'film', glyph: 'film', named: true, page: true },
	show: { word: 'series', glyph: 'film', named: true, page: true },
	season: { word: 'season', glyph: 'film', named: true, page: true },
	episode: { word: 'episode', glyph: 'film', named: true, page: true },
	artist: { word: 'artist', glyph: 'person', named: true, page: true },
	album: { word: 'album', glyph: 'music', named: true, page: true },
	track: { word: 'song', glyph: 'music', named: true, page: true },
	other: { word: 'file', glyph: 'file', named: true },
};

/* Of notifications: the icon. */
export const NOTIFICATIONS = {
	'media.ready': 'check',
	'media.failed': 'alert',
	'media.played': 'film',
	'share.new': 'people',
	'share.added': 'album',
	'download.ready': 'download',
	'library.new': 'film',
	'request.created': 'bell',
	'request.approved': 'bell',
	'request.declined': 'bell',
	'request.available': 'bell',
	'sync.completed': 'bell',
	'sync.failed': 'alert',
	'alert.raised': 'alert',
	'alert.cleared': 'bell',
	'system.event': 'alert',
	'session.ended': 'alert',
	'system.broadcast': 'bell',
};

export const mediaKind = (kind) => MEDIA[kind] ?? MEDIA.other;
