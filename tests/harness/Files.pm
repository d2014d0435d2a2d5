# Files and commands as a whole: a text in, a text out.
package Files;

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);

our @EXPORT = qw(slurp spew run_command);

=head1 SYNOPSIS

    my $bytes = slurp($path);           # dies where there is none
    my $bytes = slurp($path, '');       # that, where there is none
    spew($path, $bytes);                # at once: nobody sees half of it
    my ($code, $said) = run_command({ PGPORT => 5432, KAFKA_BROKERS => undef }, 'psql', '-l');
        # both outputs as one; undef removes a variable

=cut

sub slurp
{
    my ($path, @otherwise) = @_;
    open my $file, '<:raw', $path or return @otherwise ? $otherwise[0] : croak "$path: $!";
    local $/;
    return scalar(<$file>) // '';
}

sub spew
{
    my ($path, $bytes) = @_;
    open my $file, '>:raw', "$path.new" or croak "$path: $!";
    print {$file} $bytes;
    close $file or croak "$path: $!";
    rename "$path.new", $path or croak "$path: $!";
    return;
}

sub run_command
{
    my ($env, @command) = @_;
    my $pid = open(my $pipe, '-|') // croak "fork: $!";
    if ($pid == 0)
    {
        for my $name (keys %$env)
        {
            if (defined $env->{$name}) { $ENV{$name} = $env->{$name} }
            else                       { delete $ENV{$name} }
        }
        open STDIN,  '<',  '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec @command;
        exit 127;
    }
    my $said = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $said);
}

1;
