# The protocols of positions and of transits, exhaustively: every order of two bridges, two consumers, deaths,
# cuts, restarts and a forged record, of transfers between two shards and their cancels (INV-16, INV-17, INV-18)
# that Spin can find. Each planted mistake must be found, so that the model can fail.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Test::More;
use Wait;

my $models = abs_path(dirname(__FILE__) . '/../../model');

# What Spin's verifier says of a model: (number of errors, whether it looked at every state, its words).
sub verify
{
    my ($model, @defines) = @_;
    my $name   = join '', "$model.pml", map { s/\W/_/gr } @defines;
    my $folder = test_directory() . "/$name";

    mkdir $folder or die "$folder: $!\n";
    my $said = `cd $folder && cp $models/$model.pml . && spin -a @defines $model.pml 2>&1 \\
        && cc -O2 -DSAFETY -w -o pan pan.c 2>&1 && timeout 300 ./pan -m400000 -w24 2>&1`;
    my ($errors) = $said =~ /errors: (\d+)/;
    return ($errors // -1, $said !~ /depth too small|out of memory|not completed/i, $said);
}

my @models = (
    [ 'position', [], { 1 => 'a record is believed', 2 => 'starts at the end of the WAL',
        4 => 'one partition is enough', 5 => 'confirms what was received' } ],
    [ 'transactional', [], { 1 => 'a record is believed', 2 => 'starts at the end of the WAL',
        3 => 'the record is not part of the transaction', 4 => 'a record goes back behind the topic',
        5 => 'a zombie is not fenced', 6 => 'the record is read before the older producer is fenced',
        7 => 'the place in a split commit is not looked at', 8 => 'a producer goes on after a doubt' } ],
    [ 'history', [], { 1 => 'no fence', 2 => 'a copy is a gap', 3 => 'a copy is stored again',
        4 => 'goes on behind what was not stored' } ],
    [ 'transits', [], { 1 => 'a credit does not look at what is there', 2 => 'an answer closes what is closed',
        3 => 'a cancel returns the money without asking', 4 => 'a tombstone replaces a credit',
        5 => 'an answer is produced beside the WAL', 6 => 'confirms what Kafka does not have',
        7 => 'a position goes ahead of its effect', 8 => 'a late send passes by the tombstone',
        9 => 'a refusal is raised, not recorded', 10 => 'a send is produced before its commit' } ]);

for my $entry (@models)
{
    my ($model, $defines, $mistakes) = @$entry;
    my ($errors, $whole, $said) = verify($model, @$defines);
    ok($errors == 0 && $whole, "$model @$defines: no order of events breaks an invariant") or diag $said;
    note $said =~ /(\d+ states, stored)/;
    for my $mistake (sort keys %$mistakes)
    {
        ($errors, undef, $said) = verify($model, @$defines, "-DMISTAKE=$mistake");
        cmp_ok($errors, '>', 0, "$model @$defines: found: $mistakes->{$mistake}") or diag $said;
    }
}
done_testing;
