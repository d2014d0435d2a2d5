# The etcd of a test: one node, on loopback.
package Etcd;

use strict;
use warnings;

use HTTP::Tiny;

use Daemon;
use Wait;

=head1 SYNOPSIS

    my $etcd = Etcd->start;
    my $list = $etcd->hosts;                  # for Patroni
    $etcd->daemon->kill9;  $etcd->daemon->start;

=cut

sub start
{
    my ($class) = @_;
    my ($port, $peer_port) = (free_port(), free_port());
    my $self = bless { port => $port }, $class;

    $self->{daemon} = Daemon->new(
        name    => 'etcd',
        port    => $port,
        command => [
            'etcd', '--name', 'etcd', '--data-dir', test_directory() . '/etcd.data', '--logger', 'zap', '--log-level', 'warn',
            '--listen-client-urls', "http://127.0.0.1:$port", '--advertise-client-urls', "http://127.0.0.1:$port",
            '--listen-peer-urls', "http://127.0.0.1:$peer_port", '--initial-advertise-peer-urls', "http://127.0.0.1:$peer_port",
            '--initial-cluster', "etcd=http://127.0.0.1:$peer_port"
        ],
        ready => sub { HTTP::Tiny->new(timeout => 2)->get("http://127.0.0.1:$port/health")->{content} =~ /"true"/ });
    $self->{daemon}->start;
    return $self;
}

sub daemon { return $_[0]{daemon} }
sub hosts  { return "127.0.0.1:$_[0]{port}" }

1;
