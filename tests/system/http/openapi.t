# The OpenAPI files name the paths and methods that the programs have, all of them and no others; each program answers
# with its file; and the file says which of them need a token, and which scope.
use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP ();
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Stack;
use Test::More;
use Wait;

my $root  = abs_path(dirname(__FILE__) . '/../../..') . '/kafka_bridge';
my $token = 'token-of-the-test-of-openapi';
my $http  = HTTP::Tiny->new(timeout => 10);
my @SCOPES = qw(read transfer cashier operator);
my $tokens = test_directory() . '/tokens.json';
open my $file, '>', $tokens or die "$tokens: $!\n";
print {$file} JSON::PP->new->encode([ map { { name => $_, sha256 => sha256_hex(token_of($_)), scopes => [$_] } } @SCOPES ]);
close $file or die "$tokens: $!\n";
my %guard = (BEARER_TOKEN => $token, TOKENS_FILE => $tokens);
my $stack = Stack->start(history => \%guard);
my %program = (history => $stack->history, service => $stack->another_service(%guard));

$program{service}->start;
for my $room (sort keys %program)
{
    subtest "wallet_$room" => sub { compare($room, $program{$room}{url}) };
}
is($_->stop, 0, "$_->{name} stops") for values %program;
$stack->quiet_ok;
done_testing;

sub compare
{
    my ($room, $url) = @_;
    my $text     = slurp("$root/$room/openapi.json");
    my $document = JSON::PP->new->utf8->decode($text);
    my $paths    = $document->{paths};

    is_deeply([ sort keys %$paths ], [ paths_in_sources($room) ], 'the paths are those of the sources');
    my $answer = $http->get("$url/openapi.json");
    is($answer->{headers}{'content-type'}, 'application/json', 'the file is answered as JSON');
    ok($answer->{content} eq $text, 'as it stands in the repository');
    for my $path (sort keys %$paths)
    {
        my $target = $url . $path =~ s/\{id\}/00000000-0000-7000-8000-000000000001/r;
        my @methods = map { uc } grep { $_ ne 'parameters' } keys %{ $paths->{$path} };
        my %offered = map { ($_ => 1) } @methods, map { $_ eq 'GET' ? 'HEAD' : () } @methods;
        my $refusal = request('PROPFIND', $target, $token);
        is_deeply([ $refusal->{status}, sort split /, /, $refusal->{headers}{allow} // '' ],
            [ 405, sort keys %offered ], "$path has its methods and no other");
        for my $method (@methods)
        {
            my $operation = $paths->{$path}{ lc $method };
            my $security  = $operation->{security} // $document->{security};
            my $without   = request($method, $target)->{status};
            is($without == 401 ? 1 : 0, @$security ? 1 : 0, "$method $path: a token as the file says ($without)");
            my %may = map { ($_ => 1) } @{ $operation->{'x-scope'} // \@SCOPES };
            my @let_in = grep { request($method, $target, token_of($_))->{status} != 403 } @SCOPES;
            is_deeply(\@let_in, [ grep { $may{$_} } @SCOPES ], "$method $path: a scope as the file says");
        }
    }
    return;
}

# Every text in the sources that is a path; health_routes.c has those of each program.
sub paths_in_sources
{
    my ($room) = @_;
    my %found = ('/openapi.json' => undef);
    for my $source (glob("$root/$room/*.c"), "$root/common/daemon/health_routes.c")
    {
        @found{ slurp($source) =~ m{"((?:/(?:[a-z-]+|\{\w+\}))+)"}g } = ();
    }
    return sort keys %found;
}

sub token_of { return "token-of-$_[0]-0123456789" }

sub request
{
    my ($method, $target, $given) = @_;
    my %headers = $given ? (Authorization => "Bearer $given") : ();
    return $http->request($method, $target, { headers => \%headers });
}
