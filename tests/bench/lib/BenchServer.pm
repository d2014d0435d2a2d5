# The server of a benchmark: durable as in production, without a checkpoint of its own accord.
package BenchServer;

use strict;
use warnings;

use Carp qw(croak);
use File::Basename qw(dirname);
use IO::Handle;
use POSIX qw(uname);
use Time::HiRes qw(time);

use Daemon;
use Postgres;
use Wait;

=head1 SYNOPSIS

    my $server = BenchServer->new(wallets => 100_000, scale => 32, segments => 350);   # takes half a minute
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

# Settings that a reader of the figures asks for.
my @shown = qw(fsync synchronous_commit full_page_writes wal_level wal_sync_method shared_buffers
    max_wal_size checkpoint_timeout autovacuum max_connections
    shared_preload_libraries);

my $clock_ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub new
{
    my ($class, %option) = @_;
    my $self = bless {%option}, $class;

    $self->{postgres} = Postgres->new(conf => \%conf);
    # Before the tables are filled: a checkpoint after it would have the first change of each page log the page.
    $self->_recycle_wal;
    $self->_client('psql', qw(-X -q -A -t -v ON_ERROR_STOP=1 -v), "wallets=$self->{wallets}",
        '-f', "$directory/wallets.sql");
    $self->_client('pgbench', qw(-i -q -s), $self->{scale});
    # The few branches of a small scale are where many clients wait for each other.
    $self->_pgbench_tables($_) for 1, 10;
    $self->sql('VACUUM ANALYZE');
    $self->sql(q{SELECT sum(pg_prewarm(oid)) FROM pg_class
                 WHERE relkind IN ('r', 'i') AND relnamespace::regnamespace::text !~ '^pg_toast'});
    return $self;
}

# pgbench's tables at another scale, in a schema of their own.
sub _pgbench_tables
{
    my ($self, $scale) = @_;
    $self->sql("CREATE SCHEMA bench_tpcb$scale");
    local $ENV{PGOPTIONS} = "-c search_path=bench_tpcb$scale";
    $self->_client('pgbench', qw(-i -q -s), $scale);
    return;
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
    my $pid = $self->{service}->pid;
    my ($user, $system) = (split / /, (_file("/proc/$pid/stat") =~ /\) (.*)/)[0])[ 11, 12 ];
    my ($memory_kb) = _file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;

    croak 'wallet_service did not stop as it should' if $self->{service}->stop ne '0';
    return { cpu_us => ($user + $system) * 1e6 / $clock_ticks, memory_kb => $memory_kb };
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
        sub { !grep { _command_of($_) =~ /\[local\]|group worker|^$/ } _children_of($postmaster) },
        interval => 0.01,
        what     => 'the end of the sessions of pgbench');
    open my $file, '<', "/proc/$postmaster/stat" or croak "postmaster: $!";
    my ($fields) = (scalar <$file>) =~ /\) (.*)/;
    my ($user, $system) = (split / /, $fields)[ 13, 14 ];
    return ($user + $system) * 1e6 / $clock_ticks;
}

sub _children_of
{
    my ($parent) = @_;
    open my $file, '<', "/proc/$parent/task/$parent/children" or return;
    return split ' ', <$file> // '';
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
            ? $self->sql("SELECT pg_total_relation_size('$schema.wallet_ledger')
                               + pg_total_relation_size('$schema.wallets')")
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

# Median of a page's write and fsync, where the server's data is.
sub _fsync_us
{
    my ($self) = @_;
    my $path = "$self->{postgres}{base}/fsync";
    my @seconds;

    open my $file, '+>', $path or croak "$path: $!";
    $file->autoflush(1);
    for (1 .. 200)
    {
        sysseek $file, 0, 0;
        my $begin = time;
        syswrite $file, "\0" x 8192;
        $file->sync;
        push @seconds, time - $begin;
    }
    unlink $path;
    return sprintf '%.0f', 1e6 * (sort { $a <=> $b } @seconds)[100];
}

# How many, and their model.
sub _cores
{
    open my $file, '<', '/proc/cpuinfo' or croak "/proc/cpuinfo: $!";
    my @lines = <$file>;
    my ($model) = map { /^model name\s*:\s*(.*\S)/ } @lines;
    return (scalar(grep { /^processor\s*:/ } @lines), $model // 'unknown');
}

sub conditions
{
    my ($self) = @_;
    my ($system, undef, $release, undef, $machine) = uname();
    my ($cores, $model) = _cores();
    chomp(my $file_system = `stat -f -c %T $self->{postgres}{base}`);

    return (
        postgresql => $self->sql(q{SELECT current_setting('server_version')}),
        extension  => $self->sql(q{SELECT extversion FROM pg_extension WHERE extname = 'wallet'}),
        cores      => $cores,
        cpu        => $model,
        system     => "$system $release $machine, $file_system",
        fsync_us   => $self->_fsync_us,
        settings   => { map { $_ => $self->sql('SELECT current_setting(?)', $_) } @shown });
}

# Sizes of the tables as they are now, indexes included.
sub table_bytes
{
    my ($self) = @_;
    return {
        map { $_->{name} => $_->{bytes} } $self->{postgres}->rows(
            q{SELECT oid::regclass::text AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
              WHERE relkind = 'r' AND relname ~ '^(wallets|wallet_ledger|pgbench_accounts)$'})
    };
}

# What a wrong benchmark would show: divergences that wallet_check finds, money that came or went.
sub faults
{
    my ($self) = @_;
    return $self->sql('SELECT count(*) FROM wallet_check()')
        + abs $self->sql('SELECT (SELECT sum(balance) FROM bench_plpgsql.wallets)
                               - (SELECT sum(amount) FROM wallet_ledger WHERE kind = $$FUND$$)');
}

1;
