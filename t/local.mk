# Unit tests (C, no servers) and the style test run in `make check`; t/NNN-*.t against real stacks
# run in `./dev check`.
# A new unit test: t/unit/NAME.c and one line in check_PROGRAMS. It links with ALL_LIBS unless it
# has a _LDADD of its own.
LDADD = $(ALL_LIBS)
check_PROGRAMS += \
	t/unit/access \
	t/unit/arena \
	t/unit/clock \
	t/unit/encode \
	t/unit/error \
	t/unit/id \
	t/unit/json_in \
	t/unit/json_out \
	t/unit/json_split \
	t/unit/log \
	t/unit/metric \
	t/unit/network \
	t/unit/metric_file \
	t/unit/outside \
	t/unit/str \
	t/unit/token \
	t/unit/totp

check_PROGRAMS += t/unit/dispatch t/unit/fcgi t/unit/input t/unit/multipart t/unit/path \
	t/unit/prefork \
	t/unit/protocol t/unit/route
t_unit_fcgi_LDADD = $(t_unit_dispatch_LDADD)
t_unit_prefork_LDADD = $(t_unit_dispatch_LDADD)
t_unit_dispatch_LDADD = src/libhttp.a $(ALL_LIBS) $(HTTP_LIBS)
t_unit_input_LDADD = $(t_unit_dispatch_LDADD)
t_unit_multipart_LDADD = $(t_unit_dispatch_LDADD)
t_unit_protocol_LDADD = $(t_unit_dispatch_LDADD)
t_unit_path_LDADD = $(t_unit_dispatch_LDADD)
t_unit_route_LDADD = $(t_unit_dispatch_LDADD)

check_PROGRAMS += t/unit/upload_type
check_PROGRAMS += t/unit/crc t/unit/s3_presign t/unit/sigv4 t/unit/xml

# Fuzz targets: t/fuzz/NAME.c has LLVMFuzzerTestOneInput(); here it replays t/fuzz/corpus/NAME,
# with --enable-fuzzers it fuzzes.
check_PROGRAMS += t/fuzz/replay_json t/fuzz/replay_json_split
t_fuzz_replay_json_SOURCES = t/fuzz/json.c t/fuzz/replay.c
t_fuzz_replay_json_split_SOURCES = t/fuzz/json_split.c t/fuzz/replay.c
check_PROGRAMS += t/fuzz/replay_input t/fuzz/replay_request
t_fuzz_replay_input_SOURCES = t/fuzz/input.c t/fuzz/replay.c
t_fuzz_replay_input_LDADD = $(t_unit_dispatch_LDADD)
t_fuzz_replay_request_SOURCES = t/fuzz/request.c t/fuzz/replay.c
t_fuzz_replay_request_LDADD = $(t_unit_dispatch_LDADD)
check_PROGRAMS += t/fuzz/replay_multipart t/fuzz/replay_raw
t_fuzz_replay_multipart_SOURCES = t/fuzz/multipart.c t/fuzz/replay.c
t_fuzz_replay_multipart_LDADD = $(t_unit_dispatch_LDADD)
t_fuzz_replay_raw_SOURCES = t/fuzz/raw.c t/fuzz/replay.c
t_fuzz_replay_raw_LDADD = $(t_unit_dispatch_LDADD)
check_PROGRAMS += t/fuzz/replay_sigv4 t/fuzz/replay_store_xml
t_fuzz_replay_sigv4_SOURCES = t/fuzz/sigv4.c t/fuzz/replay.c
t_fuzz_replay_store_xml_SOURCES = t/fuzz/store_xml.c t/fuzz/replay.c
t_fuzz_replay_store_xml_LDADD = src/libobjectstore.a $(t_unit_dispatch_LDADD)
if FUZZERS
noinst_PROGRAMS += t/fuzz/fuzz_input t/fuzz/fuzz_request
noinst_PROGRAMS += t/fuzz/fuzz_multipart t/fuzz/fuzz_raw
t_fuzz_fuzz_multipart_SOURCES = t/fuzz/multipart.c
t_fuzz_fuzz_multipart_LDADD = $(t_unit_dispatch_LDADD)
t_fuzz_fuzz_multipart_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_fuzz_raw_SOURCES = t/fuzz/raw.c
t_fuzz_fuzz_raw_LDADD = $(t_unit_dispatch_LDADD)
t_fuzz_fuzz_raw_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += t/fuzz/fuzz_sigv4 t/fuzz/fuzz_store_xml
t_fuzz_fuzz_sigv4_SOURCES = t/fuzz/sigv4.c
t_fuzz_fuzz_sigv4_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_fuzz_store_xml_SOURCES = t/fuzz/store_xml.c
t_fuzz_fuzz_store_xml_LDADD = $(t_fuzz_replay_store_xml_LDADD)
t_fuzz_fuzz_store_xml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_fuzz_input_SOURCES = t/fuzz/input.c
t_fuzz_fuzz_input_LDADD = $(t_unit_dispatch_LDADD)
t_fuzz_fuzz_input_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_fuzz_request_SOURCES = t/fuzz/request.c
t_fuzz_fuzz_request_LDADD = $(t_unit_dispatch_LDADD)
t_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += t/fuzz/fuzz_json t/fuzz/fuzz_json_split
t_fuzz_fuzz_json_split_SOURCES = t/fuzz/json_split.c
t_fuzz_fuzz_json_split_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_fuzz_json_SOURCES = t/fuzz/json.c
t_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

TEST_EXTENSIONS = .t
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
T_LOG_DRIVER = $(TAP_DRIVER)
T_LOG_COMPILER = $(PERL)
style_tests = t/010-style.t t/011-sql-queries.t t/012-text.t
TESTS = $(check_PROGRAMS) $(style_tests)

EXTRA_DIST += $(style_tests) t/unit/tap.h t/unit/metric_children.h t/fuzz/corpus t/lib

# The tests against real stacks go into the archive as they lie.
dist-hook:
	$(MKDIR_P) "$(distdir)/t/faults" && cp -p "$(srcdir)"/t/*.t "$(distdir)/t" && cp -p \
		"$(srcdir)"/t/faults/*.t "$(distdir)/t/faults"

check_PROGRAMS += t/unit/dates t/unit/exif t/unit/look t/unit/process_result t/unit/sandbox \
	t/unit/sniff t/unit/taken t/unit/thumbhash
t_unit_exif_LDADD = src/libmedia.a src/libcore.a $(MEDIA_LIBS) $(CORE_LIBS)
t_unit_dates_LDADD = $(t_unit_exif_LDADD)
t_unit_sniff_LDADD = $(t_unit_exif_LDADD)
check_PROGRAMS += t/unit/charset
t_unit_charset_LDADD = $(t_unit_exif_LDADD)
t_unit_thumbhash_LDADD = $(t_unit_exif_LDADD)
t_unit_look_LDADD = $(t_unit_exif_LDADD)
# Times searches on a database of your own: see t/bench/search.
EXTRA_DIST += t/bench/plans t/bench/search
noinst_PROGRAMS += t/bench/search-bench
t_bench_search_bench_SOURCES = t/bench/search_bench.c

check_PROGRAMS += t/unit/alert_step t/unit/doctor
EXTRA_DIST += t/data/alerts.txt

check_PROGRAMS += t/unit/config t/unit/list t/unit/crypto t/unit/redis_url t/unit/search_fuse \
	t/unit/search_leg t/unit/search_parse t/unit/search_words

# The S3 client against a server: run by t/150-s3-embedded.t and t/151-s3-foreign.t.
noinst_PROGRAMS += t/tools/s3-check
t_tools_s3_check_SOURCES = t/tools/s3_check.c
EXTRA_DIST += t/bench/notifyd

# The wrappers of PostgreSQL and Redis against real servers: run by t/030-store.t.
noinst_PROGRAMS += t/tools/store-check
t_tools_store_check_SOURCES = t/tools/store_check.c
# The legs of a search against a real catalogue: run by t/041-search-legs.t.
noinst_PROGRAMS += t/tools/search-check
t_tools_search_check_SOURCES = t/tools/search_check.c

# The sync against a real database: run by t/410-sync.t and t/411-sync-model.t.
noinst_PROGRAMS += t/tools/sync-check
t_tools_sync_check_SOURCES = t/tools/sync_check.c
noinst_PROGRAMS += t/tools/sync-model
t_tools_sync_model_SOURCES = t/tools/sync_model.c t/tools/sync_model_server.c t/tools/sync_model.h
EXTRA_DIST += t/410-sync.t t/411-sync-model.t t/412-sync-faults.t t/414-sync-work.t
EXTRA_DIST += t/413-servers.t

# What the processes of a stack have measured: read by t/060-metrics.t.
noinst_PROGRAMS += t/tools/metric-read
t_tools_metric_read_SOURCES = t/tools/metric_read.c
EXTRA_DIST += t/faults/050-redis-restart.t
EXTRA_DIST += t/faults/070-webhooks-out.t
# Loaded into the parts of a stack by t/faults/084-clock.t, which compiles it.
EXTRA_DIST += t/faults/rows.txt t/tools/moved_clock.c
EXTRA_DIST += t/042-phrases.t
EXTRA_DIST += t/401-plex-stand-in.t
EXTRA_DIST += t/420-webhooks-in.t t/421-hook-storm.t
EXTRA_DIST += t/400-media-servers.t t/401-plex-stand-in.t
EXTRA_DIST += t/400-media-servers.t t/401-plex-stand-in.t t/402-plex-house.t
EXTRA_DIST += t/450-requests.t t/451-requests-prism.t t/452-requests-faults.t
EXTRA_DIST += t/453-titles.t
EXTRA_DIST += t/254-sockets-hostile.t t/255-live-upload.t
EXTRA_DIST += t/256-sockets-crowd.t t/440-notifications.t
# Parts of notes, as a sync adds them: used by t/440-notifications.t.
noinst_PROGRAMS += t/tools/notify-parts
t_tools_notify_parts_SOURCES = t/tools/notify_parts.c
check_PROGRAMS += t/unit/notify

check_PROGRAMS += t/unit/hook_read t/fuzz/replay_hook
t_fuzz_replay_hook_SOURCES = t/fuzz/hook.c t/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += t/fuzz/fuzz_hook
t_fuzz_fuzz_hook_SOURCES = t/fuzz/hook.c
t_fuzz_fuzz_hook_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
check_PROGRAMS += t/fuzz/replay_search
t_fuzz_replay_search_SOURCES = t/fuzz/search.c t/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += t/fuzz/fuzz_search
t_fuzz_fuzz_search_SOURCES = t/fuzz/search.c
t_fuzz_fuzz_search_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# The measurements: ./dev bench.
noinst_PROGRAMS += t/bench/hello
t_bench_hello_SOURCES = t/bench/hello.c
t_bench_hello_LDADD = $(t_unit_dispatch_LDADD)
noinst_PROGRAMS += t/bench/disk
t_bench_disk_SOURCES = t/bench/disk.c
noinst_PROGRAMS += t/bench/metric
t_bench_metric_SOURCES = t/bench/metric.c
EXTRA_DIST += t/bench/sync t/bench/run t/bench/load.lua t/bench/put.lua

check_PROGRAMS += t/fuzz/replay_media t/fuzz/replay_process_line
t_fuzz_replay_media_SOURCES = t/fuzz/media.c t/fuzz/replay.c
t_fuzz_replay_media_LDADD = $(t_unit_exif_LDADD)
t_fuzz_replay_process_line_SOURCES = t/fuzz/process_line.c t/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += t/fuzz/fuzz_media t/fuzz/fuzz_process_line
t_fuzz_fuzz_media_SOURCES = t/fuzz/media.c
t_fuzz_fuzz_media_LDADD = $(t_unit_exif_LDADD)
t_fuzz_fuzz_media_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_fuzz_process_line_SOURCES = t/fuzz/process_line.c
t_fuzz_fuzz_process_line_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

check_PROGRAMS += t/unit/http_call t/unit/http_many t/unit/http_out t/unit/http_tls t/unit/smtp
check_PROGRAMS += t/unit/media_server
t_unit_http_tls_LDADD = $(ALL_LIBS) -lssl
EXTRA_DIST += t/unit/local_server.h
EXTRA_DIST += t/faults/scanners
t_unit_crc_LDADD = src/libobjectstore.a $(ALL_LIBS)
check_PROGRAMS += t/unit/options t/unit/run_dir
check_PROGRAMS += t/unit/overseerr t/unit/slots
check_PROGRAMS += t/fuzz/replay_overseerr
t_fuzz_replay_overseerr_SOURCES = t/fuzz/overseerr.c t/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += t/fuzz/fuzz_overseerr
t_fuzz_fuzz_overseerr_SOURCES = t/fuzz/overseerr.c
t_fuzz_fuzz_overseerr_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# The worker with jobs of its own: run by t/221-runners.t and t/bench/run.
noinst_PROGRAMS += t/tools/test-worker
t_tools_test_worker_SOURCES = t/tools/test_jobs.c src/bin/medianest_worker.c src/bin/jobs.h \
	src/bin/daemon.c src/bin/daemon.h

check_PROGRAMS += t/unit/job_kinds
t_unit_job_kinds_SOURCES = t/unit/job_kinds.c src/bin/jobs.c src/bin/jobs.h
t_unit_job_kinds_LDADD = $(medianest_worker_LDADD)

EXTRA_DIST += t/222-purge-during-processing.t t/223-sandbox-limits.t
EXTRA_DIST += t/430-webhooks-out.t t/490-secrets.t
# A command without Landlock: run by t/223-sandbox-limits.t.
noinst_PROGRAMS += t/tools/without-landlock
t_tools_without_landlock_SOURCES = t/tools/without_landlock.c
check_PROGRAMS += t/unit/gate
# Secrets of rows that tests write: t/lib/MediaNest/Catalogue.pm.
noinst_PROGRAMS += t/tools/seal-text
t_tools_seal_text_SOURCES = t/tools/seal_text.c
EXTRA_DIST += t/460-catalogue.t t/461-enrich.t t/470-flows.t
EXTRA_DIST += t/620-av.t t/lib/MediaNest/Tags.pm
EXTRA_DIST += t/505-metrics-history.t
EXTRA_DIST += t/520-admin.t
EXTRA_DIST += t/510-alerts.t t/511-alert-rules.t
EXTRA_DIST += t/500-metrics.t t/505-metrics-history.t
EXTRA_DIST += t/495-log-secrets.t t/500-metrics.t t/505-metrics-history.t
# Samples of several hosts in a real database: run by t/505-metrics-history.t.
noinst_PROGRAMS += t/tools/watch-check
t_tools_watch_check_SOURCES = t/tools/watch_check.c
EXTRA_DIST += t/510-alerts.t
EXTRA_DIST += t/630-uploads-resume.t t/631-page-tray.t
EXTRA_DIST += t/632-tray-folders.t t/633-tray-faults.t
# A lossy line to a network namespace of its own: t/lib/MediaNest/Link.pm.
noinst_PROGRAMS += t/tools/link
t_tools_link_SOURCES = t/tools/link.c
EXTRA_DIST += t/bench/link t/695-lossy-link.t t/lib/MediaNest/Link.pm
EXTRA_DIST += t/660-page-defects.t t/661-page-weight.t t/bench/page
EXTRA_DIST += t/690-page-first.t
EXTRA_DIST += t/520-admin.t t/530-page-admin.t t/lib/MediaNest/FixedAdmin.pm
EXTRA_DIST += t/580-small-house.t t/lib/MediaNest/Processes.pm
EXTRA_DIST += t/570-two-hosts.t t/571-proxies.t t/lib/MediaNest/Haproxy.pm \
	t/lib/MediaNest/Recipe.pm
EXTRA_DIST += t/540-backup.t t/541-backup-foreign.t t/545-upgrade.t t/upgrade/make-dump \
	t/upgrade/0.1.0.sql.xz
check_PROGRAMS += t/unit/setup
check_PROGRAMS += t/unit/tool
check_PROGRAMS += t/unit/manager
EXTRA_DIST += t/550-doctor.t
EXTRA_DIST += t/610-pictures.t t/lib/MediaNest/Pictures.pm
check_PROGRAMS += t/unit/backup_list
EXTRA_DIST += t/650-albums.t t/651-page-albums.t t/652-marks.t
EXTRA_DIST += t/670-links.t t/671-page-links.t
check_PROGRAMS += t/unit/zip_names
# A zip with structures of zip64: run by t/672-zip.t.
noinst_PROGRAMS += t/tools/zip-many
t_tools_zip_many_SOURCES = t/tools/zip_many.c
t_tools_zip_many_LDADD = $(medianest_worker_LDADD)
EXTRA_DIST += t/672-zip.t t/673-page-zip.t
EXTRA_DIST += t/680-search-words.t t/data/search-words.txt
check_PROGRAMS += t/unit/playable
EXTRA_DIST += t/682-transcode.t t/683-page-transcode.t
check_PROGRAMS += t/unit/codecs
t_unit_codecs_LDADD = src/libmedia.a src/libservice.a src/libcore.a $(MEDIA_LIBS) $(CORE_LIBS)
EXTRA_DIST += t/693-playback-direct.t
EXTRA_DIST += t/684-places.t
EXTRA_DIST += t/696-map-sums.t
EXTRA_DIST += t/684-places.t t/685-page-places.t
EXTRA_DIST += t/686-rotate.t
EXTRA_DIST += t/686-rotate.t t/687-page-look.t
EXTRA_DIST += t/686-rotate.t t/687-page-look.t t/687-people.t
EXTRA_DIST += t/692-share-notes.t
EXTRA_DIST += t/691-reread.t
EXTRA_DIST += t/694-page-flows.t
