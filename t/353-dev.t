#!/usr/bin/perl
# ./dev itself: twice in a row, twice at once, parts that die, down and up again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(private => 1);
my $before = $mn->refresh_status;

# Twice in a row: the same processes, the same password.
$mn->dev('up');
is_deeply $mn->refresh_status, $before, 'a second up changes nothing';

# Twice at once, while a third stack starts beside them.
my @children;
for my $n (1 .. 2) {
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		my $said = $mn->_dev_output('up');
		print STDERR $said if $?;
		POSIX::_exit($? ? 1 : 0);
	}
	push @children, $pid;
}
my $other = MediaNest::Test->stack(private => 1);
is(waitpid($_, 0) && $?, 0, 'up beside another up') for @children;
isnt $other->{url}, $mn->{url}, 'a second stack has an address of its own';
is $_->client->api(GET => '/api/health/ready')->{status}, 200, 'ready' for $mn, $other;
isnt $other->{password}, $mn->{password}, 'and a password of its own';

# Whatever dies comes back.
for my $part (qw(postgres redis nginx worker notifyd media)) {
	my $old = $mn->kill_part($part);
	my $new = wait_until { my $pid = $mn->pid($part); $pid && $pid != $old && $pid } 10, $part;
	ok $new, "$part comes back";
}
ok $mn->wait_ready, 'ready again';

# What was set is kept; what is changed reaches the processes.
$mn->dev('up', '--set', 'log.level=debug');
$mn->dev('up');
sub slurp { open my $in, '<', "$mn->{var}/etc/$_[0]" or die "$_[0]: $!"; local $/; return <$in> }
like slurp('medianest.conf'), qr/^log\.level = debug$/m, '--set is remembered';
isnt $mn->refresh_status->{pids}{worker}, undef, 'the worker runs';
like slurp('store.conf'), qr/^log\.level = debug$/m, 'in the file of the store too';
unlike slurp('store.conf'), qr/^(?:smtp|redis|database\.(?:api|worker|migrate))/m,
    'which holds none of the others\' secrets';

# What is no setting, or no value of it, changes nothing.
my @kept = map { slurp($_) } qw(medianest.conf settings services nginx/medianest.conf);
for (['no.such_key=1', qr/unknown key 'no\.such_key'/], ['log.level=loud', qr/not one of debug/],
    ['trash.days=0.5', qr/not a whole number/], ['cors.origins=https://x"; evil', qr/evil/],
    ['nginx.listen=nowhere.invalid:99999', qr/nowhere\.invalid/]) {
	my ($set, $why) = @$_;
	my $said = $mn->_dev_output('up', '--set', $set);
	isnt $?, 0, "$set is refused";
	like $said, $why, 'in words';
	like $said, qr/nothing was changed/, 'and changes nothing';
	is_deeply [map { slurp($_) } qw(medianest.conf settings services nginx/medianest.conf)],
	    \@kept, 'not one file';
}
$mn->dev('up');

$mn->admin->api(GET => '/api/auth/session');
$mn->dev('down');
$mn->refresh_status;
is_deeply [grep { defined } values %{ $mn->{status}{pids}{pools} }], [], 'down: no pool is left';
is $mn->client->api(GET => '/api/health/live')->{status}, 599, 'and nobody listens';
$mn->dev('up');
$mn->refresh_status;
is $mn->{password}, $before->{password}, 'up again: the same account';
is $mn->login->api(GET => '/api/auth/session')->{status}, 200, 'which can sign in';

# Foreign directories are left alone.
my $foreign = File::Temp::tempdir(CLEANUP => 1);
chmod 0755, $foreign;
open my $file, '>', "$foreign/precious" or die;
close $file;
my $said = MediaNest::Test::run_output("$mn->{root}/dev", 'up', '--var', $foreign);
isnt $?, 0, 'a directory with other things is refused';
like $said, qr/holds no stack/, 'in words';
my ($port) = $mn->{url} =~ /:(\d+)$/;
$said = MediaNest::Test::run_output("$mn->{root}/dev", 'up', '--var', "$foreign/new", '--port',
    $port);
isnt $?, 0, 'a port that is taken is refused';
like $said, qr/is taken/, 'in words';
done_testing;
