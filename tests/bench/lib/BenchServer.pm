# The server of a benchmark: durable as in production, without a checkpoint of its own accord.
package BenchServer;

use strict;
use warnings;

use Carp qw(croak);
use File::Basename qw(dirname);
use List::Util qw(sum);
use BatchClient;
use Daemon;
use Machine;
use Postgres;
use Wait;

=head1 SYNOPSIS

    my $server = BenchServer->new(wallets => 100_000, segments => 350,    # takes half a minute
        rows => 1_000_000,                         # of the ledger, before anything is measured
        is_plain => 1,                             # without the PL/pgSQL
        pgledger => '/path/pgledger', peers => [ Peer->new(...) ], conf => {...});  # what else is compared
    my %condition = $server->conditions;           # what the figures depend on
    my $usage = $server->usage('bench_plpgsql');   # cpu_us, lsn, bytes of the tables in that schema
    my $wal = $server->wal_between($lsn, $later);  # bytes, records, fpi_bytes
    $server->sql('CHECKPOINT');
    my $text = $server->pgbench(@arguments);       # dies where pgbench fails
    my $service = $server->start_service(%env);    # wallet_service on that server, as a Daemon
    my $usage = $server->stop_service;             # what it used: cpu_us, memory_kb

=cut

my $directory = dirname(__FILE__) . '/..';

my %conf = (
    fsync              => 'on',
    synchronous_commit => 'on',
    full_page_writes   => 'on',
    wal_level          => 'logical',
    shared_buffers     => '4GB',
    max_wal_size       => '16GB',
    min_wal_size       => '6GB',
    checkpoint_timeout => '1h',
    max_connections    => 100);

sub new
{
    my ($class, %option) = @_;
    my $self = bless {%option}, $class;

    $self->{postgres} = Postgres->new(conf => { %conf, %{ $option{conf} // {} } });
    # Before the tables are filled: a checkpoint after it would have the first change of each page log the page.
    $self->_recycle_wal;
    $self->_client('psql', qw(-X -q -A -t -v ON_ERROR_STOP=1 -v), "wallets=$self->{wallets}",
        '-v', 'baseline=' . ($self->{is_plain} ? 'false' : 'true'), '-f', "$directory/wallets.sql");
    $self->_pgledger if $self->{pgledger};
    $self->_ledger_fill if $self->{rows};
    $self->sql('VACUUM ANALYZE');
    $self->sql(q{SELECT sum(pg_prewarm(oid)) FROM pg_class
                 WHERE relkind IN ('r', 'i') AND relnamespace::regnamespace::text !~ '^pg_toast'});
    return $self;
}

# A checkout of it, in a schema of its own, with as many accounts that may not go below 0.
sub _pgledger
{
    my ($self) = @_;
    $self->sql('CREATE SCHEMA bench_pgledger');
    local $ENV{PGOPTIONS} = '-c search_path=bench_pgledger';
    $self->_client('psql', qw(-X -q -v ON_ERROR_STOP=1), map { ('-f', $_) } glob("$self->{pgledger}/vendor/*/uuid-to-ulid.sql"),
        "$self->{pgledger}/pgledger.sql");
    $self->sql(q{INSERT INTO bench_pgledger.pgledger_accounts (id, name, currency, balance, allow_negative_balance,
                     allow_positive_balance, created_at, updated_at)
                 SELECT 'pgla_' || 9000000000000000 + n, 'user', 'USD', 1000000, false, true, now(), now()
                 FROM generate_series(1, ?) AS n}, $self->{wallets});
    return;
}

# Rows of the ledger as batches make them, spread over all wallets.
sub _ledger_fill
{
    my ($self) = @_;
    my $client = BatchClient->new(socket => $self->socket, dbname => $self->dbname, with_keys => 1);
    my $there  = $self->sql('SELECT count(*) FROM wallet_ledger');

    for (my $rows = $there; $rows < $self->{rows}; $rows += 8190)
    {
        $client->call(BatchClient::batch(items => 8190, first => 1, wallets => $self->{wallets}, with_keys => 1));
        printf {*STDERR} "\r  %d of %d ledger rows", $rows, $self->{rows} if -t STDERR;
    }
    print {*STDERR} "\r", ' ' x 60, "\r" if -t STDERR;
    return;
}

# The peer of that name, where there is one.
sub peer
{
    my ($self, $name) = @_;
    return (grep { $_->{name} eq $name } @{ $self->{peers} // [] })[0];
}

# WAL segments of 16 MB that stand ready, as in a server that has run for a while. A new server makes
# and zeroes each at the moment it needs it, which would favour whoever writes less WAL.
sub _recycle_wal
{
    my ($self) = @_;
    for (1 .. $self->{segments})
    {
        $self->sql(q{SELECT pg_logical_emit_message(false, 'bench', '')});
        $self->sql('SELECT pg_switch_wal()');
    }
    # The first one still keeps what the one before it needs.
    $self->sql('CHECKPOINT') for 1 .. 2;
    return;
}

sub sql { my ($self, @query) = @_; return $self->{postgres}->sql(@query) }

sub dbname { return $_[0]{postgres}{dbname} }

sub socket { return "$_[0]{postgres}{base}/.s.PGSQL." . $_[0]{postgres}->port }

# Runs a client program through the socket, returns what it says.
sub _client
{
    my ($self, $program, @arguments) = @_;
    my $postgres = $self->{postgres};
    my $pid = open(my $pipe, '-|') // croak "fork: $!";

    if ($pid == 0)
    {
        @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} =
            ($postgres->{base}, $postgres->port, 'postgres', $postgres->{dbname});
        open STDERR, '>&', \*STDOUT;
        exec "$postgres->{bin}/$program", @arguments or POSIX::_exit(127);
    }
    my $said = do { local $/; <$pipe> } // '';
    croak "$program @arguments: $said" unless close $pipe;
    return $said;
}

sub pgbench { my ($self, @arguments) = @_; return $self->_client('pgbench', @arguments) }

# Through the same socket as pgbench. Its role is made at the first start.
sub start_service
{
    my ($self, %env) = @_;
    my $postgres = $self->{postgres};
    my $path     = ($ENV{WALLET_BIN} // "$directory/../../kafka_bridge/build") . '/wallet_service';
    my $port     = free_port();

    croak "$path is not built" unless -x $path;
    $postgres->psql_file("$directory/../../scripts/stack/roles.sql") unless $self->{has_roles}++;
    my %pool = $self->{pool} ? (DATABASE_POOL_SIZE => $self->{pool}) : ();
    $self->{service} = Daemon->new(
        name    => 'wallet_service',
        command => [$path],
        url     => "http://127.0.0.1:$port",
        env     => {
            PORT         => $port,
            DATABASE_URL => "host=$postgres->{base} port=@{[$postgres->port]} dbname=$postgres->{dbname} user=wallet_service",
            %pool,
            %env
        });
    $self->{service}->start;
    poll_until(
        sub { $self->{service}->metric('wallet_service_pool_connections') >= ($self->{pool} || 1) },
        what => 'the connections of wallet_service');
    return $self->{service};
}

sub stop_service
{
    my ($self) = @_;
    my $pid    = $self->{service}->pid;
    my $cpu_us = Machine::cpu_us($pid);
    my ($memory_kb) = _file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;

    croak 'wallet_service did not stop as it should' if $self->{service}->stop ne '0';
    return { cpu_us => $cpu_us, memory_kb => $memory_kb };
}

sub _file
{
    my ($path) = @_;
    open my $file, '<', $path or croak "$path: $!";
    local $/;
    return scalar <$file>;
}

# A session's time is in the postmaster's account of its children once it has been waited for.
sub _cpu_us
{
    my ($self) = @_;
    my $postmaster = $self->{postgres}->pid;

    poll_until(
        sub { !grep { _command_of($_) =~ /\[local\]|^$/ } Machine::children_of($postmaster) },
        interval => 0.01,
        what     => 'the end of the sessions of pgbench');
    # The worker of grouped transfers goes on.
    my @workers = grep { _command_of($_) =~ /wallet group/ } Machine::children_of($postmaster);
    return sum(Machine::cpu_of_ended_us($postmaster), map { Machine::cpu_us($_) } @workers);
}

# Empty for a process that has ended.
sub _command_of
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/cmdline" or return '';
    return <$file> // '';
}

sub usage
{
    my ($self, $schema) = @_;
    return {
        cpu_us => $self->_cpu_us,
        lsn    => $self->sql('SELECT pg_current_wal_lsn()'),
        bytes  => $schema
            ? $self->sql(q{SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
                           WHERE relnamespace = ?::regnamespace AND relkind = 'r'}, $schema)
            : undef
    };
}

# Full-page images are among the bytes.
sub wal_between
{
    my ($self, $from, $to) = @_;
    my ($row) = $self->{postgres}->rows(
        'SELECT pg_wal_lsn_diff(?::pg_lsn, ?::pg_lsn)::bigint AS bytes, sum(count)::bigint AS records,
                sum(fpi_size)::bigint AS fpi_bytes
         FROM pg_get_wal_stats(?::pg_lsn, ?::pg_lsn)', $to, $from, $from, $to);
    return $row;
}

sub conditions { my ($self) = @_; return Machine::conditions($self->{postgres}) }

sub has_function
{
    my ($self, $name) = @_;
    return $self->sql('SELECT count(*) FROM pg_proc WHERE proname = ?', $name) > 0;
}

# Sizes of the tables as they are now, indexes included.
sub table_bytes
{
    my ($self) = @_;
    return {
        map { $_->{name} => $_->{bytes} } $self->{postgres}->rows(
            q{SELECT oid::regclass::text AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
              WHERE relkind = 'r' AND relname ~ '^(wallets|wallet_ledger)$'})
    };
}

# What a wrong benchmark would show: divergences that wallet_check finds, money that came or went.
sub faults
{
    my ($self) = @_;
    my $found = $self->sql('SELECT count(*) FROM wallet_check()');
    return $found if $self->{is_plain};
    return $found + abs $self->sql('SELECT (SELECT sum(balance) FROM bench_plpgsql.wallets)
                               - (SELECT sum(amount) FROM wallet_ledger WHERE kind = $$FUND$$)');
}

1;
