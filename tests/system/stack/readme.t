# The README's quick start with curl, as it stands there, but for the ports.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use JSON::PP ();
use Stack;
use Test::More;
use Wait;

my $root   = abs_path(dirname(__FILE__) . '/../../..');
my $readme = do { local (@ARGV, $/) = "$root/README.md"; <> };
my ($chapter) = $readme =~ /^## Quick start with curl\n(.*?)^## /ms or die 'no such chapter';
my @blocks = $chapter =~ /^```sh\n(.*?)^```$/msg;
my $stack  = Stack->start(service => 1);
my $json   = JSON::PP->new->utf8;

is(@blocks, 2, 'two blocks');

# One answer a line. The reads of the history wait until it has come back.
my $script = join('', @blocks) =~ s{http://localhost:3000}{$stack->service->{url}}ger =~ s{http://localhost:3001}{$stack->history->{url}}ger;
my ($moves, $reads) = $script =~ /\A(.*?)^(curl \S*history.*)\z/ms or die 'no history is read';
my $kept = test_directory() . '/variables';
my $answers = run("$moves\ndeclare -p alice >$kept");
$stack->wait_history;
$answers .= run(". $kept\n$reads");
my @answers = map { $json->decode($_) } grep { /^\{/ } split /\n/, $answers;

sub run
{
    my ($text) = @_;
    my $path = test_directory() . '/readme.sh';

    open my $file, '>', $path or die "$path: $!";
    print {$file} "set -eu\ncurl() { command curl -sS \"\$@\"; [[ \$* == *header* ]] || echo; }\n$text";
    close $file;
    my $output = `bash $path 2>&1`;
    is($?, 0, 'the commands run') or diag $output;
    return $output;
}

is($answers[0]{balance}, '0.0000', 'a wallet');
is($answers[1]{wallet}{balance}, '100.0000', 'funded');
is($answers[2]{wallet}{balance}, '75.0000', 'transferred');
is($answers[3]{version}, 2, 'the wallet');
is(@{ $answers[4]{items} }, 2, q(alice's wallets));
is_deeply([ map { $_->{event_type} } @{ $answers[5]{items} } ], [qw(TRANSFER_OUT FUND CREATED)], 'its history');
is(@{ $answers[6]{items} }, 4, q(alice's activity));
is($answers[$_]{status}, 'ready', 'ready') or diag explain $answers[$_] for 7, 8;
is(@answers, 9, 'and that is all');
done_testing;
