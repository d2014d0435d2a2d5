# The runbook's commands: the blocks of docs/runbook.md that are marked for it, run as an operator would.
package Runbook;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use Test::More;

use Daemon;
use Program;
use Wait;

our @EXPORT = qw(follow runbook_sections);

=head1 SYNOPSIS

    my @outputs = follow('slot-lost', env => { BRIDGE_SLOT => ... },
        before => { 2 => sub { start the bridge } });   # before the second block; return a hash to change env
        # also: from => 3, to => 4, where only some blocks are to run
    my %blocks_of = runbook_sections();                 # anchor => number of blocks

A block is a fence C<```sh runbook> or C<```sql runbook>. Each runs in a bash, or a psql, of its own, in a folder of the
section's own, and must end with 0; the outputs, standard error included, come back in order.

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');
my $runs = 0;
my %blocks_of;

sub _read
{
    my ($anchor, $block);
    open my $file, '<', "$root/docs/runbook.md" or croak "docs/runbook.md: $!";
    while (my $line = <$file>)
    {
        if (defined $block)
        {
            if ($line =~ /^```$/) { undef $block }
            else                  { $$block .= $line }
        }
        elsif ($line =~ /^## (.*)$/) { $anchor = lc($1) =~ s/[^\w\- ]//gr =~ s/ /-/gr }
        elsif ($line =~ /^```(sh|sql) runbook$/)
        {
            my %new = (language => $1, text => '', line => $.);
            push @{ $blocks_of{$anchor} }, \%new;
            $block = \$new{text};
        }
    }
    return;
}

sub runbook_sections
{
    _read() unless %blocks_of;
    return map { ($_ => scalar @{ $blocks_of{$_} }) } keys %blocks_of;
}

sub follow
{
    my ($anchor, %option) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    runbook_sections();
    my @blocks = @{ $blocks_of{$anchor} // croak "the runbook has no commands in #$anchor" };
    my %env    = %{ $option{env} };
    my $folder = test_directory() . '/runbook' . ++$runs;
    my @outputs;

    mkdir $folder or croak "$folder: $!";
    for my $number (1 .. @blocks)
    {
        next if $number < ($option{from} // 1) || $number > ($option{to} // @blocks);
        my $change = ($option{before}{$number} // sub { })->();
        %env = (%env, %$change) if ref $change eq 'HASH';
        push @outputs, _run($blocks[ $number - 1 ], "$folder/$number", $folder, %env);
    }
    return @outputs;
}

sub _run
{
    my ($block, $base, $folder, %env) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @command = $block->{language} eq 'sh' ? (qw(bash -eu -o pipefail), "$base.in") : (qw(psql -X -v ON_ERROR_STOP=1 -P pager=off -f), "$base.in");
    open my $file, '>', "$base.in" or croak "$base.in: $!";
    print {$file} $block->{text};
    close $file;
    my $bin = dirname(program_path('wallet_bridge'));
    chomp(my $pg_bin = qx(@{[ $ENV{PG_CONFIG} || 'pg_config' ]} --bindir));
    my $job = Daemon->new(
        name    => "runbook line $block->{line}",
        is_job  => 1,
        log     => "$base.out",
        env     => { %env, PATH => "$bin:$root/scripts:$pg_bin:$ENV{PATH}" },
        command => [ 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $folder, @command ]);
    $job->start(ready => 0);
    my $code = $job->wait_exit(120);
    is($code, 0, "docs/runbook.md, line $block->{line}") or diag $job->log_text;
    return $job->log_text;
}

1;
