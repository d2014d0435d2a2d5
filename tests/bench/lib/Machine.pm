# The machine and its processes: what the figures depend on, and what was used.
package Machine;

use strict;
use warnings;

use Carp qw(croak);
use IO::Handle;
use POSIX qw(uname);
use Time::HiRes qw(time);

=head1 SYNOPSIS

    my %condition = Machine::conditions($postgres);    # of a server and of the machine under it
    my $us  = Machine::cpu_us($pid);                   # user and system, of all its threads; 0 where it is gone
    my $us  = Machine::cpu_of_ended_us($pid);          # of its children that it has waited for
    my $mib = Machine::memory_mib($pid);               # resident, without pages that it shares
    my @pids = Machine::children_of($pid);

=cut

# Settings that a reader of the figures asks for.
my @shown = qw(fsync synchronous_commit full_page_writes wal_level wal_sync_method shared_buffers
    max_wal_size checkpoint_timeout autovacuum max_connections
    shared_preload_libraries);

my $clock_ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub _stat
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return;
    my ($fields) = (<$file> // '') =~ /\) (.*)/;
    return split / /, $fields // '';
}

sub cpu_us          { my @stat = _stat(@_) or return 0; return ($stat[11] + $stat[12]) * 1e6 / $clock_ticks }
sub cpu_of_ended_us { my @stat = _stat(@_) or return 0; return ($stat[13] + $stat[14]) * 1e6 / $clock_ticks }

sub memory_mib
{
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/status" or return 0;
    my ($kb) = do { local $/; <$file> // '' } =~ /^RssAnon:\s+(\d+) kB/m;
    return ($kb // 0) / 1024;
}

sub children_of
{
    my ($parent) = @_;
    open my $file, '<', "/proc/$parent/task/$parent/children" or return;
    return split ' ', <$file> // '';
}

# Median of a page's write and fsync, where the server's data is.
sub _fsync_us
{
    my ($postgres) = @_;
    my $path = "$postgres->{base}/fsync";
    my @seconds;

    open my $file, '+>', $path or croak "$path: $!";
    $file->autoflush(1);
    for (1 .. 200)
    {
        sysseek $file, 0, 0;
        my $begin = time;
        syswrite $file, "\0" x 8192;
        $file->sync;
        push @seconds, time - $begin;
    }
    unlink $path;
    return sprintf '%.0f', 1e6 * (sort { $a <=> $b } @seconds)[100];
}

# How many, and their model.
sub _cores
{
    open my $file, '<', '/proc/cpuinfo' or croak "/proc/cpuinfo: $!";
    my @lines = <$file>;
    my ($model) = map { /^model name\s*:\s*(.*\S)/ } @lines;
    return (scalar(grep { /^processor\s*:/ } @lines), $model // 'unknown');
}

sub conditions
{
    my ($postgres) = @_;
    my ($system, undef, $release, undef, $machine) = uname();
    my ($cores, $model) = _cores();
    chomp(my $file_system = `stat -f -c %T $postgres->{base}`);

    return (
        postgresql => $postgres->sql(q{SELECT current_setting('server_version')}),
        extension  => $postgres->sql(q{SELECT extversion FROM pg_extension WHERE extname = 'wallet'}),
        cores      => $cores,
        cpu        => $model,
        system     => "$system $release $machine, $file_system",
        fsync_us   => _fsync_us($postgres),
        settings   => { map { $_ => $postgres->sql('SELECT current_setting(?)', $_) } @shown });
}

1;
