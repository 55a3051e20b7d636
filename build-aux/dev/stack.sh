# The private stack: start, stop, look. Sourced by dev.

DEFAULT_PORT=8443
READY_SECONDS=60
POOLS='auth users media search plex overseerr webhooks notifications health metrics admin verify
store'
DB_ROLES='medianest_migrate medianest_api medianest_worker medianest_store'
ADMIN_EMAIL=admin@medianest.test

stack_paths()
{
	ETC=$VAR/etc LOG=$VAR/log DATA=$VAR/data
	RUN=$VAR/run
	# A socket's path has room for 107 bytes.
	[ ${#RUN} -le 80 ] ||
	    RUN=/tmp/medianest-$STACK_USER-$(printf %s "$VAR" | cksum | cut -d' ' -f1)
	build_paths
}

stack_load()
{
	SAVED_PORT='' SAVED_SETS=()
	[ -r "$ETC/port" ] && SAVED_PORT=$(cat "$ETC/port")
	[ -r "$ETC/settings" ] && mapfile -t SAVED_SETS <"$ETC/settings"
	return 0
}

stack_exists()
{
	[ -e "$ETC/port" ] || die "there is no stack in $VAR: ./dev up makes one"
	stack_load
	PORT=$SAVED_PORT
}

# The supervisor's pid, if it is ours: a pid file proves nothing.
stack_supervisor()
{
	local pid

	pid=$(cat "$RUN/supervisor.pid" 2>/dev/null) || return 1
	[ -n "$pid" ] && [ "$(stat -c %U "/proc/$pid" 2>/dev/null)" = "$STACK_USER" ] || return 1
	tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$ETC/services" || return 1
	printf '%s\n' "$pid"
}

# The part that forks a pool's master: the storage pools have settings of their own.
pool_parent() # pool-NAME
{
	case $1 in
	pool-verify|pool-store) printf 'storage\n' ;;
	*) printf 'pools\n' ;;
	esac
}

# A pool's master, if it is a child of the process that forks it.
pool_pid() # pool-NAME
{
	local pid parent

	parent=$(stack_pid "$(pool_parent "$1")") && pid=$(cat "$RUN/$1.pid" 2>/dev/null) ||
	    return 1
	[ "$(sed -n 's/^[0-9]* (.*) . \([0-9]*\) .*/\1/p' "/proc/${pid:-0}/stat" \
	    2>/dev/null)" = "$parent" ] && printf '%s\n' "$pid"
}

stack_pid() # NAME
{
	local pid

	case $1 in pool-*) pool_pid "$1"; return ;; esac
	pid=$(sed -n "s/^$1 \([0-9]*\) .*/\1/p" "$RUN/supervisor.state" 2>/dev/null)
	[ "${pid:-0}" -gt 0 ] && printf '%s\n' "$pid"
}

wait_for() # SECONDS WHAT COMMAND...
{
	local end=$((SECONDS + $1)) what=$2

	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			say "dev: waited in vain for $what; the last lines of the logs:"
			tail -n 5 "$LOG"/*.log >&2 || true
			die "the stack in $VAR is not up"
		fi
		sleep 0.05
	done
}

# Makes the stack's directory, which is the stack's user's.
stack_claim()
{
	if [ -e "$VAR" ] && [ -n "$(ls -A "$VAR")" ] &&
	    [ ! -e "$ETC" ] && [ ! -e "$VAR/lock" ]; then
		die "$VAR is not empty and holds no stack"
	fi
	mkdir -p "$VAR"
	if [ "$(id -u)" -eq 0 ]; then
		[ "$(stat -c %U "$VAR")" = "$STACK_USER" ] || chown "$STACK_USER:" "$VAR"
		host_may "$VAR" -x -r ||
		    die "the user $STACK_USER cannot reach $VAR: choose another place with --var"
	elif [ "$(stat -c %U "$VAR")" != "$ME" ]; then
		die "$VAR belongs to $(stat -c %U "$VAR"): use --var, or be that user"
	fi
	[ -e "$VAR/lock" ] || as_stack touch "$VAR/lock"
}

# Where everything lies. With --var that is the stack's directory.
state_claim()
{
	if [ "$STATE" = "$VAR" ]; then
		stack_claim
	else
		mkdir -p "$STATE" || die "$STATE cannot be made: choose another place with --var"
	fi
}

stack_directories()
{
	local dir

	stack_claim
	exec 9<"$VAR/lock"
	flock 9
	as_stack mkdir -p "$ETC/nginx" "$LOG" "$DATA/objects/.tmp/body" "$DATA/scratch" "$VAR/tmp" \
	    "$RUN/hold"
	as_stack chmod 700 "$DATA"
	as_stack chmod 750 "$ETC" "$RUN"
	for dir in "$RUN" "$ETC" "$DATA"; do
		[ "$(stat -c %U "$dir")" = "$STACK_USER" ] ||
		    die "$dir belongs to $(stat -c %U "$dir")"
	done
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

stack_choose_port()
{
	if [ -n "$PORT" ]; then
		case $PORT in *[!0-9]*) die "not a port: $PORT" ;; esac
		[ "$PORT" -ge 1 ] && [ "$PORT" -le 65534 ] || die "not a port: $PORT"
	else
		PORT=${SAVED_PORT:-$DEFAULT_PORT}
		if [ -z "$SAVED_PORT" ]; then
			until port_is_free "$PORT" && port_is_free $((PORT + 1)); do
				PORT=$((PORT + 10))
				[ "$PORT" -lt 65000 ] || die "no free port"
			done
		fi
	fi
	if [ -z "$(stack_pid nginx)" ]; then
		port_is_free "$PORT" || die "port $PORT is taken: choose another with --port"
		port_is_free $((PORT + 1)) || die "port $((PORT + 1)), the object store's," \
		    "is taken: choose another with --port"
	fi
}

# stack_step NAME COMPLAINT COMMAND...: the stack's user runs it, NAME.log has what it says.
stack_step()
{
	local log=$LOG/$1.log complaint=$2

	shift 2
	as_stack sh -c 'rm -f "$0"; exec "$@" >"$0" 2>&1' "$log" "$@" 9>&- ||
	    { cat "$log" >&2; die "$complaint"; }
}

stack_certificates()
{
	local dir=$ETC/tls

	if [ -e "$dir/server.pem" ] &&
	    openssl x509 -checkend 2592000 -noout -in "$dir/server.pem" >/dev/null 2>&1; then
		return 0
	fi
	as_stack mkdir -p "$dir"
	stack_step openssl 'no certificate could be made' bash -euc '
		umask 077
		cd "$1"
		ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
		openssl req -x509 $ec -keyout ca.key -out ca.pem -days 3650 \
		    -subj "/CN=MediaNest private CA" -addext keyUsage=critical,keyCertSign \
		    -addext basicConstraints=critical,CA:TRUE,pathlen:0
		openssl req $ec -keyout server.key -out server.csr -subj "/CN=localhost"
		printf "%s\n" "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" \
		    "basicConstraints=CA:FALSE" "keyUsage=critical,digitalSignature" \
		    "extendedKeyUsage=serverAuth" >ext
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 800 -extfile ext \
		    -set_serial "0x$(openssl rand -hex 16)" -out server.pem
		rm -f ca.key server.csr ext
	' bash "$dir"
	as_stack install -m 644 "$dir/ca.pem" "$VAR/ca.pem"
}

pg_bin() { printf '%s/%s\n' "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)" "$1"; }
stack_sql() { as_stack psql -X -q -v ON_ERROR_STOP=1 -h "$RUN" -U postgres "$@" 9>&-; }

stack_database_files()
{
	[ ! -e "$VAR/pg/medianest.ready" ] || return 0
	rm -rf "$VAR/pg"
	stack_step initdb 'initdb failed' "$(pg_bin initdb)" -D "$VAR/pg" -U postgres -A peer \
	    -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions
	as_stack touch "$VAR/pg/medianest.ready"
}

stack_database_roles()
{
	local role

	if [ -z "$(stack_sql -d postgres -Atc \
	    "SELECT 1 FROM pg_database WHERE datname = 'medianest'")" ]; then
		{
			for role in $DB_ROLES; do
				printf "SELECT 'CREATE ROLE %s LOGIN' WHERE NOT EXISTS
					(SELECT FROM pg_roles WHERE rolname = '%s') \\\\gexec\n" \
				    "$role" "$role"
			done
			# For scripts that measure or break things; a host's role has none of it.
			printf '%s;\n' 'GRANT pg_monitor, pg_signal_backend TO medianest_migrate' \
			    'CREATE DATABASE medianest OWNER medianest_migrate'
		} | stack_sql -d postgres
	fi
	stack_sql -d medianest -c 'SET client_min_messages = warning;
		CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
		GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO medianest_migrate' >/dev/null
}

program() { ls "$PREFIX"/{bin,sbin,libexec/medianest}/"medianest-$1" 2>/dev/null | head -n 1; }
stack_admin() { as_stack "$(program admin)" --config "$ETC/medianest.conf" "$@" 9>&-; }

stack_first_admin()
{
	[ ! -e "$ETC/admin-created" ] || return 0
	[ -s "$ETC/admin-password" ] ||
	    as_stack bash -c 'umask 077; openssl rand -base64 18 | tr +/ xy >"$1"' bash \
		"$ETC/admin-password" 9>&-
	if ! stack_admin user list | grep -qF "$ADMIN_EMAIL"; then
		stack_admin user create --email "$ADMIN_EMAIL" --role super --password-stdin \
		    <"$ETC/admin-password" >/dev/null
	fi
	as_stack touch "$ETC/admin-created"
}

stack_start_supervisor()
{
	as_stack rm -f "$RUN"/hold/* "$RUN/supervisor.state"
	(
		# Nothing of the caller's may stay open behind its back: a pipe, a lock.
		exec >/dev/null 2>&1 </dev/null
		for fd in /proc/"$BASHPID"/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || [ "$fd" -ge 255 ] || eval "exec $fd>&-"
		done
		AS_STACK_EXEC=exec
		as_stack bash -c 'echo $$ >"$1/supervisor.pid"
			exec setsid perl "$2" "$1" "$3" $5 >>"$4" 2>&1' bash \
		    "$RUN" "$ETC/supervise" "$ETC/services" "$LOG/supervisor.log" \
		    "${MEDIANEST_DEV_OWNER:-}"
	) &
	disown
	wait_for 10 'the supervisor' stack_supervisor
}

supervisor_hup() { kill_stack HUP "$(stack_supervisor)"; }
kill_stack() { as_stack kill -s "$1" "$2"; }

db_up() { stack_sql -d postgres -c 'SELECT 1'; }
# Redis, or Valkey under its own name.
redis_bin() { command -v "redis-$1" || command -v "valkey-$1"; }
redis_up() { [ "$(as_stack "$(redis_bin cli)" -s "$RUN/redis.sock" ping 9>&-)" = PONG ]; }
# Every process that the table wants runs, and was started as the table wants it now.
all_up()
{
	local name print

	while IFS=$'\t' read -r name _ _ print _; do
		[ -e "$RUN/hold/$name" ] ||
		    grep -q "^$name [1-9][0-9]* $print\$" "$RUN/supervisor.state" || return 1
	done <"$ETC/services"
}
sockets_up()
{
	# shellcheck disable=SC2046,SC2059,SC2086
	as_stack perl -MIO::Socket::UNIX \
	    -e 'IO::Socket::UNIX->new(Peer => $_) or exit 1 for @ARGV' \
	    $(printf "$RUN/pool-%s.sock\n" $POOLS) 9>&-
}
edge_ready()
{
	[ "$(curl -s -m 2 -o /dev/null -w '%{http_code}' --cacert "$VAR/ca.pem" \
	    "https://127.0.0.1:$PORT/api/health/ready")" = 200 ]
}

dev_up()
{
	local name

	[ $# -eq 0 ] || die "up does not take: $*"
	# shellcheck disable=SC2086
	host_packages $PACKAGES_UP
	stack_directories
	stack_load
	stack_choose_port
	build_run || exit 1
	for name in admin fcgi worker notifyd sync; do
		[ -n "$(program $name)" ] ||
		    die "medianest-$name is missing in $PREFIX: the build is not complete"
	done
	stack_certificates
	render_all
	stage 'starting PostgreSQL and Redis'
	stack_database_files
	if ! stack_supervisor >/dev/null; then
		render_services base
		stack_start_supervisor
	elif [ -e "$RUN/hold/postgres" ] || [ -e "$RUN/hold/redis" ]; then
		as_stack rm -f "$RUN/hold/postgres" "$RUN/hold/redis"
	fi
	wait_for 30 PostgreSQL db_up
	stage 'migrating the database'
	stack_database_roles
	stack_step migrate 'the migration failed' \
	    "$(program admin)" --config "$ETC/medianest.conf" migrate
	stack_step keys 'no keys could be made' \
	    "$(program admin)" --config "$ETC/medianest.conf" keys create
	wait_for 30 Redis redis_up
	stack_first_admin
	stage 'starting the pools, the worker, notifyd and nginx'
	hold_nothing
	render_services all
	supervisor_hup
	wait_for 30 'every process' all_up
	wait_for 30 "the pools' sockets" sockets_up
	stage 'waiting for the API to be ready'
	wait_for $READY_SECONDS 'a ready API' edge_ready
	wait_for 30 'the bucket' stack_admin bucket create
	exec 9>&-
	[ -n "${MEDIANEST_DEV_QUIET:-}" ] || dev_status
}

dev_down()
{
	local pid end

	if pid=$(stack_supervisor); then
		kill_stack TERM "$pid"
		end=$((SECONDS + 60))
		while [ -d "/proc/$pid" ] &&
		    ! grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status"; do
			[ $SECONDS -lt $end ] || die "the supervisor, pid $pid, does not end"
			sleep 0.05
		done
	fi
	[ ${#RUN} -eq 0 ] || [ "$RUN" = "$VAR/run" ] || rm -rf "$RUN"
}

stack_parts() # one a line
{
	cut -f1 "$ETC/services"
	# shellcheck disable=SC2086
	printf 'pool-%s\n' $POOLS
}

stack_part() # NAME: as stack_parts calls it
{
	local name=${1:?which part?} parts

	parts=$(stack_parts)
	grep -qx -e "$name" <<<"$parts" || name=pool-$name
	grep -qx -e "$name" <<<"$parts" || die "there is no part $1; there are: ${parts//$'\n'/ }"
	printf '%s\n' "$name"
}

# Makes what runs a part look at the files in hold/: the supervisor, or the pools' parent.
hold_changed() # NAME
{
	case $1 in
	pool-*) kill_stack USR1 "$(stack_pid "$(pool_parent "$1")")" ;;
	*) supervisor_hup ;;
	esac
}

hold_nothing()
{
	local held name

	held=$(find "$RUN/hold" -name 'pool-*' -printf '%f\n')
	as_stack rm -f "$RUN"/hold/*
	for name in $held; do
		! stack_pid "$(pool_parent "$name")" >/dev/null || hold_changed "$name"
	done
}

part_down() { ! stack_pid "$1"; }

dev_stop()
{
	local name

	stack_exists
	name=$(stack_part "${1:-}")
	as_stack touch "$RUN/hold/$name"
	hold_changed "$name"
	wait_for 30 "the end of $name" part_down "$name"
}

dev_start()
{
	local name

	stack_exists
	name=$(stack_part "${1:-}")
	as_stack rm -f "$RUN/hold/$name"
	hold_changed "$name"
	wait_for 30 "$name" stack_pid "$name"
	case $name in
	postgres) wait_for 30 "$name" db_up ;;
	redis) wait_for 30 "$name" redis_up ;;
	pool-*) wait_for 30 "$name" test -S "$RUN/$name.sock" ;;
	pools|storage) wait_for 30 "the pools' sockets" sockets_up ;;
	esac
}

dev_restart() { dev_stop "$@"; dev_start "$@"; }

dev_logs()
{
	local follow=() files=() name errors=

	stack_exists
	while :; do
		case ${1:-} in
		-f) follow=(-F) ;;
		--errors) errors=1 ;;
		*) break ;;
		esac
		shift
	done
	for name in "$@"; do
		[ -e "$LOG/$name.log" ] || name=pool-$name
		files+=("$LOG/$name.log")
	done
	[ ${#files[@]} -gt 0 ] || files=("$LOG"/*.log)
	if [ -n "$errors" ]; then
		tail -q -n +1 "${follow[@]}" "${files[@]}" | errors_only
	else
		tail -n 200 "${follow[@]}" "${files[@]}"
	fi
}

# Of programs the lines of level error and critical, of nginx the responses 5xx, and what is no JSON
# but says ERROR or FATAL: PostgreSQL's own words, and nginx's.
errors_only()
{
	grep --line-buffered -E -e '"level":"(error|critical)"' -e '"status":5[0-9][0-9]' \
	    -e '^[^{].*(ERROR|FATAL|PANIC):' -e '^[^{].* \[(error|crit|alert|emerg)\] ' || true
}

dev_psql()
{
	stack_exists
	as_stack env TERM="${TERM:-dumb}" psql -h "$RUN" -U medianest_migrate -d medianest "$@"
}
dev_admin() { stack_exists; stack_admin "$@"; }

key_of() { cat "$DATA/keys/$1.key" 2>/dev/null || true; }
json() { local s=${1//\\/\\\\}; s=${s//\"/\\\"}; printf '"%s"' "$s"; }

status_values()
{
	local key

	for key in public.url storage.endpoint storage.public_endpoint storage.region \
	    storage.bucket storage.access_key storage.secret_key; do
		printf '%s\t%s\n' "$key" "$(sed -n "s/^${key//./\\.} = //p" "$ETC/medianest.conf")"
	done
}

dev_status()
{
	local key value line pools='' sep='' name running=1
	local -A v=()

	stack_exists
	while IFS=$'\t' read -r key value; do v[$key]=$value; done < <(status_values)
	: "${v[storage.access_key]:=$(key_of storage-access)}"
	: "${v[storage.secret_key]:=$(key_of storage-secret)}"
	: "${v[storage.public_endpoint]:=${v[storage.endpoint]}}" "${v[storage.region]:=us-east-1}"
	: "${v[storage.bucket]:=medianest}"
	stack_supervisor >/dev/null || running=0
	line="postgresql:///medianest?host=$RUN&user=medianest_migrate"
	if [ "${1:-}" != --json ]; then
		line='MediaNest runs at  '
		[ $running -eq 1 ] || line='MediaNest is down; it would be at'
		printf '%s %s\n' "$line" "${v[public.url]}"
		printf '  sign in           %s\n' "$ADMIN_EMAIL"
		printf '  password          %s\n' "$(cat "$ETC/admin-password")"
		printf '  trust             %s\n' "$VAR/ca.pem"
		printf '  object store      %s\n' "${v[storage.public_endpoint]}"
		printf '  directory         %s\n' "$VAR"
		[ $running -eq 0 ] ||
		    {
			sed 's/^\([^ ]* [0-9]*\) .*/  \1/' "$RUN/supervisor.state"
			for name in $POOLS; do
				printf '  pool-%s %s\n' "$name" \
				    "$(stack_pid "pool-$name" || echo 0)"
			done
		    } | pr -3 -t -w 90
		[ $running -eq 1 ]
		return
	fi
	pid_of() { [ $running -eq 1 ] && stack_pid "$1" || printf 'null\n'; }
	for name in $POOLS; do
		pools+="$sep\"$name\":$(pid_of "pool-$name")"
		sep=,
	done
	printf '{"url":%s,"email":%s,"password":%s,' "$(json "${v[public.url]}")" \
	    "$(json "$ADMIN_EMAIL")" "$(json "$(cat "$ETC/admin-password")")"
	printf '"caFile":%s,"var":%s,"databaseUrl":%s,"redisSocket":%s,' "$(json "$VAR/ca.pem")" \
	    "$(json "$VAR")" "$(json "$line")" "$(json "$RUN/redis.sock")"
	printf '"storageEndpoint":%s,"storageRegion":%s,"storageBucket":%s,' \
	    "$(json "${v[storage.public_endpoint]}")" "$(json "${v[storage.region]}")" \
	    "$(json "${v[storage.bucket]}")"
	printf '"storageAccessKey":%s,"storageSecretKey":%s,' "$(json "${v[storage.access_key]}")" \
	    "$(json "${v[storage.secret_key]}")"
	printf '"pids":{'
	for name in postgres redis nginx worker notifyd; do
		printf '"%s":%s,' "$name" "$(pid_of "$name")"
	done
	printf '"pools":{%s}}}\n' "$pools"
}
