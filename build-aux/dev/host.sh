# The machine: who runs, where everything lies, which packages are missing. Sourced by dev.

STACK_USER_NAME=medianest-dev # system user of private stacks that root starts in root's own tree

# What Debian 12 and 13 call it. A|B: one of them, the first that the archive has;
# NAME:optional: where the archive has it (Debian 12 builds these codecs into libheif).
PACKAGES_UP='
autoconf autoconf-archive automake make gcc libc6-dev pkg-config perl
libfcgi-dev libpq-dev libhiredis-dev libcjson-dev libjwt-dev libcurl4-openssl-dev libssl-dev
libargon2-dev libmagic-dev libvips-dev libexpat1-dev libwebp-dev libpng-dev libwebsockets-dev
libseccomp-dev libarchive-dev zlib1g-dev nginx redis-server|valkey-server postgresql openssl
ca-certificates curl ffmpeg bubblewrap util-linux procps libtimezonemap-data'
PACKAGES_CHECK='
libanyevent-perl libio-socket-ssl-perl libjson-xs-perl libprotocol-websocket-perl libdbd-pg-perl
libwww-perl libcrypt-jwt-perl libmojolicious-perl libtest-simple-perl clang clang-format-19
libclang-rt-dev mandoc xz-utils jq xxd wrk imagemagick awscli s3cmd swift-proxy swift-account
swift-container swift-object libheif-plugin-x265:optional libheif-plugin-aomenc:optional
libheif-examples forensics-samples-files chromium chromium-driver zbar-tools prometheus
python3-prometheus-client debhelper dpkg-dev lintian systemd systemd-container iproute2 haproxy
caddy:optional pgbouncer age:optional faketime unzip'

say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }
# What is being done, for those who watch.
stage() { [ -n "${MEDIANEST_DEV_QUIET:-}" ] || say "$*"; }

# The build system and nginx's configuration take these characters only.
plain() { case $1 in *[!A-Za-z0-9_./@+-]*) return 1 ;; esac; }

# Sets ME; OWNER of the checkout; STACK_USER, who runs the stack; BUILD_USER, who builds;
# STATE, where everything lies; SRC, what is built from.
host_identify()
{
	local base

	export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C.UTF-8
	ME=$(id -un)
	OWNER=$(stat -c %U "$ROOT")
	host_stack_user
	# Programs of the stack's user start where we stand, if that user may.
	STACK_CWD=/
	if host_may "$PWD" -x -r; then
		STACK_CWD=$PWD
	fi
	STATE=$(host_state) || exit 1
	base=$STATE
	if [ -n "$VAR" ]; then
		case $VAR in /*) ;; *) VAR=$PWD/$VAR ;; esac
		VAR=$(realpath -m -- "$VAR")
		STATE=$VAR
		# A build directory that was named belongs to the tree, not to the stack.
		[ -n "${MEDIANEST_DEV_BUILD:-}" ] || base=$STATE
	fi
	plain "$STATE" || die "a directory's name may hold only letters, digits and _ . / @ + -:" \
	    "$STATE. Choose another one with --var or XDG_STATE_HOME"
	VAR=${VAR:-$STATE/var}
	host_stack_of
	BUILD_USER=$ME SRC=$base/src
	if [ "$base" = "$ROOT" ]; then
		SRC=$ROOT
		[ "$(id -u)" -ne 0 ] || BUILD_USER=$OWNER
	elif [ "$base" = "$VAR" ]; then
		BUILD_USER=$STACK_USER
	fi
}

# Root does in another person's checkout what that person would do, as that person.
host_stack_user()
{
	STACK_USER=$ME
	[ "$(id -u)" -eq 0 ] || return 0
	STACK_USER=$OWNER
	case $OWNER in
	root | UNKNOWN) ;;
	*) ! host_in_place || return 0 ;;
	esac
	STACK_USER=$STACK_USER_NAME
	id -u "$STACK_USER" >/dev/null 2>&1 || host_add_user
}

# A stack that exists stays its owner's, even if root looks after it.
host_stack_of()
{
	local owner

	[ "$(id -u)" -eq 0 ] && owner=$(stat -c %U "$VAR" 2>/dev/null) || return 0
	case $owner in
	root) ;;
	UNKNOWN) die "$VAR belongs to nobody whom this machine knows: use --var" ;;
	*) STACK_USER=$owner ;;
	esac
}

# Can everything lie in the checkout itself?
host_in_place()
{
	plain "$ROOT" || return 1
	if [ "$(id -u)" -ne 0 ]; then
		[ -w "$ROOT" ]
	elif [ "$OWNER" = root ]; then
		host_may "$ROOT" -x -r
	else
		[ "$OWNER" != UNKNOWN ] && host_may "$ROOT" -x -w
	fi
}

host_state()
{
	local name=${ROOT##*/}

	name=${name//[!A-Za-z0-9_.@+-]/_}-$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
	if [[ ${XDG_STATE_HOME:-} == /* ]]; then
		printf '%s\n' "$XDG_STATE_HOME/medianest/$name"
	elif host_in_place; then
		printf '%s\n' "$ROOT"
	elif [ "$(id -u)" -eq 0 ]; then
		printf '%s\n' "/var/lib/medianest-dev/$name"
	else
		printf '%s\n' "$(host_home)/$name"
	fi
}

# A person's place for states; one in /var/tmp where the home directory cannot have it.
host_home()
{
	local dir home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}

	dir=$home/.local/state/medianest
	if ! plain "$dir" || ! host_can_make "$dir"; then
		dir=/var/tmp/medianest-dev-$(id -u)
		mkdir -p -m 700 "$dir"
		[ "$(stat -c %u "$dir")" -eq "$(id -u)" ] ||
		    die "$dir belongs to somebody else: use --var"
	fi
	printf '%s\n' "$dir"
}

host_can_make()
{
	local dir=$1

	until [ -e "$dir" ]; do dir=$(dirname "$dir"); done
	[ -d "$dir" ] && [ -w "$dir" ]
}

host_add_user()
{
	useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin \
	    "$STACK_USER_NAME" 2>/dev/null || id -u "$STACK_USER_NAME" >/dev/null 2>&1 ||
	    die "cannot add the system user $STACK_USER_NAME"
}

# host_may PATH TEST...: may the stack's user do all of that (test(1)) with the path?
host_may()
{
	local path=$1 what as=()

	shift
	[ "$(id -u)" -ne 0 ] ||
	    as=(setpriv --reuid "$STACK_USER" --regid "$(id -g "$STACK_USER")" --init-groups)
	for what in "$@"; do
		"${as[@]}" test "$what" "$path" || return 1
	done
}

# Runs a command as the stack's user, with a clean environment and nothing to gain.
# AS_STACK_EXEC=exec: in place of the shell.
as_stack()
{
	local -a env=(-C "$STACK_CWD" HOME="$VAR" "PATH=$PATH" LC_ALL=C.UTF-8) who=()

	[ -z "${ASAN_OPTIONS:-}" ] || env+=("ASAN_OPTIONS=$ASAN_OPTIONS")
	[ -z "${UBSAN_OPTIONS:-}" ] || env+=("UBSAN_OPTIONS=$UBSAN_OPTIONS")
	[ "$(id -u)" -ne 0 ] || who=(--reuid "$STACK_USER" --regid "$(id -g "$STACK_USER")"
		--init-groups --inh-caps=-all --bounding-set=-all)
	${AS_STACK_EXEC:-} setpriv "${who[@]}" --no-new-privs --reset-env env "${env[@]}" "$@"
}

as_builder()
{
	if [ "$BUILD_USER" != "$ME" ]; then
		setpriv --reuid "$BUILD_USER" --regid "$(id -g "$BUILD_USER")" --init-groups \
		    --reset-env env "PATH=$PATH" LC_ALL=C.UTF-8 "$@"
	else
		"$@"
	fi
}

# Installs as root; where that needs a password and nobody can be asked, says what to run.
host_install()
{
	local -a command=(bash "$ROOT/build-aux/dev/install-packages" "$@")
	local once='Packages are missing. Run this once, then ./dev again:'

	if [ "$(id -u)" -eq 0 ]; then
		"${command[@]}"
	elif ! command -v sudo >/dev/null; then
		die "there is no sudo here to install packages with. $once (as root)
  $(printf '%q ' "${command[@]}")"
	elif sudo -n true 2>/dev/null; then
		sudo -n "${command[@]}"
	elif { : </dev/tty; } 2>/dev/null; then
		sudo "${command[@]}"
	else
		die "sudo wants a password, and there is no terminal to ask for it. $once
  sudo $(printf '%q ' "${command[@]}")"
	fi
}

# Names of what is installed, and of what that provides.
host_installed()
{
	dpkg-query -W -f '${db:Status-Abbrev}|${Package}, ${Provides}\n' 2>/dev/null |
	    sed -n 's/^ii *|//p' | sed 's/ ([^)]*)//g; s/, */\n/g' | sed '/^$/d'
}

archive_has() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

# host_packages NAME...: installs those that are missing, without starting any service.
host_packages()
{
	local entry name
	local -a missing=() optional=()
	local -A have=()

	[ -z "${MEDIANEST_DEV_INSTALLED:-}" ] || return 0
	while read -r name; do
		have[$name]=1
	done < <(host_installed)
	for entry in "$@"; do
		for name in ${entry//|/ }; do
			[ -z "${have[${name%:optional}]:-}" ] || continue 2
		done
		case $entry in
		*:optional) optional+=("$entry") ;;
		*) missing+=("$entry") ;;
		esac
	done
	# Before its first update a machine does not know what the archive has: when something is
	# installed, that is decided there.
	for entry in "${optional[@]}"; do
		if [ ${#missing[@]} -gt 0 ] || archive_has "${entry%:optional}"; then
			missing+=("$entry")
		fi
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	stage "installing ${#missing[@]} packages: ${missing[*]}"
	host_install "${missing[@]}" </dev/null
}
