# Requests that are wrong in every way, or well formed and hostile; the same ones for the same seed.
package HttpFuzz;

use strict;
use warnings;

=head1 SYNOPSIS

    my $fuzz  = HttpFuzz->new(seed => 1, wallets => [ $alice, $bob ]);
    my $bytes = $fuzz->request;    # what a client sends on one connection

Numbers come from a generator of our own: Perl's rand differs between its builds.

=cut

sub new
{
    my ($class, %option) = @_;
    return bless { state => $option{seed}, %option }, $class;
}

# Below $bound. Lehmer's generator with the modulus 2^31 - 1.
sub _number
{
    my ($self, $bound) = @_;
    $self->{state} = ($self->{state} * 48271) % 2147483647 || 1;
    return $self->{state} % $bound;
}

sub _one_of { my ($self, @items) = @_; return $items[ $self->_number(scalar @items) ] }

sub _bytes
{
    my ($self, $count) = @_;
    return join '', map { chr $self->_number(256) } 1 .. $count;
}

my @makers = (
    \&_mutated_message, \&_mutated_message, \&_mutated_message, \&_wrong_line, \&_wrong_headers, \&_wrong_headers,
    \&_wrong_chunks, \&_mutated_json, \&_mutated_json, \&_wrong_json, \&_hostile_values, \&_hostile_values,
    \&_hostile_reads, \&_garbage_behind, \&_noise);

sub request
{
    my ($self) = @_;
    return $self->_one_of(@makers)->($self);
}

my @plain = map { "/$_" } qw(wallets wallets/ID wallets/ID/fund wallets/ID/withdraw wallets/ID/transfer wallets/ID/holds
    wallets/ID/freeze wallets/ID/unfreeze wallets/ID/close wallets/ID/limits holds/ID/capture holds/ID/release
    transactions/ID/reverse transfers transactions/ID operations?idempotency_key=key wallets/ID/statement
    wallets/ID/history/live?after=1 users/user1/wallets pipeline health live metrics openapi.json);

sub _wallet { my ($self) = @_; return $self->_one_of(@{ $self->{wallets} }) }

sub _path
{
    my ($self) = @_;
    my $wallet = $self->_wallet;
    return $self->_one_of(@plain, '/') =~ s/\bID\b/$wallet/r;
}

# A good one; body undef: without.
sub _message
{
    my ($self, $method, $path, $body, @headers) = @_;
    push @headers, 'Content-Type: application/json', 'Content-Length: ' . length $body if defined $body;
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost', @headers, '', $body // '';
}

sub _body
{
    my ($self) = @_;
    my ($one, $other) = ($self->_wallet, $self->_wallet);
    return $self->_one_of(
        qq({"amount":"0.01"}),
        qq({"to_wallet_id":"$other","amount":"0.01","metadata":{"a":[1,2,{"b":null}]}}),
        qq({"user_id":"fuzz","currency":"USD","metadata":{}}),
        qq({"amount":1,"expires_in":"1 day"}),
        qq({"credit_limit":"10","max_balance":"100000"}),
        qq({"to_wallet_id":"$other","amount":"0.01","final":false}),
        qq({"transfers":[{"from_wallet_id":"$one","to_wallet_id":"$other","amount":"0.01","idempotency_key":"k"}],"atomic":true}),
        '{}');
}

sub _mutate
{
    my ($self, $text) = @_;
    for (0 .. $self->_number(4))
    {
        my $at    = $self->_number(1 + length $text);
        my $count = $self->_number(1 + ($self->_number(10) ? 4 : 200));
        my $how   = $self->_number(6);

        if    ($how == 0) { substr($text, $at, 1) = chr $self->_number(256) if $at < length $text }
        elsif ($how == 1) { substr($text, $at, 0) = $self->_bytes($count) }
        elsif ($how == 2) { substr($text, $at, $count) = '' }
        elsif ($how == 3) { substr($text, $at, 0) = substr $text, $self->_number(1 + length $text), $count * 3 }
        elsif ($how == 4) { $text = substr $text, 0, $at }
        else { substr($text, $at, 0) = $self->_one_of("\r\n", "\n", "\r", "\0", '%00', ' ', "\t", ':', '"', '\\', '{', '}', '0' x 40, "\xff") }
    }
    return $text;
}

sub _mutated_message
{
    my ($self) = @_;
    my $is_post = $self->_number(2);
    my @headers = $self->_number(2) ? ('Idempotency-Key: fuzz-' . $self->_number(1000), 'If-Match: "3"') : ();
    return $self->_mutate(
        $self->_message($is_post ? 'POST' : 'GET', $self->_path, $is_post ? $self->_body : undef, @headers));
}

sub _wrong_line
{
    my ($self) = @_;
    my $path   = $self->_path;
    my $method = $self->_one_of(qw(GET POST PUT DELETE PATCH OPTIONS TRACE CONNECT HEAD get G),
        '', 'GE T', "GET\0", 'A' x $self->_number(40000), "\xe4", '(', 'GET,POST');
    my $target = $self->_one_of(
        $path, "/$path", "$path/", "$path%00", "$path%2F", "$path/..%2f..", "$path%", "$path%zz", "$path?$path#$path",
        '*', '', '..', '/../../etc/passwd', "http://localhost$path", 'http://', '://', "/wallets/%00", "/wallets/\0", "/\xc3\x28",
        '/users/%ff%fe/wallets', '/users/%00/wallets', '/users//wallets', '/users/' . 'u' x $self->_number(3000) . '/wallets',
        '/' . 'x' x $self->_number(60000), '/' . '/a' x $self->_number(5000), '/wallets?' . 'a=b&' x $self->_number(3000),
        '/operations?idempotency_key=' . '%41' x $self->_number(2000), '/operations?idempotency_key=a%00b', "/%\xff%");
    my $version = $self->_one_of(qw(HTTP/1.1 HTTP/1.0 HTTP/0.9 HTTP/2.0 HTTP/1.10 HTTP/9999999999.1 http/1.1 HTTP), '', ' HTTP/1.1', "HTTP/1.1\0");
    my $blank = $self->_one_of(' ', ' ', ' ', '  ', "\t", '');
    return "$method$blank$target$blank$version" . $self->_one_of("\r\n", "\n", "\r") . "Host: localhost\r\n\r\n";
}

my @header_names = ('Host', 'Content-Length', 'Transfer-Encoding', 'Content-Type', 'Expect', 'Connection', 'Idempotency-Key',
    'If-Match', 'Authorization', 'Last-Event-ID', 'Range', 'Upgrade', 'Cookie', 'Content-Encoding', 'TE', 'Trailer', '', ' ', "X\0Y", "\xff");

sub _header_value
{
    my ($self) = @_;
    return $self->_one_of(
        '', ' ', '0', '-1', '+5', '5', '5, 5', '0x10', '18446744073709551616', '99999999999999999999999999', '1e3', 'chunked',
        'identity, chunked', 'chunked, chunked', 'xchunked', 'gzip', '100-continue', '200-ok', 'close', 'keep-alive, close', 'upgrade',
        'h2c', 'application/json', 'application/json; charset=utf-16', 'application/jsonx', 'text/plain', '"3"', 'W/"3"', '"3", "4"',
        '*', '3', '"-1"', '"99999999999999999999"', "a\0b", "a\x0bb", "\xc3\x28", "k\xe4se", 'x' x $self->_number(40000),
        "'; DROP TABLE wallets; --", "a\r\n b", "a\n\tb", 'Bearer x', 'Bearer', $self->_bytes($self->_number(30)));
}

sub _wrong_headers
{
    my ($self) = @_;
    my @headers = map { $self->_one_of(@header_names) . $self->_one_of(': ', ': ', ':', ' : ', '', '=') . $self->_header_value }
        0 .. $self->_number($self->_number(10) ? 5 : 300);
    my $body = $self->_number(2) ? $self->_body : undef;
    return $self->_message(defined $body ? 'POST' : 'GET', $self->_path, $body, @headers);
}

sub _wrong_chunks
{
    my ($self) = @_;
    my $body = $self->_body;
    my $size = sprintf '%x', length $body;
    my $sizes = $self->_one_of($size, "0$size", "$size;ext=1", "$size ;" . 'e' x $self->_number(50000), "-$size", "+$size", "0x$size",
        'ffffffffffffffff', 'fffffffffffffffff', '7fffffffffffffff', '80000000', 'g', '', ' ', "$size\0", uc $size, '1' x 500);
    my $end = $self->_one_of("\r\n0\r\n\r\n", "\n0\n\n", "\r\n0\r\nTrailer: x\r\n\r\n", '', "0\r\n\r\n", "\r\n-0\r\n\r\n",
        "\r\n0\r\n" . "T: x\r\n" x $self->_number(3000) . "\r\n", "\r\n$size\r\n", "X\r\n0\r\n\r\n");
    my @headers = $self->_one_of([], ['Content-Length: 3'], [ 'Content-Length: ' . length $body ], ['Transfer-Encoding: chunked']);
    return join "\r\n", 'POST ' . $self->_path . ' HTTP/1.1', 'Host: localhost', 'Content-Type: application/json',
        'Transfer-Encoding: ' . $self->_one_of('chunked', 'chunked', 'Chunked', 'chunked, identity', 'x'), @{ $headers[0] }, '',
        $sizes, "$body$end";
}

sub _post { my ($self, $body) = @_; return $self->_message('POST', $self->_path, $body, 'Idempotency-Key: fuzz-' . $self->_number(100000)) }

sub _mutated_json { my ($self) = @_; return $self->_post($self->_mutate($self->_body)) }

sub _wrong_json
{
    my ($self) = @_;
    my $depth = 1 + $self->_number(60000);
    return $self->_post($self->_one_of(
        '', ' ', '[]', '1', '"x"', 'null', '{', '{}{}', '{},', "\xef\xbb\xbf{}", "\xff\xfe{\0}\0", '{"amount":}', '{"amount":"1",}', "{'amount':'1'}",
        '{"amount":01}', '{"amount":+1}', '{"amount":1.}', '{"amount":.5}', '{"amount":1e}', '{"amount":NaN}', '{"amount":Infinity}',
        '{"amount":"1","amount":"2"}', '{"amo\u0075nt":"1","amount":"2"}', '{"amount":"1"} x', "{\"amount\":\"1\"}\0", '{"amount":"\x"}',
        '{"user_id":"\ud800"}', '{"user_id":"\udc00\ud800"}', '{"user_id":"\u0000"}', "{\"user_id\":\"a\0b\"}", "{\"user_id\":\"\xc0\x80\"}",
        "{\"user_id\":\"\xed\xa0\x80\"}", "{\"user_id\":\"\xf5\x80\x80\x80\"}", "{\"user_id\":\"\t\"}", '{"unknown":1}', '{"":1}',
        '{"transfers":[]}', '{"transfers":[[]]}', '{"transfers":{}}', '{"transfers":[{}]}', '{"transfers":[' . '{},' x 3000 . '{}]}',
        '[' x $depth, '{"a":' x $depth, '{"metadata":' . '{"a":' x $depth . '1' . '}' x $depth . '}',
        '{"metadata":{"a":' . '[' x $depth . ']' x $depth . '}}', '{"amount":"' . '9' x $depth . '"}', '{"amount":' . '9' x $depth . '}',
        '{"x":"' . 'y' x $depth . '"}', '{"metadata":{"n":' . '9' x $depth . '}}', '{"metadata":{"n":1e' . '9' x 1000 . '}}',
        '{"transfers":' . '[' x $depth . ']' x $depth . '}'));
}

sub _text
{
    my ($self) = @_;
    return $self->_one_of(
        '', ' ', "'; DROP TABLE wallets; --", '$1', '%s%s%n', '{}', '{a,b}', '\"', '\\\\', '\\u0000', 'a\\u0000b', '\\ud83d\\ude00', 'null', 'true',
        '-1', '0', '0.00001', '1e5', '0x10', 'NaN', 'Infinity', '-Infinity', '999999999999999.9999', '9999999999999999', '1_000', '1,5', ' 1', '1 ', '+1',
        '-0', '00000000000000000000000000000001', '1' x 63, '0.' . '0' x 60 . '1', '9' x 5000, 'x' x 300, "\xc3\xa4" x 100, "\xe2\x80\xae", 'usd', 'USD', 'US', 'TOOLONGCURRENCY',
        '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', $self->_wallet, uc $self->_wallet, $self->_wallet . 'x',
        '1 day', '-1 day', '0', 'infinity', '1000000000 years', '178000000 years', '1 fortnight', 'P1Y', '@ 1 day ago', '9' x 30 . ' days', 'now', 'epoch');
}

sub _hostile_values
{
    my ($self) = @_;
    my @members = ('amount', 'user_id', 'currency', 'wallet_id', 'to_wallet_id', 'expires_in', 'credit_limit', 'max_balance', 'final', 'metadata', 'atomic');
    my %body = map { ($self->_one_of(@members) => $self->_one_of('"' . $self->_text . '"', '"' . $self->_text . '"', 'null', 'true', '0', '-1', '1e400', '{}', '[]',
            '{"a":"' . $self->_text . '"}', '99999999999999999999999999')) } 0 .. $self->_number(4);
    my $item = join ',', map { "\"$_\":" . $self->_one_of('"' . $self->_text . '"', '"' . $self->_wallet . '"', '1', 'null') }
        qw(from_wallet_id to_wallet_id amount idempotency_key);

    $body{transfers} = '[' . join(',', ("{$item}") x (1 + $self->_number(20))) . ']' if !$self->_number(5);
    # The members that the path wants, mostly: else nothing would get as far as PostgreSQL.
    my $wallet = $self->_wallet;
    my ($path, @wanted) = @{ $self->_one_of(
        [ '/wallets', 'user_id' ], [ "/wallets/$wallet/transfer", 'to_wallet_id', 'amount' ], [ "/wallets/$wallet/fund", 'amount' ],
        [ "/wallets/$wallet/holds", 'amount', 'expires_in' ], [ "/wallets/$wallet/limits", 'credit_limit', 'max_balance' ],
        ["/wallets/$wallet/freeze"], [ "/transactions/$wallet/reverse", 'amount' ], [ "/holds/$wallet/capture", 'to_wallet_id', 'amount' ],
        [ '/transfers', 'transfers' ]) };
    %body = (metadata => $body{metadata} // 'null') if $self->_number(4);
    my %good = (transfers => "[{$item}]", to_wallet_id => '"' . $self->_wallet . '"', amount => '"0.01"', user_id => '"fuzz"',
        expires_in => '"1 day"', credit_limit => '"1"', max_balance => 'null');
    $body{$_} //= $self->_number(3) ? $good{$_} : '"' . $self->_text . '"' for @wanted;
    return $self->_message('POST', $path, '{' . join(',', map { "\"$_\":$body{$_}" } sort keys %body) . '}',
        'Idempotency-Key: ' . $self->_one_of('fuzz-' . $self->_number(100000), $self->_text =~ s/\\/\//gr, 'k' x 255, 'k' x 256, "k\xff"),
        $self->_number(4) ? () : 'If-Match: ' . $self->_one_of('"0"', '"9223372036854775807"', '"9223372036854775808"', '*', '""'));
}

sub _escape { my ($text) = @_; return $text =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger }

sub _hostile_reads
{
    my ($self) = @_;
    my $text   = _escape($self->_one_of($self->_text, $self->_bytes(10)));
    my $time   = _escape($self->_one_of($self->_text, '0000-00-00', '9999-99-99', '0001-01-01', '9999-12-31T23:59:59.999999999999Z', '2026-02-30',
            '2026-01-01T25:00:00Z', '2026-01-01T00:00:00+99:99', '2026-01-01T00:00:60Z', '294277-01-01', '2026-01-01T00:00:00.' . '9' x 400 . 'Z'));
    my $wallet = $self->_wallet;
    return $self->_message('GET', $self->_one_of(
        "/users/$text/wallets", "/wallets/$text", "/transactions/$text", "/operations?idempotency_key=$text", "/wallets/$wallet/statement?since=$time",
        "/wallets/$wallet/statement?until=$time&since=$time", "/wallets/$wallet/history/live?after=$text", "/wallets/$wallet/history?before=$text&limit=$text",
        "/operations?$text", "/wallets/$wallet/statement?$text=$text", "/wallets/$wallet/$text"));
}

sub _garbage_behind
{
    my ($self) = @_;
    my $good = $self->_message('GET', '/live', undef);
    return $good x $self->_number(20) . $self->_one_of($self->_bytes(50), "\r\n\r\n", 'GET', $self->_wrong_chunks, $self->_mutated_message, "\0" x 40000) . $good;
}

sub _noise
{
    my ($self) = @_;
    return $self->_one_of($self->_bytes(1 + $self->_number(400)), "\r\n" x $self->_number(20000), "\0" x $self->_number(50000), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 'A' x 50000, "GET / HTTP/1.1\r\n" . 'A: ' . 'b' x 60000, "\n" x 100 . "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

1;
