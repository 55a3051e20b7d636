EXTRA_DIST += nginx/storage.conf.in
EXTRA_DIST += nginx/notifyd.conf.in
