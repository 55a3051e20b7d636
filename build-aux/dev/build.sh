# Building out of tree into a prefix of the stack's own, so that what runs is what `make install`
# makes. Sourced by dev. MEDIANEST_DEV_BUILD names another build directory; MEDIANEST_DEV_BUILT says
# that it is up to date.

build_paths()
{
	BUILD=${MEDIANEST_DEV_BUILD:-$STATE/build}
	PREFIX=$BUILD/inst
}

# What is not a source stays behind: other builds, and stacks with all their data.
build_copy_sources()
{
	local stack
	local -a skip=(--exclude=./.git --exclude=./var --exclude=./build '--exclude=./build-[!a]*'
		'--exclude=./build-a[!u]*' --exclude=./autom4te.cache --exclude=./node_modules
		--exclude=./config.status)

	[[ $SRC != "$ROOT"/* ]] || skip+=(--exclude=".${STATE#"$ROOT"}")
	for stack in "$ROOT"/*/lock; do
		[ ! -e "$stack" ] || skip+=(--exclude="./$(basename "${stack%/lock}")")
	done
	as_builder mkdir -p "$SRC"
	tar -C "$ROOT" "${skip[@]}" -cf - . | as_builder tar -C "$SRC" --no-same-owner -xf -
}

build_configure()
{
	local -a old=()

	if [ ! -e "$SRC/configure" ] ||
	    [ -n "$(find "$SRC/configure.ac" "$SRC/Makefile.am" -newer "$SRC/configure")" ]; then
		(cd "$SRC" && as_builder autoreconf -fi) || return 1
	fi
	if [ -e "$BUILD/Makefile" ] && [ "$SRC/configure" -nt "$BUILD/config.status" ]; then
		# Objects do not depend on the flags that they were made with.
		as_builder make -s -C "$BUILD" clean
		(cd "$BUILD" && as_builder ./config.status --recheck &&
		    as_builder ./config.status) || return 1
	fi
	if [ -e "$BUILD/Makefile" ] && ! grep -qx "prefix = $PREFIX" "$BUILD/Makefile"; then
		# Paths are compiled in: a tree that was configured for another prefix is made again
		# with the same options.
		eval "old=($("$BUILD/config.status" --config))"
		as_builder make -s -C "$BUILD" clean
		as_builder rm -f "$BUILD/Makefile"
	fi
	[ -e "$BUILD/Makefile" ] ||
	    (cd "$BUILD" && as_builder "$SRC/configure" -q "${old[@]}" "$@" --prefix="$PREFIX" \
		--sysconfdir="$PREFIX/etc" --localstatedir="$PREFIX/var")
}

# Files that did not change are left alone, so that what runs from them need not start again; what
# is no longer installed goes.
build_install()
{
	as_builder rm -rf "$BUILD/stage"
	as_builder make -s -C "$BUILD" install DESTDIR="$BUILD/stage" || return 1
	as_builder bash -euc '
		mkdir -p "$1"
		cd "$2$1"
		find . -type f | while read -r file; do
			cmp -s "$file" "$1/$file" && continue
			mkdir -p "$1/${file%/*}"
			cp -p "$file" "$1/$file.new"
			mv -f "$1/$file.new" "$1/$file"
		done
		cd "$1"
		find . -type f | while read -r file; do
			[ -e "$2$1/$file" ] || rm -f "$file"
		done' bash "$PREFIX" "$BUILD/stage"
}

# build_run [CONFIGURE OPTIONS]
build_run()
{
	local log

	build_paths
	[ -z "${MEDIANEST_DEV_BUILT:-}" ] || return 0
	state_claim
	exec 7<"$ROOT/configure.ac"
	flock 7
	as_builder mkdir -p "$BUILD"
	log=$BUILD/dev-build.log
	stage "building in $BUILD (a first build takes minutes; its log: $log)"
	as_builder sh -c ': >"$1"' sh "$log"
	if ! { { [ "$SRC" = "$ROOT" ] || build_copy_sources; } && build_configure "$@" &&
	    as_builder make -s -C "$BUILD" -j"$(nproc)" all && build_install; } >>"$log" 2>&1; then
		tail -n 40 "$log" >&2
		say "dev: the build failed; all of it: $log"
		exec 7<&-
		return 1
	fi
	exec 7<&-
}

dev_build()
{
	# shellcheck disable=SC2086
	host_packages $PACKAGES_UP
	build_run "$@" || exit 1
	say "built in $BUILD, installed in $PREFIX"
}
