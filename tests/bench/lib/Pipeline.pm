# The whole way for benchmarks: a server as durable as in production, Kafka, bridge, history, and a Debezium beside them.
package Pipeline;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Errno;
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Select;
use List::Util qw(sum);
use Time::HiRes qw(time);

use Daemon;
use Files;
use Kafka;
use Machine;
use Stack;
use Wait;

=head1 SYNOPSIS

    my $pipeline = Pipeline->new(partitions => 6, debezium => 1);
    $pipeline->fill(100_000);                    # single transfers, a commit each
    my $run = $pipeline->deliver('bridge', 100_000, env => {...});    # rows_per_s, cpu_us a row, memory_mib
    my @ms  = $pipeline->latencies('bridge', 200);
    my $run = $pipeline->decode($plugin, \@options);                  # rows_per_s, cpu_us a row of the last fill

Bridge and Debezium have a slot and a topic of their own, and stand still unless they are asked.

=cut

my $directory = abs_path(dirname(__FILE__) . '/..');
my $topic     = 'debezium.public.wallet_ledger';

my %conf = (
    fsync              => 'on',
    shared_buffers     => '1GB',
    max_wal_size       => '16GB',
    checkpoint_timeout => '1h',
    max_connections    => 100);

sub new
{
    my ($class, %option) = @_;
    # Within a run of the tests its broker will do: there the figures mean nothing.
    my $kafka = $ENV{WALLET_TEST_KAFKA} ? Kafka->shared : Kafka->own(env => { KAFKA_HEAP => '512m', KAFKA_JIT => 4 });
    my $stack = Stack->start(
        broker  => $kafka,
        conf    => { %conf, %{ $option{conf} // {} } },
        bridge  => 0,
        history => 0);
    my $self = bless { wallets => 10_000, %option, kafka => $kafka, stack => $stack, delivered => 0 }, $class;

    # The topic has every wallet from its version 0.
    $stack->bridge->{env}{BRIDGE_PARTITIONS} = $self->{partitions};
    $stack->bridge->start;
    $self->_wallets_make;
    $stack->sql('CREATE PUBLICATION bench FOR TABLE wallet_ledger');
    $stack->wait_bridge;
    $self->stop('bridge');
    $self->_debezium_start if $self->{debezium};
    return $self;
}

sub broker_pids { my ($self) = @_; return $self->{kafka}{daemon} ? $self->{kafka}{daemon}->pid : () }

sub conditions
{
    my ($self) = @_;
    return (Machine::conditions($self->{stack}->postgres), kafka => '4.3.1, one broker on the same machine', partitions => $self->{partitions});
}

# Before another one is made.
sub finish
{
    my ($self) = @_;
    $self->{connect}->stop if $self->{connect};
    $self->{stack}->postgres->stop;
    $self->{kafka}->stop if $self->{kafka}{daemon};
    return;
}

# Named as in wallets.sql.
sub _wallets_make
{
    my ($self) = @_;
    for my $what (q{wallet_create('user-' || n, 'USD', ('0195000000007000' || 9000000000000000 + n)::uuid)},
        q{wallet_fund(('0195000000007000' || 9000000000000000 + n)::uuid, 1000000)})
    {
        $self->{stack}->sql("SELECT count($what) FROM generate_series(1, ?) AS n", $self->{wallets});
    }
    return;
}

# pgbench on that server; a child that is waited for, or its pid.
sub pgbench
{
    my ($self, %option) = @_;
    my $postgres = $self->{stack}->postgres;
    my @command  = (
        "$postgres->{bin}/pgbench", qw(-n -M prepared -j 2 -D), "wallets=$self->{wallets}",
        '-f', "$directory/transfer.pgbench", @{ $option{arguments} }, '-h', $postgres->{base}, '-p', $postgres->port,
        '-U', 'postgres', $postgres->{dbname});
    my $job = Daemon->new(
        name    => 'pgbench',
        is_job  => 1,
        command => \@command,
        env     => { PGOPTIONS => $option{options} // '' });

    $job->start(ready => 0);
    return $job if $option{in_background};
    croak 'pgbench did not do its work' if $job->wait_exit(600) ne '0';
    return;
}

# Not waiting for the disk, which is not what is measured.
sub fill
{
    my ($self, $transfers) = @_;
    $self->pgbench(arguments => [ '-c', 8, '-t', $transfers / 8 ], options => '-c synchronous_commit=off');
    $self->{filled} = int($transfers / 8) * 8;
    return $self->{filled};
}

# Decodes what was filled since the slot was made, to nowhere.
sub decode
{
    my ($self, $slot, $options) = @_;
    my $postgres = $self->{stack}->postgres;
    my $copy     = "${slot}_copy";
    my $end      = $self->{stack}->sql('SELECT pg_current_wal_flush_lsn()');

    $self->{stack}->sql('SELECT pg_copy_logical_replication_slot(?, ?)', $slot, $copy);
    my $cpu   = Machine::cpu_of_ended_us($postgres->pid);
    my $begin = time;
    my $code  = $postgres->run('pg_recvlogical', '-d', $postgres->uri, '-S', $copy, '--start', '-f', '/dev/null', '-E', $end,
        '--no-loop', map { ('-o', $_) } @$options);
    my $seconds = time - $begin;
    croak "pg_recvlogical ended with $code" if $code;
    poll_until(
        sub { $self->{stack}->sql('SELECT NOT active FROM pg_replication_slots WHERE slot_name = ?', $copy) },
        interval => 0.01,
        what     => 'the end of the walsender');
    $self->{stack}->sql('SELECT pg_drop_replication_slot(?)', $copy);
    $cpu = Machine::cpu_of_ended_us($postgres->pid) - $cpu;
    return { rows_per_s => $self->{filled} / $seconds, tps => $self->{filled} / $seconds, cpu_us => $cpu / $self->{filled} };
}

sub _debezium_start
{
    my ($self) = @_;
    my $port = free_port();

    $self->{kafka}->create_topic($topic, partitions => $self->{partitions});
    $self->{connect} = Daemon->new(
        name    => 'connect',
        port    => $port,
        url     => "http://127.0.0.1:$port",
        command => [
            "$directory/connect/run", test_directory() . '/connect', $port, $self->{kafka}->brokers,
            '127.0.0.1:' . $self->{stack}->postgres->port, $self->{stack}->postgres->{dbname}
        ],
        ready => sub { ($self->{connect}->get('/connectors/debezium/status'))[1] =~ /"tasks":\[\{"id":0,"state":"RUNNING"/ });
    $self->{connect}->start(deadline => 180);
    $self->_wait_slot('debezium', 1);
    $self->_debezium_put('stop');
    return;
}

sub _debezium_put
{
    my ($self, $verb) = @_;
    my $answer = HTTP::Tiny->new(timeout => 60)->put("$self->{connect}{url}/connectors/debezium/$verb");
    croak "Kafka Connect: $answer->{status} $answer->{content}" unless $answer->{success};
    $self->_wait_slot('debezium', $verb eq 'resume');
    return;
}

# The process id of the walsender, where it is to be active.
sub _wait_slot
{
    my ($self, $slot, $is_active) = @_;
    my $query = 'SELECT count(active_pid), max(active_pid) AS pid FROM pg_replication_slots WHERE slot_name = ?';
    my $row;
    poll_until(
        sub { ($row) = $self->{stack}->rows($query, $slot); return $row->{count} == ($is_active ? 1 : 0) },
        interval => 0.02,
        deadline => 120,
        what     => "slot $slot");
    return $row->{pid};
}

# Starts one of them. Its processes, its topic, and how many records it makes of a row.
sub start
{
    my ($self, $who, %option) = @_;
    my $bridge = $self->{stack}->bridge;

    if ($who eq 'debezium')
    {
        $self->_debezium_put('resume');
        return (pid => $self->{connect}->pid, slot => 'debezium', topic => $topic, records => 1);
    }
    delete $bridge->{env}{$_} for @{ $self->{env_set} // [] };
    $bridge->{env}{$_} = $option{env}{$_} for keys %{ $option{env} // {} };
    $self->{env_set} = [ keys %{ $option{env} // {} } ];
    $bridge->start(ready => 0);
    return (pid => $bridge->pid, slot => $self->{stack}->slot, topic => $self->{stack}->topic, records => 2);
}

sub stop
{
    my ($self, $who) = @_;
    if ($who eq 'debezium') { $self->_debezium_put('stop') }
    else
    {
        my $code = $self->{stack}->bridge->stop;
        croak "wallet_bridge ended with $code" if $code ne '0';
    }
    return;
}

# Until the history has all that the ledger has.
sub wait_history
{
    my ($self) = @_;
    $self->{stack}->wait_bridge(deadline => 600);
    poll_until(
        sub { $self->{stack}->sql('SELECT (SELECT sum(version + 1) FROM wallets) = (SELECT count(*) FROM transaction_events)') },
        interval => 0.3,
        deadline => 600,
        what     => 'the history to have every entry');
    return;
}

# How many there are in the ledger.
sub events { my ($self) = @_; return $self->{stack}->sql('SELECT sum(version + 1)::bigint FROM wallets') }

# How many offsets a topic has had.
sub end_of
{
    my ($self, $name) = @_;
    my @at = map { ('-t', "$name:$_:-1") } 0 .. $self->{partitions} - 1;
    my ($code, $said) = run_command({}, 'kcat', '-Q', '-q', '-b', $self->{kafka}->brokers, @at);
    croak "kcat: $said" if $code;
    return sum($said =~ /offset (\d+)/g);
}

# The rows that wait for it, from its first record in Kafka to its last. A topic with transactions has more than records.
sub deliver
{
    my ($self, $who, $rows, %option) = @_;
    my $before = $who eq 'debezium' ? $self->end_of($topic) : 0;
    my $delivered =
        $who eq 'debezium'
        ? sub { $self->end_of($topic) - $before }
        : sub { $self->{stack}->bridge->metric('wallet_bridge_events_acknowledged_total') };
    my %running = $self->start($who, %option);
    my $sender  = $self->_wait_slot($running{slot}, 1);
    my @pids    = ($running{pid}, $sender, $self->broker_pids);
    my @cpu     = map { Machine::cpu_us($_) } @pids;
    my ($begin, $count) = time;

    poll_until(
        sub {
            my $looked = time;
            $count = $delivered->();
            # Records of a transaction all come with its end.
            $begin = $looked unless $count || ($option{env}{BRIDGE_DELIVERY} // '') eq 'transactional';
            return $count >= $rows * $running{records};
        },
        interval => 0.01,
        deadline => 600,
        what     => "$who has delivered");
    my $seconds = time - $begin;
    @cpu = map { Machine::cpu_us($pids[$_]) - $cpu[$_] } 0 .. $#pids;
    my $memory = Machine::memory_mib($running{pid});
    $self->stop($who);
    my $rate = $count / $seconds / $running{records};
    return {
        rows_per_s => $rate, tps => $rate, cpu_us => ($cpu[0] + $cpu[1]) / $rows, program_cpu_us => $cpu[0] / $rows,
        sender_cpu_us => $cpu[1] / $rows, broker_cpu_us => ($cpu[2] // 0) / $rows, memory_mib => $memory
    };
}

# From the end of a call, which commits, to a consumer's line for each of its records.
sub latencies
{
    my ($self, $who, $count, %option) = @_;
    my %running = $self->start($who, %option);
    my $pid = open(my $reader, '-|', 'kcat', '-C', '-b', $self->{kafka}->brokers, '-t', $running{topic}, '-o', 'end', '-u', '-q',
        '-X', 'isolation.level=read_committed', '-f', 'x\n') // croak "kcat: $!";
    my $select = IO::Select->new($reader);
    my @ms;
    my $lines = sub {
        my ($seconds) = @_;
        return 0 unless $select->can_read($seconds);
        sysread $reader, my $text, 65536;
        return ($text // '') =~ tr/\n//;
    };
    my $transfer = sub { $self->{stack}->sql('SELECT wallet_transfer(?, ?, 0.01)', _wallet($_[0]), _wallet($_[0] + 5000)) };

    $self->_wait_slot($running{slot}, 1);
    # Until nothing is missing: kcat begins each partition at its own time.
    my $quiet = 0;
    poll_until(
        sub {
            $transfer->($_) for 1 .. 20;
            my ($seen, $end) = (0, time + 2);
            while ($seen < 20 * $running{records} && time < $end) { $seen += $lines->(0.2) }
            # More than was sent is what the reader has still to catch up on.
            $seen += $lines->(0.5);
            $quiet = $seen == 20 * $running{records} ? $quiet + 1 : 0;
            return $quiet == 2;
        },
        deadline => 120,
        what     => 'the consumer');
    for my $n (1 .. $count)
    {
        $transfer->(1 + $n % 5000);
        my $committed = time;
        my $seen      = 0;
        while ($seen < $running{records}) { $seen += $lines->(30) || croak 'the consumer saw nothing' }
        croak 'the consumer saw more than was sent' if $seen > $running{records};
        push @ms, (time - $committed) * 1000;
        select undef, undef, undef, 0.02;
    }
    kill 'TERM', $pid;
    close $reader;
    $self->stop($who);
    return @ms;
}

sub _wallet { return sprintf '01950000-0000-7000-9000-%012d', $_[0] }

1;
