# The whole wallet for a test: PostgreSQL with the extension, Kafka, wallet_bridge, wallet_history,
# wallet_service.
package Stack;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::PP ();
use Test::More;

use Daemon;
use Kafka;
use Load;
use Postgres;
use Wait;

our @EXPORT = qw(poll_until);

=head1 SYNOPSIS

    use lib 'tests/harness';
    use Stack;                      # exports poll_until
    use Test::More;

    my $stack = Stack->start(       # everything is optional
        conf      => { wal_sender_timeout => '3s' },   # of PostgreSQL
        own_kafka => 1,             # a broker of this test's own, that it may stop and kill
        broker    => $kafka,        # this one, made by the test
        server    => $postgres,     # likewise
        slot      => 'wallet_bridge',                        # not a name of its own
        topic     => 'wallet-events', group => 'history',    # not names of its own
        kafka     => 0,             # none, and neither bridge nor history
        bridge    => 0,             # do not start wallet_bridge yet ($stack->bridge->start later)
        history   => { LOG_LEVEL => 'debug' },         # or further variables for it
        service   => 1,             # wallet_service too, or variables for it
        extension => 0);            # an empty database

    my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
    $stack->sql('SELECT wallet_transfer(?, ?, 25)', $alice, $bob);    # and rows, error_of, connect,
                                    # psql: as in Postgres; $stack->postgres is the server
    my $load = $stack->load(clients => 8, wallets => [ $alice, $bob ]);   # see Load
    $stack->bridge->kill9;  $stack->bridge->start;     # and history, service: see Daemon
    $stack->kafka->stop;    $stack->kafka->start;      # see Kafka; only with own_kafka
    $load->stop;

    $stack->wait_bridge;            # until all that is committed now is confirmed to PostgreSQL
    $stack->wait_history;           # until every entry of the ledger is in transaction_events
    $stack->verify;                 # a subtest: see below
    $stack->verify(duplicates => 1);        # where the topic may hold a second copy after a crash
    $stack->verify(acknowledged => $load);  # and every call that $load saw succeed is in the ledger
    $stack->quiet_ok(allow => [ qr/reconnect/ ]);      # no other WARN or ERROR line of our programs

    $stack->topic;  $stack->slot;  $stack->group;
    my @records = $stack->records;                     # of the topic, with {event} decoded
    my $second  = $stack->another_bridge(BRIDGE_SLOT => 'other');   # not started; also another_history, another_service
    my $lsn     = $stack->confirmed_lsn;
    my ($code, $out, $err) = $stack->bridge_command([qw(slot drop --yes)], BRIDGE_SLOT => 'other');
    my $out = $stack->command_is([qw(slot drop)], 64, qr/say --yes/, 'without --yes');    # tests of its code and words
    $stack->refuses($second, qr/V5: /, 'the second');  # tests that it starts, says so and ends with 78
    done_testing;

Programs come from C<WALLET_BIN> (default: kafka_bridge/build). They run with the rights of scripts/stack/roles.sql
and no more. Each Stack has a topic, a slot and a group of its own; what it started ends with the test.

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');
my $count    = 0;
my $commands = 0;

sub start
{
    my ($class, %option) = @_;
    my $name = join '-', 'test', time, $$, ++$count;
    my $self = bless {
        topic => $option{topic} // "wallet-events-$name",
        group => $option{group} // "history-$name",
        slot  => $option{slot} // $name =~ s/-/_/gr,
    }, $class;
    my $has_kafka = $option{kafka} // 1;

    $self->{kafka} = $option{broker} // ($option{own_kafka} ? Kafka->own : Kafka->shared) if $has_kafka;
    @option{qw(bridge history)} = (0, 0) unless $has_kafka;

    $self->{postgres} = $option{server} // Postgres->new(conf => $option{conf} // {});
    $self->install_extension if $option{extension} // 1;
    my %env = map { ($_ => ref $option{$_} ? $option{$_} : {}) } qw(bridge history service);
    $self->{bridge}  = $self->another_bridge(%{ $env{bridge} });
    $self->{history} = $self->another_history(%{ $env{history} });
    $self->{service} = $self->another_service(%{ $env{service} });
    $self->{bridge}->start  if $option{bridge}  // $option{extension} // 1;
    # Without the bridge there is no topic, for which the history waits.
    $self->{history}->start(ready => $self->{bridge}->running) if $option{history} // $option{extension} // 1;
    $self->{service}->start if $option{service};
    return $self;
}

sub postgres { return $_[0]{postgres} }
sub kafka    { return $_[0]{kafka} }
sub bridge   { return $_[0]{bridge} }
sub history  { return $_[0]{history} }
sub service  { return $_[0]{service} }
sub topic    { return $_[0]{topic} }
sub slot     { return $_[0]{slot} }
sub group    { return $_[0]{group} }

# What the bridge writes into ce_source.
sub source
{
    my ($self) = @_;
    return $self->{source} //= $self->sql(q(SELECT '/wallet/' || system_identifier || '/' || current_database()
        FROM pg_control_system()));
}

# A record as the bridge would publish it; topic and headers may be others.
sub produce
{
    my ($self, %record) = @_;
    my $topic = delete $record{topic} // $self->topic;
    return $self->kafka->produce($topic, %record, headers => $record{headers} // { ce_source => $self->source });
}

sub sql      { my $self = shift; return $self->{postgres}->sql(@_) }
sub rows     { my $self = shift; return $self->{postgres}->rows(@_) }
sub error_of { my $self = shift; return $self->{postgres}->error_of(@_) }
sub psql     { my $self = shift; return $self->{postgres}->psql(@_) }
sub connect  { my $self = shift; return $self->{postgres}->connect(@_) }

sub install_extension
{
    my ($self) = @_;
    $self->sql('CREATE EXTENSION wallet');
    $self->postgres->psql_file("$root/scripts/stack/roles.sql");
    return;
}

sub _program
{
    my ($self, $program, %env) = @_;
    my $port = free_port();
    my $path = ($ENV{WALLET_BIN} // "$root/kafka_bridge/build") . "/$program";

    croak "$path is not built" unless -x $path;
    return Daemon->new(
        name    => $program,
        port    => $port,
        command => [$path],
        url     => "http://127.0.0.1:$port",
        log     => test_directory() . "/$program.$port.log",
        env     => {
            DATABASE_URL  => $self->postgres->uri(user => $program),
            KAFKA_BROKERS => $self->kafka ? $self->kafka->brokers : undef,
            KAFKA_TOPIC   => $self->topic,
            PORT          => $port,
            %env
        });
}

sub another_bridge
{
    my ($self, %env) = @_;
    return $self->_program('wallet_bridge', BRIDGE_SLOT => $self->slot, %env);
}

sub another_history
{
    my ($self, %env) = @_;
    return $self->_program('wallet_history', KAFKA_GROUP_ID => $self->group, %env);
}

sub another_service
{
    my ($self, %env) = @_;
    return $self->_program('wallet_service', %env);
}

# A sub-command of wallet_bridge: its exit code, standard output and standard error.
sub bridge_command
{
    my ($self, $arguments, %env) = @_;
    my $bridge = $self->another_bridge(%env);
    my $base   = test_directory() . '/command' . ++$commands;
    my $job    = Daemon->new(
        name    => "wallet_bridge @$arguments",
        is_job  => 1,
        log     => "$base.log",
        env     => $bridge->{env},
        command => [
            'sh', '-c', 'out=$1 err=$2; shift 2; exec "$0" "$@" >"$out" 2>"$err"',
            $bridge->{command}[0], "$base.out", "$base.err", @$arguments
        ]);
    $job->start(ready => 0);
    my $code = $job->wait_exit(120);
    local $/;
    return ($code, map { open(my $file, '<', $_); scalar(<$file>) // '' } "$base.out", "$base.err");
}

# Its exit code and what it prints: on standard output where it does its work, else on standard error.
sub command_is
{
    my ($self, $arguments, $expected, $pattern, $name, %env) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($code, $out, $err) = $self->bridge_command($arguments, %env);
    is($code, $expected, "$name: exit code") or diag $out . $err;
    like($expected ? $err : $out, $pattern, "$name: words");
    return $out;
}

sub refuses
{
    my ($self, $daemon, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $mark = $daemon->log_mark;
    $daemon->start(ready => 0);
    is($daemon->wait_exit(60), 78, "$name: it stops");
    like($daemon->log_since($mark), $pattern, "$name: and says why");
    return;
}

sub create_wallets
{
    my ($self, $number, %option) = @_;
    my @wallets;

    for my $n (1 .. $number)
    {
        my $wallet = $self->sql('SELECT wallet_create(?, ?)', "user$n", $option{currency} // 'USD');
        $self->sql('SELECT wallet_fund(?, ?)', $wallet, $option{fund}) if $option{fund};
        push @wallets, $wallet;
    }
    return @wallets;
}

sub load
{
    my ($self, %option) = @_;
    return Load->start(server => $self->postgres, %option);
}

sub confirmed_lsn
{
    my ($self) = @_;
    return $self->sql('SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = ?',
        $self->slot);
}

sub wait_bridge
{
    my ($self, %option) = @_;
    # The newest commit's end: later WAL (a checkpoint, a snapshot of running transactions) is the
    # server's own and may go on for ever.
    my $lsn = $self->sql('SELECT pg_current_wal_insert_lsn()');
    poll_until(
        sub {
            $self->sql(
                'SELECT confirmed_flush_lsn >= ?::pg_lsn FROM pg_replication_slots WHERE slot_name = ?',
                $lsn, $self->slot);
        },
        deadline => $option{deadline} // 60,
        what     => "slot $self->{slot} confirmed to $lsn");
    return;
}

my $entries_missing = <<'SQL';
SELECT count(*) FROM (SELECT wallet_id, version FROM wallet_transactions
                      EXCEPT SELECT wallet_id, version FROM transaction_events) AS missing
SQL

sub wait_history
{
    my ($self, %option) = @_;
    poll_until(
        sub { $self->sql($entries_missing) == 0 },
        deadline => $option{deadline} // 60,
        interval => 0.1,
        what     => 'every entry of the ledger in transaction_events');
    return;
}

# The topic's records, each with its JSON decoded as {event} (undef where it is none).
sub records
{
    my ($self) = @_;
    my @records = $self->kafka->read_topic($self->topic);
    my $json    = JSON::PP->new->utf8;

    for my $record (@records)
    {
        $record->{event} = eval { $json->decode($record->{value}) };
    }
    return @records;
}

=head2 verify

Fails unless: wallet_check() is empty and wallet_totals() balance; the topic, read by kcat, has every
entry of the ledger, nothing else, under the wallet's key, first copies in version order (unless
C<backfilled>: that brings old events late), and (unless C<duplicates>) one copy of each;
transaction_events has every entry once, with the same content; no gap or conflict is recorded.
C<history =E<gt> 0> leaves the history out.

=cut

sub verify
{
    my ($self, %option) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return subtest $option{name} // 'ledger, topic and history agree' => sub {
        $self->_verify_ledger;
        $self->_verify_topic(%option);
        $self->_verify_history if $option{history} // 1;
        $self->_verify_acknowledged($option{acknowledged}) if $option{acknowledged};
    };
}

sub _verify_ledger
{
    my ($self) = @_;
    is_deeply([ $self->rows('SELECT * FROM wallet_check()') ], [], 'wallet_check() finds nothing');
    is_deeply([ $self->rows('SELECT * FROM wallet_totals() WHERE difference <> 0') ],
        [], 'the trial balance balances');
    is($self->sql('SELECT count(*) FROM (SELECT wallet_id FROM wallet_transactions GROUP BY 1'
                . ' HAVING count(*) <> max(version) + 1 OR min(version) <> 0) AS holed'),
        0, 'versions have no gap');
    return;
}

sub _entries
{
    my ($self, $query) = @_;
    my %entries;
    $entries{"$_->{wallet_id} $_->{version}"} =
        "$_->{type} $_->{amount} $_->{transaction_id} $_->{user_id}"
        for $self->rows($query);
    return \%entries;
}

sub _ledger_entries
{
    my ($self) = @_;
    return $self->_entries(
        'SELECT wallet_id, version, type, amount, transaction_id, user_id FROM wallet_transactions');
}

sub _verify_topic
{
    my ($self, %option) = @_;
    my (%found, %newest, @disorder, @copies, @foreign);

    for my $record ($self->records)
    {
        my $event = $record->{event};
        my $key   = $record->{key} // 'NULL';
        push @foreign, "$record->{partition}/$record->{offset}" and next
            unless $event && $event->{wallet_id} eq $key;

        my $entry = "$event->{wallet_id} $event->{version}";
        my $text  = join ' ', @$event{qw(event_type amount transaction_id user_id)};
        if (defined $found{$entry})
        {
            push @copies, $entry;
            push @foreign, "$entry differs from its copy" if $found{$entry} ne $text;
            next;
        }
        push @disorder, $entry if $event->{version} != ($newest{$key} // -1) + 1;
        $found{$entry} = $text;
        $newest{$key} = $event->{version};
    }
    is_deeply(\%found, $self->_ledger_entries, 'the topic holds the ledger');
    is_deeply(\@foreign,  [], 'and nothing else');
    is_deeply(\@disorder, [], 'in version order') unless $option{backfilled};
    if   ($option{duplicates}) { note scalar(@copies) . ' second copies in the topic' }
    else               { is_deeply(\@copies, [], 'each once') }
    return;
}

sub _verify_history
{
    my ($self) = @_;
    is_deeply(
        $self->_entries(
            'SELECT wallet_id, version, event_type AS type, amount, transaction_id, user_id'
                . ' FROM transaction_events'),
        $self->_ledger_entries,
        'the history holds the ledger, each entry once');
    is_deeply([ $self->rows('SELECT * FROM wallet_history_gaps') ],      [], 'no gap is recorded');
    is_deeply([ $self->rows('SELECT * FROM wallet_history_conflicts') ], [], 'no conflict is recorded');
    return;
}

sub _verify_acknowledged
{
    my ($self, $load) = @_;
    my %acknowledged = %{ $load->acknowledged };
    my %stored       = map { ($_->{key} => $_->{id}) } $self->rows(
        'SELECT idempotency_key AS key, transaction_id AS id FROM wallet_ledger'
            . ' WHERE idempotency_key IS NOT NULL');
    my @lost = grep { ($stored{$_} // '') ne $acknowledged{$_} } sort keys %acknowledged;

    is_deeply(\@lost, [], scalar(keys %acknowledged) . ' acknowledged calls are in the ledger');
    is_deeply([ $load->errors ], [], 'no call failed otherwise than it may');
    return;
}

# What a start says on a healthy system: the version of librdkafka, its remark on a property we set, a
# new broker's coordinator that loads, a topic that was created a moment ago.
my @usual = (
    qr/librdkafka is older than/, qr/facility=CONFWARN/,
    qr/facility=GETPID/,          qr/was created and is not to be seen yet/);

sub quiet_ok
{
    my ($self, %option) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @allow = (@usual, ref $option{allow} eq 'ARRAY' ? @{ $option{allow} } : $option{allow} // ());
    my @lines = map { $_->unexpected_log(%option, allow => \@allow) } $self->bridge, $self->history;
    push @lines, grep { /PANIC|TRAP:|terminated by signal/ } split /\n/, $self->postgres->log_text
        unless $option{crashed};
    return is_deeply(\@lines, [], $option{name} // 'no unexpected line in the logs');
}

1;
