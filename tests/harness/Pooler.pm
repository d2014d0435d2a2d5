# pgbouncer before a test's PostgreSQL, in transaction mode: each transaction may run in another session.
package Pooler;

use strict;
use warnings;

use Carp qw(croak);
use DBI;

use Daemon;
use Wait;

=head1 SYNOPSIS

    my $pooler = Pooler->new($stack->postgres, sessions => 3);    # of the server, for each user
    $pooler->start;
    my $uri = $pooler->uri(user => 'wallet_service');
    $pooler->command('RECONNECT');      # of its console
    $pooler->stop;

=cut

my $path = '/usr/sbin/pgbouncer';

sub new
{
    my ($class, $postgres, %option) = @_;
    my $self = bless { postgres => $postgres, port => free_port() }, $class;
    my $base = test_directory() . "/pgbouncer.$self->{port}";

    croak "$path is not installed" unless -x $path;
    _write("$base.users", join '', map { qq("$_" ""\n) } qw(pooler wallet_service wallet_history wallet_bridge));
    _write("$base.ini", <<"INI");
[databases]
* = host=127.0.0.1 port=@{[ $postgres->port ]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $self->{port}
unix_socket_dir =
auth_type = trust
auth_file = $base.users
admin_users = pooler
pool_mode = transaction
default_pool_size = @{[ $option{sessions} // 3 ]}
max_client_conn = 200
server_login_retry = 0.1
INI
    $self->{daemon} = Daemon->new(
        name    => 'pgbouncer',
        command => [ $path, "$base.ini" ],
        user    => $postgres->{user},
        ready   => sub { $self->command('SHOW VERSION'); 1 });
    return $self;
}

sub _write
{
    my ($file_path, $text) = @_;
    open my $file, '>', $file_path or croak "$file_path: $!";
    print {$file} $text;
    close $file;
    chmod 0644, $file_path;
    return;
}

sub start { my ($self) = @_; $self->{daemon}->start; return $self }
sub stop { my ($self) = @_; return $self->{daemon}->stop }

sub uri
{
    my ($self, %option) = @_;
    return "postgresql://$option{user}\@127.0.0.1:$self->{port}/$self->{postgres}{dbname}";
}

sub command
{
    my ($self, $command) = @_;
    my $console = DBI->connect("dbi:Pg:host=127.0.0.1;port=$self->{port};dbname=pgbouncer", 'pooler', '',
        { RaiseError => 1, PrintError => 0, pg_server_prepare => 0 });
    $console->do($command);
    $console->disconnect;
    return;
}

1;
