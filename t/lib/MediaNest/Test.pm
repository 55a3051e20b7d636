package MediaNest::Test;
# A private stack for a test, and a client for it.
#
#   use MediaNest::Test;
#   my $mn = MediaNest::Test->stack;                # the check's shared stack, or one of its own
#   my $mn = MediaNest::Test->stack(set => { 'rate_limit.anonymous.per_minute' => 3 });  # its own
#   my $mn = MediaNest::Test->stack(private => 1);  # for tests that kill or stop parts
#   my $mn = MediaNest::Test->stack(set => {...}, netns => 'a', port => 8443);
#                                       # in that network namespace
#
#   my $admin = $mn->admin;                         # signed in as the first super admin
#   my $user  = $mn->user(role => 'user');          # a new account, signed in
#   my $r = $user->api(POST => '/api/media/upload/initiate', { filename => 'a.jpg', ... },
#       { 'Idempotency-Key' => 'x' });
#   is $r->{status}, 201;  $r->{json}{uploadId};  $r->{headers}{etag};  $r->{content};
#
# Without `limits => 1` the rate limits of a stack are off, nginx's too: tests would run into them.
# Stacks end with the test. MEDIANEST_TEST_VAR names the shared stack's directory,
# MEDIANEST_TEST_LOGS a place for the logs of failed tests. Without MEDIANEST_DEV_BUILD the tree is
# built first, as ./dev build does.
use strict;
use warnings;
use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(wait_until once_is_enough);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

use constant {
	PERIODIC_SECONDS => 90,
	URLS_MAX => 512, # of parts, that one request signs
	PORT_LOW => 20000, PORT_HIGH => 32000,	# below the range that the kernel hands out
	UP_TRIES => 4,
	HTTP_TIMEOUT => 30,
	POLL => 0.05,
};

my $ROOT = abs_path(dirname(__FILE__) . '/../../..');
my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;
my (@own, $serial);
my $owner = $$;

# --- stacks -------------------------------------------------------------------------------------

sub stack {
	my ($class, %option) = @_;
	my $own = $option{private} || $option{set} || $option{limits};
	my $self = bless { root => $ROOT, var => $own ? undef : $ENV{MEDIANEST_TEST_VAR},
	    netns => $option{netns} }, $class;
	$self->_up(%option) unless defined $self->{var};
	$self->refresh_status;
	return $self;
}

# The tree's build, made once: a stack with --var would build for itself.
# Kinds of periodic jobs, from the program's table, with their seconds.
sub periodic_kinds {
	my $table = "$ROOT/src/service/job_kinds.def";
	open my $in, '<', $table or die "$table: $!";
	local $/;
	my %every = <$in> =~ /^JOB\(\w+,\s*"([\w.]+)",\s*\w+,\s*\d+,\s*\d+,\s*\w+,\s*(\d+)/mg;
	return map { ($_ => $every{$_}) } grep { $every{$_} } keys %every;
}

sub build_directory {
	return $ENV{MEDIANEST_DEV_BUILD} if $ENV{MEDIANEST_DEV_BUILD};
	local $ENV{MEDIANEST_DEV_INSTALLED} = 1;
	my $said = run_output("$ROOT/dev", 'build');
	my ($build) = $said =~ /^built in (.+), installed/m;
	Test::More::BAIL_OUT("no build: $said") if $? != 0 || !defined $build;
	@ENV{qw(MEDIANEST_DEV_BUILD MEDIANEST_DEV_BUILT)} = ($build, 1);
	return $build;
}

sub _up {
	my ($self, %option) = @_;
	build_directory();
	# No test speaks to the real plex.tv or TMDB: loopback is refused before anything is sent.
	# Notes are not grouped, so that each can be waited for; t/440-notifications.t groups.
	# No address may read the metrics without signing in: the tests' own would.
	# Nothing is watched: everybody here comes from one address. t/510-alerts.t watches.
	my %set = ((map { ($_ => 'http://127.0.0.1:9') } qw(plex.tv_url tmdb.url tmdb.image_url)),
	    'notifications.group_seconds' => 0, 'metrics.allow' => '',
	    'alerts.window' => 0,
	    'media.places_data' => '', # cities take time; t/684-places.t has them
	    %{ $option{limits} ? {} : limits_off() }, %{ $option{set} || {} });
	# `dir`: a directory of the caller's for the stack, which then ends with the test too.
	if (!defined($self->{var} = $option{var})) {
		my $dir = $option{dir} // directory();
		$self->{var} = "$dir/v";
		push @own, { dir => $dir, var => $self->{var}, pid => $$ };
	}
	my $said;
	for (1 .. UP_TRIES) {
		my $port = $option{port} || free_port();
		$said = $self->_dev_output('up', '--port', $port,
		    map { ('--set', "$_=$set{$_}") } sort keys %set);
		return if $? == 0;
		last unless $said =~ /is taken|already in use/;
	}
	Test::More::BAIL_OUT("no stack: $said");
}

# For a stack: the stack's user may enter it.
sub directory {
	my $dir = tempdir('mn-XXXXXX', TMPDIR => 1);
	chmod 0755, $dir;
	return $dir;
}

sub limits_off {
	my %off = map { ("rate_limit.$_" => 0) } map {
	    ("$_.per_minute", "$_.per_hour") } qw(anonymous authenticated premium admin);
	$off{"rate_limit.class.$_.per_minute"} = 0 for qw(upload search media pin webhook link);
	$off{'links.per_minute'} = 0;
	return { %off, 'rate_limit.edge.per_second' => 100000,
	    'rate_limit.edge.storage_per_second' => 100000,
		'login.per_account_address' => 100000, 'login.per_account' => 100000,
		    'login.per_address' => 100000, 'mail.links_per_account' => 100000,
		    'mail.links_per_address' => 100000 };
}

# The check's own: the stack that MEDIANEST_TEST_VAR names.
sub shared_up {
	my $self = bless { root => $ROOT }, __PACKAGE__;
	$self->_up(var => $ENV{MEDIANEST_TEST_VAR});
}

sub shared_down {
	my $var = $ENV{MEDIANEST_TEST_VAR};
	run_output("$ROOT/dev", 'down', '--var', $var);
	my $bad = complaints($var);
	run_output('cp', '-r', "$var/log", "$ENV{MEDIANEST_TEST_LOGS}/shared.$$")
	    if $ENV{MEDIANEST_TEST_LOGS};
	print STDERR $bad;
	run_output('rm', '-rf', $var);
	return $bad eq '';
}

# The messages of sanitizers in a stack's logs, and of bugs that only the log tells.
sub complaints {
	my ($var) = @_;
	return run_output('grep', '-rhE', '-A', '30',
	    'ERROR: (Address|Leak)Sanitizer|runtime error: |bug: a call to', "$var/log");
}

# A port of 127.0.0.1 that is free, and the one after it.
sub free_port {
	for (1 .. 200) {
		my $port = PORT_LOW + 2 * int(rand((PORT_HIGH - PORT_LOW) / 2));
		my @both = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $_,
		    Listen => 1, ReuseAddr => 1) } $port,
		    $port + 1;
		return $port if $both[0] && $both[1];
	}
	croak 'no free port';
}

# ./dev COMMAND --var ...: dies with its output when it fails.
sub dev {
	my ($self, $command, @arguments) = @_;
	my $said = $self->_dev_output($command, @arguments);
	croak "./dev $command @arguments: $said" if $? != 0;
	return $said;
}

sub _dev_output {
	my ($self, $command, @arguments) = @_;
	local $ENV{MEDIANEST_DEV_INSTALLED} = 1;
	# A test that is killed leaves no stack behind; the shared one ends with the check.
	local $ENV{MEDIANEST_DEV_OWNER} = $ENV{MEDIANEST_DEV_OWNER} || $owner;
	my @there = defined $self->{netns} ? ('nsenter', "--net=/run/netns/$self->{netns}") : ();
	return run_output(@there, "$ROOT/dev", $command, '--var', $self->{var}, @arguments);
}

# Standard output and error of a command; $? as after system().
sub run_output {
	my (@command) = @_;
	my $pid = open(my $from, '-|') // croak "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		{ no warnings 'exec'; exec { $command[0] } @command; }
		POSIX::_exit(127);
	}
	local $/;
	my $said = <$from>;
	close $from;
	return defined $said ? $said : '';
}

sub refresh_status {
	my ($self) = @_;
	$self->{status} = $JSON->decode($self->dev('status', '--json'));
	@$self{qw(url email password ca)} = @{ $self->{status} }{qw(url email password caFile)};
	return $self->{status};
}

# pid of postgres, redis, nginx, worker, notifyd, or of a pool's master; undef while it is down.
sub pid {
	my ($self, $part) = @_;
	my $pids = $self->refresh_status->{pids};
	return exists $pids->{$part} ? $pids->{$part} : $pids->{pools}{$part};
}

# Runs a periodic job of the queue upkeep now, and waits for its end. Returns what it failed
# with, or ''.
sub run_periodic {
	my ($self, $kind) = @_;
	$self->psql("UPDATE jobs SET run_at = now(), finished_at = NULL, last_error = NULL WHERE"
	    . " kind = '$kind'; NOTIFY mn_jobs, 'upkeep'");
	wait_until(sub { $self->psql("SELECT count(*) FROM jobs WHERE kind = '$kind' AND state ="
	    . " 'available' AND (finished_at IS NOT NULL OR last_error IS NOT NULL)") == 1 },
	    PERIODIC_SECONDS, $kind);
	return scalar $self->psql("SELECT coalesce(last_error, '') FROM jobs WHERE kind = '$kind'");
}

sub stop_part { $_[0]->dev('stop', $_[1]) }
sub start_part { $_[0]->dev('start', $_[1]) }
sub restart_part { $_[0]->dev('restart', $_[1]) }

# kill -9; the supervisor restarts the part. Returns the pid that was killed.
sub kill_part {
	my ($self, $part) = @_;
	my $pid = $self->pid($part) or croak "$part does not run";
	kill 'KILL', $pid;
	return $pid;
}

# Waits until the API says that it is ready.
sub wait_ready {
	my ($self, $seconds) = @_;
	return wait_until(sub { $self->client->api(GET => '/api/health/ready')->{status} == 200 },
	    $seconds || 30, 'a ready API');
}

sub log_text {
	my ($self, $part) = @_;
	my $file = "$self->{var}/log/$part.log";
	$file = "$self->{var}/log/pool-$part.log" unless -e $file;
	open my $in, '<:raw', $file or return '';
	local $/;
	return scalar <$in>;
}

# --- the parts behind the API ---------------------------------------------------------------------

# One statement; lines of |-separated values, or in list context the lines.
sub psql {
	my ($self, $sql, %variable) = @_;
	my $said = run_output('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d',
	    $self->{status}{databaseUrl}, '-c', $sql);
	croak "psql: $said" if $? != 0;
	chomp $said;
	return wantarray ? split(/\n/, $said) : $said;
}

sub redis {
	my ($self, @command) = @_;
	my ($cli) = grep { -x } '/usr/bin/redis-cli', '/usr/bin/valkey-cli';
	my $said = run_output($cli, '-s', $self->{status}{redisSocket}, @command);
	chomp $said;
	return $said;
}

# medianest-admin against the stack, with something on its standard input.
sub admin_command {
	my ($self, $input, @arguments) = @_;
	my ($in, $name) = File::Temp::tempfile('mn-in-XXXXXX', TMPDIR => 1, UNLINK => 1);
	print $in $input;
	close $in;
	my $said = run_output('/bin/sh', '-c',
	    'root=$1 in=$2; shift 2; exec "$root/dev" admin "$@" <"$in"', 'sh', $ROOT, $name,
	    '--var', $self->{var}, @arguments);
	unlink $name;
	croak "medianest-admin @arguments: $said" if $? != 0;
	return $said;
}

# --- clients --------------------------------------------------------------------------------------

# Another client of the same stack; anonymous without a token.
sub client {
	my ($self, $token) = @_;
	return bless { %$self, token => $token, http => undef }, ref $self;
}

sub login {
	my ($self, $email, $password) = @_;
	my $answer = $self->client->api(POST => '/api/auth/login',
		{ email => $email // $self->{email}, password => $password // $self->{password} });
	croak "login: $answer->{status} $answer->{content}" if $answer->{status} != 200;
	my $client = $self->client($answer->{json}{token});
	@$client{qw(refresh_token id session)} = ($answer->{json}{refreshToken},
	    $answer->{json}{user}{id}, $answer->{json});
	return $client;
}

sub admin { my ($self) = @_; return $self->{admin_client} ||= $self->login }

# A new account (role, email, password), signed in.
sub user {
	my ($self, %option) = @_;
	my $email = $option{email} // sprintf 'u%d-%d-%d@medianest.test', $$,
	    int(time * 1000) % 1e9, ++$serial;
	my $password = $option{password} // 'correct horse battery ' . $serial;
	$self->admin_command("$password\n", 'user', 'create', '--email', $email, '--role',
	    $option{role} // 'user', '--password-stdin');
	my $client = $self->login($email, $password);
	@$client{qw(email password)} = ($email, $password);
	return $client;
}

# api(METHOD, path, body, headers): sends a reference as JSON, a string unchanged.
sub api {
	my ($self, $method, $path, $body, $headers) = @_;
	my %headers = %{ $headers || {} };
	my %given = map { (lc $_ => 1) } keys %headers;
	$headers{Authorization} = "Bearer $self->{token}"
	    if defined $self->{token} && !$given{authorization};
	if (ref $body) {
		$body = $JSON->encode($body);
		$headers{'Content-Type'} = 'application/json' unless $given{'content-type'};
	}
	delete @headers{ grep { !defined $headers{$_} } keys %headers };
	return $self->request($method, $self->{url} . $path, $body, \%headers);
}

# Any URL; redirects are not followed. Returns {status, headers, content, json}; status 599: no
# response, content has the reason.
sub request {
	my ($self, $method, $url, $body, $headers) = @_;
	$self->{http} = undef if ($self->{http_pid} || 0) != $$;
	$self->{http_pid} = $$;
	my $http = $self->{http} ||= HTTP::Tiny->new(agent => 'medianest-test', max_redirect => 0,
	    timeout => HTTP_TIMEOUT, verify_SSL => 1,
		max_size => 1 << 30, SSL_options => { SSL_ca_file => $self->{ca} });
	my %options = (headers => $headers || {});
	$options{content} = $body if defined $body;
	my $answer = $http->request($method, $url, \%options);
	my $type = $answer->{headers}{'content-type'} || '';
	$answer->{json} = eval { $JSON->decode($answer->{content}) }
	    if $type =~ m{^application/(?:[a-z.]+\+)?json};
	return $answer;
}

# Initiates, PUTs the bytes to the store, completes. Returns the media from complete; dies when a
# step fails.
sub upload_bytes {
	my ($self, $filename, $bytes, $type, %more) = @_;
	my $begun = $self->api(POST => '/api/media/upload/initiate', { filename => $filename,
	    size => length $bytes, type => $type, %more });
	croak "initiate: $begun->{status} $begun->{content}" if $begun->{status} != 201;
	my $upload = $begun->{json};
	my @parts;
	if ($upload->{multipart}) {
		my $size = $upload->{multipart}{partSize};
		for my $part ($self->part_urls($upload)) {
			my $put = $self->request(PUT => $part->{url}, substr $bytes,
			    ($part->{number} - 1) * $size, $size);
			croak "part $part->{number}: $put->{status} $put->{content}"
			    if $put->{status} != 200;
			push @parts, { number => $part->{number}, etag => $put->{headers}{etag} };
		}
	} else {
		my $put = $self->request(PUT => $upload->{uploadUrl}, $bytes, $upload->{fields});
		croak "put: $put->{status} $put->{content}" if $put->{status} != 200;
	}
	my $done = $self->api(POST => '/api/media/upload/complete',
	    { uploadId => $upload->{uploadId}, @parts ? (parts => \@parts) : () });
	croak "complete: $done->{status} $done->{content}" if $done->{status} != 202;
	return $done->{json};
}

# {number, url} of every part of a large upload.
sub part_urls {
	my ($self, $upload) = @_;
	my @left = 1 .. $upload->{multipart}{partCount};
	my @parts;
	while (my @some = splice @left, 0, URLS_MAX) {
		my $signed = $self->api(POST => "/api/media/upload/$upload->{uploadId}/parts",
		    { numbers => \@some });
		croak "parts: $signed->{status} $signed->{content}" if $signed->{status} != 200;
		push @parts, @{ $signed->{json}{parts} };
	}
	return @parts;
}

sub upload_file {
	my ($self, $path, $type, %more) = @_;
	open my $in, '<:raw', $path or croak "$path: $!";
	my $bytes = do { local $/; <$in> };
	return $self->upload_bytes(basename($path), $bytes, $type, %more);
}

# Waits until the item is ready or failed, and returns it.
sub wait_media {
	my ($self, $id, $seconds) = @_;
	my $media;
	wait_until(sub {
		my $answer = $self->api(GET => "/api/media/$id");
		$media = $answer->{json} if $answer->{status} == 200;
		return $media && $media->{status} =~ /^(?:ready|failed)$/;
	}, $seconds || 60, "media $id");
	return $media;
}

# Skips the test, or the subtest, where the check runs with sanitizers: it takes long, and other
# tests run the same C code. The check finds the files that call it by its name.
sub once_is_enough () {
	Test::More::plan(skip_all => 'once is enough: the run without sanitizers does it')
	    if $ENV{ASAN_OPTIONS};
	return;
}

# Runs the sub until it returns something true, and returns that; dies after so many seconds (30).
sub wait_until(&;@) { ## no critic: called with a plain sub as well
	my ($sub, $seconds, $what) = @_;
	my $end = time + ($seconds || 30);
	while (1) {
		my $value = $sub->();
		return $value if $value;
		croak 'waited in vain for ' . ($what || 'a condition') if time > $end;
		sleep POLL;
	}
}

# --- the end --------------------------------------------------------------------------------------

$SIG{$_} ||= sub { exit 1 } for qw(INT TERM HUP PIPE);

END {
	my $status = $?;
	my $builder = Test::More->builder;
	for my $stack (grep { $_->{pid} == $$ } @own) {
		run_output("$ROOT/dev", 'down', '--var', $stack->{var});
		if (my $bad = complaints($stack->{var})) {
			print STDERR $bad;
			$status ||= 1;
		}
		my $passed = $status == 0 && $builder->is_passing;
		if (!$passed && $ENV{MEDIANEST_TEST_LOGS}) {
			my $to = "$ENV{MEDIANEST_TEST_LOGS}/" . basename($0) . ".$$";
			run_output('cp', '-r', "$stack->{var}/log", $to);
			print STDERR "# logs: $to\n";
		}
		run_output('rm', '-rf', $stack->{dir}) unless $ENV{MEDIANEST_TEST_KEEP};
	}
	$? = $status;
}

1;
