EXTRA_DIST += nginx/storage.conf.in
