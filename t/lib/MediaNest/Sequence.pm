package MediaNest::Sequence;
# Requests that are in the middle of their work at the same time, in an order that a lock makes.
#
#   my $release = hold($mn, "SELECT 1 FROM users WHERE id = '...' FOR NO KEY UPDATE");
#   my $answer = later(sub { $client->api(...) });   # another process; $answer->() waits for it
#   waiting($mn, 1);                                 # one statement of the API waits for a lock
#   $release->();            # or $release->($sql), the last statement of that transaction
use strict;
use warnings;
use Exporter qw(import);
use IO::Handle;
use IO::Select;
use JSON::PP;
use MediaNest::Test;
use POSIX ();

our @EXPORT_OK = qw(hold later waiting);

use constant WAIT_SECONDS => 15;

# A transaction that holds locks until its sub is called.
sub hold {
	my ($mn, $sql) = @_;
	pipe(my $from, my $to) or die "pipe: $!";
	pipe(my $said, my $say) or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDIN, '<&', $from;
		open STDOUT, '>&', $say;
		close $to;
		exec 'psql', '-XqAt', '-d', $mn->{status}{databaseUrl} or POSIX::_exit(127);
	}
	close $_ for $from, $say;
	$to->autoflush(1);
	print $to "BEGIN; $sql;\n\\echo held\n";
	while (defined(my $line = <$said>)) { last if $line =~ /^held/ }
	return sub {
		my ($last) = @_;
		print $to "$last;\n" if $last;
		print $to "COMMIT;\n";
		close $to;
		waitpid $pid, 0;
	};
}

# Sends a request from another process. The sub waits for the answer; with an argument it says
# whether there is one already.
sub later {
	my ($sub) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0) {
		my $r = $sub->();
		print encode_json({ status => $r->{status}, json => $r->{json} });
		close STDOUT;
		POSIX::_exit(0);
	}
	return sub {
		return scalar IO::Select->new($out)->can_read(0) if @_;
		local $/;
		return decode_json(scalar <$out>);
	};
}

# Waits until so many statements of the API wait for a lock, or the answer of one who need not wait.
sub waiting {
	my ($mn, $n, $answer) = @_;
	return wait_until(sub {
		return 1 if $answer && $answer->('there');
		return $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = "
		    . "'Lock' AND usename = 'medianest_api'") >= $n;
	}, WAIT_SECONDS, "$n that wait for the lock");
}

1;
