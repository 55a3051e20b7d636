# Debian packages, built from a copy of the sources, and tried in an empty Debian. Sourced by dev.

PACKAGES_DEB='debhelper dpkg-dev lintian systemd'
PACKAGES_TRY='debootstrap systemd-container'
# The project has no public address yet; everything else lintian says is an error here. What is
# meant as it is has a line with its reason in debian/*.lintian-overrides.
LINTIAN_SKIP=bogus-mail-host,bogus-mail-host-in-debian-changelog

deb_version() { sed -n '1s/^.*(\([^)]*\)).*/\1/p' "$ROOT/debian/changelog"; }

# deb_sources TREE VERSION: a copy of the sources, as that version.
deb_sources()
{
	local tree=$1

	as_builder mkdir -p "$tree"
	(SRC=$tree STATE=$STATE/build-deb && build_copy_sources)
	sed -i "1s/([^)]*)/($2)/" "$tree/debian/changelog"
}

# deb_log WHAT COMMAND...: its output goes to the log, whose end is shown when it fails.
deb_log()
{
	local what=$1

	shift
	"$@" >>"$DEB_LOG" 2>&1 </dev/null || {
		tail -n 40 "$DEB_LOG" >&2
		die "$what failed; all of it: $DEB_LOG"
	}
}

# The unit tests run in ./dev check.
deb_build()
{
	local path=$PATH

	[ ! -d /usr/lib/ccache ] || path=/usr/lib/ccache:$PATH
	(cd "$1" && as_builder env "PATH=$path" DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
	    ${CCACHE_DIR:+"CCACHE_DIR=$CCACHE_DIR"} dpkg-buildpackage -us -uc -b -d)
}

# In a root of its own, with this machine's network.
deb_inside()
{
	local root=$1

	shift
	systemd-nspawn --quiet --keep-unit --register=no --resolv-conf=copy-host \
	    --setenv=DEBIAN_FRONTEND=noninteractive --setenv=LC_ALL=C.UTF-8 -D "$root" \
	    --as-pid2 sh -euc "$@"
}

# An empty Debian, in which nothing that is installed starts.
deb_bootstrap() # RELEASE DIRECTORY
{
	local mirror

	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
	    'Origin: Debian' 'Label: Debian' | head -n 1)
	rm -rf "$2" "$2.new"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,curl \
	    "$1" "$2.new" "$mirror"
	printf '#!/bin/sh\nexit 101\n' >"$2.new/usr/sbin/policy-rc.d"
	chmod 755 "$2.new/usr/sbin/policy-rc.d"
	mv "$2.new" "$2"
}

# Builds in a root with the build dependencies; the packages come into the other one, with what they
# depend on, but not installed.
deb_build_inside() # HOST-ROOT BUILD-ROOT VERSION INTO
{
	local tree=$2/build/medianest deb

	[ -e "$2" ] || cp -a "$1" "$2"
	rm -rf "$2/build"
	deb_sources "$tree" "$3"
	deb_inside "$2" 'apt-get update -q &&
	    apt-get install -q -y --no-install-recommends dpkg-dev &&
	    cd /build/medianest && apt-get build-dep -q -y . &&
	    DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b -j2'
	mkdir -p "$4"
	rm -f "$4"/*.deb
	mv "$2"/build/*.deb "$4"
	deb=$(dpkg-deb -f "$4/medianest_$3"_*.deb Depends | sed 's/medianest-web ([^)]*), *//')
	deb_inside "$1" 'apt-get update -q && apt-get satisfy -q -y --no-install-recommends "$1" &&
	    apt-get install -q -y --no-install-recommends postgresql openssl procps &&
	    rm -f /usr/sbin/policy-rc.d' sh "$deb"
}

# deb_try RELEASE VERSION: all of t/560-packages.t on that Debian, and the houses of its backup and
# those of older releases that were tried before, restored there. The roots are kept for the next
# time.
deb_try()
{
	local base=$STATE/build-deb/root-$1 build=$STATE/build-deb/build-$1 debs

	debs=$STATE/build-deb/$1
	[ "$(id -u)" -eq 0 ] || die '--try needs root: it starts a Debian of its own'
	# shellcheck disable=SC2086
	host_packages $PACKAGES_TRY
	stage "an empty Debian $1 (the log: $DEB_LOG)"
	[ -e "$base" ] || deb_log "debootstrap of $1" deb_bootstrap "$1" "$base"
	stage "building $2 in it"
	deb_log 'the build' deb_build_inside "$base" "$build" "$2" "$debs"
	stage 'installing, setting up, upgrading, purging and restoring'
	MEDIANEST_PACKAGES=$debs MEDIANEST_PACKAGES_ROOT=$base \
	    MEDIANEST_PACKAGES_BACKUPS=$STATE/build-deb/backups \
	    MEDIANEST_PACKAGES_BACKUP=$STATE/build-deb/backups/$1 \
	    prove -v -I "$ROOT/t/lib" "$ROOT/t/560-packages.t" "$ROOT/t/561-next-debian.t"
}

deb_make() # VERSION INTO
{
	local tree=$STATE/build-deb/tree/medianest

	# shellcheck disable=SC2086
	host_packages $PACKAGES_UP $PACKAGES_DEB
	rm -rf "$STATE/build-deb/tree"
	as_builder mkdir -p "$2"
	deb_sources "$tree" "$1"
	stage "building $1 (the log: $DEB_LOG)"
	deb_log 'the build' deb_build "$tree"
	deb_log lintian lintian --allow-root --suppress-tags "$LINTIAN_SKIP" \
	    --fail-on error,warning "$tree"/../*.changes
	mv "$tree"/../*.deb "$tree"/../*.changes "$tree"/../*.buildinfo "$2"
	rm -rf "$STATE/build-deb/tree"
	say "in $2:"
	(cd "$2" && ls -- *"_$1_"*.deb)
}

# dev_deb [--version VERSION] [--try RELEASE | DIRECTORY]
dev_deb()
{
	local into='' release='' version

	version=$(deb_version)
	while [ $# -gt 0 ]; do
		case $1 in
		--version) version=${2:?--version wants a version}; shift 2 ;;
		--try) release=${2:?--try wants a release of Debian}; shift 2 ;;
		-*) usage >&2; return 64 ;;
		*) into=$1; shift ;;
		esac
	done
	state_claim
	DEB_LOG=$STATE/build-deb/build.log
	as_builder mkdir -p "$STATE/build-deb"
	exec 7<"$STATE/build-deb"
	flock 7
	: >"$DEB_LOG"
	if [ -n "$release" ]; then
		deb_try "$release" "$version"
	else
		deb_make "$version" "$(realpath -m -- "${into:-$STATE/build-deb}")"
	fi
}
