# A private stack as "make up" starts it: scripts/stack in a run folder of its own, which is all that one
# checkout's stack has apart from another's.
package PrivateStack;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

use Daemon;
use Wait;

=head1 SYNOPSIS

    my $stack = PrivateStack->new('left');      # of this name, nothing started
    my ($code, $said) = $stack->run('up', BRIDGE_SLOT => 'other');     # and down, status, demo
    $stack->begin('up');                        # without waiting: then
    my ($code, $said) = $stack->finish;

    my %port = $stack->ports;                   # of postgres, kafka, kafka_controller and the daemons
    my $pid  = $stack->pid('wallet_bridge');
    my $text = $stack->sql('SELECT count(*) FROM wallets');    # as superuser, by psql
    my $text = $stack->file('log/kafka.log');   # '' where there is none

What runs at the end of the test is stopped.

=cut

my $scripts = abs_path(dirname(__FILE__) . '/../../scripts');
my @every;

sub new
{
    my ($class, $name) = @_;
    my $self = bless { name => $name, dir => test_directory() . "/$name", runs => 0 }, $class;
    push @every, $self;
    return $self;
}

sub dir { return $_[0]{dir} }

sub begin
{
    my ($self, $script, %env) = @_;
    my %clean = map { ($_ => undef) } qw(DATABASE_URL KAFKA_BROKERS);
    $self->{job} = Daemon->new(
        name    => "$self->{name} $script",
        is_job  => 1,
        command => ["$scripts/stack/$script"],
        log     => test_directory() . "/$self->{name}-" . ++$self->{runs} . ".said",
        env     => { %clean, KAFKA_JIT => 1, KAFKA_HEAP => '256m', %env, WALLET_RUN_DIR => $self->{dir} });
    $self->{job}->start(ready => 0);
    return $self;
}

# Exit code, and all that the script said.
sub finish
{
    my ($self) = @_;
    my $code = $self->{job}->wait_exit(240);
    return ($code, $self->{job}->log_text);
}

sub run
{
    my ($self, @arguments) = @_;
    return $self->begin(@arguments)->finish;
}

sub file
{
    my ($self, $name) = @_;
    open my $file, '<', "$self->{dir}/$name" or return '';
    local $/;
    return scalar(<$file>) // '';
}

sub ports { return split ' ', $_[0]->file('state/ports') }

sub pid
{
    my ($self, $name) = @_;
    return $self->file("$name.pid") =~ /(\d+)/ ? $1 : undef;
}

sub sql
{
    my ($self, $query) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0)
    {
        open STDERR, '>&', \*STDOUT;
        exec 'bash', '-c', '. "$1/env" && exec psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$2"', 'bash', $self->{dir}, $query;
        exit 127;
    }
    chomp(my $text = do { local $/; <$pipe> } // '');
    close $pipe or die "$query: $text\n";
    return $text;
}

my $owner_pid = $$;

END
{
    if ($$ == $owner_pid)
    {
        my $status = $?;
        for my $stack (@every)
        {
            kill 'KILL', -$stack->{job}->pid if $stack->{job} && $stack->{job}->running;
            $stack->run('down') if -d "$stack->{dir}/state";
        }
        $? = $status;
    }
}

1;
