# Every test, on stacks of their own. Sourced by dev. It ends with prove's summary.
# MEDIANEST_CHECK_ONLY names test files, so that one can be tried in the check's surroundings.

CHECK_JOBS=2
CHECK_TEST_FILES=3 # side by side: they wait more than they work
# The files that run in both builds: with sanitizers, and as people install it.
CHECK_BOTH='t/021-upload.t t/022-media-access.t t/040-search.t t/060-metrics.t t/100-auth.t
	t/115-matrix.t t/160-pipeline.t t/210-pipeline.t t/251-sockets.t t/410-sync.t
	t/430-webhooks-out.t t/545-upgrade.t t/600-dates.t t/650-albums.t
	t/faults/010-uploads-under-kills.t t/faults/030-dependencies.t'
ASAN_SETTINGS=abort_on_error=1:detect_leaks=1:allocator_may_return_null=1
UBSAN_SETTINGS=print_stacktrace=1

check_step() # WHAT COMMAND...
{
	local what=$1 log=$CHECK_LOGS/$1.log began=$SECONDS

	shift
	log=${log// /-}
	printf '%s ... ' "$what"
	if "$@" >"$log" 2>&1 </dev/null; then
		printf 'ok (%d s)\n' $((SECONDS - began))
		return 0
	fi
	printf 'FAILED\n'
	tail -n 60 "$log"
	die "$what failed; all of it: $log"
}

check_build() # DIRECTORY CONFIGURE-OPTIONS...
{
	MEDIANEST_DEV_BUILD=$1
	export MEDIANEST_DEV_BUILD
	shift
	build_run "$@"
}

check_unit() { as_builder make -s -C "$BUILD" -j"$CHECK_JOBS" check; }
check_dist()
{
	as_builder make -s -C "$BUILD" distcheck AM_DISTCHECK_CONFIGURE_FLAGS=--enable-werror
}

# t/010-style.t measures the lines, which clang-format leaves where it cannot break one.
check_layout()
{
	find "$ROOT/src" "$ROOT/fcgi-handlers" "$ROOT/t" -name '*.[ch]' -print0 |
	    xargs -0 -n 40 -P "$CHECK_JOBS" clang-format-19 --dry-run -Werror
}

check_manuals()
{
	local found

	found=$(find "$BUILD/man" "$SRC/man" -name '*.[1578]' 2>/dev/null | sort -u)
	[ -z "$found" ] || printf '%s\n' "$found" | xargs mandoc -Tlint -Wwarning
}

check_down() { "$SRC/dev" down --var "$1"; rm -rf "$1"; }

# check_prove STACK-DIRECTORY FILES...: most tests share one stack; those that break things start
# their own.
check_prove()
{
	local var=$1 status=0

	shift
	check_down "$var"
	export MEDIANEST_TEST_VAR=$var MEDIANEST_TEST_LOGS=$CHECK_LOGS
	export MEDIANEST_DEV_BUILT=1 MEDIANEST_DEV_INSTALLED=1
	trap 'check_down "$MEDIANEST_TEST_VAR"' EXIT
	MEDIANEST_DEV_OWNER=$$ perl -I"$SRC/t/lib" -MMediaNest::Test \
	    -e 'MediaNest::Test::shared_up()' || die 'the shared stack does not start'
	# A copy of the sources, where they are built from one: its path has no blanks.
	(cd "$SRC" && prove -I t/lib -j "$CHECK_TEST_FILES" --timer "$@" </dev/null) || status=$?
	if ! perl -I"$SRC/t/lib" -MMediaNest::Test \
	    -e 'exit(MediaNest::Test::shared_down() ? 0 : 1)'; then
		say 'the shared stack ended with complaints, see above'
		status=1
	fi
	trap - EXIT
	unset MEDIANEST_TEST_VAR MEDIANEST_DEV_BUILT
	return $status
}

# check_plain FILES...: those that skip themselves with sanitizers, and those of both builds.
check_plain()
{
	local file both=" ${CHECK_BOTH//[$'\n\t']/ } "

	for file in "$@"; do
		case $both in
		*" $file "*) printf '%s\n' "$file" ;;
		*) (cd "$ROOT" && grep -lF -e 'once_is_enough()' -e '$ENV{ASAN_OPTIONS}' "$file") ||
			: ;;
		esac
	done
}

dev_check()
{
	local -a files=("$ROOT"/t/[0-9]*.t "$ROOT"/t/faults/*.t) wanted=() plain=()
	local file

	export CI=true LC_ALL=C.UTF-8
	exec </dev/null
	# shellcheck disable=SC2086
	host_packages $PACKAGES_UP $PACKAGES_CHECK
	state_claim
	CHECK=$STATE/build-check
	CHECK_LOGS=$CHECK/logs
	as_builder mkdir -p "$CHECK"
	exec 6<"$CHECK"
	flock 6
	rm -rf "$CHECK_LOGS"
	mkdir -p "$CHECK_LOGS"
	for file in "${files[@]}"; do
		[ -e "$file" ] && wanted+=("${file#"$ROOT"/}")
	done
	mapfile -t plain < <(check_plain "${wanted[@]}")
	if [ -n "${MEDIANEST_CHECK_ONLY:-}" ]; then
		# shellcheck disable=SC2206
		wanted=($MEDIANEST_CHECK_ONLY)
		plain=("${wanted[@]}")
	fi

	check_step layout check_layout
	check_step 'build with sanitizers' check_build "$CHECK/asan" --enable-werror \
	    --enable-sanitizers
	export ASAN_OPTIONS=$ASAN_SETTINGS UBSAN_OPTIONS=$UBSAN_SETTINGS
	check_step 'unit tests with sanitizers' check_unit
	printf 'tests with sanitizers\n'
	check_prove "$CHECK/v1" "${wanted[@]}" || die 'a test fails with sanitizers'
	unset ASAN_OPTIONS UBSAN_OPTIONS

	check_step 'build' check_build "$CHECK/plain" --enable-werror
	check_step 'unit tests' check_unit
	check_step 'manual pages' check_manuals
	check_step 'distcheck' check_dist
	printf 'tests\n'
	check_prove "$CHECK/v2" "${plain[@]}"
}

dev_bench()
{
	[ -x "$ROOT/t/bench/run" ] || die 't/bench/run is missing'
	# shellcheck disable=SC2086
	host_packages $PACKAGES_UP $PACKAGES_CHECK
	build_run || exit 1
	export MEDIANEST_DEV_BUILT=1 MEDIANEST_DEV_INSTALLED=1 MEDIANEST_DEV_BUILD=$BUILD
	exec "$ROOT/t/bench/run" "$@"
}
