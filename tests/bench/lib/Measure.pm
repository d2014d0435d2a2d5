# The candidates of a benchmark, run in turn, round after round.
package Measure;

use strict;
use warnings;

use Carp qw(croak);

use BatchClient;
use Files;
use Peer;
use Wait;

=head1 SYNOPSIS

    my @runs = Measure::all(
        server => $server, candidates => [qw(wallet plpgsql)], script => 'transfer.pgbench',
        clients => [ 1, 8, 32 ], rounds => 5, seconds => 10, wallets => 100_000,
        report => sub { my ($run) = @_; ... });      # called after each run

A run is a hash of C<round, clients, candidate, tps, latency_ms, transactions> and, for one transaction,
C<cpu_us> of the server's sessions, C<wal_bytes> (C<wal_fpi_bytes> of it are full-page images),
C<wal_records> and C<disk_bytes>. Those of HTTP further have C<p50_ms>, C<p99_ms> and, of wallet_service,
C<service_cpu_us> for one request and C<memory_kb>, its largest. Of batches each item counts as a transaction, and
the clients are the candidate's own. With C<checkpoint> every run follows one; C<rate> bounds pgbench. Each round begins
with another candidate.

=cut

# "schema" is the one whose wallet_transfer() the script means; "statement" stands in place of the script's.
my %definition_of = (
    wallet  => { schema => 'public' },
    grouped => {
        schema    => 'public',
        statement => "SELECT wallet_transfer_grouped(('0195000000007000' || :payer)::uuid, ('0195000000007000' || :payee)::uuid, :amount, :key);"
    },
    # Keys that follow time go to one place of their index.
    ordered => {
        schema    => 'public',
        statement => "SELECT wallet_transfer(('0195000000007000' || :payer)::uuid, ('0195000000007000' || :payee)::uuid, "
            . ":amount, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint || '-' || :client_id);"
    },
    # It has no keys.
    pgledger => {
        schema    => 'bench_pgledger',
        statement => "SELECT id FROM pgledger_create_transfer('pgla_' || :payer, 'pgla_' || :payee, :amount);"
    },
    plpgsql => { schema => 'bench_plpgsql' },
    ceiling => { script => 'ceiling.pgbench' },
    batch   => { schema => 'public', sessions => 1, with_keys => 1 },
    batches => { schema => 'public', sessions => 2, with_keys => 0 },
    http    => { schema => 'public', request => 'transfer' },
    alone   => { schema => 'public', request => 'transfer', env => { TRANSFER_BATCH_MAX => 1 } },
    get     => { request => 'get' });

sub _arguments
{
    my ($plan, $definition, $clients, $seconds) = @_;
    my $threads = $clients < 2 ? 1 : 2;
    my $script  = "$plan->{directory}/" . ($definition->{script} // $plan->{script});
    my @rate    = $plan->{rate} ? ('-R', $plan->{rate}) : ();

    if ($definition->{statement})
    {
        (my $text = slurp($script)) =~ s/^SELECT .*//ms;
        $script = test_directory() . '/script.pgbench';
        spew($script, "$text$definition->{statement}\n");
    }
    my @script = ('-D', "wallets=$plan->{wallets}", '-f', $script, @rate);

    return (qw(-n -M prepared -c), $clients, '-j', $threads, '-T', $seconds,
        @script);
}

sub _parse
{
    my ($said) = @_;
    my %number;

    ($number{transactions}) = $said =~ /^number of transactions actually processed: (\d+)/m;
    ($number{tps})          = $said =~ /^tps = ([\d.]+)/m;
    ($number{latency_ms})   = $said =~ /^latency average = ([\d.]+)/m;
    my ($failed) = $said =~ /^number of failed transactions: (\d+)/m;
    croak "pgbench did not do its work: $said"
        if $said =~ /aborted|ERROR/ || $failed || !$number{transactions};
    return \%number;
}

sub _pgbench
{
    my ($plan, $definition, $clients, $seconds) = @_;
    local $ENV{PGOPTIONS} = $definition->{schema} ? "-c search_path=$definition->{schema}" : '';
    return _parse($plan->{server}->pgbench(_arguments($plan, $definition, $clients, $seconds)));
}

my $seed = time;

# wrk against a wallet_service that was started for it.
sub _wrk
{
    my ($plan, $definition, $clients, $seconds) = @_;
    my $service = $plan->{server}->start_service(%{ $definition->{env} // {} });
    my @command = (
        'wrk', '-t', $clients < 2 ? 1 : 2, '-c', $clients, '-d', "${seconds}s", '--timeout', '30s',
        '-s', "$plan->{directory}/http.lua", $service->{url}, '--', $definition->{request}, $plan->{wallets}, $seed++);

    open my $pipe, '-|', @command or croak "wrk: $!";
    my $said = do { local $/; <$pipe> } // '';
    close $pipe;
    my ($line) = $said =~ /^(requests=.*)$/m;
    my %number = ($line // q()) =~ /(\w+)=([\d.]+)/g;
    my $usage = $plan->{server}->stop_service;

    croak "wrk did not do its work: $said" if $? || !$number{requests} || $number{failed};
    return {
        transactions   => $number{requests},
        tps            => $number{requests} / $number{seconds},
        latency_ms     => $number{mean_us} / 1000,
        p50_ms         => $number{p50_us} / 1000,
        p99_ms         => $number{p99_us} / 1000,
        service_cpu_us => $usage->{cpu_us} / $number{requests},
        memory_kb      => $usage->{memory_kb} + 0
    };
}

# Of the largest size that TigerBeetle takes. A run has as much work as would keep a fast machine busy for so long.
my $batch_items        = 8190;
my $batches_per_second = 4;

sub _batches
{
    my ($plan, $definition, $clients, $seconds) = @_;
    my $batches = $seconds * $batches_per_second;
    my $taken   = BatchClient::measure(
        socket  => $plan->{server}->socket,
        dbname  => $plan->{server}->dbname,
        wallets => $plan->{wallets},
        items   => $batch_items,
        batches => $batches,
        %$definition{qw(sessions with_keys)});
    my $transfers = $batches * $batch_items * $definition->{sessions};

    return { transactions => $transfers, tps => $transfers / $taken, latency_ms => 1000 * $taken / $batches };
}

sub _run
{
    my ($plan, $candidate, $clients, $seconds) = @_;
    my $server     = $plan->{server};
    my $peer       = $plan->{server}->peer($candidate);
    my $definition = $peer ? {} : $definition_of{$candidate} // croak "no candidate is called $candidate";
    my $schema     = $definition->{schema};
    my $measure    = $peer ? sub { $peer->run(%$plan, clients => $clients, seconds => $seconds) } : $definition->{request} ? \&_wrk : $definition->{sessions} ? \&_batches : \&_pgbench;

    $server->sql('CHECKPOINT') if $plan->{checkpoint} && !$peer;
    my $before = $server->usage($schema);
    my $run    = $measure->($plan, $definition, $clients, $seconds);
    my $after  = $server->usage($schema);
    my $count  = $run->{transactions};
    return { %$run, candidate => $candidate, clients => $clients } if $peer;
    my $wal = $server->wal_between($before->{lsn}, $after->{lsn});

    return {
        %$run,
        candidate     => $candidate,
        clients       => $clients,
        tps           => $run->{tps} + 0,
        latency_ms    => $run->{latency_ms} + 0,
        transactions  => $count + 0,
        cpu_us        => ($after->{cpu_us} - $before->{cpu_us}) / $count,
        wal_bytes     => $wal->{bytes} / $count,
        wal_fpi_bytes => $wal->{fpi_bytes} / $count,
        wal_records   => $wal->{records} / $count,
        $schema ? (disk_bytes => ($after->{bytes} - $before->{bytes}) / $count) : ()
    };
}

sub all
{
    my (%plan) = @_;
    my @candidates = @{ $plan{candidates} };
    my @runs;

    # Unmeasured: the first run of each would pay for cold pages. Where a second is enough nobody looks at the figures.
    $plan{warm} //= 2;
    _run(\%plan, $_, $plan{clients}[-1], $plan{warm}) for grep { $plan{seconds} > 1 && !$plan{server}->peer($_) } @candidates;
    for my $round (1 .. $plan{rounds})
    {
        for my $clients (@{ $plan{clients} })
        {
            for my $candidate (@candidates)
            {
                my $run = _run(\%plan, $candidate, $clients, $plan{seconds});
                $run->{round} = $round;
                push @runs, $run;
                $plan{report}->($run);
            }
        }
        push @candidates, shift @candidates;
    }
    return @runs;
}

1;
