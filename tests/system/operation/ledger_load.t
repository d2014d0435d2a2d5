# Every operation at once, from sessions of every isolation level, with retries: no money comes or goes
# (INV-1), no key does its thing twice (INV-5), no call deadlocks (INV-11), and the history is the ledger.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use POSIX ();
use Time::HiRes qw(time);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Stack;
use Test::More;
use Wait;

my $SESSIONS = 8;
my $SECONDS  = 6;
# Calls of a session that suffice for each operation to be done by somebody, also on a slow machine.
my $CALLS    = 100;
my @LEVELS   = ('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');

my $stack   = Stack->start(conf => { deadlock_timeout => '50ms' });
my @wallets = $stack->create_wallets(8, fund => '500.00');
my $folder  = test_directory();

sub pick { return $_[ rand @_ ] }

# Amounts from 0.0001 to about 100, most of them small.
sub amount { return sprintf '%.4f', 0.0001 + 100 * rand() ** 3 }

sub two
{
    my $from = int rand @wallets;
    return @wallets[ $from, ($from + 1 + int rand(@wallets - 1)) % @wallets ];
}

# Of the newest ones, whatever became of them.
my $operation = '(SELECT transaction_id FROM wallet_ledger ORDER BY transaction_id DESC OFFSET 30 * random() LIMIT 1)';
my $hold      = '(SELECT hold_id FROM wallet_holds ORDER BY hold_id DESC OFFSET 15 * random() LIMIT 1)';

sub legs
{
    my @legs = map { [ two(), amount() ] } 1 .. 1 + rand 5;
    return map { my $column = $_; [ map { $_->[$column] } @legs ] } 0 .. 2;
}

# Each makes a statement that returns one value, and its arguments. $_[0] is the call's own key.
my %calls = (
    fund     => sub { return ('SELECT wallet_fund(?, ?, ?)', pick(@wallets), amount(), $_[0]) },
    withdraw => sub { return ('SELECT wallet_withdraw(?, ?, ?)', pick(@wallets), amount(), $_[0]) },
    transfer => sub { return ('SELECT wallet_transfer(?, ?, ?, ?)', two(), amount(), $_[0]) },
    hold     => sub {
        return ('SELECT wallet_hold(?, ?, ?, ?)', pick(@wallets), amount(), pick('1 day', '30 milliseconds'), $_[0]);
    },
    capture => sub {
        return ("SELECT wallet_capture($hold, ?, ?, ?, ?)", pick(@wallets, undef), pick(amount(), undef),
            pick('true', 'false'), $_[0]);
    },
    release => sub { return ("SELECT wallet_release($hold, ?)", $_[0]) },
    expire  => sub { return ('SELECT wallet_expire_holds(?)', int rand 5) },
    reverse => sub { return ("SELECT wallet_reverse($operation, ?, ?)", pick(amount(), undef), $_[0]) },
    force   => sub { return ("SELECT wallet_reverse_force($operation, ?, ?)", amount(), $_[0]) },
    post    => sub {
        return ('SELECT wallet_post(array_agg((f, t, a)::wallet_leg), ?) FROM unnest(?::uuid[], ?::uuid[], ?::numeric[]) AS l (f, t, a)',
            $_[0], legs());
    },
    batch => sub {
        my ($from, $to, $amounts) = legs();
        my @keys = map { pick(undef, "common-" . int rand 50, "$_[0]-$_") } @$from;
        return ('SELECT count(*) FROM wallet_transfer_batch(?, ?, ?, ?, ?)',
            $from, $to, $amounts, \@keys, pick('true', 'false'));
    },
    # The same request from everybody, at about the same time.
    common => sub {
        my $n = int(time * 20) % 100_000;
        return ('SELECT wallet_transfer(?, ?, 0.01, ?)', @wallets[ $n % 2, 2 + $n % 3 ], "same-$n");
    },
    limits => sub {
        return ('SELECT wallet_set_limits(?, ?, ?, ?)', pick(@wallets), int rand 100, pick(undef, 2000), $_[0]);
    },
    # So that not every wallet is frozen after a while, both in one statement.
    freeze => sub {
        return ('SELECT wallet_unfreeze(id) FROM (SELECT ?::uuid AS id, wallet_freeze(?, ?) IS NOT NULL AS frozen OFFSET 0) AS w WHERE frozen',
            ($wallets[-1]) x 2, $_[0]);
    });

sub note_line
{
    my ($session, $text) = @_;
    open my $file, '>>', "$folder/session-$session" or die "session-$session: $!";
    print {$file} $text =~ s/\s+/ /gr, "\n";
    close $file;
    return;
}

# The value, or the SQLSTATE of a refusal. What PostgreSQL asks to be done again is, with the same key.
sub outcome
{
    my ($dbh, $session, $name, $sql, @arguments) = @_;

    while (1)
    {
        my $value = eval { ($dbh->selectrow_array($sql, undef, @arguments))[0] };
        return $value // '-' unless $@;
        my $state = $dbh->state;
        next if $state eq '40001';
        return $state if $state =~ /^(?:WL0|22004)/;
        note_line($session, "error $name $state $@");
        return $state;
    }
}

sub session_run
{
    my ($session) = @_;
    my $dbh  = $stack->connect;
    my $end  = time + $SECONDS;
    my @last = ();

    srand $session;
    $dbh->do('SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL ' . $LEVELS[ $session % @LEVELS ]);
    for (my $n = 1; time < $end || $n <= $CALLS; $n++)
    {
        my $name = pick(sort keys %calls);
        my ($sql, @arguments) = $calls{$name}->("call-$session-$n");
        my $value = outcome($dbh, $session, $name, $sql, @arguments);

        note_line($session, "$name $value" . ($name eq 'common' ? " $arguments[-1]" : ''));
        # Whoever asks again gets the first id.
        if (@last && rand() < 0.2)
        {
            my ($id, @call) = @last;
            my $again = outcome($dbh, $session, 'again', @call);
            note_line($session, "error again: $again is not $id") if $again ne $id;
        }
        @last = ($value, $sql, @arguments) if $name =~ /^(?:fund|transfer|hold|post)$/ && $value =~ /-/;
    }
    $dbh->disconnect;
    return;
}

sub lines { return map { split /\n/, slurp($_) } glob "$folder/session-*" }

my @pids;
for my $session (1 .. $SESSIONS)
{
    my $pid = fork // die "fork: $!";
    if ($pid == 0)
    {
        eval { session_run($session); 1 } or note_line($session, "error $@");
        # Without the END blocks: they are the parent's.
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
waitpid $_, 0 for @pids;

my (%done, %refused, %owners);
for my $line (lines())
{
    my ($name, $value, $key) = split / /, $line;
    next if $name eq 'error';
    if   ($value =~ /^(?:WL|22)/) { $refused{$name}++ }
    else                          { $done{$name}++ }
    $owners{$key}{$value} = 1 if $key && $value !~ /^(?:WL|22)/;
}
note join ' ', map { "$_: " . ($done{$_} // 0) . ' done, ' . ($refused{$_} // 0) . ' refused;' } sort keys %calls;
is_deeply([ grep { /^error/ } lines() ], [], 'no call failed but by a rule, and none was answered otherwise than before');
is_deeply([ grep { !$done{$_} } sort keys %calls ], [], 'every operation was done');
is_deeply([ grep { keys %{ $owners{$_} } > 1 } sort keys %owners ], [], 'one key, one operation, whoever asks');
unlike($stack->postgres->log_text, qr/deadlock detected|PANIC|server process/, 'nobody deadlocked, no server process died');
is($stack->sql('SELECT count(*) FROM (SELECT idempotency_key FROM wallet_ledger GROUP BY 1 HAVING count(*) > 1 AND idempotency_key IS NOT NULL) AS twice'),
    0, 'no key is in the ledger twice');
is($stack->sql('SELECT coalesce(sum(balance), 0) - (SELECT sum(CASE WHEN from_wallet_id IS NULL THEN amount ELSE -amount END) FROM wallet_ledger'
        . " WHERE (from_wallet_id IS NULL OR to_wallet_id IS NULL) AND kind IN ('FUND', 'WITHDRAW', 'CAPTURE', 'REVERSAL')) FROM wallets"),
    '0.0000', 'no money came or went but from and to outside');
is($stack->sql("SELECT sum(held) - (SELECT coalesce(sum(amount - captured - released), 0) FROM wallet_holds WHERE status = 'open') FROM wallets"),
    '0.0000', 'what is held is held by open holds');
$stack->wait_history;
$stack->verify;
$stack->quiet_ok;
done_testing;
