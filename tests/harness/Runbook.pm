# The documents' commands and files: the blocks of docs/runbook.md, or of another document, that are marked for it,
# run and written as an operator would.
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

our @EXPORT = qw(follow runbook_file runbook_sections);

=head1 SYNOPSIS

    my @outputs = follow('slot-lost', env => { BRIDGE_SLOT => ... },
        before => { 2 => sub { start the bridge } });   # before the second block; return a hash to change env
        # also: from => 3, to => 4, where only some blocks are to run
        # also: document => 'security.md'
    my %blocks_of = runbook_sections();                 # anchor => number of blocks
    my $text = runbook_file('security.md', 'pg_hbaconf', '10.0.0.0/24' => '127.0.0.1/32');
        # the section's file, with each text replaced by another; croaks where it has not got one of them

A block is a fence C<```sh runbook> or C<```sql runbook>; other languages are files. Each runs in a bash, or a psql, of its own, in a folder of the
section's own, and must end with 0; the outputs, standard error included, come back in order.

=cut

my $root = abs_path(dirname(__FILE__) . '/../..');
my $runs = 0;
my %blocks_of;    # of a document, by anchor

sub _read
{
    my ($document) = @_;
    my ($anchor, $block);
    open my $file, '<', "$root/docs/$document" or croak "docs/$document: $!";
    while (my $line = <$file>)
    {
        if (defined $block)
        {
            if ($line =~ /^```$/) { undef $block }
            else                  { $$block .= $line }
        }
        elsif ($line =~ /^##+ (.*)$/) { $anchor = lc($1) =~ s/[^\w\- ]//gr =~ s/ /-/gr }
        elsif ($line =~ /^```(\w+) runbook$/)
        {
            my %new = (language => $1, text => '', at => "docs/$document, line $.");
            push @{ $blocks_of{$document}{$anchor} }, \%new;
            $block = \$new{text};
        }
    }
    return;
}

sub runbook_sections
{
    my $blocks = _blocks('runbook.md');
    return map { ($_ => scalar @{ $blocks->{$_} }) } keys %$blocks;
}

sub _blocks
{
    my ($document) = @_;
    _read($document) unless $blocks_of{$document};
    return $blocks_of{$document};
}

sub runbook_file
{
    my ($document, $anchor, %text_for) = @_;
    my ($block) = grep { $_->{language} !~ /^(?:sh|sql)$/ } @{ _blocks($document)->{$anchor} // [] };
    my $text = ($block // croak "docs/$document has no file in #$anchor")->{text};

    for my $old (keys %text_for)
    {
        $text =~ s/\Q$old\E/$text_for{$old}/g or croak "$block->{at}: no $old";
    }
    return $text;
}

sub follow
{
    my ($anchor, %option) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $document = $option{document} // 'runbook.md';
    my @blocks = grep { $_->{language} =~ /^(?:sh|sql)$/ } @{ _blocks($document)->{$anchor} // [] }
        or croak "docs/$document has no commands in #$anchor";
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
        name    => $block->{at},
        is_job  => 1,
        log     => "$base.out",
        env     => { %env, PATH => "$bin:$root/scripts:$pg_bin:$ENV{PATH}" },
        command => [ 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $folder, @command ]);
    $job->start(ready => 0);
    my $code = $job->wait_exit(120);
    is($code, 0, $block->{at}) or diag $job->log_text;
    return $job->log_text;
}

1;
