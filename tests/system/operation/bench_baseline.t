# The PL/pgSQL that the extension is measured against does the same: same answers, same errors, same
# rows. A baseline that did less would be faster, and the comparison a lie.
use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use lib dirname(__FILE__) . '/../../bench/lib';
use BenchServer;

my $postgres  = BenchServer->new(wallets => 4, segments => 0)->{postgres};
my %schema_of = (extension => 'public', baseline => 'bench_plpgsql');
my %session_of;

for my $name (keys %schema_of)
{
    $session_of{$name} = $postgres->connect;
    $session_of{$name}->do("SET search_path = $schema_of{$name}");
}

sub wallet { return sprintf '01950000-0000-7000-9000-%012d', $_[0] }

my ($frozen, $closed, $euro, $limited, $full) = map { wallet($_) } 11 .. 15;

for my $schema (values %schema_of)
{
    $postgres->sql("INSERT INTO $schema.wallets VALUES
        ('$frozen',  'u', 'USD', 100, 0, 0, NULL, 'frozen', 1, now(), now()),
        ('$closed',  'u', 'USD', 0,   0, 0, NULL, 'closed', 1, now(), now()),
        ('$euro',    'u', 'EUR', 100, 0, 0, NULL, 'active', 1, now(), now()),
        ('$limited', 'u', 'USD', 90,  40, 10, 100, 'active', 1, now(), now()),
        ('$full',    'u', 'USD', 999999999999999.9999, 0, 0, NULL, 'active', 1, now(), now())");
}

# SQLSTATE, or the number of the operation: a replay has that of the first.
my %number_of;

sub outcome
{
    my ($name, @arguments) = @_;
    my $session = $session_of{$name};
    my $id = eval {
        $session->selectrow_array('SELECT wallet_transfer(?, ?, ?, ?, ?, ?)', undef, @arguments);
    };
    return $session->state unless $id;
    my $seen = $number_of{$name} //= {};
    $seen->{$id} = 1 + keys %$seen unless $seen->{$id};
    return "operation $seen->{$id}";
}

my ($one, $two, $nobody, $nil) = (wallet(1), wallet(2), wallet(99), '00000000-0000-0000-0000-000000000000');

for my $case (
    [ 'a transfer',                 'operation 1', $one, $two, '10.5', 'key 1' ],
    [ 'the other way',              'operation 2', $two, $one, '0.0001', 'key 2' ],
    [ 'without a key',              'operation 3', $one, $two, '1' ],
    [ 'with everything',            'operation 4', $one, $two, '2', 'key 4', 4, '{"a": 1}' ],
    [ 'again',                      'operation 1', $one, $two, '10.5000', 'key 1' ],
    [ 'again, another version',     'operation 4', $one, $two, '2', 'key 4', 99, '{"a": 1.0}' ],
    [ 'key, other amount',          'WL005', $one, $two, '11', 'key 1' ],
    [ 'key, other payer',           'WL005', wallet(3), $two, '10.5', 'key 1' ],
    [ 'key, other payee',           'WL005', $one, wallet(3), '10.5', 'key 1' ],
    [ 'key, other metadata',        'WL005', $one, $two, '10.5', 'key 1', undef, '{}' ],
    [ 'key, nobody there',          'WL005', $nobody, $two, '10.5', 'key 1' ],
    [ 'NULL',                       '22004', $one, undef, '1' ],
    [ 'NULL amount',                '22004', $one, $two, undef ],
    [ 'nil UUID',                   '22023', $nil, $two, '1' ],
    [ 'empty key',                  '22023', $one, $two, '1', '' ],
    [ 'long key',                   '22023', $one, $two, '1', 'k' x 256 ],
    [ 'negative version',           '22023', $one, $two, '1', undef, -1 ],
    [ 'metadata no object',         '22023', $one, $two, '1', undef, undef, '[]' ],
    [ 'metadata too long',          '22023', $one, $two, '1', undef, undef, '{"a": "' . 'x' x 8192 . '"}' ],
    [ 'nil UUID before the amount', '22023', $nil, $two, '-1' ],
    [ 'amount 0',                   'WL003', $one, $two, '0' ],
    [ 'negative amount',            'WL003', $one, $two, '-1' ],
    [ 'five decimals',              'WL003', $one, $two, '0.00001' ],
    [ 'NaN',                        'WL003', $one, $two, 'NaN' ],
    [ 'infinite amount',            'WL003', $one, $two, 'Infinity' ],
    [ 'amount too large',           'WL003', $one, $two, '1000000000000000' ],
    [ 'amount before same wallet',  'WL003', $one, $one, '0' ],
    [ 'same wallet',                'WL007', $one, $one, '1' ],
    [ 'no payer',                   'WL001', $nobody, $two, '1' ],
    [ 'no payee',                   'WL001', $two, $nobody, '1' ],
    [ 'wrong version',              'WL004', $one, $two, '1', undef, 99 ],
    [ 'closed payer',               'WL009', $closed, $two, '1' ],
    [ 'frozen payee',               'WL008', $two, $frozen, '1' ],
    [ 'frozen payer, closed payee', 'WL008', $frozen, $closed, '1' ],
    [ 'other currency',             'WL006', $two, $euro, '1' ],
    [ 'all that is available',      'operation 5', $limited, $two, '60' ],
    [ 'more than is available',     'WL002', $limited, $two, '0.0001' ],
    [ 'up to the limit',            'operation 6', $two, $limited, '70' ],
    [ 'above the limit',            'WL010', $two, $limited, '0.0001' ],
    [ 'above any balance',          'WL010', $two, $full, '0.0001' ],
    [ 'key of a failed call',       'operation 7', $one, $two, '3', 'key 7' ])
{
    my ($what, $expected, @arguments) = @$case;
    $#arguments = 5;
    is(outcome($_, @arguments), $expected, "$what: $_") for qw(extension baseline);
}

# Ids and times differ; whether they agree with each other may not.
sub rows
{
    my ($schema) = @_;
    return [
        map { $_->{row} } $postgres->rows(
            "SELECT to_jsonb(l) - 'transaction_id' - 'created_at' - 'application_name'
                 || jsonb_build_object('time of the id',
                        abs((('x' || lpad(translate(l.transaction_id::text, '-', ''), 12))::bit(48)::bigint)
                            - floor(extract(epoch FROM l.created_at) * 1000)) <= 1) AS row
             FROM $schema.wallet_ledger AS l WHERE kind = 'TRANSFER' ORDER BY created_at")
    ];
}

sub wallets
{
    my ($schema) = @_;
    return [
        map { $_->{row} } $postgres->rows(
            "SELECT to_jsonb(w) - 'created_at' - 'updated_at' || jsonb_build_object('newest entry',
                 (SELECT max(created_at) = w.updated_at FROM $schema.wallet_ledger
                  WHERE w.id IN (from_wallet_id, to_wallet_id))) AS row
             FROM $schema.wallets AS w ORDER BY id")
    ];
}

is_deeply(rows('bench_plpgsql'),    rows('public'),    'the ledger rows are the same');
is_deeply(wallets('bench_plpgsql'), wallets('public'), 'the wallets are the same');
is(
    $postgres->sql(
        q{SELECT count(*) FROM (
              (SELECT indrelid::regclass::text ~ 'ledger', indkey::text, indisunique, pg_get_expr(indpred, indrelid)
               FROM pg_index WHERE indrelid IN ('wallets'::regclass, 'wallet_ledger'::regclass))
              EXCEPT ALL
              (SELECT indrelid::regclass::text ~ 'ledger', indkey::text, indisunique, pg_get_expr(indpred, indrelid)
               FROM pg_index WHERE indrelid IN ('bench_plpgsql.wallets'::regclass,
                                                'bench_plpgsql.wallet_ledger'::regclass))) AS missing}),
    0,
    'the baseline has every index');

done_testing();
