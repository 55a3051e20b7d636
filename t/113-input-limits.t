#!/usr/bin/perl
# Every limit of every route, from the rules themselves (medianest-fcgi --inputs): what is just
# inside is taken or refused for another reason, what is just outside is 400 and names the field.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Test;
use Test::More;

my $build = $ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build";
my $inputs = decode_json(qx($build/medianest-fcgi --inputs));
my $mn = MediaNest::Test->stack(private => 1, set => { 'upload.max_size' => '1T' });
my $admin = $mn->admin;
my $anon = $mn->client;

use constant INEXACT => '9007199254740993'; # 2^53 + 1
use constant LONG => 1000; # a URL of more letters of two bytes is too long as such
use constant ID => '0192f0c1-2345-7abc-8def-0123456789ab';
use utf8;

# --- values of a schema
# ----------------------------------------------------------------------------

# Text of so many units: of two bytes each where characters are counted, so that bytes in their
# place would show.
sub text {
    my ($schema, $n) = @_;
    return $n < 3 ? substr('a@', 0, $n)
        : substr('a' x 64, 0, $n - 2) . '@' . 'b' x ($n - 1 - ($n - 2 > 64 ? 64 : $n - 2))
        if ($schema->{format} // '') eq 'email';
    my $one = $schema->{pattern} ? '0' : $schema->{'x-unit'} || $n > LONG ? 'a' : "\x{e4}";
    return $one x $n;
}

sub sample {
    my ($schema) = @_;
    my $type = ref $schema->{type} ? $schema->{type}[0] : $schema->{type} // 'any';
    my $format = $schema->{format} // '';
    return $schema->{enum}[0] if $schema->{enum};
    return $format eq 'uuid' ? ID : $format eq 'date-time' ? '2030-01-02T03:04:05Z'
        : $format eq 'date' ? '2030-01-02'
        : text($schema, $format eq 'email' ? 9 : $schema->{minLength} // 1)
        if $type eq 'string';
    return $schema->{minimum} // 0 if $type eq 'integer';
    return JSON::PP::true if $type eq 'boolean';
    return [ items($schema, $schema->{minItems} // 0) ] if $type eq 'array';
    return { map { $_ => sample($schema->{properties}{$_}) } @{ $schema->{required} } }
        if $type eq 'object';
    return 'x';
}

# So many elements of an array: the choices one after the other, where there are some.
sub items {
    my ($schema, $n) = @_;
    my ($choices, $members) = @{ $schema->{items} }{qw(enum properties)};
    my @items = map { $choices ? $choices->[$_ % @$choices] : sample($schema->{items}) } 0 .. $n
        - 1;
    # Numbers of objects count on, for lists that must be in order.
    for my $name (grep { ($members->{$_}{type} // '') eq 'integer' } keys %{ $members // {} }) {
        $items[$_]{$name} += $_ for grep { defined $items[$_]{$name} } 0 .. $#items;
    }
    return @items;
}

# Just inside and just outside, of one schema: [[inside...], [outside...]].
sub borders {
    my ($schema, $query) = @_;
    my (@in, @out);
    my $type = ref $schema->{type} ? $schema->{type}[0] : $schema->{type} // 'any';
    my $format = $schema->{format} // '';
    push @{ ref $schema->{type} ? \@in : \@out }, undef unless $query || $type eq 'any';
    if ($schema->{enum}) {
        push @in, @{ $schema->{enum} };
        push @out, 'none-of-these';
        push @out, join '|', @{ $schema->{enum} } if @{ $schema->{enum} } > 1;
    } elsif ($format =~ /^(?:uuid|date|date-time)$/) {
        push @out, 'x', '';
    } elsif ($type eq 'string') {
        my ($min, $max) = ($schema->{minLength} // 0, $schema->{maxLength});
        push @in, text($schema, $min) if $min > 0;
        push @in, text($schema, $max);
        push @out, text($schema, $max + 1);
        push @out, text($schema, $min - 1) if $min > 0;
        push @out, 'z' x $max if $schema->{pattern};
        push @out, "\x{e4}" x ($max / 2 + 1)
            if ($schema->{'x-unit'} // '') eq 'bytes' && !$schema->{pattern};
        push @{ $schema->{'x-lines'} ? \@in : \@out }, "a\nb"
            unless $schema->{'x-unit'} || $min > 3;
    } elsif ($type eq 'integer') {
        push @in, @$schema{qw(minimum maximum)};
        push @out, $schema->{minimum} - 1, $schema->{maximum} + 1;
    } elsif ($type eq 'boolean') {
        push @out, 'perhaps';
    } elsif ($type eq 'array') {
        my ($min, $max) = ($schema->{minItems} // 0, $schema->{maxItems});
        push @in, [ items($schema, $min) ], [ items($schema, $max) ];
        push @out, [ items($schema, $max + 1) ];
        push @out, [ items($schema, $min - 1) ] if $min > 0;
        if (!$schema->{items}{properties}) {
            my $one = borders($schema->{items}, $query);
            my $rest = $min > 1 ? $min - 1 : 0;
            push @in, map { [ $_, items($schema, $rest) ] } @{ $one->[0] };
            push @out, map { [ $_, items($schema, $rest) ] } @{ $one->[1] };
        }
    }
    return [ \@in, \@out ];
}

# Every field below an object: [name as complaints have it, its schema, sub that puts a value into a
# sample of the whole].
sub fields {
    my ($schema, $prefix, $reach) = @_;
    my @fields;
    for my $name (sort keys %{ $schema->{properties} }) {
        my $field = $schema->{properties}{$name};
        push @fields, [ "$prefix$name", $field,
            sub { my ($whole, $value) = @_; $reach->($whole)->{$name} = $value; return $whole } ];
        my $below = sub { my ($whole) = @_; return $reach->($whole)->{$name} //= sample($field) };
        push @fields, fields($field, "$prefix$name.", $below) if $field->{properties};
        push @fields, fields($field->{items}, "$prefix$name\[0].",
            sub { my ($whole) = @_; return $below->($whole)->[0] //= sample($field->{items}) })
            if $field->{items} && $field->{items}{properties};
    }
    return @fields;
}

# --- requests
# --------------------------------------------------------------------------------------

my $upload = $admin->api(POST => '/api/media/upload/initiate', { filename => 'a.jpg', size => 3,
    type => 'image/jpeg' });
is $upload->{status}, 201, 'an upload to ask about' or BAIL_OUT($upload->{content});
my $victim = $mn->user;
my %existing = ('/api/media/upload/{id}' => $upload->{json}{uploadId},
    '/api/media/{id}' => $upload->{json}{mediaId}, '/api/users/{id}' => $victim->{id});

sub path_of {
    my ($route) = @_;
    my $path = $route->{path};
    my ($known) = grep { index($path, $_) == 0 } sort { length $b <=> length $a } keys %existing;
    $path =~ s/\{id\}/$existing{$known}/ if $known;
    $path =~ s/\{(\w+)\}/encoded(sample($route->{params}{$1}))/ge;
    return $path;
}

sub encoded {
    my ($value) = @_;
    $value = join ',', @$value if ref $value eq 'ARRAY';
    $value = 'true' if JSON::PP::is_bool($value);
    utf8::encode($value);
    $value =~ s/([^A-Za-z0-9,])/sprintf '%%%02X', ord $1/ge;
    return $value;
}

# A machine that is busy says 503 for a moment: that tells nothing of the limit.
sub send_to {
    my ($route, $path, $whole) = @_;
    my $answer;
    wait_until {
        $answer = send_once($route, $path, $whole);
        ($answer->{json}{code} // '') !~ /^(?:commit_unknown|database_\w+)$/;
    };
    return $answer;
}

sub send_once {
    my ($route, $path, $whole) = @_;
    my $who = $route->{permission} eq 'public' ? $anon : $admin;
    return $who->api($route->{method} => $path
        . (%$whole ? '?' . join '&', map { "$_=" . encoded($whole->{$_}) } sort keys %$whole : ''))
        if $route->{query};
    return $who->api($route->{method} => $path, $whole);
}

# The codes with which a field of that name is refused.
sub complaints_about {
    my ($answer, $field) = @_;
    return map { $_->{code} } grep { $_->{field} eq $field } @{ $answer->{json}{errors} // [] };
}

sub shown {
    my ($value) = @_;
    my $text = JSON::PP->new->canonical->allow_nonref->encode($value);
    return length $text > 40 ? substr($text, 0, 37) . '...' : $text;
}

sub refused {
    my ($route, $path, $field, $whole, $what) = @_;
    my $answer = send_to($route, $path, $whole);
    # A number that JSON cannot carry exactly ends the reading of the body: no field is known then.
    my $named = $what eq INEXACT && $route->{body}
        ? ($answer->{json}{code} // '') eq 'malformed_json' : complaints_about($answer, $field);
    ok $answer->{status} == 400 && $named, "$field refused: $what"
        or diag("$answer->{status} $answer->{content}");
}

# Whatever else is wrong with it, it is not too long, too short, out of range or of a wrong type.
sub taken {
    my ($route, $path, $field, $whole, $what) = @_;
    my $answer = send_to($route, $path, $whole);
    my @about = grep { /^(?:too_long|too_short|range|type|required|duplicate)$/ } complaints_about(
        $answer, $field);
    my $code = $answer->{json}{code} // '';
    my $ours = ($answer->{status} >= 500 && $code !~ /^(?:mail|plex)_unavailable$/)
        || ($route->{permission} ne 'public' && $answer->{status} == 401
            && $code ne 'invalid_credentials');
    ok !@about && !$ours, "$field taken: $what" or diag("$answer->{status} $answer->{content}");
}

sub try_form {
    my ($route, $path, $form) = @_;
    for my $field (fields($form, '', sub { $_[0] })) {
        my ($name, $schema, $put) = @$field;
        my $borders = borders($schema, $route->{query});
        refused($route, $path, $name, $put->(sample($form), $_), shown($_)) for @{ $borders->[1] };
        taken($route, $path, $name, $put->(sample($form), $_), shown($_)) for @{ $borders->[0] };
    }
    for my $name (@{ $form->{required} }) {
        my $whole = sample($form);
        delete $whole->{$name};
        # Without the member that names it, a body may be of another form: then that one's are
        # missed.
        refused($route, $path, $name, $whole, 'left out')
            unless $route->{body} && $route->{body}{oneOf} && $form->{properties}{$name}{items};
    }
    refused($route, $path, 'zz', { %{ sample($form) }, zz => 'x' }, 'unknown');
}

my $tried = 0;
for my $route (@{ $inputs->{routes} }) {
    subtest "$route->{method} $route->{path}" => sub {
        my $schema = $route->{query} // $route->{body} // { type => 'object', properties => {},
            required => [] };
        try_form($route, path_of($route), $_)
            for $schema->{oneOf} ? @{ $schema->{oneOf} } : $schema;
        for my $name (grep { $route->{params}{$_}{enum} } sort keys %{ $route->{params} }) {
            my $wrong = $route->{path} =~ s/\{\Q$name\E\}/none-of-these/r;
            refused($route, path_of({ %$route, path => $wrong }), $name, {}, 'in the path');
        }
        $tried += Test::More->builder->current_test;
    };
}
cmp_ok $tried, '>', 400, "limits were tried: $tried";

done_testing;
