package MediaNest::OuterProxy;
# A proxy of somebody else in front of the stack: its timeouts are not ours to choose.
#
#   my $proxy = MediaNest::OuterProxy->start($mn, $dir, 60);
#   $proxy->patient;    # path of its socket; it ends what is silent for so many seconds
#   $proxy->hasty;      # the same, after 200 ms
#   $proxy->stop;
use v5.36;
use MediaNest::Test;

sub start ($class, $mn, $dir, $timeout) {
	my ($port) = $mn->{url} =~ /:(\d+)$/;
	my $headers = join "\n", 'proxy_http_version 1.1;',
	    'proxy_set_header Upgrade $http_upgrade;',
	    'proxy_set_header Connection $mn_connection;', 'proxy_set_header Host $http_host;',
	    'proxy_buffering off;', 'proxy_ssl_verify off;';
	open my $out, '>', "$dir/nginx.conf" or die "$dir/nginx.conf: $!";
	print $out <<"CONF";
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events { }
http {
	access_log off;
	client_body_temp_path $dir/body;
	proxy_temp_path $dir/proxy;
	fastcgi_temp_path $dir/fastcgi;
	uwsgi_temp_path $dir/uwsgi;
	scgi_temp_path $dir/scgi;
	map \$http_upgrade \$mn_connection { default upgrade; '' close; }
	$headers
	server {
		listen unix:$dir/patient.sock;
		location / {
			proxy_pass https://127.0.0.1:$port;
			proxy_read_timeout ${timeout}s;
			proxy_send_timeout ${timeout}s;
		}
	}
	server {
		listen unix:$dir/hasty.sock;
		location / {
			proxy_pass https://127.0.0.1:$port;
			proxy_read_timeout 200ms;
		}
	}
}
CONF
	close $out;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDERR, '>>', "$dir/nginx.err";
		exec 'nginx', '-c', "$dir/nginx.conf", '-p', $dir or die "nginx: $!";
	}
	my $self = bless { pid => $pid, dir => $dir }, $class;
	wait_until(sub { -S $self->hasty }, 10, 'the proxy');
	return $self;
}

sub patient ($self) { "$self->{dir}/patient.sock" }
sub hasty ($self) { "$self->{dir}/hasty.sock" }

sub stop ($self) {
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
