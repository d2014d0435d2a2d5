# The decoder's JSON writer against a reader of its own: random texts and objects go in by SQL, and come back
# out of a slot the same.
#
#     DECODER_FUZZ_SEED, DECODER_FUZZ_WALLETS    another run than the usual
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Postgres;

my $WALLETS = $ENV{DECODER_FUZZ_WALLETS} || 1500;
my $seed    = $ENV{DECODER_FUZZ_SEED}    || 1;
srand($seed);

my $json   = JSON::PP->new->utf8->canonical->allow_nonref->allow_bignum;
my $server = Postgres->new;
$server->sql('CREATE EXTENSION wallet');
$server->sql(q{SELECT pg_create_logical_replication_slot('fuzz', 'wallet_decoder')});

# Characters of every length in UTF-8, those that must be escaped among them.
my @ranges = ([ 0x20, 0x7e ], [ 0x22, 0x22 ], [ 0x5c, 0x5c ], [ 0x2f, 0x2f ], [ 0xa1, 0x7ff ], [ 0x3000, 0xd7ff ],
    [ 0xe000, 0xfdcf ], [ 0x10000, 0x1f9ff ]);

sub text
{
    my ($length, @more) = @_;
    return join '', map {
        my ($low, $high) = @{ (@ranges, @more)[ rand(@ranges + @more) ] };
        chr($low + int rand($high - $low + 1))
    } 1 .. $length;
}

# Any JSON but for what jsonb can't hold.
sub value
{
    my ($depth) = @_;
    my $kind = int rand($depth > 0 ? 7 : 5);
    return JSON::PP::null()                                            if $kind == 0;
    return rand() < 0.5 ? JSON::PP::true() : JSON::PP::false()         if $kind == 1;
    return Math::BigInt->new(int(rand 1e9) . int(rand 1e9) . int(rand 1e9)) if $kind == 2;
    return text(int rand 20, [ 0x1, 0x1f ], [ 0x7f, 0x9f ])            if $kind <= 4;
    return [ map { value($depth - 1) } 1 .. rand 5 ]                   if $kind == 5;
    return object($depth - 1);
}

sub object
{
    my ($depth) = @_;
    return { map { (text(int rand 12, [ 0x1, 0x1f ]) => value($depth)) } 1 .. rand 5 };
}

use Math::BigInt;
my %given;
my $create = $server->connect;
for my $n (1 .. $WALLETS)
{
    my $user     = 'u' . text(int rand 40) . 'u';
    my $metadata = $json->encode(object(4));
    utf8::decode($metadata);
    my $id = eval { $create->selectrow_array('SELECT wallet_create(?, metadata => ?)', undef, $user, $metadata) };
    # Invisible marks are refused, as they should be.
    next if !defined $id && $create->state eq '22023';
    die "seed $seed, wallet $n: $@" unless defined $id;
    $given{$id} = [ $user, $metadata ];
}
cmp_ok(scalar(keys %given), '>', $WALLETS / 2, scalar(keys %given) . " wallets with random texts, seed $seed");

# As bytes, which the reader decodes itself.
my $raw = $server->connect;
$raw->{pg_enable_utf8} = 0;
my (@malformed, @different, %seen);
for my $row (@{ $raw->selectall_arrayref(q{SELECT data FROM pg_logical_slot_get_changes('fuzz', NULL, NULL)}) })
{
    my $event = eval { $json->decode($row->[0]) };
    push(@malformed, $row->[0]), next unless $event;
    my $given = $given{ $event->{wallet_id} } or next;
    $seen{ $event->{wallet_id} } = 1;
    my $expected = $given->[1];
    utf8::encode($expected);
    # Both through the same reader and writer: what is compared are values.
    push @different, $row->[0]
        unless $event->{user_id} eq $given->[0]
        && $json->encode($event->{metadata}) eq $json->encode($json->decode($expected));
}
is_deeply(\@malformed, [], 'every event is JSON');
is_deeply(\@different, [], 'with the texts and objects that were given');
is(scalar(keys %seen), scalar(keys %given), 'and none is missing');

done_testing();
