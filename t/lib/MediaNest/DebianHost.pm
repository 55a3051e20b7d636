# A Debian with systemd, PostgreSQL, nginx and another site in it, where the packages are tried:
# what is run there, and what a person does with the house through nginx. MediaNest::Container makes
# the root.
package MediaNest::DebianHost;
use strict;
use warnings;
use parent -norequire, 'MediaNest::Container';
use MediaNest::Container;
use MediaNest::Test;
use Test::More;

our ($PAGE, $FILES) = qw(https://media.example.org https://files.example.org);
our $EMAIL = 'anna@example.org';
our $PASSWORD = 'correct-horse-battery-staple';
our $SETUP = "medianest-admin setup --public-url $PAGE --storage-url $FILES --certificate"
    . " /etc/ssl/house.pem --certificate-key /etc/ssl/house.key --email $EMAIL";

use constant READY_SECONDS => 30;

# Packages of a directory, a Debian that was made before (without: what the machine has installed).
sub start {
	my ($class, $debs, $base) = @_;
	my $self = $base ? $class->over($base) : $class->borrow;
	my $root = $self->root;
	# What the machine has may lack a package of no use here, such as cron.
	$self->{install} = $base ? 'dpkg -i' : 'dpkg -i --force-depends';
	# Debian's own site listens on [::], with which nginx does not start without IPv6.
	unlink "$root/etc/nginx/sites-enabled/default";
	$self->write_file('/etc/nginx/sites-enabled/other', <<'CONF');
server {
	listen 80;
	listen 443 ssl;
	server_name other.example.org;
	ssl_certificate /etc/ssl/other.pem;
	ssl_certificate_key /etc/ssl/other.key;
	return 200 "the other site\n";
}
CONF
	MediaNest::Container::host(<<"SH");
cd $root/etc/ssl
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout other.key \\
    -out other.pem -days 2 -subj /CN=other.example.org
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout house.key \\
    -out house.pem -days 365 -subj /CN=media.example.org \\
    -addext subjectAltName=DNS:media.example.org,DNS:files.example.org
cat house.pem >>certs/ca-certificates.crt
chmod 600 *.key
mkdir $root/debs && cp $debs/*.deb $root/debs
echo '127.0.0.1 localhost media.example.org files.example.org other.example.org' >../hosts
SH
	$self->prepare(<<'SH');
version=$(ls /usr/lib/postgresql)
[ -e /etc/postgresql/$version/main ] || pg_createcluster --locale C.UTF-8 $version main
systemctl enable nginx postgresql
SH
	$self->boot;
	return $self;
}

# Runs a command that must succeed.
sub runs {
	my ($self, $command, $what) = @_;
	my $said = $self->run($command);
	is $?, 0, $what or diag $said;
	return $said;
}

sub installs {
	my ($self, $packages, $what) = @_;
	return $self->runs("$self->{install} $packages", $what);
}

sub curl { my ($self, $rest) = @_; return $self->run("curl -sS --max-time 60 $rest") }

# True with a session, which the calls below are made in.
sub sign_in {
	my ($self) = @_;
	my $said = $self->curl("-H 'Content-Type: application/json' -d"
	    . qq{ '{"email":"$EMAIL","password":"$PASSWORD"}' $PAGE/api/auth/login});
	($self->{token}) = $said =~ /"token":"([^"]+)"/;
	diag $said if !$self->{token};
	return $self->{token};
}

sub api {
	my ($self, $rest) = @_;
	return $self->curl("-H 'Authorization: Bearer $self->{token}' $rest");
}

sub posted {
	my ($self, $path, $body) = @_;
	return $self->api("-H 'Content-Type: application/json' -d '$body' $PAGE/api/$path");
}

# An upload of a file of the host, with the address that the API signs: { id, url, size, header }.
sub upload_begin {
	my ($self, $file, $type) = @_;
	my $size = $self->run("stat -c %s $file") + 0;
	my ($name) = $file =~ m{([^/]+)$};
	my $begun = $self->posted('media/upload/initiate',
	    qq{{"filename":"$name","size":$size,"type":"$type"}});
	my ($id) = $begun =~ /"uploadId":"([^"]+)"/ or return diag $begun;
	my ($url) = $begun =~ /"uploadUrl":"([^"]+)"/;
	my %field = ($begun =~ /"fields":\{([^}]*)\}/)[0] =~ /"([^"]+)":"([^"]*)"/g;
	return { id => $id, url => $url, size => $size, header => \%field, file => $file };
}

# What curl needs to send it.
sub put_with {
	my ($upload) = @_;
	my $header = $upload->{header};
	return join ' ', '-T', $upload->{file},
	    (map { "-H '$_: $header->{$_}'" } sort keys %$header), "'$upload->{url}'";
}

# The head of the request, for whom sends the body without curl.
sub put_head {
	my ($upload) = @_;
	my ($where, $path) = $upload->{url} =~ m{^https://([^/]+)(/.*)};
	my %header = (%{ $upload->{header} }, Host => $where, Connection => 'close',
	    'Content-Length' => $upload->{size});
	return join "\r\n", "PUT $path HTTP/1.1", (map { "$_: $header{$_}" } sort keys %header),
	    '', '';
}

# The id of the item.
sub upload_end {
	my ($self, $upload) = @_;
	my $done = $self->posted('media/upload/complete', qq{{"uploadId":"$upload->{id}"}});
	return ($done =~ /"id":"([^"]+)"/)[0] // diag $done;
}

sub upload {
	my ($self, $file, $type) = @_;
	my $upload = $self->upload_begin($file, $type) or return;
	$self->curl(put_with($upload));
	return $self->upload_end($upload);
}

sub ready {
	my ($self, $id) = @_;
	my $item = "$PAGE/api/media/$id";
	return eval { wait_until(sub { $self->api($item) =~ /"status":"ready"/ }, READY_SECONDS,
	    $item) };
}

# The checksum of an item's original, as a person gets it.
sub checksum {
	my ($self, $id) = @_;
	return ($self->api("-L $PAGE/api/media/$id/file | sha256sum") =~ /^([0-9a-f]{64})/)[0];
}

# Runs Perl of this machine in the network of the host. $? is its status.
sub near {
	my ($self, @arguments) = @_;
	my $enter = join ' ', 'nsenter', '--target', $self->{leader}, '--net',
	    map { MediaNest::Container::quoted($_) } $^X, (map { "-I$_" } @INC), @arguments;
	return qx{$enter 2>&1 </dev/null};
}

# Copies a backup with its keys out of the host, and what must be there when it is restored.
sub backup_kept {
	my ($self, $into, @items) = @_;
	my $where = '/var/backups/moved';
	$self->run("install -d -o medianest -g medianest -m 0700 $where"
	    . ' && (umask 077; echo a passphrase for its keys >/srv/passphrase)');
	$self->runs("medianest-admin backup --keys /srv/passphrase $where", 'a backup with keys');
	MediaNest::Container::host("rm -rf '$into' && mkdir -p '$into'"
	    . " && cp -a $self->{root}$where '$into/backup'");
	open my $out, '>', "$into/items" or die "$into: $!";
	print $out "$_ ", $self->checksum($_), "
" for @items;
	close $out or die "$into: $!";
	return;
}

1;
