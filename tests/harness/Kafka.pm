# A real Kafka broker for tests, and its topics seen by an independent client (kcat).
package Kafka;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp;
use IPC::Open2 qw(open2);
use List::Util qw(sum);

use Daemon;
use Files;
use Wait;

=head1 SYNOPSIS

    my $kafka = Kafka->shared;       # the test run's broker (or one of our own, outside a run)
    my $kafka = Kafka->own;          # a broker of this test alone, to stop, kill and start again
    my $kafka = Kafka->own(listeners => { TLS => 'SSL' }, conf => { 'ssl.client.auth' => 'required' });
        # and further listeners, by name and protocol, and properties; its tools use the plain one;
        # behind => { TLS => $port }: clients come to that one by way of this port, $kafka->port_of('TLS') is its own
    my $kafka = Kafka->own(env => { KAFKA_HEAP => '1g', KAFKA_JIT => 4 });    # for scripts/kafka/run
    my $kafka = Kafka->at($brokers); # one that somebody else started
    $kafka->stop;  $kafka->start;  $kafka->kill9;  $kafka->suspend;  $kafka->resume;
    my $list = $kafka->brokers;      # for KAFKA_BROKERS; $kafka->brokers('TLS'): of that listener

    $kafka->create_topic($name, partitions => 3, config => { 'max.message.bytes' => 5000 });
    $kafka->add_partitions($name, 4);            # up to 4
    $kafka->set_topic($name, 'max.message.bytes' => 5000);
    $kafka->delete_topic($name);
    $kafka->delete_records($name, 0, 7);         # those of partition 0 before offset 7
    my @records = $kafka->read_topic($name);     # from the beginning to the end, read_committed
        # of { partition, offset, timestamp, key, value, headers => { name => value } };
        # key and value are bytes, undef for NULL; in order of partition and offset
    $kafka->produce($name, key => $wallet_id, value => $json, headers => { a => 'b' });
        # also partition => N; without value: a tombstone (then with a key). Keys go where the
        # bridge's go. values => [ ... ] instead: many at once, each a line, with a key
    my $count = $kafka->count($name);            # records, by watermarks
    my $end  = $kafka->open_transaction($name);  # holds one open there; $end->() aborts it
    my $text = $kafka->tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', '--list');

=cut

my $scripts = abs_path(dirname(__FILE__) . '/../../scripts/kafka');
my $topics  = abs_path(dirname(__FILE__) . '/topics.py');
my $held    = abs_path(dirname(__FILE__) . '/open_transaction.py');
my $count   = 0;
my $shared;

sub shared
{
    my ($class) = @_;
    return $shared if $shared;
    return $shared = $class->at($ENV{WALLET_TEST_KAFKA}) if $ENV{WALLET_TEST_KAFKA};
    return $shared = $class->own;
}

sub own
{
    my ($class, %option) = @_;
    my ($port, $controller_port) = (free_port(), free_port());
    my $name = 'kafka' . ++$count;
    my $self = bless { brokers => "127.0.0.1:$port" }, $class;
    # Tests that kill consumers need not wait for the 6 s that a broker insists on, nor those that freeze
    # producers for the 10 s between its looks at their transactions.
    my %conf = ('group.min.session.timeout.ms' => 1000,
        'transaction.abort.timed.out.transaction.cleanup.interval.ms' => 1000, %{ $option{conf} // {} },
        $self->_listen($port, $controller_port, $option{listeners}, $option{behind} // {}));

    $self->{daemon} = Daemon->new(
        name    => $name,
        port    => $port,
        command => [
            "$scripts/run", test_directory() . "/$name.data",
            $port, $controller_port, map { "$_=$conf{$_}" } sort keys %conf
        ],
        env   => { KAFKA_JIT => 1, KAFKA_HEAP => '320m', %{ $option{env} // {} } },
        ready => sub { system("kcat -L -b $self->{brokers} -m 1 >/dev/null 2>&1") == 0 });
    $self->{daemon}->start(deadline => 90);
    return $self;
}

# The properties for listeners beside the plain one. Certificates are for a name: they say localhost.
sub _listen
{
    my ($self, $port, $controller_port, $protocol_of, $behind) = @_;
    return unless $protocol_of;
    my @names  = sort keys %$protocol_of;
    my %listen = map { ($_ => free_port()) } @names;
    my $plain  = "BROKER://127.0.0.1:$port";

    $self->{port_of}    = {%listen};
    $self->{brokers_of} = { map { ($_ => 'localhost:' . ($behind->{$_} // $listen{$_})) } @names };
    return (
        'listeners' => join(',', $plain, "CONTROLLER://127.0.0.1:$controller_port", map { "$_://127.0.0.1:$listen{$_}" } @names),
        'advertised.listeners'           => join(',', $plain, map { "$_://$self->{brokers_of}{$_}" } @names),
        'listener.security.protocol.map' => join(
            ',', qw(BROKER:PLAINTEXT CONTROLLER:PLAINTEXT), map { "$_:$protocol_of->{$_}" } @names));
}

sub scripts { return $scripts }

sub at
{
    my ($class, $brokers) = @_;
    return bless { brokers => $brokers }, $class;
}

sub brokers
{
    my ($self, $listener) = @_;
    return $self->{brokers} unless defined $listener;
    return $self->{brokers_of}{$listener} // croak "there is no listener $listener";
}

sub port_of
{
    my ($self, $listener) = @_;
    return $self->{port_of}{$listener} // croak "there is no listener $listener";
}

sub _daemon { return $_[0]{daemon} // croak "the test run's broker serves other tests too: use Kafka->own" }

sub start   { my $self = shift; $self->_daemon->start(deadline => 90); return $self }
sub stop    { return $_[0]->_daemon->stop(60) }
sub kill9   { return $_[0]->_daemon->kill9 }
sub suspend { return $_[0]->_daemon->suspend }
sub resume  { return $_[0]->_daemon->resume }

# One of Kafka's own command-line tools, by its class name. Output; dies where it fails.
sub tool
{
    my ($self, $class, @arguments) = @_;
    chomp(my $jars = $ENV{KAFKA_JARS} // `$scripts/fetch`);
    my $errors = File::Temp->new;
    my $pid    = open(my $pipe, '-|') // croak "fork: $!";
    if ($pid == 0)
    {
        open STDERR, '>', "$errors";
        exec 'java', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp',
            "$jars/*", $class, '--bootstrap-server', $self->{brokers}, @arguments;
        exit 127;
    }
    my $text = do { local $/; <$pipe> } // '';
    close $pipe or croak "$class failed: $text" . do { local $/; open my $file, '<', "$errors"; <$file> };
    return $text;
}

sub create_topic
{
    my ($self, $topic, %option) = @_;
    my %config = %{ $option{config} // {} };
    return $self->_topics('create', $topic, $option{partitions} // 1, map { "$_=$config{$_}" } sort keys %config);
}

# Up to this number in all.
sub add_partitions
{
    my ($self, $topic, $partitions) = @_;
    return $self->_topics('grow', $topic, $partitions);
}

sub set_topic
{
    my ($self, $topic, %config) = @_;
    return $self->_topics('set', $topic, map { "$_=$config{$_}" } sort keys %config);
}

# And waits until it is gone.
sub delete_topic
{
    my ($self, $topic) = @_;
    $self->_topics('delete', $topic);
    poll_until(sub { !$self->partitions($topic) }, what => "the end of $topic");
    return;
}

# What lies before the offset goes, as it does when a retention time was set.
sub delete_records
{
    my ($self, $topic, $partition, $offset) = @_;
    my $path = Wait::test_directory() . '/delete.json';
    open my $file, '>', $path or croak "$path: $!";
    print {$file} qq({"partitions":[{"topic":"$topic","partition":$partition,"offset":$offset}],"version":1});
    close $file;
    return $self->tool('org.apache.kafka.tools.DeleteRecordsCommand', '--offset-json-file', $path);
}

sub open_transaction
{
    my ($self, $topic) = @_;
    my $pid  = open2(my $out, my $in, $held, $self->{brokers}, $topic);
    my $said = <$out> // '';
    croak "no transaction in $topic" if $said ne "open\n";
    return sub {
        close $in;
        waitpid $pid, 0;
        croak "the transaction in $topic was not ended" if $?;
        return;
    };
}

sub _topics
{
    my ($self, @arguments) = @_;
    my ($code, $said) = run_command({}, $topics, $self->{brokers}, @arguments);
    croak "@arguments: $said" if $code;
    return;
}

sub _kcat
{
    my ($self, $input, @arguments) = @_;
    my $errors = File::Temp->new;
    my $pid    = open(my $pipe, '-|') // croak "fork: $!";
    if ($pid == 0)
    {
        open STDIN,  '<', $input // '/dev/null';
        open STDERR, '>', "$errors";
        exec 'kcat', '-b', $self->{brokers}, @arguments;
        exit 127;
    }
    binmode $pipe;
    my $bytes = do { local $/; <$pipe> } // '';
    close $pipe
        or croak "kcat @arguments failed: " . do { local $/; open my $file, '<', "$errors"; <$file> };
    return $bytes;
}

sub read_topic
{
    my ($self, $topic) = @_;
    my $bytes = $self->_kcat(
        undef, '-C', '-t', $topic, '-o', 'beginning', '-e', '-q',
        '-X', 'isolation.level=read_committed', '-X', 'check.crcs=true',
        '-f', '%p %o %T %K %S\n%k%s\n%h\n');
    my @records;

    while ($bytes =~ /\G(\d+) (\d+) (-?\d+) (-?\d+) (-?\d+)\n/gc)
    {
        my ($partition, $offset, $timestamp, $key_bytes, $value_bytes) = ($1, $2, $3, $4, $5);
        my $at  = pos $bytes;
        my $key = $key_bytes < 0 ? undef : substr $bytes, $at, $key_bytes;
        $at += $key_bytes if $key_bytes > 0;
        my $value = $value_bytes < 0 ? undef : substr $bytes, $at, $value_bytes;
        $at += $value_bytes if $value_bytes > 0;
        pos($bytes) = $at;
        $bytes =~ /\G\n([^\n]*)\n/gc or croak 'kcat printed something else than was asked for';
        my %headers = map { my ($name, $text) = split /=/, $_, 2; ($name => $text) } split /,/, $1;
        push @records, {
            partition => $partition, offset => $offset, timestamp => $timestamp,
            key       => $key,       value  => $value,  headers   => \%headers
        };
    }
    croak 'kcat printed something else than was asked for' if (pos($bytes) // 0) != length $bytes;
    @records = sort { $a->{partition} <=> $b->{partition} || $a->{offset} <=> $b->{offset} } @records;
    return @records;
}

sub produce
{
    my ($self, $topic, %record) = @_;
    my %headers = %{ $record{headers} // {} };
    my @arguments = ('-P', '-t', $topic, '-X', 'topic.partitioner=murmur2_random', '-X', 'acks=all');
    my $file = File::Temp->new;

    push @arguments, '-p', $record{partition} if defined $record{partition};
    push @arguments, map { ('-H', "$_=$headers{$_}") } sort keys %headers;
    binmode $file;
    if ($record{values})
    {
        print {$file} map { "$record{key}\x01$_\n" } @{ $record{values} };
        close $file;
        $self->_kcat("$file", @arguments, '-K', "\x01") if @{ $record{values} };
        return;
    }
    # kcat sends a file as one message, but drops an empty one unless it is a line with a key.
    if (length($record{value} // ''))
    {
        print {$file} $record{value};
        close $file;
        push @arguments, '-k', $record{key} if defined $record{key};
        $self->_kcat(undef, @arguments, "$file");
    }
    else
    {
        print {$file} $record{key} // '', "\x01\n";
        close $file;
        push @arguments, '-Z' unless defined $record{value};
        $self->_kcat("$file", @arguments, '-K', "\x01");
    }
    return;
}

# Partitions of a topic; an empty list where it does not exist.
sub partitions
{
    my ($self, $topic) = @_;
    my $text = $self->_kcat(undef, '-L', '-t', $topic, '-m', 5);
    return $text =~ /^    partition (\d+), leader \d/mg;
}

sub count
{
    my ($self, $topic) = @_;
    my @partitions = $self->partitions($topic) or return 0;
    my ($begin, $end) = map {
        my $at = $_;
        sum($self->_kcat(undef, '-Q', map { ('-t', "$topic:$_:$at") } @partitions) =~ /offset (\d+)/g)
    } -2, -1;
    return $end - $begin;
}

1;
