# The routes of /api/notifications: list, read marks, preferences, tickets, broadcasts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my $admin = $mn->admin;
my $guest = $mn->user(role => 'guest');
my $other = $mn->user(role => 'user');
my $n = 0;

sub broadcast {
	my ($who, $body) = @_;
	return $who->api(POST => '/api/notifications/broadcast', $body);
}

sub list {
	my ($who, $query) = @_;
	return $who->api(GET => '/api/notifications' . ($query // ''))->{json}
}

# --- broadcast -----------------------------------------------------------------------------------

my $sent = broadcast($admin, { title => 'One', message => "first\nline", roles => ['guest'] });
is $sent->{status}, 201, 'an admin broadcasts';
cmp_ok $sent->{json}{recipients}, '>=', 1, 'to those with the role';
my $items = list($guest)->{items};
is scalar @$items, 1, 'a guest has it';
is $items->[0]{title}, 'One', 'its title';
is $items->[0]{message}, "first\nline", 'its message';
is $items->[0]{kind}, 'system.broadcast', 'its kind';
is $items->[0]{seq}, 1, 'the first seq is 1';
is_deeply $items->[0]{data}, {}, 'data is an object';
ok !$items->[0]{read}, 'it is unread';
like $items->[0]{createdAt}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'its time';
is scalar @{ list($other)->{items} }, 0, 'people of other roles have not';

is broadcast($guest, { title => 'x', message => 'y' })->{status}, 403, 'a guest may not broadcast';
is broadcast($mn->client, { title => 'x', message => 'y' })->{status}, 401, 'nobody may neither';
for my $wrong ({ title => '', message => 'x' }, { title => 'x' x 201, message => 'x' },
    { title => 'x' }, { title => 'x', message => 'y' x 2001 },
	{ title => 'x', message => 'y', roles => ['king'] },
	{ title => 'x', message => 'y', roles => [] }, { title => 'x', message => 'y',
	    colour => 'red' },
	{ title => "x\ny", message => 'y' }) {
	my $answer = broadcast($admin, $wrong);
	is $answer->{status}, 400, 'a malformed broadcast is refused';
	is $answer->{json}{code}, 'validation_failed', 'as such';
}

# --- list ----------------------------------------------------------------------------------------

broadcast($admin, { title => "Number $_", message => 'x', roles => ['guest'] }) for 2 .. 7;
my $page = list($guest, '?limit=3');
is_deeply [ map { $_->{seq} } @{ $page->{items} } ], [ 7, 6, 5 ], 'newest first';
is $page->{unread}, 7, 'all unread are counted';
is $page->{page}{limit}, 3, 'the page tells its limit';
my @seen = map { $_->{seq} } @{ $page->{items} };
while (defined $page->{page}{nextCursor} && $n++ < 5) {
	$page = list($guest, "?limit=3&cursor=$page->{page}{nextCursor}");
	push @seen, map { $_->{seq} } @{ $page->{items} };
}
is_deeply \@seen, [ 7, 6, 5, 4, 3, 2, 1 ], 'pages go on to the end';
my @after = map { $_->{seq} } @{ list($guest, '?after=4')->{items} };
is_deeply \@after, [ 5, 6, 7 ], 'after: oldest first';
$page = list($guest, '?after=0&limit=4');
is_deeply [ map { $_->{seq} } @{ $page->{items} } ], [ 1 .. 4 ], 'after=0: from the first on';
$page = list($guest, "?limit=4&cursor=$page->{page}{nextCursor}");
is_deeply [ map { $_->{seq} } @{ $page->{items} } ], [ 5 .. 7 ], 'its cursor keeps the direction';
is $page->{page}{nextCursor}, undef, 'the last page has none';
for my $query ('limit=0', 'limit=101', 'limit=x', 'cursor=!!', 'cursor=YWJj', 'after=-1',
    'after=1.5', 'after=99999999999999999999', 'unread=maybe', 'colour=red',
	'limit=1&limit=2') {
	is $guest->api(GET => "/api/notifications?$query")->{status}, 400, "?$query is refused";
}
is $mn->client->api(GET => '/api/notifications')->{status}, 401, 'the list wants a session';

# --- read marks ----------------------------------------------------------------------------------

my $id = $items->[0]{id};
my $read = $guest->api(POST => "/api/notifications/$id/read");
is $read->{status}, 200, 'read one';
ok $read->{json}{read}, 'it says so';
is $guest->api(POST => "/api/notifications/$id/read")->{status}, 200, 'twice is fine';
is list($guest)->{unread}, 6, 'one unread less';
is_deeply [ map { $_->{seq} } @{ list($guest, '?unread=true')->{items} } ], [ 7, 6, 5, 4, 3, 2 ],
    '?unread=true';
is $other->api(POST => "/api/notifications/$id/read")->{status}, 404, "someone else's is not there";
is $admin->api(POST => "/api/notifications/$id/read")->{status}, 404, 'not even for an admin';
is $guest->api(POST => '/api/notifications/nonsense/read')->{status}, 404,
    'nonsense is not there either';
is $guest->api(POST => '/api/notifications/read-all')->{status}, 204, 'read all';
is list($guest)->{unread}, 0, 'none is unread';
is scalar @{ list($guest, '?unread=true')->{items} }, 0, 'the unread list is empty';

# --- preferences ---------------------------------------------------------------------------------

my $kinds = $guest->api(GET => '/api/notifications/preferences')->{json}{kinds};
ok exists $kinds->{'media.ready'} && exists $kinds->{'alert.cleared'}, 'kinds are listed';
ok $kinds->{'system.broadcast'}{page}, 'the page is the default';
is $kinds->{'system.broadcast'}{email}, 'off', 'mail is not';
my $set = $guest->api(PUT => '/api/notifications/preferences',
    { kinds => { 'system.broadcast' => { page => JSON::PP::false, email => 'daily' },
	'media.failed' => { email => 'now' } } });
is $set->{status}, 200, 'preferences are set';
is_deeply $guest->api(GET => '/api/notifications/preferences')->{json}, $set->{json}, 'and kept';
$kinds = $set->{json}{kinds};
is_deeply $kinds->{'system.broadcast'}, { page => JSON::PP::false, email => 'daily' }, 'as asked';
is_deeply $kinds->{'media.failed'}, { page => JSON::PP::true, email => 'now' },
    'what was left out is as before';
ok $other->api(GET => '/api/notifications/preferences')->{json}{kinds}{'system.broadcast'}{page},
    "other people's are their own";
is $guest->api(PUT => '/api/notifications/preferences', { kinds => $kinds })->{status}, 200,
    'every kind that is listed can be set';
for my $wrong ({}, { kinds => { 'no.such' => { page => JSON::PP::true } } },
    { kinds => { 'media.ready' => { page => 'yes' } } },
	{ kinds => { 'media.ready' => { email => 'hourly' } } },
	    { kinds => { 'media.ready' => { sms => JSON::PP::true } } }, { kinds => 1 },
	    { kinds => {}, x => 1 }) {
	is $guest->api(PUT => '/api/notifications/preferences', $wrong)->{status}, 400,
	    'a malformed preference is refused';
}
broadcast($admin, { title => 'Unwanted', message => 'x', roles => ['guest'] });
is list($guest)->{items}[0]{seq}, 7, 'who does not want a kind on the page gets no row';
$guest->api(PUT => '/api/notifications/preferences',
    { kinds => { 'system.broadcast' => { page => JSON::PP::true } } });
broadcast($admin, { title => 'Wanted', message => 'x', roles => ['guest'] });
is list($guest)->{items}[0]{seq}, 8, 'and no gap in the seq';

# --- tickets -------------------------------------------------------------------------------------

my $ticket = $guest->api(POST => '/api/notifications/ticket');
is $ticket->{status}, 200, 'a ticket';
is $ticket->{json}{expiresIn}, 30, 'lives 30 s';
like $ticket->{json}{ticket}, qr/^[A-Za-z0-9_-]{43}$/, '256 bits';
my $other_ticket = $guest->api(POST => '/api/notifications/ticket')->{json}{ticket};
isnt $other_ticket, $ticket->{json}{ticket}, 'each is another one';
my $ttl = $mn->redis(PTTL => "mn:ticket:$ticket->{json}{ticket}");
ok $ttl > 0 && $ttl <= 30_000, 'Redis forgets it in time';
is $mn->client->api(POST => '/api/notifications/ticket')->{status}, 401, 'no ticket for nobody';
$guest->api(GET => '/api/notifications/marker');
wait_until { $mn->log_text('access') =~ m{/api/notifications/marker} } 10, 'the log';
unlike $mn->log_text('access'), qr/\Q$other_ticket\E/, 'the access log holds none';

# --- methods -------------------------------------------------------------------------------------

is $guest->api(DELETE => '/api/notifications')->{status}, 405, 'no such method';
is $guest->api(GET => '/api/notifications/nowhere')->{status}, 404, 'no such path';

done_testing;
