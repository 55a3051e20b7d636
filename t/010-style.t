#!/usr/bin/perl
# The house rules that a machine can check: include directions, banned functions, file lengths, where SQL and free() may be.
use strict;
use warnings;
use Test::More;
use File::Find;

my $top = $ENV{srcdir} // '.';
chdir $top or die "$top: $!";

use constant LINES_MAX => 600;

# Who may include what: a directory sees itself and those named here.
my %sees = (
    'src/core'      => [],
    'src/http'      => [qw(core)],
    'src/store'     => [qw(core)],
    'src/client'    => [qw(core)],
    'src/media'     => [qw(core)],
    'src/service'   => [qw(store client core)],
    'fcgi-handlers' => [qw(http service core)],
    'src/notifyd'   => [qw(service store core)],
    'src/bin'       => [qw(fcgi-handlers http notifyd service store client media core)],
);

my @files;
find({ wanted => sub { push @files, $File::Find::name if /\.[ch]$/ }, no_chdir => 1 }, grep { -d } qw(src fcgi-handlers t/unit t/fuzz));
@files = sort @files;
ok(@files > 20, 'there are sources to look at: ' . @files);

sub text_of {
    my ($file) = @_;
    open(my $fh, '<:raw', $file) or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

# Without comments; strings are kept.
sub code_of {
    my $text = text_of(shift);
    $text =~ s{("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|/\*.*?\*/|//[^\n]*}{defined $1 ? $1 : ' '}gse;
    return $text;
}

sub check {
    my ($what, @complaints) = @_;
    ok(!@complaints, $what) or diag(join("\n", @complaints));
}

my (@upward, @unbanned, @long, @sql, @freed, @spaces, @unguarded, @marks);
for my $file (@files) {
    my $code = code_of($file);
    my $text = text_of($file);
    my ($dir) = $file =~ m{^(src/[^/]+|fcgi-handlers|t)};

    if ($sees{$dir}) {
        (my $own = $dir) =~ s{^src/}{};
        while ($code =~ /^#\s*include\s+"([^"]+)"/mg) {
            my $included = $1;
            my ($layer) = $included =~ m{^([^/]+)/};
            if (!defined $layer) {
                push @upward, "$file: \"$included\" names no layer" unless -e "$dir/$included" || $included =~ /_(?:lua|list|generated)\.h$/;
            } elsif ($layer ne $own && !grep { $_ eq $layer } @{ $sees{$dir} }) {
                push @upward, "$file includes $included";
            }
        }
    }
    if ($file =~ /\.c$/) {
        my @includes = grep { !/\.def"$/ } $code =~ /^#\s*include\s+([<"][^>"]+[>"])/mg;
        push @unbanned, $file unless @includes && $includes[-1] eq '"core/banned.h"';
    } else {
        push @unguarded, $file unless $text =~ /^#ifndef (MN_\w+)\n#define \1\n/m;
    }
    my $lines = () = $text =~ /\n/g;
    push @long, "$file: $lines lines" if $lines > LINES_MAX && $file !~ /generated/;
    push @spaces, $file if $text =~ /[ \t]\n/ || $text =~ /\r/ || $text !~ /\n\z/ || $text =~ /^ {4,}\S/m && $file =~ /\.c$/ && $text !~ /^\t/m;
    if ($file !~ m{^src/store/} && $file !~ m{^t/}) {
        push @sql, "$file: $1" while $code =~ /("(?:SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH)\s[^"]*")/g;
    }
    if ($file =~ m{^(?:fcgi-handlers|src/service)/} && $file !~ m{^src/service/(?:keyring|services|access|migrate|token)\.c$}) { # these hold what lives as long as the process
        push @freed, "$file: $1" while $code =~ /\b((?:free|malloc|calloc|realloc|strdup|asprintf)\s*\()/g;
    }
    push @marks, "$file: $1" while $text =~ /\b(TODO|FIXME|XXX|HACK)\b/g;
}
check('includes point downward only', @upward);
check('core/banned.h is the last include of every source', @unbanned);
check('no file is longer than ' . LINES_MAX . ' lines', @long);
check('SQL is in src/store only', @sql);
check('handlers and services allocate from arenas only', @freed);
check('white space is clean', @spaces);
check('every header is guarded by MN_...', @unguarded);
check('nothing is left for later', @marks);

# banned.h must really refuse.
my @banned = text_of('src/core/banned.h') =~ /^#define (\w+)\(.*BANNED\(/mg;
ok(@banned >= 10, 'banned.h bans ' . @banned . ' functions');
my @used;
for my $file (grep { /\.c$/ } @files) {
    my $code = code_of($file);
    $code =~ s/"(?:[^"\\\n]|\\.)*"/""/g;
    for my $name (@banned) {
        push @used, "$file: $name" if $code =~ /(?<![\w>.])$name\s*\(/;
    }
}
check('no banned function is called', @used);

# Migrations are numbered without gaps.
my @numbers = map { m{/(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)+\.sql$} ? $1 + 0 : () } sort glob('sql/[0-9]*.sql');
is_deeply(\@numbers, [1 .. @numbers], 'migrations are numbered from 0001 without gaps');

done_testing();
