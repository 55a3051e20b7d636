# The machine: who runs, where state may lie, which packages are missing. Sourced by dev.

STACK_USER_NAME=medianest-dev # system user of private stacks that root starts

PACKAGES_UP='
autoconf autoconf-archive automake make gcc libc6-dev pkg-config perl
libfcgi-dev libpq-dev libhiredis-dev libcjson-dev libjwt-dev libcurl4-openssl-dev libssl-dev libargon2-dev libmagic-dev
libvips-dev libexpat1-dev libwebp-dev libwebsockets-dev libseccomp-dev zlib1g-dev
nginx redis-server postgresql postgresql-contrib openssl ca-certificates curl ffmpeg bubblewrap util-linux procps'
PACKAGES_CHECK='
libanyevent-perl libio-socket-ssl-perl libjson-xs-perl libprotocol-websocket-perl libdbd-pg-perl libwww-perl
libcrypt-jwt-perl libmojolicious-perl libtest-simple-perl clang libclang-rt-14-dev mandoc xz-utils jq xxd wrk imagemagick
awscli s3cmd swift-proxy swift-account swift-container swift-object libheif-examples forensics-samples-files chromium chromium-driver zbar-tools'

say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }

# Sets ME, STACK_USER (who runs the stack), STATE (build and var directories lie there) and SRC (where sources are built from).
host_identify()
{
	local owner key

	export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C.UTF-8
	ME=$(id -un)
	STACK_USER=$ME
	if [ "$(id -u)" -eq 0 ]; then
		STACK_USER=$STACK_USER_NAME
		id -u "$STACK_USER" >/dev/null 2>&1 || host_add_user
	fi
	# Programs of the stack's user start where we stand, if that user may.
	STACK_CWD=/
	if host_may_enter "$PWD"; then
		STACK_CWD=$PWD
	fi
	key=$(basename "$ROOT")-$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
	if [ "$(id -u)" -eq 0 ]; then
		STATE=/var/lib/medianest-dev/$key
		if host_may_enter "$ROOT"; then
			STATE=$ROOT
		fi
	elif [ -w "$ROOT" ]; then
		STATE=$ROOT
	else
		STATE=${XDG_STATE_HOME:-$HOME/.local/state}/medianest/$key
	fi
	SRC=$ROOT
	[ "$STATE" = "$ROOT" ] || SRC=$STATE/src
	# A checkout that belongs to a person stays theirs when root builds in it.
	BUILD_USER=$ME
	owner=$(stat -c %U "$ROOT")
	if [ "$(id -u)" -eq 0 ] && [ "$STATE" = "$ROOT" ] && [ "$owner" != UNKNOWN ]; then
		BUILD_USER=$owner
	fi
}

host_add_user()
{
	useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$STACK_USER_NAME" 2>/dev/null ||
	    id -u "$STACK_USER_NAME" >/dev/null 2>&1 || die "cannot add the system user $STACK_USER_NAME"
}

# Can the stack's user reach and list the directory?
host_may_enter()
{
	[ "$(id -u)" -ne 0 ] || set -- "$1" setpriv --reuid "$STACK_USER" --regid "$STACK_USER" --clear-groups
	"${@:2}" test -x "$1" -a -r "$1"
}

# Runs a command as the stack's user, with a clean environment and nothing to gain. AS_STACK_EXEC=exec: in place of the shell.
as_stack()
{
	local -a env=(-C "$STACK_CWD" HOME="$VAR" "PATH=$PATH" LC_ALL=C.UTF-8)

	[ -z "${ASAN_OPTIONS:-}" ] || env+=("ASAN_OPTIONS=$ASAN_OPTIONS")
	[ -z "${UBSAN_OPTIONS:-}" ] || env+=("UBSAN_OPTIONS=$UBSAN_OPTIONS")
	if [ "$(id -u)" -eq 0 ]; then
		${AS_STACK_EXEC:-} setpriv --reuid "$STACK_USER" --regid "$STACK_USER" --init-groups --no-new-privs --inh-caps=-all \
		    --bounding-set=-all --reset-env env "${env[@]}" "$@"
	else
		${AS_STACK_EXEC:-} setpriv --no-new-privs --reset-env env "${env[@]}" "$@"
	fi
}

as_builder()
{
	if [ "$BUILD_USER" != "$ME" ]; then
		setpriv --reuid "$BUILD_USER" --regid "$(id -g "$BUILD_USER")" --init-groups --reset-env env "PATH=$PATH" LC_ALL=C.UTF-8 "$@"
	else
		"$@"
	fi
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@" 2>/dev/null || sudo "$@"
	else
		die "packages are missing, and there is no sudo: run as root once: apt-get install $(printf '%s ' "${MISSING[@]}")"
	fi
}

# host_packages NAME...: installs those that are missing, without starting any service.
host_packages()
{
	local name
	local -A have=()

	[ -z "${MEDIANEST_DEV_INSTALLED:-}" ] || return 0
	while read -r name; do
		have[${name%%:*}]=1
	done < <(dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package}\n' 2>/dev/null | sed -n 's/^ii  *//p')
	MISSING=()
	for name in "$@"; do
		[ -n "${have[$name]:-}" ] || MISSING+=("$name")
	done
	[ ${#MISSING[@]} -gt 0 ] || return 0
	say "installing ${#MISSING[@]} packages: ${MISSING[*]}"
	as_root bash "$ROOT/build-aux/dev/install-packages" "${MISSING[@]}" </dev/null
}
