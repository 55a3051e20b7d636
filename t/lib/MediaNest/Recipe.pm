package MediaNest::Recipe;
# A server that runs with one of the files of recipes/, with this machine's addresses and names in
# place of those of the example.
#
#   my $proxy = MediaNest::Recipe->start('haproxy.cfg', { '192.0.2.11:443' => '127.0.0.1:8443' },
#       ['/usr/sbin/haproxy', '-db', '-f']);     # the file's name comes last
#   $proxy->{dir};                               # where it is, with `log`
use v5.36;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX ();

my $RECIPES = abs_path(dirname(__FILE__) . '/../../../recipes');

sub text ($name, $replace) {
	open my $in, '<', "$RECIPES/$name" or die "$name: $!";
	local $/;
	my $text = <$in>;
	for my $from (sort { length $b <=> length $a || $a cmp $b } keys %$replace) {
		my $times = $text =~ s/\Q$from\E/$replace->{$from}/g;
		die "$name does not have: $from" if !$times;
	}
	return $text;
}

sub start ($class, $name, $replace, $command, %option) {
	my $dir = $option{dir} // tempdir('mn-recipe-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	chmod 0755, $dir;
	open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
	print $out sprintf($option{around} // '%s', text($name, $replace));
	close $out or die "$dir/$name: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		$ENV{HOME} = $dir;
		{ no warnings 'exec'; exec @$command, "$dir/$name"; }
		POSIX::_exit(127);
	}
	return bless { pid => $pid, owner => $$, dir => $dir }, $class;
}

sub stop ($self) {
	return if !$self->{pid} || $self->{owner} != $$;
	local ($?, $@);
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
	return;
}
sub DESTROY ($self) { $self->stop }

1;
