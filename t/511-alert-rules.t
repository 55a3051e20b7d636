#!/usr/bin/perl
# The rules of the alerts for Prometheus: promtool accepts them, and decides with the values of
# t/data/alerts.txt what t/unit/alert_step.c decides; the formulas find the same figures; rules and
# dashboard name metrics that exist.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use JSON::PP;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

once_is_enough();

my $top = "$FindBin::Bin/..";
my $build = MediaNest::Test::build_directory();
my $dir = tempdir('mn-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub text_of {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return <$in>;
}
sub promtool {
    my (@arguments) = @_;
    open my $out, '-|', "promtool @arguments 2>&1" or die "promtool: $!";
    local $/;
    my $said = <$out> // '';
    close $out;
    return ($?, $said);
}

my $rules = text_of("$build/monitoring/prometheus-rules.yml");
my %alert; # by rule
for (split /\n/, `$build/alert-rules-doc table`) {
    my ($rule, $name, $side, $severity) = split ' ';
    $alert{$rule} = { name => $name, side => $side, severity => $severity };
}
cmp_ok scalar(keys %alert), '>=', 14, 'rules';
{
    my ($status, $said) = promtool('check', 'rules', "$build/monitoring/prometheus-rules.yml");
    is $status, 0, 'promtool check rules' or diag $said;
    is scalar(() = $rules =~ /^  - alert: /mg), scalar(keys %alert), 'each is there';
}

# --- the same decisions
# -----------------------------------------------------------------------------------

my (@test, %seen);
for (split /\n/, text_of("$top/t/data/alerts.txt")) {
    next if /^\s*(#|$)/;
    my ($rule, $values, $said) = /^(\w+) \| (.*?) \|(.*)$/ or die "a line of the data: $_";
    my (@value, $raised, @raised);
    for (split ' ', $values) {
        my ($value, $n) = /^(.*?)(?:x(\d+))?$/;
        # Nothing there is as good as it can be.
        $value = $alert{$rule}{side} eq 'above' ? '-Inf' : 'Inf' if $value eq '-';
        push @value, ($value eq '?' ? 'stale' : $value) x ($n // 1);
    }
    my %change = map { /^([+-])(\d+)$/ ? ($2 => $1) : () } split ' ', $said;
    for my $minute (0 .. $#value) {
        $raised = $change{$minute} eq '+' if exists $change{$minute};
        push @raised, $raised ? 1 : 0;
    }
    $seen{$rule}++;
    push @test, { line => $_, rule => $rule, values => \@value, raised => \@raised };
}
is_deeply [ sort keys %seen ], [ sort grep { $alert{$_}{side} ne 'told' } keys %alert ],
    'there are values for each rule that has a threshold';

# The annotations of each rule as the file has them.
my %annotations;
for my $rule (keys %alert) {
    $rules =~ /^[ ]{2}-[ ]alert:[ ]$alert{$rule}{name}\n.*?annotations:\n
        ([ ]+summary:[^\n]*\n[ ]+description:[^\n]*\n)/msx or die "no annotations of $rule";
    ($annotations{$rule} = $1) =~ s/^ +/        /mg;
}

sub yaml_of {
    my ($test) = @_;
    my ($rule, $alert) = ($test->{rule}, $alert{ $test->{rule} });
    my $yaml = "- interval: 1m\n  input_series:\n  - series: 'medianest:$rule'\n    values: '"
        . join(' ', @{ $test->{values} }) . "'\n  alert_rule_test:\n";
    for my $minute (0 .. $#{ $test->{raised} }) {
        $yaml .= "  - eval_time: ${minute}m\n    alertname: $alert->{name}\n    exp_alerts:"
            . ($test->{raised}[$minute]
            ? "\n    - exp_labels: { severity: $alert->{severity} }\n      exp_annotations:\n"
            . $annotations{$rule} : " []\n");
    }
    return $yaml;
}

sub test_rules {
    my ($name, $tests) = @_;
    open my $out, '>', "$dir/$name.yml" or die $!;
    print $out "rule_files: [$build/monitoring/prometheus-rules.yml]\nevaluation_interval: 1m\n"
        . "tests:\n$tests";
    close $out;
    return promtool('test', 'rules', "$dir/$name.yml");
}

{
    my ($status, $said) = test_rules('same', join '', map { yaml_of($_) } @test);
    is $status, 0, 'promtool decides the same' or diag substr $said, 0, 4000;
    my %other = (%{ $test[0] }, raised => [ map { 1 - $_ } @{ $test[0]{raised} } ]);
    ($status) = test_rules('other', yaml_of(\%other));
    isnt $status, 0, 'and would notice another decision';
}

# What is told is raised and cleared where it happens: each has its test.
my %told_in = (endpoint_off => '430-webhooks-out', backup_failed => '540-backup',
    sync_stopped => '412-sync-faults', hook_silence => '420-webhooks-in',
    wrong_name => '450-requests', doctor => '550-doctor');
is_deeply [ sort keys %told_in ], [ sort grep { $alert{$_}{side} eq 'told' } keys %alert ],
    'each rule that is told is named here';
for my $rule (sort keys %told_in) {
    my $test = text_of("$top/t/$told_in{$rule}.t");
    like $test, qr/raised/, "$told_in{$rule} raises $rule";
    like $test, qr/clear|state=raised|scalar\(\$alerts/, '... and ends it';
}

# What is told has no threshold: it is raised while an alert is open.
for my $rule (sort grep { $alert{$_}{side} eq 'told' } keys %alert) {
    my $firing = "\n    - exp_labels: { severity: $alert{$rule}{severity} }\n"
        . "      exp_annotations:\n$annotations{$rule}";
    my %at = (2 => " []\n", 4 => $firing, 8 => " []\n");
    my ($status, $said) = test_rules("told-$rule", "- interval: 1m\n  input_series:\n"
        . "  - series: 'medianest_alert_value{rule=\"$rule\"}'\n    values: '0x2 2x3 0x5'\n"
        . "  alert_rule_test:\n" . join '', map { "  - eval_time: ${_}m\n    alertname:"
        . " $alert{$rule}{name}\n    exp_alerts:$at{$_}" } sort keys %at);
    is $status, 0, "$rule: raised while one is open" or diag substr $said, 0, 2000;
}

# --- the figures
# -----------------------------------------------------------------------------------

sub figure {
    my ($name, $rule, $series, @samples) = @_;
    my $yaml = "- interval: 1m\n  input_series:\n" . join('', map {
        "  - series: '$_'\n    values: '$series->{$_}'\n" } sort keys %$series)
        . "  promql_expr_test:\n  - expr: round(medianest:$rule, 0.01)\n    eval_time: 10m\n"
        . '    exp_samples:'
        . (@samples ? join('', map { "\n    - { labels: '{}', value: $_ }" } @samples)
            : ' []') . "\n";
    my ($status, $said) = test_rules("figure-$rule", $yaml);
    is $status, 0, $name or diag substr $said, 0, 2000;
}

my $of = 'method="GET"';
sub histogram {
    my ($route, $fast, $slow, $method) = @_;
    my $at = "route=\"$route\",method=\"" . ($method // 'GET') . '"';
    my $bucket = 'medianest_http_request_duration_seconds_bucket';
    my $all = $fast + $slow;
    return ("$bucket\{$at,le=\"0.1\"}" => "0+${fast}x20", "$bucket\{$at,le=\"1\"}" => "0+${all}x20",
        "$bucket\{$at,le=\"+Inf\"}" => "0+${all}x20",
        "medianest_http_requests_total{$at,status=\"2xx\"}" => "0+${all}x20");
}
figure('p95 in milliseconds', latency => { histogram('/api/media', 90, 10) }, 550);
figure('p95 without routes that hash passwords', latency => { histogram('/api/media', 90, 10),
    histogram('/api/auth/login', 0, 50, 'POST'),
    'medianest_http_stage_seconds_total{route="/api/auth/login",method="POST",stage="hashing"}' =>
        '0+10x20' }, 550);
figure('nothing is known of a few requests', latency => { histogram('/api/media', 2, 1) });
my %requests = map { ("medianest_http_requests_total{route=\"/api/media\",$of,status=\"$_->[0]\"}"
    => $_->[1]) } [ '2xx', '0+95x20' ], [ '5xx', '0+5x20' ];
figure('requests that fail', errors => \%requests, 5);
figure('one failure is chance', errors => { %requests, (grep { /5xx/ } keys %requests)[0]
    => '0x6 1x14' }, 0);
figure('two are not', errors => { %requests, (grep { /5xx/ } keys %requests)[0] => '0x6 2x14' },
    0.42);
figure('none fail', errors => { map { ($_ => $requests{$_}) } grep { /2xx/ } keys %requests }, 0);
figure('hits', cache_hits => { map { ("medianest_http_cache_total{route=\"/api/media\",result=\""
    . "$_->[0]\"}" => $_->[1]) } [ hit => '0+30x20' ], [ miss => '0+10x20' ] }, 75);
figure('no hit at all', cache_hits => {
    'medianest_http_cache_total{route="/api/media",result="miss"}' => '0+10x20' }, 0);
figure('what MediaNest found itself', sync_age => {
    'medianest_alert_value{rule="sync_age",instance="a"}' => '2x20',
    'medianest_alert_value{rule="sync_age",instance="b"}' => '4x20' }, 4);

# --- names
# -----------------------------------------------------------------------------------

my %exists = map { ($_ => 1) } map { text_of($_) =~ /"(medianest_\w+)"/g }
    grep { -e } "$top/src/core/metric_table.def", "$top/src/service/operator/facts.c";
sub unknown_names {
    my ($text) = @_;
    my %named = map { ($_ => 1) } $text =~ /\b(medianest_\w+)/g;
    return grep { !$exists{$_} && !$exists{ s/_(?:bucket|sum|count)$//r } } sort keys %named;
}
is_deeply [ unknown_names('medianest_nothing_total') ], ['medianest_nothing_total'],
    'a name that does not exist is noticed';
is_deeply [ unknown_names($rules) ], [], 'the rules name metrics that exist';

my $dashboard = decode_json(text_of("$top/monitoring/grafana-dashboard.json"));
my @expression = map { $_->{expr} } map { @{ $_->{targets} } } @{ $dashboard->{panels} };
cmp_ok scalar(@expression), '>', 20, 'the dashboard has plots';
is_deeply [ map { unknown_names($_) } @expression ], [], 'of metrics that exist';
my %id = map { ($_->{id} => 1) } @{ $dashboard->{panels} };
is scalar(keys %id), scalar(@{ $dashboard->{panels} }), 'each with an id';
{
    open my $out, '>', "$dir/dashboard.yml" or die $!;
    print $out "groups:\n- name: dashboard\n  rules:\n";
    my $n = 0;
    printf $out "  - record: dashboard:%d\n    expr: %s\n", $n++, encode_json([$_]) =~ s/^\[|\]$//gr
        for @expression;
    close $out;
    my ($status, $said) = promtool('check', 'rules', "$dir/dashboard.yml");
    is $status, 0, 'in PromQL' or diag $said;
}

done_testing;
