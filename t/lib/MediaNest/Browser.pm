# A headless Chromium for the tests of the page, driven by chromedriver over the WebDriver protocol
# (JSON over HTTP). Needs only Debian's chromium and chromium-driver. Everything that it writes goes
# under `dir`.
package MediaNest::Browser;

use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use constant {
	START_SECONDS => 30,
	WAIT_SECONDS  => 30,
	POLL_SECONDS  => 0.05,
	CHROMIUM      => '/usr/bin/chromium',
	ELEMENT       => 'element-6066-11e4-a52e-4f735466cecf', # WebDriver, section 12.2
};

my $json = JSON::PP->new->utf8->allow_nonref;
my $text = JSON::PP->new; # of characters: JSON inside JSON

# What is not installed of a browser and other programs, as a reason to skip; undef where all are.
sub missing (@programs) {
	for my $program (qw(chromium chromedriver), @programs) {
		return "$program is not installed"
		    if !grep { -x "$_/$program" } split /:/, $ENV{PATH};
	}
	return;
}

# start(dir => ..., artefacts => where a picture of a failure goes, width => 1280, height => 900,
# dark => 0, touch => 0, binary => another program that starts it, arguments => [of Chromium])
sub start ($class, %with) {
	my $self = bless { width => 1280, height => 900, dark => 0, touch => 0, requests => [],
	    console => [], %with },
	    $class;
	my $free = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
	    or croak "no port: $!";
	my $port = $free->sockport;

	close $free;
	make_path("$self->{dir}/profile");
	$self->{http} = HTTP::Tiny->new(timeout => 120);
	$self->{base} = "http://127.0.0.1:$port";
	my $pid = fork // croak "fork: $!";
	if (!$pid) {
		setpgrp;
		open STDOUT, '>', "$self->{dir}/chromedriver.log" or POSIX::_exit(1);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
		# Crash dumps, caches and the like stay out of the home directory.
		@ENV{qw(HOME XDG_CONFIG_HOME XDG_CACHE_HOME)} = ($self->{dir}) x 3;
		exec qw(setpriv --pdeathsig KILL -- chromedriver), "--port=$port"
		    or POSIX::_exit(127);
	}
	@$self{qw(pid owner)} = ($pid, $$);
	$self->wait_for('chromedriver', sub {
		my $answer = $self->{http}->get("$self->{base}/status");
		return $answer->{success};
	}, START_SECONDS);
	my $session = $self->call(POST => '', '/session', { capabilities => { alwaysMatch => {
		browserName => 'chrome',
		# the private stack has a certificate authority of its own
		acceptInsecureCerts => JSON::PP::true,
		'goog:loggingPrefs' => { browser => 'ALL', performance => 'ALL' },
		'goog:chromeOptions' => {
			perfLoggingPrefs => { enableNetwork => JSON::PP::true,
			    enablePage => JSON::PP::false },
			binary => $self->{binary} // CHROMIUM,
			args => [
				qw(--headless=new --no-sandbox --disable-gpu --disable-quic
				    --no-first-run --disable-background-networking
				    --disable-component-update --disable-sync
				    --disable-dev-shm-usage --hide-scrollbars --lang=en-GB
				    --no-proxy-server),
				"--window-size=$self->{width},$self->{height}",
				"--user-data-dir=$self->{dir}/profile",
				@{ $self->{arguments} // [] },
			],
		},
	} } });
	$self->{session} = "/session/$session->{sessionId}";
	$self->{browser_pid} = $session->{capabilities}{'goog:processID'};
	$self->resize($self->{width}, $self->{height});
	$self->prefer_dark($self->{dark});
	$self->cdp('Emulation.setTouchEmulationEnabled', { enabled => JSON::PP::true })
	    if $self->{touch};
	return $self;
}

sub call ($self, $method, $session, $path, $body = undef) {
	my $answer = $self->{http}->request($method, $self->{base} . $session . $path, defined $body
	    ? { content => $json->encode($body),
		headers => { 'Content-Type' => 'application/json' } } : {});
	my $value = eval { $json->decode($answer->{content})->{value} };

	croak "$method $path: $answer->{status} "
	    . ($value ? "$value->{error}: $value->{message}" : $answer->{content})
	    if !$answer->{success};
	return $value;
}

sub wd ($self, $method, $path, $body = undef) {
	return $self->call($method, $self->{session}, $path, $body);
}
sub cdp ($self, $command, $params = {}) {
	return $self->wd(POST => '/goog/cdp/execute', { cmd => $command, params => $params });
}
# A window cannot be as narrow as a phone; the emulated screen can.
sub resize ($self, $width, $height) {
	return $self->cdp('Emulation.setDeviceMetricsOverride', { width => $width,
	    height => $height, deviceScaleFactor => 1, mobile => JSON::PP::false });
}

sub prefer_dark ($self, $on) {
	return $self->cdp('Emulation.setEmulatedMedia', { features => [
	    { name => 'prefers-color-scheme', value => $on ? 'dark' : 'light' } ] });
}

# The network goes, or is back: no request gets through, and the page is told.
sub offline ($self, $on) {
	$self->cdp('Network.enable');
	return $self->cdp('Network.emulateNetworkConditions', {
		offline => $on ? JSON::PP::true : JSON::PP::false, latency => 0,
		downloadThroughput => -1, uploadThroughput => -1,
	});
}

# Requests to addresses of these patterns fail; without any, none do.
sub block ($self, @patterns) {
	$self->cdp('Network.enable');
	return $self->cdp('Network.setBlockedURLs', { urls => \@patterns });
}

# A script that runs in each page before its own scripts do.
sub before_load ($self, $script) {
	return $self->cdp('Page.addScriptToEvaluateOnNewDocument', { source => $script });
}
sub get ($self, $url) { return $self->wd(POST => '/url', { url => $url }) }
sub url ($self) { return $self->wd(GET => '/url') }
sub title ($self) { return $self->wd(GET => '/title') }
sub reload ($self) { return $self->wd(POST => '/refresh', {}) }

# Runs the text of a function body; its `arguments` are the rest.
sub js ($self, $script, @args) {
	return $self->wd(POST => '/execute/sync', { script => $script, args => \@args });
}
# The same for a function that ends by calling its last argument.
sub js_async ($self, $script, @args) {
	return $self->wd(POST => '/execute/async', { script => $script, args => \@args });
}

# Waits until the condition returns something true, and returns that; dies after the time.
sub wait_for ($self, $what, $condition, $seconds = WAIT_SECONDS) {
	my $end = time + $seconds;

	while (1) {
		my $value = eval { $condition->() };
		return $value if $value;
		if (time > $end) {
			my $why = $@;
			# A picture says more than any message.
			eval {
				$self->screenshot("$self->{artefacts}/failed-$$.png");
				warn '# ', $_->{message}, "\n" for $self->console;
			}
			    if $self->{session} && $self->{artefacts};
			croak "waited $seconds s for $what" . ($why ? ": $why" : '');
		}
		sleep POLL_SECONDS;
	}
}

# The element's reference; waits until it is there and takes up room.
sub find ($self, $css, $seconds = WAIT_SECONDS) {
	return $self->wait_for($css, sub {
		my $element = $self->wd(POST => '/element',
		    { using => 'css selector', value => $css })->{+ELEMENT};
		return $self->wd(GET => "/element/$element/displayed") ? $element : undef;
	}, $seconds);
}

sub seen ($self, $css) {
	return $self->js('const e = document.querySelector(arguments[0]); return Boolean(e && '
	    . 'e.getClientRects().length)',
	    $css);
}

sub text ($self, $css) {
	return $self->js('return document.querySelector(arguments[0])?.textContent ?? null', $css);
}
sub count ($self, $css) {
	return $self->js('return document.querySelectorAll(arguments[0]).length', $css);
}

sub click ($self, $css) {
	my $element = $self->find($css);

	return $self->wd(POST => "/element/$element/click", {});
}

sub type ($self, $css, $text) {
	my $element = $self->find($css);

	$self->wd(POST => "/element/$element/clear", {});
	return $self->wd(POST => "/element/$element/value", { text => $text });
}

# Presses keys in the focused element. Names: Escape, Enter, ArrowRight, ... or a character.
my %KEYS = (Enter => "\x{E007}", Escape => "\x{E00C}", ArrowLeft => "\x{E012}",
    ArrowUp => "\x{E013}", ArrowRight => "\x{E014}", ArrowDown => "\x{E015}", Tab => "\x{E004}",
    Home => "\x{E011}", End => "\x{E010}", Delete => "\x{E017}", Space => ' ');

sub press ($self, @keys) {
	my @actions = map {
		my $key = $KEYS{$_} // $_;
		({ type => 'keyDown', value => $key }, { type => 'keyUp', value => $key });
	} @keys;

	return $self->wd(POST => '/actions', { actions => [ { type => 'key', id => 'keyboard',
	    actions => \@actions } ] });
}

# Files into an <input type=file>, hidden or not.
sub choose_files ($self, $css, @paths) {
	my $element = $self->wd(POST => '/element',
	    { using => 'css selector', value => $css })->{+ELEMENT};

	return $self->wd(POST => "/element/$element/value", { text => join "\n", @paths });
}

sub write_png ($path, $base64) {
	open my $out, '>:raw', $path or croak "$path: $!";
	print $out decode_base64($base64);
	close $out or croak "$path: $!";
	return $path;
}

sub screenshot ($self, $path) { return write_png($path, $self->wd(GET => '/screenshot')) }

# A picture of one element.
sub screenshot_of ($self, $css, $path) {
	my $element = $self->find($css);

	return write_png($path, $self->wd(GET => "/element/$element/screenshot"));
}

# What the page has logged since the start: [{level, message}], content policy violations among
# them.
sub console ($self) {
	push $self->{console}->@*, $self->wd(POST => '/se/log', { type => 'browser' })->@*;
	return $self->{console}->@*;
}

# The addresses of all requests since the start.
sub requests ($self) {
	for my $entry ($self->wd(POST => '/se/log', { type => 'performance' })->@*) {
		# parsing all of them takes seconds
		next if $entry->{message} !~ /"Network\.(?:requestWillBeSent|webSocketCreated)"/;
		my $message = $text->decode($entry->{message})->{message};
		push $self->{requests}->@*, $message->{params}{request}{url}
		    if $message->{method} eq 'Network.requestWillBeSent';
		push $self->{requests}->@*, $message->{params}{url}
		    if $message->{method} eq 'Network.webSocketCreated';
	}
	return $self->{requests}->@*;
}

sub stop ($self) {
	return if !$self->{pid} || $self->{owner} != $$;
	eval { $self->wd(DELETE => '') } if $self->{session};
	CORE::kill 'TERM', -$self->{pid};
	my $end = time + 5;
	sleep POLL_SECONDS while waitpid($self->{pid}, WNOHANG) == 0 && time < $end;
	CORE::kill 'KILL', -$self->{pid};
	waitpid $self->{pid}, WNOHANG;
	delete $self->{pid};
	return;
}

# As a crash would: the browser has no time to write or to tell anybody anything.
sub kill ($self) {
	CORE::kill 'KILL', $self->{browser_pid};
	delete $self->{session};
	return $self->stop;
}

sub DESTROY ($self) {
	local ($?, $@);
	$self->stop;
}

1;
