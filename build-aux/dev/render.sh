# What the parts of a stack read: medianest.conf, redis.conf, postgresql.conf, nginx's files, the
# supervisor's table. Sourced by dev.

# put FILE < TEXT: replaced only when it differs, readable by the stack's user alone.
put()
{
	as_stack sh -c '
		umask 027
		cat >"$1.new"
		if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi' sh "$1" 9>&-
}

render_settings()
{
	local pair key db="postgresql:///medianest?host=$RUN&user=medianest_"
	local -A value=(
		[public.url]=https://127.0.0.1:$PORT
		[run.dir]=$RUN [data.dir]=$DATA
		[database.migrate_url]=${db}migrate [database.api_url]=${db}api
		[database.worker_url]=${db}worker [database.store_url]=${db}store
		[redis.url]=unix://$RUN/redis.sock
		[storage.endpoint]=https://127.0.0.1:$((PORT + 1)) [storage.ca_file]=$VAR/ca.pem
		[nginx.listen]=127.0.0.1:$PORT [nginx.storage_listen]=127.0.0.1:$((PORT + 1))
		[nginx.certificate]=$ETC/tls/server.pem [nginx.certificate_key]=$ETC/tls/server.key
		[nginx.log_dir]=$LOG
	)

	for pair in "${SAVED_SETS[@]}" "${SETS[@]}"; do
		[ -n "$pair" ] || continue
		case $pair in *=*) ;; *) die "--set wants key=value, not $pair" ;; esac
		value[${pair%%=*}]=${pair#*=}
		keep[${pair%%=*}]=$pair
	done
	for key in "${!value[@]}"; do
		printf '%s = %s\n' "$key" "${value[$key]}"
	done | sort
}

# Settings that a program or nginx refuses end the command before anything is changed. What they say
# speaks of the file on trial.
render_try() # SETTINGS
{
	local try=$ETC/try said

	as_stack rm -rf "$try"
	as_stack mkdir -p "$try" "$DATA/nginx"
	printf '%s\n' "$1" | put "$try/medianest.conf"
	if said=$(as_stack "$(program admin)" --config "$try/medianest.conf" \
	    nginx --private "$try/nginx" 2>&1 9>&-) &&
	    said=$(as_stack nginx -t -q -p "$VAR/" -c "$try/nginx/nginx.conf" \
		-e "$LOG/error.log" 2>&1 9>&-); then
		as_stack rm -rf "$try"
		return 0
	fi
	as_stack rm -rf "$try"
	printf '%s\n' "$said" | sed "s|$try/medianest.conf:[0-9]*: ||; s|$try/||g" >&2
	die 'nothing was changed: these settings are not valid'
}

render_all()
{
	local settings
	local -A keep=()

	render_settings >/dev/null # for `keep`
	settings=$(render_settings)
	render_try "$settings"
	printf '# Made by ./dev up; use --set to change it.\n%s\n' "$settings" |
	    put "$ETC/medianest.conf"
	stack_admin store settings "$ETC/store.conf" || die 'store.conf could not be made'
	[ ${#keep[@]} -eq 0 ] || printf '%s\n' "${keep[@]}" | put "$ETC/settings"
	printf '%s\n' "$PORT" | put "$ETC/port"
	put "$ETC/supervise" <"$ROOT/build-aux/dev/supervise"
	put "$ETC/redis.conf" <<CONF
port 0
unixsocket $RUN/redis.sock
unixsocketperm 700
dir $VAR/tmp
save ""
appendonly no
maxmemory-policy noeviction
daemonize no
logfile ""
CONF
	put "$ETC/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$RUN'
unix_socket_permissions = 0700
hba_file = '$ETC/pg_hba.conf'
ident_file = '$ETC/pg_ident.conf'
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = 'all'
shared_buffers = 32MB
# Tables of shared memory are filled at the start: as large as a household needs them.
max_connections = 80
max_locks_per_transaction = 32
max_pred_locks_per_transaction = 10
pg_stat_statements.max = 1000
wal_buffers = 1MB
max_logical_replication_workers = 0
max_wal_size = 256MB
jit = off
log_timezone = 'UTC'
timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
CONF
	printf 'local all all peer map=stack\n' | put "$ETC/pg_hba.conf"
	{
		# The person who starts the stack may be any role: nobody else reaches the socket.
		for role in postgres $DB_ROLES; do
			printf 'stack %s %s\n' "$STACK_USER" "$role"
			[ "$ME" = "$STACK_USER" ] || printf 'stack %s %s\n' "$ME" "$role"
		done
	} | put "$ETC/pg_ident.conf"
	stack_admin nginx --private "$ETC/nginx" || die "nginx's configuration could not be made"
	as_stack mkdir -p "$DATA/nginx"
}

# What a running process was started from: when it changes, the supervisor restarts the process.
print_of() { { stat -Lc '%Y %s' "$1"; cat "${@:2}"; } | cksum | tr ' ' -; }

service() # NAME STAGE SIGNAL PROGRAM-OR-EMPTY CONFIGS... -- COMMAND...
{
	local name=$1 stage=$2 signal=$3 program=$4 configs=()

	shift 4
	while [ "$1" != -- ]; do configs+=("$1"); shift; done
	shift
	printf '%s\t%s\t%s\t%s\t%s' "$name" "$stage" "$signal" \
	    "$(print_of "$program" "${configs[@]}")" "$LOG/$name.log"
	printf '\t%s' "$@"
	printf '\n'
}

render_services() # base|all
{
	local conf=$ETC/medianest.conf name redis minutes

	redis=$(redis_bin server)
	minutes=$(sed -n 's/^sync\.minutes *= *//p' "$conf")
	{
		service postgres 1 INT "$(pg_bin postgres)" \
		    "$ETC/postgresql.conf" "$ETC/pg_hba.conf" "$ETC/pg_ident.conf" -- \
		    "$(pg_bin postgres)" -D "$VAR/pg" -c "config_file=$ETC/postgresql.conf"
		service redis 1 TERM "$redis" "$ETC/redis.conf" -- "$redis" "$ETC/redis.conf"
		if [ "$1" = all ]; then
			service pools 2 TERM "$(program fcgi)" "$conf" -- \
			    "$(program fcgi)" --pool api --logs "$LOG" --config "$conf"
			service storage 2 TERM "$(program fcgi)" "$ETC/store.conf" -- \
			    "$(program fcgi)" --pool storage --logs "$LOG" \
			    --config "$ETC/store.conf"
			for name in worker notifyd; do
				service "$name" 2 TERM "$(program "$name")" "$conf" -- \
				    "$(program "$name")" --config "$conf"
			done
			# On a host cron does this.
			[ "${minutes:-15}" -eq 0 ] ||
			    service sync 3 TERM "$(program sync)" "$conf" -- /bin/sh -c \
			    'while sleep $(($1 * 60)); do "$2" --config "$3"; done' \
			    medianest-sync-schedule "${minutes:-15}" "$(program sync)" "$conf"
			service nginx 3 QUIT "$(command -v nginx)" \
			    "$ETC"/nginx/*.conf "$ETC/tls/server.pem" -- nginx -p "$VAR/" \
			    -c "$ETC/nginx/nginx.conf" -e "$LOG/error.log" -g 'daemon off;'
		fi
	} | put "$ETC/services"
}
