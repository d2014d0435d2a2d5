# A process that a test starts, watches, and stops or kills.
package Daemon;

use strict;
use warnings;

use Carp qw(croak);
use HTTP::Tiny;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

use Wait;

=head1 SYNOPSIS

    my $daemon = Daemon->new(
        name    => 'wallet_bridge',
        command => [ $program, @arguments ],
        env     => { PORT => 3002 },          # undef removes a variable
        url     => 'http://127.0.0.1:3002',   # optional: what get() asks
        port    => 3002,                      # optional: ready only once it listens there itself
        user    => 'postgres',                # optional: where we are root, run as this one
        is_job  => 1,                         # optional: ends by itself, its log is of no interest
        ready   => sub { ... });              # optional: default GET /health is 200

    $daemon->start;                    # and wait until ready
    $daemon->start(ready => 0);        # do not wait
    my $status = $daemon->stop;        # TERM, wait: exit code, or "signal N"
    $daemon->kill9;  $daemon->signal('HUP');  $daemon->suspend;  $daemon->resume;
    $daemon->running;  $daemon->pid;  $daemon->exit_status;
    my $status = $daemon->wait_exit(20);

    my ($code, $body) = $daemon->get('/health');
    my $number = $daemon->metric('wallet_bridge_events_total');   # sum over its labels
    my $number = $daemon->metric('name', type => 'commit');       # with these labels

    my $mark = $daemon->log_mark;  my $text = $daemon->log_since($mark);
    $daemon->wait_log(qr/started/, since => $mark, deadline => 20);
    my @lines = $daemon->unexpected_log(allow => qr/connection refused/);

Daemons that still run when the test ends are killed; a test that fails shows the tail of their logs.

=cut

# How long an answer may take.
our $ANSWER_S = 5;

my @every;

sub new
{
    my ($class, %option) = @_;
    my $self = bless { env => {}, %option }, $class;

    croak 'a daemon needs a name and a command' unless $self->{name} && $self->{command};
    $self->{log} //= test_directory() . "/$self->{name}.log";
    push @every, $self;
    return $self;
}

sub start
{
    my ($self, %option) = @_;

    croak "$self->{name} runs already" if $self->running;
    undef $self->{exit_status};
    $self->{pid} = fork // croak "fork: $!";
    $self->_exec if $self->{pid} == 0;
    $self->wait_ready($option{deadline}) if $option{ready} // 1;
    return $self;
}

sub _exec
{
    my ($self) = @_;
    my %env = %{ $self->{env} };

    # A group of its own, so that an interrupt of the test run reaches it only through END.
    setpgrp 0, 0;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $self->{log} or POSIX::_exit(127);
    open STDERR, '>&', \*STDOUT;
    # Not where the developer stands: a .env file there is none of the test's.
    chdir test_directory();
    $self->_become($self->{user}) if $self->{user};
    for my $name (keys %env)
    {
        if (defined $env{$name}) { $ENV{$name} = $env{$name} }
        else                     { delete $ENV{$name} }
    }
    exec { $self->{command}[0] } @{ $self->{command} } or print STDERR "exec $self->{command}[0]: $!\n";
    POSIX::_exit(127);
}

# The process itself changes the user: one between us and it would hide its pid and exit code.
sub _become
{
    my ($self, $user) = @_;
    my ($uid, $gid) = (getpwnam $user)[ 2, 3 ];

    chown $uid, $gid, $self->{log};
    $) = "$gid $gid";
    POSIX::setgid($gid);
    POSIX::setuid($uid);
    $ENV{USER} = $ENV{LOGNAME} = $user;
    return;
}

sub wait_ready
{
    my ($self, $deadline) = @_;
    my $ready = $self->{ready} // sub { ($self->get('/health'))[0] == 200 };

    poll_until(
        sub {
            # Who answers is the process that was started.
            return 1 if (!$self->{port} || listens($self->{pid}, $self->{port})) && eval { $ready->() };
            return $self->running ? 0 : 1;
        },
        deadline => $deadline // 40,
        what     => "$self->{name} ready");
    croak "$self->{name} ended with $self->{exit_status} at its start:\n" . $self->log_tail
        unless $self->running;
    return;
}

sub pid { return $_[0]{pid} }

sub running
{
    my ($self) = @_;

    return 0 unless $self->{pid} && !defined $self->{exit_status};
    my $reaped = waitpid $self->{pid}, WNOHANG;
    return 1 if $reaped == 0;
    $self->{exit_status} = $reaped < 0 ? 'lost' : ($? & 127) ? 'signal ' . ($? & 127) : $? >> 8;
    return 0;
}

sub exit_status
{
    my ($self) = @_;
    $self->running;
    return $self->{exit_status};
}

sub wait_exit
{
    my ($self, $deadline) = @_;

    poll_until(
        sub { !$self->running },
        deadline => $deadline // 30,
        interval => 0.01,
        what     => "the end of $self->{name}");
    return $self->{exit_status};
}

sub signal
{
    my ($self, $name) = @_;
    kill $name, $self->{pid} if $self->running;
    return;
}

sub suspend { return $_[0]->signal('STOP') }
sub resume  { return $_[0]->signal('CONT') }

sub stop
{
    my ($self, $deadline) = @_;
    $self->signal('TERM');
    return $self->wait_exit($deadline);
}

sub kill9
{
    my ($self) = @_;
    $self->signal('KILL');
    return $self->wait_exit;
}

sub restart
{
    my ($self) = @_;
    my $status = $self->stop;
    $self->start;
    return $status;
}

# Status code and body; 599 where nobody answers.
sub get
{
    my ($self, $path) = @_;
    my $response = HTTP::Tiny->new(timeout => $ANSWER_S)->get($self->{url} . $path);
    return ($response->{status}, $response->{content}, $response->{headers});
}

sub metric
{
    my ($self, $name, %label) = @_;
    my ($code, $body) = $self->get('/metrics');
    my $sum;

    croak "no metrics of $self->{name}: $code" unless $code == 200;
    for my $line (split /\n/, $body)
    {
        next unless $line =~ /^\Q$name\E(?:\{(.*)\})?\s+(\S+)/;
        my ($labels, $value) = ($1 // '', $2);
        next if grep { $labels !~ /(?:^|,)$_="\Q$label{$_}\E"/ } keys %label;
        $sum = ($sum // 0) + $value;
    }
    return $sum;
}

sub log_text
{
    my ($self) = @_;
    open my $file, '<', $self->{log} or return '';
    local $/;
    return scalar(<$file>) // '';
}

sub log_mark { return length $_[0]->log_text }

sub log_since
{
    my ($self, $mark) = @_;
    return substr $self->log_text, $mark // 0;
}

sub log_tail
{
    my ($self, $lines) = @_;
    my @lines = split /\n/, $self->log_text;
    splice @lines, 0, @lines - ($lines // 30) if @lines > ($lines // 30);
    return join "\n", @lines;
}

sub wait_log
{
    my ($self, $pattern, %option) = @_;
    poll_until(
        sub { $self->log_since($option{since}) =~ $pattern },
        deadline => $option{deadline},
        what     => "$pattern in the log of $self->{name}");
    return;
}

# Records of level warning and error that no pattern of "allow" (one, or a list) matches, and whatever
# a sanitizer has to say.
sub unexpected_log
{
    my ($self, %option) = @_;
    my @allow = ref $option{allow} eq 'ARRAY' ? @{ $option{allow} } : $option{allow} // ();
    my @found = grep { /\blevel"?[=:]"?(?:warning|error)\b|runtime error:|Sanitizer/ }
        split /\n/, $self->log_since($option{since});

    for my $pattern (@allow)
    {
        @found = grep { $_ !~ $pattern } @found;
    }
    return @found;
}

my $owner_pid = $$;

sub stop_all
{
    for my $daemon (@every)
    {
        next unless $daemon->running;
        # The group: what a wrapper started goes with it. PostgreSQL's children end by themselves.
        kill 'CONT', -$daemon->{pid};
        kill 'KILL', -$daemon->{pid};
        waitpid $daemon->{pid}, 0;
    }
    return;
}

END
{
    if ($$ == $owner_pid)
    {
        my ($status, $failed) = ($?, test_failed());
        my %shown;
        stop_all();
        show_tail($_->{name}, $_->log_text, 40) for grep { $failed && !$_->{is_job} && !$shown{ $_->{log} }++ } @every;
        $? = $status;
    }
}

1;
