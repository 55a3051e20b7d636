#!/usr/bin/perl
# The house rules that a machine can check: include directions, banned functions, file lengths,
# where SQL and free() may be.
use strict;
use warnings;
use Test::More;
use File::Find;

my $top = $ENV{srcdir} // '.';
chdir $top or die "$top: $!";

use constant { LINES_MAX => 600, COLUMNS_MAX => 100, RUN_BY_PEOPLE => 27 };

# Who may include what: a room sees itself and those named here, of which a name without a slash
# stands for the room of that name alone. Rooms of the services are layers too, lowest first.
my %sees = (
    'core'      => [],
    'model'     => [qw(core)],
    'http'      => [qw(core)],
    'store'     => [qw(model core)],
    'client'    => [qw(core)],
    'media'     => [qw(core)],
    'service'   => [qw(store client model core)],
    'objectstore'   => [qw(http service store model core)],
    'fcgi-handlers' => [qw(http), service_rooms(), qw(model core)],
    'notifyd'       => [service_rooms(), qw(store model core)],
    'bin' => [qw(fcgi-handlers objectstore http notifyd), service_rooms(),
        qw(store client media model core)],
);
sub service_rooms {
    return ('service', map { "service/$_" } qw(notify gate catalogue account integrations
        processing operator));
}
{
    my @below = ('service');
    for my $room (grep { m{/} } service_rooms()) {
        $sees{$room} = [@below, @{ $sees{service} }];
        push @below, $room;
    }
}
sub room_of { my ($path) = @_; $path =~ s{^src/}{}; $path =~ s{/[^/]+$}{}; return $path }

my @files;
find({ wanted => sub { push @files, $File::Find::name if /\.[ch]$/ }, no_chdir => 1 },
    grep { -d } qw(src fcgi-handlers t));
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
    $text =~
        s{("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|/\*.*?\*/|//[^\n]*}{defined $1 ? $1 : ' '}gse;
    return $text;
}

sub check {
    my ($what, @complaints) = @_;
    ok(!@complaints, $what) or diag(join("\n", @complaints));
}

# Lines past the column, a tab being 8 of them.
sub too_wide {
    my ($file, $text) = @_;
    my ($n, @wide) = (0);
    for my $line (split /\n/, $text) {
        $n++;
        1 while $line =~ s/^(.*?)\t/$1 . ' ' x (8 - length($1) % 8)/e;
        push @wide, "$file:$n" if length($line) > COLUMNS_MAX;
    }
    return @wide;
}

my %includes;
my (@upward, @unbanned, @long, @wide, @unformatted, @sql, @rows, @freed, @spaces, @unguarded,
    @marks);
for my $file (@files) {
    my $code = code_of($file);
    my $text = text_of($file);
    my $room = room_of($file);

    while ($code =~ /^#\s*include\s+"([^"]+)"/mg) {
        my $included = $1;
        if ($included !~ m{/}) {
            push @upward, "$file: \"$included\" names no room";
            next;
        }
        push @{ $includes{$file} }, $included if -e "src/$included" || -e $included;
        next unless $sees{$room};
        my $their = room_of($included);
        push @upward, "$file includes $included"
            unless $their eq $room || grep { $_ eq $their } @{ $sees{$room} };
    }
    if ($file =~ /\.c$/) {
        my @includes = grep { !/\.def"$/ } $code =~ /^#\s*include\s+([<"][^>"]+[>"])/mg;
        push @unbanned, $file unless @includes && $includes[-1] eq '"core/banned.h"';
    } else {
        push @unguarded, $file unless $text =~ /^#ifndef (MN_\w+)\n#define \1\n/m;
    }
    my $lines = () = $text =~ /\n/g;
    push @long, "$file: $lines lines" if $lines > LINES_MAX && $file !~ /generated/;
    push @spaces, $file if $text =~ /[ \t]\n/ || $text =~ /\r/ || $text !~ /\n\z/
        || $text =~ /^ {4,}\S/m && $file =~ /\.c$/ && $text !~ /^\t/m;
    if ($file !~ m{^src/store/} && $file !~ m{^t/}) {
        push @rows, "$file: $1" while $code =~ /\b(rows_\w+\s*\(|struct\s+rows\b)/g;
        push @sql, "$file: $1"
            while $code =~ /("(?:SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH)\s[^"]*")/g;
    }
    # these hold what lives as long as the process
    if ($file =~ m{^(?:fcgi-handlers|src/service|src/objectstore)/} && $file !~
        m{^src/service/(?:keyring|services|gate/access|operator/migrate|account/token)\.c$}) {
        push @freed, "$file: $1"
            while $code =~ /\b((?:free|malloc|calloc|realloc|strdup|asprintf)\s*\()/g;
    }
    push @wide, too_wide($file, $text);
    push @unformatted, $file if $text =~ /clang-format off/;
    push @marks, "$file: $1" while $text =~ /\b(TODO|FIXME|XXX|HACK)\b/g;
}
check('includes point downward only', @upward);

# A header that is reached through another one counts as if it were named: nothing leads upward
# behind a re-export.
sub path_of { my ($name) = @_; return -e "src/$name" ? "src/$name" : $name }
my @through;
for my $file (sort keys %includes) {
    my $room = room_of($file);
    next unless $sees{$room};
    my (%seen, @todo);
    @todo = map { [$_, $_] } @{ $includes{$file} };
    while (my $next = shift @todo) {
        my ($name, $by) = @$next;
        next if $seen{$name}++;
        my $their = room_of($name);
        push @through, "$file sees $name by $by"
            unless $their eq $room || grep { $_ eq $their } @{ $sees{$room} };
        push @todo, map { [$_, "$by > $_"] } @{ $includes{ path_of($name) } || [] };
    }
}
check('nor do they through other headers', @through);

# No circle of files that include each other.
my (%state, @circles);
sub visit {
    my ($file, @path) = @_;
    if (($state{$file} // '') eq 'open') {
        push @circles, join ' > ', @path, $file;
        return;
    }
    return if $state{$file};
    $state{$file} = 'open';
    visit(path_of($_), @path, $file) for @{ $includes{$file} || [] };
    $state{$file} = 'done';
}
visit($_) for sort keys %includes;
check('no files include each other in a circle', @circles);
check('core/banned.h is the last include of every source', @unbanned);
check('no file is longer than ' . LINES_MAX . ' lines', @long);
check('no line is wider than ' . COLUMNS_MAX . ' columns', @wide,
    map { too_wide($_, text_of($_)) } glob('src/store/sql/*.sql'),
    # those that people have run are never edited
    grep { m{sql/(\d+)} && $1 > RUN_BY_PEOPLE } glob('sql/*.sql'));
check('clang-format is off nowhere', @unformatted);
check('SQL is in src/store only', @sql);
check('so is the reading of rows: what a store function returns is a struct', @rows);
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
my @numbers = map { m{/(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)+\.sql$} ? $1 + 0 : () }
    sort glob('sql/[0-9]*.sql');
is_deeply(\@numbers, [1 .. @numbers], 'migrations are numbered from 0001 without gaps');

# What is not listed is missing in the archive of `make dist`. A unit test's source is named by its
# program.
{
    my $rules = join '', map { text_of($_) } 'Makefile.am', glob('*/local.mk src/*/local.mk');
    my @sources;
    find({ wanted => sub { push @sources, $File::Find::name if /\.(?:[ch]|def|lua|sql)$/ },
        no_chdir => 1 },
        grep { -d } qw(src fcgi-handlers t/unit t/fuzz t/tools t/bench));
    check('every source is listed in a local.mk', sort grep {
        my $file = $_;
        (my $program = $file) =~ s/\.c$//;
        index($rules, $file) < 0 && $rules !~ m{\Q$program\E(?:\s|\\|$)};
    } @sources);
}

done_testing();
