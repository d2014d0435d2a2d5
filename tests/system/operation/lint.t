# scripts/lint finds what it is there for: each rule is broken once, in a copy of the sources.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/../../harness';

use Files;
use Test::More;
use Wait;

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $copy = test_directory() . '/sources';
my $base = 'kafka_bridge/common/base';

mkdir $copy or die "$copy: $!\n";
system("tar -C $root --exclude=.git --exclude=.run --exclude='build*' -cf - kafka_bridge wallet_ext scripts tests sql expected docs | tar -C $copy -xf -") == 0
    or die "no copy\n";

# With the text added to files (or files of that text), what one check says.
sub lint
{
    my ($check, %added) = @_;
    my %former;

    for my $name (keys %added)
    {
        $former{$name} = slurp("$copy/$name", undef);
        spew("$copy/$name", ($former{$name} // '') . $added{$name});
    }
    my $said = qx($copy/scripts/lint $check 2>&1);
    for my $name (keys %added)
    {
        if (defined $former{$name}) { spew("$copy/$name", $former{$name}) }
        else                        { unlink "$copy/$name" }
    }
    return $said;
}

is(lint('includes circles functions fields lengths rooms'), '', 'the sources as they are');

like(lint('includes', "$base/clock.h" => qq{#include "http/server.h"\n}), qr/clock\.h:\d+: may not include .*floor below/, 'a room above');
like(lint('includes', 'kafka_bridge/common/http/server.h' => qq{#include "kafka/client.h"\n}), qr/floor below/, 'a room beside');
like(lint('includes', 'kafka_bridge/bridge/pump.h' => qq{#include "history/batch.h"\n}), qr/floor below/, 'another program');
like(lint('includes', "$base/wait.h" => qq{#include "status.h"\n}), qr/name its room/, 'an include without its room');
like(lint('includes', 'wallet_ext/decoder/decoder.c' => qq{#include "../src/money.h"\n}), qr/floor below/, 'the decoder and src');
like(lint('includes', 'wallet_ext/src/money.h' => qq{#include "wallet.h"\n}), qr/stands above/, 'the floor and what stands on it');
like(lint('includes', 'kafka_bridge/extra/extra.h' => ''), qr/no room/, 'a folder that is no room') if mkdir "$copy/kafka_bridge/extra";
rmdir "$copy/kafka_bridge/extra";

like(
    lint('circles', "$base/status.c" => "int64_t\nstatus_wait(void)\n{\n\treturn wait_begin(0, 0).deadline_ms;\n}\n"),
    qr/closes the circle/, 'files that call each other');
like(lint('circles', "$base/status.h" => qq{#include "base/wait.h"\n}), qr/closes the circle/, 'headers that include each other');
like(lint('functions', "$base/status.c" => "int\nnobody_wants(void)\n{\n\treturn 0;\n}\n"), qr/nobody calls nobody_wants/, 'a function without a caller');
like(lint('fields', "$base/status.h" => "struct Extra\n{\n\tint nobody_wants;\n};\n"), qr/nobody reads field nobody_wants/, 'a field without a reader');
like(lint('lengths', "$base/status.h" => '/* ' . 'x' x 95 . " */\n"), qr/101 columns/, 'a wide comment');
like(lint('lengths', "$base/status.h" => "/* long */\n" x 600), qr/\d+ lines, more than/, 'a long file');
like(lint('lengths', "$base/status.c" => "void\nlong_one(void)\n{\n" . "\t;\n" x 56 . "}\n"), qr/function long_one has 56 lines/, 'a long function');

like(lint('invariants', 'docs/invariants.md' => "\nINV" . "-99\n"), qr/no test cites INV\D99/, 'an invariant without a test');
like(lint('invariants', 'docs/invariants.md' => "\n", "$base/status.h" => "/* INV" . "-98 */\n"), qr/status\.h:\d+: INV\D98 does not stand/, 'a number that is nowhere');

like(lint('proofs', 'docs/failure-modes.md' => "`bridge/no_such_thing.t`\n"), qr/no test is called bridge\/no_such_thing\.t/, 'a proof that is nowhere');
like(lint('proofs', 'docs/failure-modes.md' => "| F01 | again |\n"), qr/F01 stands there 2 times/, 'a failure twice');

unlink "$copy/$base/README.md";
like(lint('rooms'), qr{^$base: has no README}, 'a room without a README');

done_testing();
