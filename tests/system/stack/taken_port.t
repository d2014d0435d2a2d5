# A stranger takes each port of a stack after it was chosen and before its process listens there, and answers
# whoever asks: the stack takes other ports and believes none but its own processes. Then make status.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use PrivateStack;
use Program;
use Test::More;
use Wait;

my $folder = test_directory() . '/strangers';
mkdir $folder or die "$folder: $!\n";
# PostgreSQL's stranger comes as the server's user.
chmod 01777, $folder;

sub write_script
{
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file;
    chmod 0755, $path;
    return;
}

# stranger NAME PORT: once a name.
write_script("$folder/stranger", <<"END");
#!/usr/bin/perl
use strict;
use warnings;
use IO::Socket::INET;
my (\$name, \$port) = \@ARGV;
alarm 600;
my \$pid_file = "$folder/\$name.pid";
exit if -e \$pid_file;
my \$listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => \$port, Listen => 9, ReuseAddr => 1) or die;
defined(my \$pid = fork) or die;
exit if \$pid;
open STDOUT, '>', '/dev/null';
open STDERR, '>', '/dev/null';
open my \$file, '>', \$pid_file or die;
print {\$file} "\$\$ \$port\\n";
close \$file;
while (my \$client = \$listener->accept)
{
    print {\$client} "HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n";
}
END

# The daemons: what is started in their place calls the stranger first.
mkdir "$folder/bin";
for my $name (programs())
{
    my $path = abs_path(program_path($name));
    write_script("$folder/bin/$name",
        qq{#!/bin/sh\n[ -z "\$PORT" ] || "$folder/stranger" $name "\$PORT"\nexec "$path" "\$@"\n});
}

# PostgreSQL: the same for pg_ctl.
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $bin = `$pg_config --bindir`);
mkdir "$folder/pg";
symlink $_, "$folder/pg/" . basename($_) for grep { !/pg_ctl$/ } glob "$bin/*";
write_script("$folder/pg/pg_ctl", <<"END");
#!/bin/sh
"$folder/stranger" postgres "\$(sed -n 's/^port = //p' "\$2/wallet.conf")"
exec "$bin/pg_ctl" "\$@"
END
write_script("$folder/pg_config", qq{#!/bin/sh\n[ "\$1" != --bindir ] || exec echo "$folder/pg"\nexec $pg_config "\$@"\n});

my $stack = PrivateStack->new('alone');
my $owner_pid = $$;
my @names = (qw(postgres kafka), programs());

# Kafka needs seconds from its configuration to its port.
sub send_stranger_to_kafka
{
    my $port = poll_until(sub { ($stack->file('kafka/server.properties') =~ m{=BROKER://127\.0\.0\.1:(\d+),})[0] },
        what => 'the configuration of Kafka', deadline => 120, interval => 0.01);
    system("$folder/stranger", 'kafka', $port) == 0 or die "no stranger for Kafka\n";
    return;
}

sub strangers
{
    my %port_of;
    for my $path (glob "$folder/*.pid")
    {
        open my $file, '<', $path or die "$path: $!\n";
        my ($pid, $port) = split ' ', <$file>;
        $port_of{ basename($path) =~ s/\.pid$//r } = { pid => $pid, port => $port };
    }
    return %port_of;
}

END
{
    if ($$ == $owner_pid)
    {
        my %stranger = strangers();
        kill 'KILL', map { $_->{pid} } values %stranger;
    }
}

my %changed = (WALLET_BIN => "$folder/bin", PG_CONFIG => "$folder/pg_config");
$stack->begin('up', %changed);
send_stranger_to_kafka();
my ($code, $said) = $stack->finish;
is($code, 0, 'the stack is up') or diag $said;

my %port     = $stack->ports;
my %stranger = strangers();
is_deeply([ sort keys %stranger ], [ sort @names ], 'each process met a stranger at its port');
for my $name (@names)
{
    isnt($port{$name}, $stranger{$name}{port}, "$name has another port than its stranger");
    ok(listens($stack->pid($name), $port{$name}), "$name itself listens there");
}

my %pid = map { ($_ => $stack->pid($_)) } @names;
($code, $said) = $stack->run('up', %changed);
is($code, 0, 'up again') or diag $said;
is_deeply({ map { ($_ => $stack->pid($_)) } @names }, \%pid, 'leaves everything as it is');

($code, $said) = $stack->run('status', %changed);
is($code, 0, 'status: all is well') or diag $said;
for my $name (@names)
{
    like($said, qr/^\s*$name\s+\S.*\b$pid{$name}\b.*:$port{$name}\b/m, "status tells pid and address of $name");
}
like($said, qr/^\s*lag\s/m, 'and the lag');

kill 'STOP', $pid{wallet_service};
($code, $said) = $stack->run('status', %changed);
kill 'CONT', $pid{wallet_service};
isnt($code, 0, 'status: a service that does not answer');
like($said, qr/^\s*wallet_service\s+not ready/m, 'is named');

($code, $said) = $stack->run('down', %changed);
is($code, 0, 'down');
($code, $said) = $stack->run('status', %changed);
isnt($code, 0, 'status: nothing runs');
my @down = $said =~ /^\s*(\w+)\s+down\b/mg;
is_deeply([ sort @down ], [ sort @names ], 'and says so of each');
done_testing;
