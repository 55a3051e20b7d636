package MediaNest::Search;
# What the tests of the search share: texts in URLs and in SQL.
use strict;
use warnings;
use Encode qw(encode_utf8);
use Exporter qw(import);

our @EXPORT_OK = qw(url quote);

sub url {
	my ($text) = @_;
	$text = encode_utf8($text);
	$text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

sub quote {
	my ($text) = @_;
	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

1;
