# TLS, logins and rights between the processes, with the files and commands of docs/security.md: what it documents works,
# and whoever has the wrong certificate, password or right is refused and reads why.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Program;
use Runbook;
use Stack;
use Test::More;
use Wait;

my $root      = abs_path(dirname(__FILE__) . '/../../..');
my $folder    = test_directory() . '/transport';
my $document  = 'security.md';
my $password  = 'a password, with = and comma';
my $in_uri    = 'of-the-database';
my $token     = 'a-token-of-the-transport';
my ($ca, $foreign_ca) = ("$folder/ca.pem", "$folder/foreign.pem");
my $ca_in_document = '/run/credentials/wallet-bridge.service/ca.pem';
my $key_in_document = '/run/credentials/wallet-bridge.service/kafka.pem';

sub write_file
{
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

sub run { return run_command({}, 'timeout', 60, @_) }

sub openssl
{
    my ($code, $text) = run('openssl', @_);
    die "openssl @_: $text" if $code;
    return;
}

sub make_authority
{
    my ($path) = @_;
    openssl(qw(req -x509 -newkey rsa:2048 -nodes -days 2 -subj), '/CN=' . ($path =~ s/.*\///r),
        '-addext', 'keyUsage=keyCertSign', '-keyout', "$path.key", '-out', $path);
    return;
}

# A file with the key and a certificate for this name.
sub make_certificate
{
    my ($path, $name) = @_;
    write_file("$path.ext", "subjectAltName=DNS:$name\n");
    openssl(qw(req -newkey rsa:2048 -nodes -subj), "/O=wallet/CN=$name", '-keyout', "$path.key", '-out', "$path.csr");
    openssl(qw(x509 -req -days 2 -CAcreateserial -in), "$path.csr", '-CA', $ca, '-CAkey', "$ca.key", '-extfile', "$path.ext", '-out', "$path.crt");
    write_file($path, join '', map { open my $file, '<', "$path.$_" or die "$path.$_: $!\n"; <$file> } qw(key crt));
    chmod 0600, $path, "$path.key";
    return;
}

sub variables_in
{
    my ($text) = @_;
    return map { /^([\w.]+)=('?)(.*)\2$/ ? ($1 => $3) : () } split /\n/, $text;
}

mkdir $folder or die "$folder: $!\n";
chmod 0755, $folder;
make_authority($_) for $ca, $foreign_ca;
make_certificate("$folder/server.pem", 'localhost');
make_certificate("$folder/client.pem", 'wallet_bridge');
# PostgreSQL wants a key of its own user.
my $pg_key = "$folder/postgresql.key";
write_file($pg_key, do { open my $file, '<', "$folder/server.pem.key" or die $!; local $/; <$file> });
chmod 0600, $pg_key;
chown((getpwnam 'postgres')[ 2, 3 ], $pg_key) if $> == 0;

my %properties = variables_in(runbook_file(
        $document, 'kafkas-serverproperties',
        '"PASSWORD"' => qq("$password"), '/etc/kafka/server.pem' => "$folder/server.pem", '/etc/wallet/ca.pem' => $ca));
# The broker itself and the tools of this test come by the plain listener.
$properties{'super.users'} .= ';User:ANONYMOUS';
my $kafka = Kafka->own(listeners => { SASL_SSL => 'SASL_SSL', SSL => 'SSL' }, conf => \%properties);

my $stack = Stack->start(
    broker => $kafka, topic => 'wallet-events', group => 'history-service-group', bridge => 0, history => 0,
    conf => { ssl => 'on', ssl_cert_file => "$folder/server.pem.crt", ssl_key_file => $pg_key });
my $postgres = $stack->postgres;
$stack->sql("ALTER ROLE $_ PASSWORD '$in_uri'") for qw(wallet_bridge wallet_history wallet_service);
write_file("$postgres->{base}/data/pg_hba.conf",
    "host all postgres 127.0.0.1/32 trust\n" . runbook_file($document, 'pg_hbaconf', '10.20.0.0/24' => '127.0.0.1/32'));
$stack->sql('SELECT pg_reload_conf()');

# The variables as documented for the bridge; another program changes the name.
sub login_file
{
    my ($name) = @_;
    return runbook_file(
        $document, 'wallet-bridgeenv', 'kafka.example:9093' => $kafka->brokers('SASL_SSL'),
        ':PASSWORD@db.example:5432' => ":$in_uri\@localhost:" . $postgres->port,
        "='PASSWORD'" => "='$password'", wallet_bridge => $name, $ca_in_document => $ca);
}

sub login { return variables_in(login_file(@_)) }

sub database_url
{
    my ($role, $authority, $secret) = @_;
    my %login = login($role);
    my $url   = $login{DATABASE_URL};
    $url =~ s/\Q$ca\E/$authority/        if $authority;
    $url =~ s/:\Q$in_uri\E@/:$secret@/ if $secret;
    return $url;
}

my $bridge  = $stack->bridge;
my $history = $stack->history;
%{ $bridge->{env} }  = (%{ $bridge->{env} }, login('wallet_bridge'));
%{ $history->{env} } = (%{ $history->{env} }, login('wallet_history'));

# A bridge of its own with something wrong: what its log says of it. An exit code where it ends by itself.
sub refused_ok
{
    my ($name, $wrong, $pattern, $exit) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $other = $stack->another_bridge(%{ $bridge->{env} }, PORT => free_port(), BRIDGE_SLOT => 'refused', %$wrong);
    $other->{port} = $other->{env}{PORT};
    $other->start(ready => 0);
    # What it says instead is shown by the test below.
    eval { poll_until(sub { !$other->running || $other->log_text =~ $pattern }, deadline => 20) };
    like($other->log_text, $pattern, $name);
    is($other->wait_exit, $exit, 'and it ends') if defined $exit;
    unlike($other->log_text, qr/\Q$password\E|\Q$in_uri\E/, 'no password is logged');
    $other->kill9 if $other->running;
    return;
}

# kcat with a login: its exit code and what it says.
sub kcat_as
{
    my ($name, @arguments) = @_;
    my %login = login($name);
    my @properties = map { /^KAFKA_PROP_(.*)$/ ? ('-X', (lc($1) =~ s/_/./gr) . "=$login{$_}") : () } sort keys %login;
    return run('kcat', '-b', $kafka->brokers('SASL_SSL'), @properties, '-X', 'message.timeout.ms=20000', @arguments);
}

subtest 'without an ACL nothing' => sub {
    refused_ok('a principal without rights', {}, qr/authorization failed/i, 78);
};

subtest 'ACLs as documented' => sub {
    my $tools = "$folder/bin";
    mkdir $tools or die "$tools: $!\n";
    write_file("$tools/kafka-acls.sh", qq(#!/bin/sh\nexec "$root/scripts/kafka/tool" org.apache.kafka.tools.AclCommand "\$@"\n));
    chmod 0755, "$tools/kafka-acls.sh";
    write_file("$folder/admin.properties", <<"PROPERTIES");
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="$password";
ssl.truststore.type=PEM
ssl.truststore.location=$ca
PROPERTIES
    local $ENV{PATH} = "$tools:$ENV{PATH}";
    follow('kafka-acls', document => $document,
        env => { KAFKA_BROKERS => $kafka->brokers('SASL_SSL'), KAFKA_ADMIN => "$folder/admin.properties" });
};

my ($alice, $bob) = $stack->create_wallets(2, fund => '100.00');
subtest 'from the ledger to the history, over TLS' => sub {
    $bridge->{env}{BRIDGE_START} = 'backfill';
    $bridge->start;
    $history->start;
    $stack->sql('SELECT wallet_transfer(?, ?, 25)', $alice, $bob);
    $stack->wait_history;
    $stack->verify(backfilled => 1, duplicates => 1);
    is($stack->sql(q(SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename LIKE 'wallet\_%')),
        1, 'every session of theirs is encrypted');
    is(($stack->bridge_command(['verify'], %{ $bridge->{env} }))[0], 0, 'wallet_bridge verify may read the topic');
};

subtest 'with Kafka transactions' => sub {
    is($bridge->stop, 0, 'the bridge stops');
    local $bridge->{env}{BRIDGE_DELIVERY} = 'transactional';
    $bridge->start;
    $stack->sql('SELECT wallet_transfer(?, ?, 5)', $alice, $bob);
    $stack->wait_history;
    cmp_ok($bridge->metric('wallet_bridge_kafka_transactions_total', result => 'committed'), '>', 0, 'it may use its transactional id');
    is($bridge->stop, 0, 'and stops');
};
$bridge->start;

subtest 'a record that is no event goes to the dead letters' => sub {
    $kafka->produce('wallet-events', key => $alice, value => 'no event');
    poll_until(sub { $kafka->partitions('wallet-events.dlq') && $kafka->count('wallet-events.dlq') }, what => 'the dead letter');
    pass('the history may write it');
};

subtest 'a shell, systemd and the programs read the file alike' => sub {
    my %login = login('wallet_bridge');
    my $file  = "$folder/wallet-bridge.env";
    write_file($file, login_file('wallet_bridge'));
    for my $name (sort keys %login)
    {
        is(qx(env -i bash -c '. "$file"; printf %s "\$$name"'), $login{$name}, $name);
    }
    my $config = qx(env -i @{[ program_path('wallet_bridge') ]} --env-file '$file' --print-config);
    like($config, qr/^DATABASE_URL=\S*sslmode=verify-full&sslrootcert=\Q$ca\E\s/m, 'the program reads all of the address');
    unlike($config, qr/\Q$password\E/, 'and shows no password');
};

subtest 'by client certificate' => sub {
    my %by_password = %{ $bridge->{env} };
    is($bridge->stop, 0, 'the bridge stops');
    delete @{ $bridge->{env} }{ grep { /^KAFKA_PROP_/ } keys %{ $bridge->{env} } };
    %{ $bridge->{env} } = (
        %{ $bridge->{env} },
        variables_in(runbook_file(
            $document, 'wallet-bridgeenv-with-a-client-certificate', 'kafka.example:9094' => $kafka->brokers('SSL'),
            $ca_in_document => $ca, $key_in_document => "$folder/client.pem")));
    $bridge->start;
    $stack->sql('SELECT wallet_transfer(?, ?, 5)', $alice, $bob);
    $stack->wait_history;
    pass('its events come');
    refused_ok('no client certificate', { map { ("KAFKA_PROP_SSL_${_}_LOCATION" => undef) } qw(KEY CERTIFICATE) }, qr/alert (?:bad certificate|certificate required)/);
    is($bridge->restart, 0, 'and it can be started again');
    %{ $bridge->{env} } = %by_password;
};

subtest 'wrong certificates and passwords' => sub {
    refused_ok('a foreign authority for Kafka', { KAFKA_PROP_SSL_CA_LOCATION => $foreign_ca }, qr/certificate verify failed/);
    refused_ok('a wrong password for Kafka', { KAFKA_PROP_SASL_PASSWORD => 'wrong' }, qr/authentication (?:failed|error)/i);
    refused_ok('a foreign authority for PostgreSQL', { DATABASE_URL => database_url('wallet_bridge', $foreign_ca) }, qr/certificate verify failed/);
    refused_ok('another name than the certificate\'s', { DATABASE_URL => database_url('wallet_bridge') =~ s/localhost/127.0.0.1/r },
        qr/server certificate for .*does not match host name/);
    refused_ok('a wrong password for PostgreSQL', { DATABASE_URL => database_url('wallet_bridge', undef, 'wrong') },
        qr/password authentication failed/, 78);
    refused_ok('no TLS to PostgreSQL', { DATABASE_URL => database_url('wallet_bridge') =~ s/verify-full/disable/r }, qr/no encryption/);
};

subtest 'rights end where the table says' => sub {
    my $record = write_file("$folder/record", 'forged');
    for my $topic (qw(wallet-bridge-progress wallet-events))
    {
        my ($code, $said) = kcat_as('wallet_history', '-P', '-t', $topic, '-p', 0, '-k', 'forged', $record);
        isnt($code, 0, "the history can't write $topic");
        like($said, qr/Topic authorization failed/, 'and is told why');
        # The bridge may write a record of its own meanwhile.
        is(scalar(grep { ($_->{key} // '') eq 'forged' } $kafka->read_topic($topic)), 0, 'nothing is there');
    }
    my ($code, $said) = kcat_as('wallet_history', '-C', '-t', 'wallet-bridge-progress', '-o', 'beginning', '-e');
    like($said, qr/authorization failed/i, 'nor read the progress');
    ($code, $said) = kcat_as('wallet_bridge', '-G', 'history-service-group', 'wallet-events');
    like($said, qr/Group authorization failed/i, "the bridge can't join the group");
};

subtest 'pg_basebackup of the bridge' => sub {
    my ($code, $said) = run("$postgres->{bin}/pg_basebackup", '-D', "$folder/copy", '-d', database_url('wallet_bridge'));
    isnt($code, 0, 'it is refused');
    like($said, qr/no pg_hba\.conf entry for replication connection .*"wallet_bridge"/, 'by pg_hba.conf');
};

subtest 'HTTPS' => sub {
    my $service = $stack->another_service(DATABASE_URL => database_url('wallet_service'),
        BEARER_TOKEN_FILE => write_file("$folder/token", "$token\n"), HTTP_HOSTS => 'wallet.example');
    $service->start;
    my ($service_port, $history_port) = (free_port(), free_port());
    my $conf = write_file("$folder/stunnel.conf", runbook_file(
            $document, 'https',
            'accept = 443' => "accept = 127.0.0.1:$service_port", 'accept = 444' => "accept = 127.0.0.1:$history_port",
            '127.0.0.1:3000' => "127.0.0.1:$service->{port}", '127.0.0.1:3001' => "127.0.0.1:$history->{port}",
            '/etc/stunnel/stunnel.pem' => "$folder/server.pem"));
    my $proxy = Daemon->new(name => 'stunnel', command => [ 'stunnel4', $conf ], port => $service_port, ready => sub { 1 });
    $proxy->start;

    my @ask = ('curl', '-sS', '--cacert', $ca, '-w', "\n%{http_code}");
    my $url = "https://localhost:$service_port";
    my ($code, $said) = run(@ask, '-H', "Authorization: Bearer $token", "$url/wallets/$alice");
    is($code, 0, 'the proxy answers') or diag $said;
    like($said, qr/"65\.0000".*\n200$/s, 'with the balance');
    like((run(@ask, '-H', "Host: $_->[0]", "$url/health"))[1], qr/\n$_->[1]$/, "for $_->[0]: $_->[1]")
        for [ 'wallet.example', 200 ], [ 'other.example', 421 ];
    like((run(@ask, "$url/wallets/$alice"))[1], qr/\n401$/, 'without a token there is none');
    like((run(@ask, "https://localhost:$history_port/health"))[1], qr/\n200$/, 'and for the history');
    is((run('curl', '-sS', '--cacert', $foreign_ca, "$url/health"))[0], 60, 'a client with another authority refuses it');
    isnt((run('curl', '-sS', "http://localhost:$service_port/health"))[0], 0, 'plain HTTP gets nothing');
};

is_deeply([ grep { /\Q$password\E|\Q$in_uri\E|\Q$token\E/ } map { $_->log_text } $bridge, $history ], [], 'no secret in the logs');
done_testing;
