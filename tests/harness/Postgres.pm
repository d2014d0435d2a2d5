# A private PostgreSQL server of a test: own data directory, own port, loopback only.
package Postgres;

use strict;
use warnings;

use Carp qw(croak);
use DBI;
use Time::HiRes qw(time);

use Daemon;
use Wait;

=head1 SYNOPSIS

    my $server = Postgres->new(conf => { wal_sender_timeout => '3s' });   # initdb and start
    my $watched = Postgres->new(wrapper => [ 'valgrind', '--trace-children=yes' ]);
    $server->stop('fast');  $server->start;  $server->restart;            # modes: smart fast immediate
    $server->kill9;                             # postmaster and all its children at once
    $server->suspend_wal_writer;                # before a kill9 that is to take commits nobody waited for
    my $seconds = $server->stop('fast');        # how long it took

    my $value = $server->sql('SELECT balance FROM wallets WHERE id = ?', $id);   # first column
    my @rows  = $server->rows('SELECT ...', @bind);     # of hash references
    my $state = $server->error_of('SELECT ...', @bind); # SQLSTATE, undef where it succeeds
    $server->sql_in('other', 'SELECT ...');             # in another database
    $server->disconnect('other');                       # where that is to be copied or dropped
    my $dbh   = $server->connect(user => 'wallet_user', dbname => 'other');   # a session of your own
    my $uri   = $server->uri(user => 'wallet_user');    # for DATABASE_URL
    my $standby = $server->standby;             # a copy that follows its WAL, started
    $standby->promote;                          # and wait until it takes writes
    my ($code, $out, $err) = $server->psql($script);    # stops at the first error

Statements run in database C<wallet_db> (made empty) as superuser C<postgres>, each in a transaction of its own.
As root the server runs as the system user C<postgres>, else as the caller. C<fsync> is off, which
kill -9 does not mind. The log is C<log_text>.

=cut

my @every;

sub new
{
    my ($class, %option) = @_;
    my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
    chomp(my $bin = `$pg_config --bindir`);
    croak "$pg_config tells nothing: is PostgreSQL installed?" unless $bin;

    my $name = 'pg' . (1 + @every);
    my $self = bless {
        name   => $name,
        bin    => $bin,
        base   => test_directory() . "/$name",
        port   => free_port(),
        dbname => 'wallet_db',
        %option
    }, $class;
    $self->_prepare;
    $self->_initdb;
    $self->start;
    $self->sql_in('postgres', "CREATE DATABASE $self->{dbname}");
    return $self;
}

# The folder, the user and the process to be.
sub _prepare
{
    my ($self) = @_;
    mkdir $self->{base} or croak "$self->{base}: $!";
    # PostgreSQL refuses to run as root.
    $self->{user} = 'postgres' if $> == 0;
    chown((getpwnam($self->{user}))[ 2, 3 ], $self->{base}) if $self->{user};
    $self->{log}    = "$self->{base}/log";
    $self->{daemon} = Daemon->new(
        name    => $self->{name},
        port    => $self->{port},
        command => [ @{ $self->{wrapper} // [] }, "$self->{bin}/postgres", '-D', "$self->{base}/data" ],
        user    => $self->{user},
        log     => $self->{log},
        ready   => sub { $self->connect(dbname => 'postgres')->ping });
    push @every, $self;
    return;
}

sub standby
{
    my ($self) = @_;
    my $name    = 'pg' . (1 + @every);
    my $standby = bless {
        (map { $_ => $self->{$_} } qw(bin dbname)),
        name => $name,
        base => test_directory() . "/$name",
        port => free_port()
    }, ref $self;

    $standby->_prepare;
    $standby->run('pg_basebackup', '-D', "$standby->{base}/data", '-d', $self->uri(dbname => 'postgres'),
        '-R', '-c', 'fast') == 0
        or croak 'pg_basebackup failed';
    open my $file, '>>', "$standby->{base}/data/postgresql.conf" or croak "postgresql.conf: $!";
    print {$file} "port = $standby->{port}\nunix_socket_directories = '$standby->{base}'\n";
    close $file;
    return $standby->start;
}

sub promote
{
    my ($self) = @_;
    $self->sql('SELECT pg_promote()') or croak 'not promoted';
    return $self;
}

# A client program or initdb, as the user the server runs as; its output in a log of its own.
sub run
{
    my ($self, $program, @arguments) = @_;
    my $job = Daemon->new(
        name    => "$self->{name} $program",
        is_job  => 1,
        command => [ "$self->{bin}/$program", @arguments ],
        user    => $self->{user},
        log     => "$self->{base}/$program.log");
    $job->start(ready => 0);
    return $job->wait_exit(60);
}

sub _initdb
{
    my ($self) = @_;
    my $data = "$self->{base}/data";

    $self->run('initdb', '-D', $data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8',
        '--locale=C.UTF-8') == 0
        or croak 'initdb failed';
    my %conf = (
        listen_addresses          => '127.0.0.1',
        port                      => $self->{port},
        unix_socket_directories   => $self->{base},
        wal_level                 => 'logical',
        max_wal_senders           => 10,
        max_replication_slots     => 10,
        max_prepared_transactions => 10,
        max_connections           => 60,
        shared_buffers            => '64MB',
        shared_preload_libraries  => 'wallet',
        fsync                     => 'off',
        log_min_messages          => 'warning',
        log_line_prefix           => '%m [%p] %q%a ',
        timezone                  => 'UTC',
        %{ $self->{conf} // {} });

    # An unknown setting stops the server; since some minor releases a decoder must be named there.
    $conf{output_plugin_libraries} //= 'pgoutput, test_decoding, wallet_decoder'
        if $self->run('postgres', '-C', 'output_plugin_libraries', '-D', $data) == 0;

    open my $file, '>>', "$data/postgresql.conf" or croak "postgresql.conf: $!";
    print {$file} "$_ = '$conf{$_}'\n" for sort grep { defined $conf{$_} } keys %conf;
    close $file;
    return;
}

sub start
{
    my ($self) = @_;
    $self->{daemon}->start(deadline => 60);
    return $self;
}

my %signal_of = (smart => 'TERM', fast => 'INT', immediate => 'QUIT');

# Returns the seconds it took.
sub stop
{
    my ($self, $mode) = @_;
    my $begin = time;
    $self->{daemon}->signal($signal_of{ $mode // 'fast' } // croak "mode $mode?");
    $self->{daemon}->wait_exit(60);
    return time - $begin;
}

sub restart
{
    my ($self, $mode) = @_;
    $self->stop($mode);
    return $self->start;
}

sub pid     { return $_[0]{daemon}->pid }
sub running { return $_[0]{daemon}->running }

sub kill9
{
    my ($self) = @_;
    croak 'PostgreSQL does not run' unless $self->running;

    # Stopped first, so that it starts no child between the look and the kill. A signal takes its time.
    $self->{daemon}->suspend;
    poll_until(sub { _state_of($self->pid) eq 'T' }, what => 'PostgreSQL to be stopped', interval => 0.005);
    my @children = _children_of($self->pid);
    kill 'KILL', @children;
    $self->{daemon}->kill9;
    poll_until(sub { !grep { !_is_gone($_) } @children }, what => 'the end of killed PostgreSQL');
    return;
}

# What no transaction waits for stays in memory then, and a crash takes it: kill9 ends this, nothing else does.
sub suspend_wal_writer
{
    my ($self) = @_;
    my $pid = $self->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'});
    kill 'STOP', $pid or croak 'PostgreSQL has no WAL writer';
    poll_until(sub { _state_of($pid) eq 'T' }, what => 'the WAL writer to be stopped', interval => 0.005);
    return;
}

sub _children_of
{
    my ($parent) = @_;
    my @children;
    for my $path (glob '/proc/[0-9]*/stat')
    {
        open my $file, '<', $path or next;
        my $line = <$file> // next;
        push @children, $1 if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $parent;
    }
    return @children;
}

sub _state_of
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return '';
    return (<$file> // '') =~ /\) (\S) / ? $1 : '';
}

# A zombie that nobody has waited for yet is gone too.
sub _is_gone { return _state_of($_[0]) =~ /^[RSDTtI]/ ? 0 : 1 }

sub port { return $_[0]{port} }

sub uri
{
    my ($self, %option) = @_;
    return sprintf 'postgresql://%s@127.0.0.1:%d/%s', $option{user} // 'postgres', $self->{port},
        $option{dbname} // $self->{dbname};
}

sub connect
{
    my ($self, %option) = @_;
    my $dbname = $option{dbname} // $self->{dbname};
    return DBI->connect(
        "dbi:Pg:dbname=$dbname;host=127.0.0.1;port=$self->{port};application_name=test",
        $option{user} // 'postgres',
        '',
        {   AutoCommit          => 1,
            RaiseError          => 1,
            PrintError          => 0,
            PrintWarn           => 0,
            pg_server_prepare   => 0,
            AutoInactiveDestroy => 1
        });
}

# The session of sql(), rows() and so on: made anew after a restart, and in a forked child.
sub _session
{
    my ($self, $dbname) = @_;
    my $key = "$$ $dbname";
    my $dbh = $self->{sessions}{$key};
    return $dbh if $dbh && $dbh->ping;
    return $self->{sessions}{$key} = $self->connect(dbname => $dbname);
}

# Ends the session of sql_in: a database that is copied must have none.
sub disconnect
{
    my ($self, $dbname) = @_;
    my $session = delete $self->{sessions}{"$$ $dbname"};
    $session->disconnect if $session;
    return;
}

sub sql_in
{
    my ($self, $dbname, $query, @bind) = @_;
    my $statement = $self->_session($dbname)->prepare($query, { pg_direct => !@bind });
    $statement->execute(@bind);
    return unless $statement->{NUM_OF_FIELDS};
    my $row = $statement->fetchrow_arrayref;
    my $value = $row ? $row->[0] : undef;
    $statement->finish;
    return $value;
}

sub sql
{
    my ($self, $query, @bind) = @_;
    return $self->sql_in($self->{dbname}, $query, @bind);
}

sub rows
{
    my ($self, $query, @bind) = @_;
    return @{ $self->_session($self->{dbname})->selectall_arrayref($query, { Slice => {} }, @bind) };
}

sub error_of
{
    my ($self, $query, @bind) = @_;
    return if eval { $self->sql($query, @bind); 1 };
    my $session = $self->{sessions}{"$$ $self->{dbname}"};
    return $session ? $session->state : '08006';
}

# Exit code, standard output and standard error of psql with the script as its input.
sub psql
{
    my ($self, $script) = @_;
    my $path = test_directory() . "/psql.$$";

    open my $file, '>', "$path.sql" or croak "$path.sql: $!";
    print {$file} $script;
    close $file;
    return $self->_psql("$path.sql", $path);
}

# Dies where a statement of the file fails.
sub psql_file
{
    my ($self, $path) = @_;
    my ($code, $out, $err) = $self->_psql($path, test_directory() . "/psql.$$");
    croak "$path: $err" if $code;
    return $out;
}

sub _psql
{
    my ($self, $script_path, $base) = @_;
    my $job = Daemon->new(
        name    => 'psql',
        is_job  => 1,
        log     => "$base.log",
        command => [
            'sh', '-c', 'exec "$0" -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -f "$2" >"$3" 2>"$4"',
            "$self->{bin}/psql", $self->uri, $script_path, "$base.out", "$base.err"
        ]);
    $job->start(ready => 0);
    my $code = $job->wait_exit(300);
    local $/;
    return ($code, map { open(my $file, '<', $_); scalar(<$file>) // '' } "$base.out", "$base.err");
}

sub log_text { return $_[0]{daemon}->log_text }

1;
