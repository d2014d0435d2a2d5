# The honest hour: load over HTTP for so many minutes, a look at everything each second, and a verification at the end.
package Hour;

use strict;
use warnings;

use Carp qw(croak);
use File::Find qw(find);
use List::Util qw(max sum);
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

use Machine;
use Pipeline;
use Wait;

=head1 SYNOPSIS

    my $hour = Hour->new(minutes => 60, wallets => 100_000, partitions => 6, directory => 'tests/bench');
    my ($run) = $hour->run;         # a line a minute on the way; $run->{series}: those lines as hashes

It ends early, and says so, where the disk has less than three gigabytes left.

=cut

my $connections = 64;
my $disk_left   = 3 * 2**30;

sub new
{
    my ($class, %option) = @_;
    return bless {%option}, $class;
}

sub conditions { my ($self) = @_; return $self->{pipeline}->conditions }

sub run
{
    my ($self) = @_;
    $self->_start;
    my $client = $self->_client_start;
    my @series = $self->_watch($client);
    my %told   = $self->_client_end($client);
    my $run    = $self->_sum_up(\@series, \%told);

    print "  verifying ...\n";
    my @faults = $self->_verify;
    print map { "  $_\n" } @faults;
    $self->{stack}{history}->stop;
    $self->{stack}{service}->stop;
    $self->{pipeline}->stop('bridge');
    return { %$run, faults => scalar @faults, found => \@faults };
}

sub _start
{
    my ($self) = @_;
    my $pipeline = $self->{pipeline} = Pipeline->new(
        wallets    => $self->{wallets},
        partitions => $self->{partitions},
        debezium   => 0,
        conf       => {
            checkpoint_timeout => '5min', max_wal_size => '8GB', shared_buffers => '4GB', 'wallet.seal' => 'on', wal_compression => 'lz4'
        });
    my $stack = $self->{stack} = $pipeline->{stack};

    $pipeline->start('bridge', env => { KAFKA_PROP_COMPRESSION_TYPE => 'lz4' });
    $stack->history->start(deadline => 120);
    $pipeline->wait_history;
    $stack->service->start;
    my $postgres = $stack->postgres->pid;
    $self->{pids_of} = {
        postgres       => sub { ($postgres, Machine::children_of($postgres)) },
        wallet_bridge  => sub { $stack->bridge->pid },
        wallet_history => sub { $stack->history->pid },
        wallet_service => sub { $stack->service->pid },
        kafka          => sub { $pipeline->broker_pids }
    };
    return;
}

sub _client_start
{
    my ($self) = @_;
    my $seconds = int($self->{minutes} * 60) || 1;
    my @command = (
        'wrk', '-t', 2, '-c', $connections, '-d', "${seconds}s", '--timeout', '30s', '-s', "$self->{directory}/http.lua",
        $self->{stack}->service->{url}, '--', 'transfer', $self->{wallets}, int time);

    my $pid = open(my $pipe, '-|', @command) // croak "wrk: $!";
    return { pid => $pid, pipe => $pipe, end => time + $seconds };
}

sub _client_end
{
    my ($self, $client) = @_;
    my $pipe = $client->{pipe};
    my $said = do { local $/; <$pipe> } // '';
    close $pipe;
    my ($line) = $said =~ /^(requests=.*)$/m or croak "wrk did not do its work: $said";
    my %number = $line =~ /(\w+)=([\d.]+)/g;
    croak "$number{failed} requests failed: $said" if $number{failed};
    return %number;
}

# What there is of each second; a line a minute.
sub _watch
{
    my ($self, $client) = @_;
    my ($begun, $before) = (time, $self->_look);
    my (@series, @lags, $ended_early);
    my $step = $self->{minutes} >= 5 ? 60 : max(1, $self->{minutes} * 60 / 5);

    while (time < $client->{end} - 1)
    {
        my $until = max(time, $begun + $step * (1 + @series)) > $client->{end} - 1 ? $client->{end} - 1 : $begun + $step * (1 + @series);
        my @here;
        while (time < $until)
        {
            select undef, undef, undef, 1;
            push @here, $self->_lag_ms;
        }
        my $now = $self->_look;
        push @lags, @here;
        push @series, _minute($before, $now, \@here);
        _print_minute($series[-1], $now->{at} - $begun);
        $before = $now;
        next if $self->_disk_free > $disk_left;
        print "  the disk is nearly full: the hour ends here\n";
        kill 'INT', $client->{pid};
        last;
    }
    $self->{lags} = \@lags;
    return @series;
}

sub _lag_ms
{
    my ($self) = @_;
    my $lag = eval { $self->{stack}->history->metric('wallet_history_lag_seconds') };
    # Where nobody can say, it is not 0.
    return defined $lag && $lag =~ /^[\d.e+-]+$/ ? $lag * 1000 : 60_000;
}

sub _look
{
    my ($self) = @_;
    my $stack = $self->{stack};
    my (undef, $metrics) = $stack->service->get('/metrics');
    my %look = (at => time, lsn => $stack->sql(q{SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn}));

    for my $line (grep { /^wallet_service_request_seconds_bucket/ } split /\n/, $metrics)
    {
        my ($labels, $count) = $line =~ /\{(.*)\} (\d+)/ or next;
        next unless $labels =~ /endpoint="transfer"/;
        my ($bound) = $labels =~ /le="([^"]+)"/;
        $look{buckets}{$bound} = ($look{buckets}{$bound} // 0) + $count;
    }
    for my $name (keys %{ $self->{pids_of} })
    {
        my @pids = $self->{pids_of}{$name}->();
        $look{cpu}{$name} = sum(0, map { Machine::cpu_us($_) } @pids);
        $look{cpu}{$name} += Machine::cpu_of_ended_us($pids[0]) if $name eq 'postgres';
        $look{memory}{$name} = sum(0, map { Machine::memory_mib($_) } @pids);
    }
    $look{database_bytes} = $stack->sql('SELECT pg_database_size(current_database())');
    $look{kafka_bytes}    = _bytes_below(test_directory() . '/kafka1.data');
    return \%look;
}

sub _bytes_below
{
    my ($folder) = @_;
    my $bytes = 0;
    return 0 unless -d $folder;
    find({ no_chdir => 1, wanted => sub { $bytes += (lstat $_)[12] * 512 if -f _ || lstat $_ } }, $folder);
    return $bytes;
}

sub _disk_free
{
    my ($self) = @_;
    my $folder = $self->{stack}->postgres->{base};
    my ($free) = (`df -B1 --output=avail '$folder'` // '') =~ /(\d+)\s*\z/;
    return $free;
}

# What came between two looks.
sub _minute
{
    my ($before, $now, $lags) = @_;
    my %count   = map { $_ => $now->{buckets}{$_} - ($before->{buckets}{$_} // 0) } keys %{ $now->{buckets} };
    my $total   = $count{'+Inf'} // 0;
    my $seconds = $now->{at} - $before->{at};

    return {
        seconds      => $seconds,
        transfers    => $total,
        tps          => $total / $seconds,
        p50_ms       => _quantile(\%count, 0.5),
        p99_ms       => _quantile(\%count, 0.99),
        lag_ms       => max(@$lags, 0),
        wal_bytes    => $now->{lsn} - $before->{lsn},
        cpu_us       => { map { $_ => $now->{cpu}{$_} - $before->{cpu}{$_} } keys %{ $now->{cpu} } },
        memory_mib   => $now->{memory},
        database_mib => $now->{database_bytes} / 2**20,
        kafka_mib    => $now->{kafka_bytes} / 2**20
    };
}

# Within a bucket of a histogram as if all its values were spread evenly.
sub _quantile
{
    my ($count_of, $share) = @_;
    my $wanted = ($count_of->{'+Inf'} // 0) * $share;
    my ($lower, $below) = (0, 0);

    for my $bound (sort { $a <=> $b } grep { $_ ne '+Inf' } keys %$count_of)
    {
        my $count = $count_of->{$bound};
        return 1000 * ($lower + ($bound - $lower) * ($wanted - $below) / (($count - $below) || 1)) if $count >= $wanted;
        ($lower, $below) = ($bound, $count);
    }
    return 1000 * $lower;
}

sub _print_minute
{
    my ($minute, $seconds) = @_;
    my $transfers = $minute->{transfers} || 1;
    my %of = (
        CPU    => { map { $_ => $minute->{cpu_us}{$_} / $transfers } keys %{ $minute->{cpu_us} } },
        memory => $minute->{memory_mib});

    printf '  %3d:%02d %7.0f /s, p50 %5.1f ms, p99 %6.1f ms, lag %5.0f ms, WAL %5.0f B', $seconds / 60, $seconds % 60,
        @$minute{qw(tps p50_ms p99_ms lag_ms)}, $minute->{wal_bytes} / $transfers;
    for my $what ([ 'CPU', 'us' ], [ 'memory', 'MiB' ])
    {
        printf ', %s', $what->[0];
        printf ' %s %.0f', s/^wallet_//r, $of{ $what->[0] }{$_} for sort keys %{ $of{ $what->[0] } };
        print " $what->[1]";
    }
    printf ", database %.0f, topic %.0f MiB\n", @$minute{qw(database_mib kafka_mib)};
    return;
}

sub _sum_up
{
    my ($self, $series, $told) = @_;
    my $transfers = sum(map { $_->{transfers} } @$series) || 1;
    my @lags      = sort { $a <=> $b } @{ $self->{lags} };
    my %cpu       = map { my $name = $_; $name => sum(map { $_->{cpu_us}{$name} } @$series) / $transfers } keys %{ $series->[0]{cpu_us} };
    my %run       = (
        candidate  => 'hour',
        round      => 1,
        clients    => 0,
        minutes    => sum(map { $_->{seconds} } @$series) / 60,
        transfers  => $transfers,
        tps        => $told->{requests} / $told->{seconds},
        p50_ms     => $told->{p50_us} / 1000,
        p99_ms     => $told->{p99_us} / 1000,
        lag_p99_ms => $lags[ $#lags * 0.99 ],
        cpu_us     => sum(values %cpu),
        cpu_of     => \%cpu,
        wal_bytes  => sum(map { $_->{wal_bytes} } @$series) / $transfers,
        series     => $series);

    for my $name (qw(wallet_bridge wallet_history wallet_service))
    {
        my @memory = map { $_->{memory_mib}{$name} } @$series;
        my $half   = int(@memory / 2);
        $run{"memory_$name"} = max(@memory);
        $run{"growth_$name"} = $memory[-1] - $memory[$half];
    }
    return \%run;
}

# Everything that is said to hold, by each of those who can tell.
sub _verify
{
    my ($self) = @_;
    my $stack = $self->{stack};
    my @faults;

    $self->{pipeline}->wait_history;
    my $check = $stack->sql('SELECT count(*) FROM wallet_check()');
    push @faults, "wallet_check() finds $check divergences" if $check;
    my $other = $stack->sql(<<'SQL');
SELECT count(*) FROM wallets AS w LEFT JOIN transaction_events AS e ON e.wallet_id = w.id AND e.version = w.version
WHERE (e.event_data->>'balance')::numeric IS DISTINCT FROM w.balance
SQL
    push @faults, "$other wallets have another balance in their newest event" if $other;
    for my $table (qw(wallet_history_gaps wallet_history_conflicts))
    {
        my $rows = $stack->sql("SELECT count(*) FROM $table");
        push @faults, "$rows rows in $table" if $rows;
    }
    my ($code, $out, $err) = $stack->bridge_command(['verify']);
    print map { "  $_\n" } split /\n/, $out;
    push @faults, "wallet_bridge verify ends with $code: $out$err" if $code ne '0';
    return @faults;
}

1;
