# Debian packages, built from a copy of the sources. Sourced by dev.

PACKAGES_DEB='debhelper dpkg-dev fakeroot lintian systemd'
# The project has no public address yet; everything else lintian says is an error here. What is
# meant as it is has a line with its reason in debian/*.lintian-overrides.
LINTIAN_SKIP=bogus-mail-host,bogus-mail-host-in-debian-changelog

deb_version() { sed -n '1s/^.*(\([^)]*\)).*/\1/p' "$ROOT/debian/changelog"; }

# deb_build TREE VERSION: builds the copy of the sources there, as that version.
deb_build()
{
	local tree=$1 version=$2 path=$PATH

	[ ! -d /usr/lib/ccache ] || path=/usr/lib/ccache:$PATH
	sed -i "1s/([^)]*)/($version)/" "$tree/debian/changelog"
	# The unit tests run in ./dev check.
	(cd "$tree" && PATH=$path DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
	    dpkg-buildpackage -us -uc -b -d)
}

# dev_deb [--version VERSION] [DIRECTORY]
dev_deb()
{
	local into='' version
	local log tree

	version=$(deb_version)
	while [ $# -gt 0 ]; do
		case $1 in
		--version) version=${2:?--version wants a version}; shift 2 ;;
		-*) usage >&2; return 64 ;;
		*) into=$1; shift ;;
		esac
	done
	# shellcheck disable=SC2086
	host_packages $PACKAGES_UP $PACKAGES_DEB
	build_paths
	state_claim
	into=$(realpath -m -- "${into:-$STATE/build-deb}")
	tree=$STATE/build-deb/tree/medianest
	log=$STATE/build-deb/build.log
	rm -rf "$STATE/build-deb/tree"
	as_builder mkdir -p "$tree" "$into"
	(SRC=$tree STATE=$STATE/build-deb && build_copy_sources)
	stage "building $version (the log: $log)"
	deb_build "$tree" "$version" >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		die "the packages could not be built; all of it: $log"
	}
	lintian --allow-root --suppress-tags "$LINTIAN_SKIP" --fail-on error,warning \
	    "$tree"/../*.changes || die 'lintian has complaints'
	mv "$tree"/../*.deb "$tree"/../*.changes "$tree"/../*.buildinfo "$into"
	rm -rf "$STATE/build-deb/tree"
	say "in $into:"
	(cd "$into" && ls -- *"_${version}_"*.deb)
}
