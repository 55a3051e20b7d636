#!/usr/bin/perl
# The largest legal input of every route (medianest-fcgi --inputs), with the largest rows behind it,
# stays far below what a request may allocate, and no worker ends by it. The log tells the memory.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Hooks;
use MediaNest::S3;
use MediaNest::Test;
use Test::More;

my $build = $ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build";
my $inputs = decode_json(qx($build/medianest-fcgi --inputs));
my $limits = $inputs->{limits};
my $mn = MediaNest::Test->stack(set => { 'upload.max_size' => '5T', 'log.level' => 'debug' });
my $admin = $mn->admin;
my $anon = $mn->client;

use constant ITEMS => 110; # more than a page
use constant RSS_MAX => 128 << 10; # KiB of a worker: what a request leaves is not kept

# --- the largest value of a schema
# --------------------------------------------------------------------------------

# Arrays have at most so many elements; strings are as long as they may be, or as short.
sub largest {
    my ($schema, $cap, $long, $depth) = @_;
    my $type = ref $schema->{type} ? $schema->{type}[0] : $schema->{type} // 'any';
    my $format = $schema->{format} // '';
    return $schema->{enum}[-1] if $schema->{enum};
    return '0192f0c1-2345-7abc-8def-0123456789ab' if $format eq 'uuid';
    return '2030-01-02T03:04:05Z' if $format eq 'date-time';
    return 'a@' . 'b' x 40 if $format eq 'email';
    if ($type eq 'string') {
        my $n = $long ? $schema->{maxLength} : $schema->{minLength} || 1;
        my $one = $schema->{pattern} ? '0' : $schema->{'x-unit'} ? 'a' : "\x{20ac}";
        return $one x $n;
    }
    return $schema->{maximum} // 0 if $type eq 'integer';
    return JSON::PP::true if $type eq 'boolean';
    if ($type eq 'array') {
        my $n = $schema->{maxItems};
        $n = $cap->[$depth] if $cap->[$depth] < $n;
        my $choices = $schema->{items}{enum};
        my @items = map { $choices ? $choices->[ $_ % @$choices ]
            : largest($schema->{items}, $cap, $long, $depth + 1) } 0 .. $n - 1;
        # Numbers count on, and texts differ: lists often want each once.
        for my $i (0 .. $#items) {
            my $count = $items[$i];
            $items[$i] = $i + 1 if ($schema->{items}{type} // '') eq 'integer';
            $items[$i]{number} = $i + 1 if ref $count eq 'HASH' && exists $count->{number};
        }
        return \@items;
    }
    return { map { $_ => largest($schema->{properties}{$_}, $cap, $long, $depth) }
        keys %{ $schema->{properties} } } if $type eq 'object';
    return 'x';
}

# The largest that a body may hold: as many elements as fit, of the innermost arrays first.
sub body_of {
    my ($schema, $long) = @_;
    my $fits = sub { length(encode_json(largest($schema, [@_], $long, 0)))
        <= $limits->{BODY_JSON_MAX} };
    my $most = sub {
        my ($fits) = @_;
        my ($low, $high) = (1, 1024);
        while ($low < $high) {
            my $middle = int(($low + $high + 1) / 2);
            if ($fits->($middle)) { $low = $middle } else { $high = $middle - 1 }
        }
        return $low;
    };
    my $outer = $fits->(1024, 1) ? 1024 : $most->(sub { $fits->($_[0], 1) });
    my $inner = $most->(sub { $fits->($outer, $_[0]) });
    return largest($schema, [ $outer, $inner ], $long, 0);
}

# --- the largest rows
# ------------------------------------------------------------------------------------

my $batch = $admin->api(POST => '/api/media/upload/initiate', { files => [ map { {
    filename => "\x{20ac}" x 251 . '.mp4', size => 5 << 30, type => 'video/mp4',
    sha256 => sprintf('%064x', $_) } } 1 .. 100 ] });
is $batch->{status}, 200, '100 files of 5 GiB are announced'
    or diag substr $batch->{content}, 0, 300;
my @uploads = grep { $_->{status} == 201 } @{ $batch->{json}{items} || [] };
is scalar @uploads, 100, 'all of them';
cmp_ok length $batch->{content}, '<', 1 << 20, 'in an answer of moderate size';
my $huge = $admin->api(POST => '/api/media/upload/initiate', { filename => 'b.mp4',
    size => 5 << 40, type => 'video/mp4' })->{json};
my $parts = $huge->{multipart}{partCount};
cmp_ok $parts, '>', 9000, 'a file of many parts' or diag explain $huge;
is scalar(my @urls = $admin->part_urls($huge)), $parts, 'with their URLs';

my $text = join ' ', map { "word$_" } 1 .. 400;
$mn->psql("INSERT INTO media (id, owner_id, kind, title, original_title, visibility, filename,"
    . " content_type, size, status, overview, genres, tags, object_key, asset_prefix, assets,"
    . " sprite_times, metadata) SELECT gen_random_uuid(), '$admin->{id}', 'video',"
    . " repeat('\"', 100) || left('$text', 100), repeat('\"', 200), 'house', repeat('\"', 255),"
    . " 'video/mp4', 5, 'ready', repeat('\"', 1000) || left('$text', 1000),"
    . " array_fill(repeat('\"', 50), '{20}'::int[]),"
    . " (SELECT array_agg('t' || i || repeat('\"', 40)) FROM generate_series(1, 50) i),"
    . " 'original/x/y', 'derived/x/y',"
    . " '{320.webp,640.webp,1280.webp,poster.webp,preview.mp4,sprite.webp,cover.webp}',"
    . " (SELECT array_agg(i) FROM generate_series(1, 100) i),"
    . " jsonb_build_object('comment', repeat('\"', 60000))"
    . " FROM generate_series(1, @{[ITEMS]})");
my $item = $mn->psql("SELECT id FROM media WHERE status = 'ready' LIMIT 1");
$mn->psql("INSERT INTO media_events (media_id, step, state, message) SELECT '$item', 'upload',"
    . " 'done', repeat('\"', 500) FROM generate_series(1, 1000)");
$mn->psql("INSERT INTO media_shares (media_id, user_id, created_at) SELECT '$item',"
    . " '$admin->{id}', now()");

# --- every route
# -----------------------------------------------------------------------------------------

my $turn = 0;
sub path_of {
    my ($route) = @_;
    my $path = $route->{path};
    $path =~ s/\{id\}/$huge->{uploadId}/ if $path =~ m{upload/};
    $path =~ s/\{id\}/$item/ if $path =~ m{^/api/media/};
    $path =~ s/\{(\w+)\}/encoded(largest($route->{params}{$1}, [1], 0, 0))/ge;
    return $path;
}

sub encoded {
    my ($value) = @_;
    $value = JSON::PP::is_bool($value) ? 'true' : ref $value ? join(',', @$value) : $value;
    utf8::encode($value);
    return $value =~ s/([^A-Za-z0-9,])/sprintf '%%%02X', ord $1/ger;
}

# The uploads that the body speaks of are there.
sub with_uploads {
    my ($body) = @_;
    $body->{uploadId} = $uploads[0]{uploadId} if exists $body->{uploadId};
    $_->{uploadId} = $uploads[ $turn++ % @uploads ]{uploadId} for @{ $body->{uploads} || [] };
    return $body;
}

sub try {
    my ($route, $what, $path, $body) = @_;
    my $who = $route->{permission} eq 'public' ? $anon : $admin;
    my $r = $who->api($route->{method} => $path, $body);
    ok +($r->{status} < 500 || ($r->{json}{code} // '') =~ /^(?:mail|plex|storage)_unavailable$/)
        && ($r->{json}{code} // '') ne 'payload_too_large', "$route->{method} $route->{path}: $what"
        or diag "$r->{status} " . substr $r->{content}, 0, 300;
}

# What ends the session or changes who may do what comes last; a limit of the live settings would
# rule the rest.
sub last_of {
    my ($route) = @_;
    return $route->{path} =~ m{/admin/|/auth/sessions|/auth/totp|/auth/password$|/users/me$}
        && $route->{method} ne 'GET' ? 1 : $route->{method} eq 'DELETE' ? 2 : 0;
}
for my $route (sort { last_of($a) <=> last_of($b) } @{ $inputs->{routes} }) {
    my $schema = $route->{query} // $route->{body} // { type => 'object', properties => {} };
    next if $route->{path} eq '/api/admin/settings' && $route->{method} eq 'PATCH';
    for my $form ($schema->{oneOf} ? @{ $schema->{oneOf} } : $schema) {
        if ($route->{query}) {
            # A filter that nothing passes would make a small answer.
            my %ask = map { ($_ => largest($form->{properties}{$_}, [100], 0, 0)) }
                grep { /^(?:limit|size)$/ } keys %{ $form->{properties} };
            $ask{q} = 'word1' if $form->{properties}{q};
            try($route, 'the largest answer', path_of($route)
                . (%ask ? '?' . join '&', map { "$_=" . encoded($ask{$_}) } sort keys %ask : ''));
            next;
        }
        try($route, 'nothing', path_of($route)), next unless $route->{body};
        try($route, 'long texts', path_of($route), with_uploads(body_of($form, 1)));
        try($route, 'many elements', path_of($route), with_uploads(body_of($form, 0)));
    }
}

# A webhook with the largest picture, and a payload of as many values as are read.
{
    my $hooks = MediaNest::Hooks->new($mn);
    my $payload = '{"event":"x","a":[' . join(',', (0) x 190_000) . ']}';
    my $r = $hooks->plex($payload, thumb => 'x' x ((16 << 20) - length($payload) - 1000));
    is $r->{status}, 200, 'the largest webhook' or diag substr $r->{content}, 0, 300;
}

my $values = '[' . join(',', (0) x 500_000) . ']';
my $r = $admin->api(POST => '/api/media/upload/complete', $values,
    { 'Content-Type' => 'application/json' });
is $r->{json}{code}, 'malformed_json', 'a body of nothing but values is refused as it is read';

# --- the object store
# -------------------------------------------------------------------------------------

my $s3 = MediaNest::S3->new($mn);
my $bucket = $mn->{status}{storageBucket};
$mn->psql("INSERT INTO objects (bucket, key, blob, size, etag) SELECT '$bucket', repeat('&', 1000)"
    . " || i, 'none' || i, 1, repeat('e', 32) FROM generate_series(1, 1001) i");
is $s3->request(GET => "/$bucket", query => { 'list-type' => 2, 'max-keys' => 1000 })->{status},
    200, 'the longest list';
is $s3->request(POST => "/$bucket", query => { delete => '' }, body => '<Delete>'
    . join('', map { '<Object><Key>' . 'k' x 1000 . $_ . '</Key></Object>' } 1 .. 1000)
    . '</Delete>')->{status}, 200, 'the longest list of deletions';
my ($begun) = $s3->request(POST => "/$bucket/joined", query => { uploads => '' })->{content}
    =~ m{<UploadId>(.*?)</UploadId>};
is $s3->request(POST => "/$bucket/joined", query => { uploadId => $begun },
    body => '<CompleteMultipartUpload>' . join('', map { "<Part><PartNumber>$_</PartNumber><ETag>"
        . 'e' x 300 . '</ETag></Part>' } 1 .. $limits->{OBJECT_PARTS_MAX})
    . '</CompleteMultipartUpload>')->{code}, 'InvalidPart', 'the longest list of parts';

# --- what it took
# -----------------------------------------------------------------------------------------

my %pools = map { $_->{pool} => 1 } @{ $inputs->{routes} };
my %took;
for my $pool (sort keys %pools, qw(verify store)) {
    my $log = $mn->log_text($pool);
    for my $line (grep { /"memory":/ } split /\n/, $log) {
        my $said = decode_json($line);
        my $name = join ' ', grep { defined } @$said{qw(method route)};
        $took{$name} = $said->{memory} if ($took{$name} // 0) < $said->{memory};
    }
    unlike $log, qr/ended by (?:signal|status)|more memory than|out of memory/,
        "no worker of $pool ended by it";
    my $master = $mn->pid($pool) or next;
    open my $in, '<', "/proc/$master/task/$master/children" or next;
    for my $pid (split ' ', <$in> // '') {
        open my $status, '<', "/proc/$pid/status" or next;
        my ($rss) = map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$status>;
        cmp_ok $rss, '<', RSS_MAX, "and none of $pool keeps much" unless $build =~ /asan/;
    }
}
my @routes = map { "$_->{method} $_->{path}" } grep { $_->{path} ne '/api/admin/settings' }
    @{ $inputs->{routes} };
is_deeply [ grep { !$took{$_} } @routes ], [], 'the memory of every route is known';
for my $name (sort { $took{$b} <=> $took{$a} } keys %took) {
    cmp_ok $took{$name}, '<=', $limits->{REQUEST_MEMORY_MAX} / 2, "memory of $name";
}
note sprintf '%6.1f MiB %s', $took{$_} / 2**20, $_
    for grep { $took{$_} > 4 << 20 } sort { $took{$b} <=> $took{$a} } keys %took;

done_testing();
