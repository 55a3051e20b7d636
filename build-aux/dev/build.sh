# Building out of tree into a prefix of the stack's own, so that what runs is what `make install` makes. Sourced by dev.
# MEDIANEST_DEV_BUILD names another build directory; MEDIANEST_DEV_BUILT says that it needs no look.

build_paths()
{
	BUILD=${MEDIANEST_DEV_BUILD:-$STATE/build}
	PREFIX=$BUILD/inst
}

build_copy_sources()
{
	mkdir -p "$SRC"
	tar -C "$ROOT" --exclude=./.git --exclude=./var --exclude='./build' --exclude='./build-*' --exclude=./autom4te.cache \
	    --exclude=./node_modules -cf - . | tar -C "$SRC" -xf -
	# the pattern above leaves out our own directory of the same kind
	mkdir -p "$SRC/build-aux"
	tar -C "$ROOT/build-aux" -cf - . | tar -C "$SRC/build-aux" -xf -
}

build_configure()
{
	local -a old=()

	if [ ! -e "$SRC/configure" ] || [ -n "$(find "$SRC/configure.ac" "$SRC/Makefile.am" -newer "$SRC/configure")" ]; then
		(cd "$SRC" && as_builder autoreconf -fi) || return 1
	fi
	as_builder mkdir -p "$BUILD"
	if [ -e "$BUILD/Makefile" ] && [ "$SRC/configure" -nt "$BUILD/config.status" ]; then
		# Objects do not depend on the flags that they were made with.
		as_builder make -s -C "$BUILD" clean
		(cd "$BUILD" && as_builder ./config.status --recheck && as_builder ./config.status) || return 1
	fi
	if [ -e "$BUILD/Makefile" ] && ! grep -qx "prefix = $PREFIX" "$BUILD/Makefile"; then
		# Paths are compiled in: a tree that was configured for another prefix is made anew with the same options.
		eval "old=($("$BUILD/config.status" --config))"
		as_builder make -s -C "$BUILD" clean
		rm -f "$BUILD/Makefile"
	fi
	[ -e "$BUILD/Makefile" ] ||
	    (cd "$BUILD" && as_builder "$SRC/configure" -q "${old[@]}" "$@" --prefix="$PREFIX" --sysconfdir="$PREFIX/etc" --localstatedir="$PREFIX/var")
}

# Files that did not change are left alone, so that what runs from them need not start anew; what is installed no more goes.
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
	local log=$BUILD.log

	build_paths
	[ -z "${MEDIANEST_DEV_BUILT:-}" ] || return 0
	mkdir -p "$STATE"
	exec 7<"$ROOT/configure.ac"
	flock 7
	if [ "$STATE" != "$ROOT" ]; then
		build_copy_sources
	fi
	as_builder mkdir -p "$BUILD"
	log=$BUILD/dev-build.log
	as_builder sh -c ': >"$1"' sh "$log"
	if ! { build_configure "$@" && as_builder make -s -C "$BUILD" -j"$(nproc)" all &&
	    build_install; } >>"$log" 2>&1; then
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
