# setup-postgres.sh and setup-kafka.sh on a server and a broker of their own: from what Debian starts to what the
# bridge runs on, twice without harm; and start-kafka.sh and stop-kafka.sh.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Daemon;
use Files;
use Kafka;
use Postgres;
use Program;
use Test::More;
use Wait;

# Passwords of whoever runs the test are none of its business.
delete @ENV{ grep { /^WALLET_\w+_PASSWORD(?:_FILE)?$/ } keys %ENV };

my $scripts = abs_path(dirname(__FILE__) . '/../../../scripts');
my $run_dir = test_directory() . '/run';
my $server  = Postgres->new(conf => { wal_level => 'replica', shared_preload_libraries => 'auto_explain, pg_stat_statements', log_statement => 'all' });
my $data    = "$server->{base}/data";

# Exit code and all that a script says.
sub run_script
{
    my ($script, @arguments) = @_;
    my %env = (
        DATABASE_URL   => $ENV{DATABASE_URL} // $server->uri(dbname => 'postgres'),
        KAFKA_BROKERS  => undef,
        WALLET_RUN_DIR => $run_dir,
        KAFKA_DATA     => test_directory() . '/kafka-data',
        KAFKA_JIT      => 1,
        KAFKA_HEAP     => '320m');
    return run_command(\%env, "$scripts/$script", @arguments);
}

sub succeeds
{
    my ($name, $script, @arguments) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($code, $said) = run_script($script, @arguments);
    is($code, 0, $name) or diag $said;
    return $said;
}

sub file_settings
{
    return join '; ', map { "$_->{name}=$_->{setting}" }
        $server->rows(q(SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf' ORDER BY name));
}

sub databases
{
    return $server->sql(q(SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate));
}

subtest 'what the scripts say of themselves' => sub {
    for my $script (qw(setup-postgres.sh setup-kafka.sh start-kafka.sh stop-kafka.sh))
    {
        like(succeeds("$script --help", $script, '--help'), qr/^    $script\b/m, 'says how it is called');
        my ($code, $said) = run_script($script, '--nonsense');
        is($code, 64, "$script --nonsense");
        like($said, qr/what is --nonsense\?; see .*--help/, 'says what it does not know');
    }
};

subtest 'setup-postgres.sh' => sub {
    my $before = databases();
    my $said = succeeds('--dry-run', 'setup-postgres.sh', '--dry-run', '--database', 'wallet_setup');
    like($said, qr/^      ALTER SYSTEM SET wal_level = 'logical';$/m, 'shows what it would do');
    like($said, qr/^      ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements', 'wallet';$/m, 'and keeps what others preload');
    is(file_settings(), '',      'no setting was changed');
    is(databases(),     $before, 'no database was made');
    like($said, qr{^      \\i scripts/stack/roles\.sql$}m, 'names the file of the roles');
    unlike($said, qr/GRANT/, 'and does not print it');
    $server->sql('CREATE EXTENSION pg_stat_statements');

    local $ENV{WALLET_BRIDGE_PASSWORD} = q(it's "secret");
    my $file = test_directory() . '/password';
    open my $handle, '>', $file or die "$file: $!\n";
    print $handle "secret too\n";
    close $handle;
    local $ENV{WALLET_HISTORY_PASSWORD_FILE} = $file;
    $said = succeeds('for real', 'setup-postgres.sh', '--database', 'wallet_setup', '--max-slot-wal-keep-size', '1GB');
    like($said, qr/^  restart +needed: restart the server, or run this again with --restart$/m, 'says that a restart is needed');
    like(file_settings(), qr/^max_slot_wal_keep_size=1GB;.* shared_preload_libraries=auto_explain, pg_stat_statements, wallet; wal_level=logical$/, 'the settings are in the file');
    is($server->sql('SHOW wal_level'), 'replica', 'and no restart was made');
    is($server->sql_in('wallet_setup', q(SELECT count(*) FROM pg_extension WHERE extname = 'wallet')), 1, 'the extension is there');
    ok($server->sql_in('wallet_setup', q(SELECT has_table_privilege('wallet_bridge', 'wallet_ledger', 'SELECT'))), 'the roles have their rights');
    like($server->sql(q(SELECT rolpassword FROM pg_authid WHERE rolname = 'wallet_bridge')), qr/^SCRAM/, 'the password is set');
    like($server->sql(q(SELECT rolpassword FROM pg_authid WHERE rolname = 'wallet_history')), qr/^SCRAM/, 'and that in a file');
    is($server->sql(q(SELECT rolpassword FROM pg_authid WHERE rolname = 'wallet_user')), undef, 'only where one was given');
    like($said, qr/^  wallet_user .*\n +it has no password: .* WALLET_USER_PASSWORD$/m, 'says which role has none');
    unlike($said, qr/WALLET_(?:BRIDGE|HISTORY)_PASSWORD/, 'and of no other');
    unlike($server->log_text . $said, qr/secret/, 'and is in no log');
    is($server->sql(q(SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%secret%' AND query NOT LIKE '%pg_stat_statements%')), 0, 'nor among the statements that are counted');
    like($server->log_text, qr/ALTER SYSTEM SET wal_level/, 'which has the other statements');

    local $ENV{WALLET_HISTORY_PASSWORD_FILE} = "$file.none";
    my ($failed, $why) = run_script('setup-postgres.sh', '--database', 'wallet_setup');
    is($failed, 1, 'a file that is not there');
    like($why, qr/WALLET_HISTORY_PASSWORD_FILE: \Q$file.none\E can't be read/, 'is named');
    delete local $ENV{WALLET_HISTORY_PASSWORD_FILE};

    # Somebody else adds a library before the restart.
    $server->sql(q(ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_prewarm'));
    $said = succeeds('with --restart', 'setup-postgres.sh', '--database', 'wallet_setup', '--restart');
    like($said, qr/^  restart +\Q$data\E \(/m, 'the server was restarted');
    is($server->sql('SHOW shared_preload_libraries'), 'auto_explain, pg_prewarm, wallet', 'nobody\'s library was lost');
    is($server->sql('SHOW wal_level'), 'logical', 'the WAL can be decoded');
    is($server->sql('SHOW max_slot_wal_keep_size'), '1GB', 'a limit that is set stays');

    $said = succeeds('once more', 'setup-postgres.sh', '--database', 'wallet_setup', '--restart');
    like($said, qr/^  settings +nothing to change$/m, 'nothing to change');
    like($said, qr/^  restart +not needed$/m, 'no restart');

    local $ENV{DATABASE_URL} = $server->uri(user => 'wallet_user', dbname => 'postgres');
    my ($code, $refused) = run_script('setup-postgres.sh');
    is($code, 1, 'not with a role that is no superuser');
    like($refused, qr/DATABASE_URL must be a superuser's/, 'and it says so');
};

my $brokers;

subtest 'setup-kafka.sh' => sub {
    my $said = succeeds('the first time', 'setup-kafka.sh', '--partitions', 3);
    ($brokers) = $said =~ /^  ready +KAFKA_BROKERS=(\S+) KAFKA_TOPIC=wallet-events$/m;
    ok($brokers, 'says where it listens') or return;
    ok(-d test_directory() . '/kafka-data/data', 'the data lies where KAFKA_DATA says');
    my $kafka = Kafka->at($brokers);
    is(join(' ', $kafka->partitions('wallet-events')), '0 1 2', 'the topic has its partitions');
    my $topic = $kafka->tool('org.apache.kafka.tools.TopicCommand', '--describe', '--topic', 'wallet-events');
    like($topic, qr/cleanup\.policy=delete/, 'old records go by age');
    like($topic, qr/retention\.ms=-1/, 'and none is ever too old');

    $kafka->set_topic('wallet-events', 'retention.ms' => 1000);
    $said = succeeds('again, with another number', 'setup-kafka.sh', '--partitions', 5);
    like($said, qr/it has 3 partitions, not 5, and keeps them/, 'the partitions stay, and it says why');
    like($kafka->tool('org.apache.kafka.tools.TopicCommand', '--describe', '--topic', 'wallet-events'), qr/retention\.ms=-1/, 'the retention is mended');
};

subtest 'the bridge runs on both' => sub {
    my $port   = free_port();
    my $bridge = Daemon->new(
        name    => 'wallet_bridge',
        command => [ program_path('wallet_bridge') ],
        url     => "http://127.0.0.1:$port",
        env     => {
            DATABASE_URL  => $server->uri(user => 'wallet_bridge', dbname => 'wallet_setup'),
            KAFKA_BROKERS => $brokers, KAFKA_TOPIC => undef, PORT => $port
        });
    $bridge->start;
    $server->sql_in('wallet_setup', q(SELECT wallet_create('alice')));
    my $kafka = Kafka->at($brokers);
    is(poll_until(sub { $kafka->count('wallet-events') }, what => 'the first event'), 1, 'an event arrives');
    is($bridge->stop, 0, 'and it stops');
};

subtest 'stop-kafka.sh and start-kafka.sh' => sub {
    like(succeeds('stop', 'stop-kafka.sh'), qr/^  kafka +stopped/m, 'stopped');
    like(succeeds('stop again', 'stop-kafka.sh'), qr/was not running/, 'nothing to stop');
    like(succeeds('start', 'start-kafka.sh'), qr/^  kafka +started on \Q$brokers\E /m, 'started where it was');
    like(succeeds('start again', 'start-kafka.sh'), qr/^  kafka +runs already/m, 'it runs already');
    is(Kafka->at($brokers)->count('wallet-events'), 1, 'with what it had');
};
done_testing;

# What the scripts started is no child of ours.
END
{
    my $status = $?;
    run_script('stop-kafka.sh') if -d $run_dir;
    $server->run('pg_ctl', '-D', $data, '-m', 'immediate', '-w', 'stop') if $server && -f "$data/postmaster.pid";
    $? = $status;
}
