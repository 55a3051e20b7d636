# The page lies in $(pkgdatadir)/web as it lies here: there is nothing to build.
pagedir = $(pkgdatadir)
nobase_dist_page_DATA = \
	web/app.js \
	web/icon-192.png \
	web/icon-512.png \
	web/icon.svg \
	web/index.html \
	web/lib/api.js \
	web/lib/bus.js \
	web/lib/dom.js \
	web/lib/format.js \
	web/lib/justify.js \
	web/lib/live.js \
	web/lib/media.js \
	web/lib/router.js \
	web/lib/session.js \
	web/lib/thumbhash.js \
	web/lib/unread.js \
	web/lib/uploads.js \
	web/manifest.webmanifest \
	web/openapi.json \
	web/panels.css \
	web/style.css \
	web/ui/actions.js \
	web/ui/details.js \
	web/ui/dialog.js \
	web/ui/form.js \
	web/ui/grid.js \
	web/ui/lightbox.js \
	web/ui/player.js \
	web/ui/scrubber.js \
	web/ui/searchbox.js \
	web/ui/selection.js \
	web/ui/tile.js \
	web/ui/toast.js \
	web/ui/tray.js \
	web/ui/zoom.js \
	web/viewer.css \
	web/views/door.js \
	web/views/library.js \
	web/views/notifications.js \
	web/views/search.js \
	web/views/signin.js \
	web/views/trash.js
