# .env.example: every variable in it is one of the programs named above it, stands there with its default, and the
# file is one that the programs take.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Program;
use Test::More;

my $path  = abs_path(dirname(__FILE__) . '/../../../.env.example');
my %built = map { ($_ => 1) } programs();
my (@owners, $comment, %seen);

open my $file, '<', $path or die "$path: $!\n";
while (my $line = <$file>)
{
    chomp $line;
    if    ($line =~ /^# === (.*)$/) { @owners = split ' ', $1 }
    elsif ($line =~ /^# (.*)$/)     { $comment = $1 }
    elsif ($line =~ /^(\w+)=(.*)$/)
    {
        my ($name, $value) = ($1, $2);
        ok($comment, "$name has a comment");
        ok(!$seen{$name}++, "$name stands there once");
        for my $program (grep { $built{$_} } @owners)
        {
            is(variables_of($program)->{$name}, $value, "$name is a variable of $program, and has its default");
        }
        undef $comment;
    }
    else { is($line, '', "line $. is one that systemd reads as well") }
}
close $file;

cmp_ok(scalar(keys %seen), '>', 10, 'the file has variables');
for my $program (sort keys %built)
{
    my $said = qx(cd / && env -i @{[ program_path($program) ]} --env-file $path --check-config 2>&1);
    is($?, 0, "$program takes the file") or diag $said;
}
done_testing;
