# PostgreSQL on several nodes under Patroni, as docs/patroni.yml has it; to its users one server.
package Patroni;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use DBI;
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP ();

use Daemon;
use Files;
use Postgres;
use Wait;

use parent -norequire, 'Postgres';

=head1 SYNOPSIS

    my $cluster = Patroni->start(nodes => 3, etcd => '127.0.0.1:2379', slot => 'wallet_bridge');
        # dcs => { synchronous_mode => 'false' }: other values than those of docs/patroni.yml
    $cluster->sql('SELECT ...');           # and uri, connect, rows, psql: as in Postgres, on whichever node is the primary
    my $name = $cluster->leader;           # pg1; sync_standby: likewise; undef where there is none
    $cluster->wait_whole;                  # a primary, its synchronous standby, all others following, the slot on each
    $cluster->kill_node($name);            # Patroni and PostgreSQL; kill_postgres, kill_patroni: one of them
    $cluster->freeze_node($name);  $cluster->thaw_node($name);
    $cluster->revive_node($name);          # starts a Patroni that does not run
    $cluster->switch_over;                 # to the synchronous standby, in order
    $cluster->change(synchronous_mode => JSON::PP::false);    # of what is kept in etcd
    my $node = $cluster->node($name);      # { port, data, ... };  $cluster->node_connect($name): a session on it

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');
my $json = JSON::PP->new->utf8->allow_nonref;
# How Patroni's own times are shortened: a lease of seconds, so that many failovers fit into a test.
my %QUICK = (ttl => 6, loop_wait => 1, retry_timeout => 2);

my @every;

sub start
{
    my ($class, %option) = @_;
    my $number    = delete $option{nodes};
    my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
    chomp(my $bin = `$pg_config --bindir`);
    croak "$pg_config tells nothing: is PostgreSQL installed?" unless $bin;
    my $self = bless {
        name   => 'patroni',
        bin    => $bin,
        dbname => 'wallet_db',
        base   => test_directory() . '/patroni',
        user   => $> == 0 ? 'postgres' : undef,
        nodes  => {},
        %option
    }, $class;

    push @every, $self;
    $self->_make_folder($self->{base});
    $self->{nodes}{"pg$_"} = $self->_make_node("pg$_") for 1 .. $number;
    # The first one makes the cluster, of which the others are copies.
    $self->revive_node('pg1');
    poll_until(sub { $self->node_connect('pg1', 'postgres')->ping }, what => 'the first node', deadline => 60);
    $self->sql_in('postgres', "CREATE DATABASE $self->{dbname}");
    $self->revive_node("pg$_") for 2 .. $number;
    return $self;
}

sub _make_folder
{
    my ($self, $path) = @_;
    mkdir $path or croak "$path: $!";
    chmod 0700, $path;
    chown((getpwnam($self->{user}))[ 2, 3 ], $path) if $self->{user};
    return;
}

sub _make_node
{
    my ($self, $name) = @_;
    my $base = "$self->{base}/$name";
    my $node = { name => $name, base => $base, data => "$base/data", port => free_port(), rest => free_port() };

    $self->_make_folder($base);
    spew("$base/patroni.yml", $self->_configuration($node));
    # Minor releases that do not know it would not start with it.
    spew("$base/postgresql.conf", '');
    my $knows_plugins = $self->run('postgres', '-C', 'output_plugin_libraries', '-D', $base) == 0;
    spew("$base/wallet.conf", $knows_plugins ? "output_plugin_libraries = 'pgoutput, test_decoding, wallet_decoder'\n" : '');
    $node->{daemon} = Daemon->new(
        name    => "patroni $name",
        command => [ 'patroni', "$base/patroni.yml" ],
        user    => $self->{user},
        is_job  => 1,
        log     => test_directory() . "/patroni.$name.log",
        env     => { PATRONI_LOG_LEVEL => 'INFO', HOME => $base });
    return $node;
}

# The documented file, with the addresses, folders and times of a test. Each change must find what it changes.
sub _configuration
{
    my ($self, $node) = @_;
    my $text = slurp("$root/docs/patroni.yml");
    my @changes = (
        [ qr/^name: \K\S+/m,                      $node->{name} ],
        [ qr/\b10\.0\.0\.1:8008$/m,               "127.0.0.1:$node->{rest}" ],
        [ qr/\b10\.0\.0\.1:5432$/m,               "127.0.0.1:$node->{port}" ],
        [ qr/^  hosts: \K.*/m,                    $self->{etcd} ],
        [ qr/^      \Kwallet_bridge(?=:$)/m,      $self->{slot} ],
        [ qr/^  data_dir: \K.*/m,                 $node->{data} ],
        [ qr/^  bin_dir: \K.*/m,                  $self->{bin} ],
        [ qr/^  custom_conf: \K.*/m,              "$node->{base}/wallet.conf" ],
        [ qr/^  pgpass: \K.*/m,                   "$node->{base}/pgpass" ],
        [ qr/unix_socket_directories: \K.*/m,     "$node->{base}\n    fsync: 'off'\n    shared_buffers: 64MB\n    log_min_messages: warning" ],
        [ qr/^  pg_hba:\n(?:    - .*\n)+/m,       "  pg_hba:\n" . join '', map { "    - $_ trust\n" }
            'local all all', 'host all all 127.0.0.1/32', 'host replication all 127.0.0.1/32' ],
        (map { [ qr/^    $_: \K.*/m, $QUICK{$_} ] } sort keys %QUICK),
        (map { [ qr/^    $_: \K.*/m, $self->{dcs}{$_} ] } sort keys %{ $self->{dcs} // {} }));

    for my $change (@changes)
    {
        my ($old, $new) = @$change;
        $text =~ s/$old/$new/g or croak "docs/patroni.yml has nothing like $old";
    }
    return $text;
}

sub names { return sort keys %{ $_[0]{nodes} } }
sub node  { return $_[0]{nodes}{ $_[1] } // croak "there is no node $_[1]" }

sub _hosts
{
    my ($self) = @_;
    my @nodes = map { $self->node($_) } $self->names;
    return (join(',', map { '127.0.0.1' } @nodes), join(',', map { $_->{port} } @nodes));
}

sub uri
{
    my ($self, %option) = @_;
    return sprintf 'postgresql://%s@%s/%s?target_session_attrs=read-write', $option{user} // 'postgres',
        join(',', map { "127.0.0.1:" . $self->node($_)->{port} } $self->names), $option{dbname} // $self->{dbname};
}

sub connect
{
    my ($self, %option) = @_;
    my ($hosts, $ports) = $self->_hosts;
    return _dbi($hosts, $ports, $option{dbname} // $self->{dbname}, $option{user}, 'read-write');
}

sub node_connect
{
    my ($self, $name, $dbname) = @_;
    return _dbi('127.0.0.1', $self->node($name)->{port}, $dbname // $self->{dbname}, undef, 'any');
}

sub _dbi
{
    my ($hosts, $ports, $dbname, $user, $target) = @_;
    return DBI->connect(
        "dbi:Pg:dbname=$dbname;host=$hosts;port=$ports;target_session_attrs=$target;connect_timeout=2;application_name=test",
        $user // 'postgres', '',
        {   AutoCommit          => 1,
            RaiseError          => 1,
            PrintError          => 0,
            PrintWarn           => 0,
            pg_server_prepare   => 0,
            AutoInactiveDestroy => 1
        });
}

# What Patroni says of its members, from whichever node answers: { name => { role, state } }.
sub members
{
    my ($self) = @_;
    for my $name ($self->names)
    {
        my $answer = HTTP::Tiny->new(timeout => 1)->get('http://127.0.0.1:' . $self->node($name)->{rest} . '/cluster');
        next unless $answer->{success};
        return { map { ($_->{name} => $_) } @{ $json->decode($answer->{content})->{members} } };
    }
    return {};
}

sub _with_role
{
    my ($self, $role) = @_;
    my $members = $self->members;
    my ($name) = grep { $members->{$_}{role} eq $role } sort keys %$members;
    return $name;
}

sub leader       { return $_[0]->_with_role('leader') }
sub sync_standby { return $_[0]->_with_role('sync_standby') }

sub wait_whole
{
    my ($self, %option) = @_;
    poll_until(sub { $self->_is_whole }, deadline => $option{deadline} // 90, interval => 0.25, what => 'the cluster to be whole');
    return;
}

# "synchronous" is only there in synchronous mode.
sub _is_whole
{
    my ($self) = @_;
    my $members = $self->members;
    return 0 if grep { !($members->{$_} && $members->{$_}{state} =~ /^(?:running|streaming)$/) } $self->names;
    my %count;
    $count{ $_->{role} }++ for values %$members;
    return 0 unless ($count{leader} // 0) == 1 && (($count{sync_standby} // 0) == 1 || $self->{asynchronous});
    my @standbys = grep { $members->{$_}{role} ne 'leader' } $self->names;
    my $followers = $self->sql(q(SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'));
    return $followers >= @standbys && !grep { !$self->_has_slot($_) } @standbys;
}

sub _has_slot
{
    my ($self, $name) = @_;
    my $session = $self->node_connect($name, 'postgres');
    my ($found) = $session->selectrow_array('SELECT count(*) FROM pg_replication_slots WHERE slot_name = ?', undef, $self->{slot});
    $session->disconnect;
    return $found;
}

sub _postmaster
{
    my ($self, $name) = @_;
    my $pid = slurp($self->node($name)->{data} . '/postmaster.pid', '') =~ /^(\d+)/ ? $1 : return;
    return slurp("/proc/$pid/cmdline", '') =~ /postgres/ ? $pid : undef;
}

# PostgreSQL's processes, the first one stopped already, so that it makes no others.
sub _stopped_postgres
{
    my ($self, $name) = @_;
    my $pid = $self->_postmaster($name) // return;
    kill 'STOP', $pid;
    poll_until(sub { Postgres::_state_of($pid) =~ /^[TtZ]?$/ }, what => "$name to be stopped", interval => 0.005);
    return ($pid, Postgres::_children_of($pid));
}

sub kill_postgres
{
    my ($self, $name) = @_;
    my @pids = $self->_stopped_postgres($name);
    kill 'KILL', @pids;
    poll_until(sub { !grep { !Postgres::_is_gone($_) } @pids }, what => "the end of PostgreSQL on $name", interval => 0.01);
    return;
}

sub kill_patroni
{
    my ($self, $name) = @_;
    my $daemon = $self->node($name)->{daemon};
    $daemon->kill9 if $daemon->running;
    return;
}

# Patroni first: it would start PostgreSQL again.
sub kill_node
{
    my ($self, $name) = @_;
    $self->kill_patroni($name);
    return $self->kill_postgres($name);
}

sub freeze_node
{
    my ($self, $name) = @_;
    $self->node($name)->{daemon}->suspend;
    my @pids = $self->_stopped_postgres($name);
    kill 'STOP', @pids;
    $self->node($name)->{frozen} = \@pids;
    return;
}

sub thaw_node
{
    my ($self, $name) = @_;
    kill 'CONT', reverse @{ delete $self->node($name)->{frozen} // [] };
    $self->node($name)->{daemon}->resume;
    return;
}

sub revive_node
{
    my ($self, $name) = @_;
    my $daemon = $self->node($name)->{daemon};
    $daemon->start(ready => 0) unless $daemon->running;
    return;
}

sub _rest
{
    my ($self, $method, $name, $path, $content) = @_;
    my $answer = HTTP::Tiny->new(timeout => 60)->request(
        $method, 'http://127.0.0.1:' . $self->node($name)->{rest} . $path,
        { headers => { 'Content-Type' => 'application/json' }, content => $json->encode($content) });
    croak "$path: $answer->{status} $answer->{content}" unless $answer->{success};
    return;
}

sub switch_over
{
    my ($self) = @_;
    my ($from, $to) = map { my $role = $_; poll_until(sub { $self->$role }, what => "a $role", deadline => 60) } qw(leader sync_standby);
    return $self->_rest('POST', $from, '/switchover', { leader => $from, candidate => $to });
}

sub change
{
    my ($self, %value) = @_;
    return $self->_rest('PATCH', $self->leader, '/config', \%value);
}

sub log_text
{
    my ($self) = @_;
    return join '', map { $self->node($_)->{daemon}->log_text } $self->names;
}

my $owner_pid = $$;

# What Patroni has started is no child of ours.
END
{
    if ($$ == $owner_pid)
    {
        my $status = $?;
        for my $cluster (@every)
        {
            for my $name ($cluster->names)
            {
                $cluster->thaw_node($name);
                eval { $cluster->kill_node($name); 1 } or warn $@;
            }
        }
        $? = $status;
    }
}

1;
