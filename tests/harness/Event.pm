# Events as a producer writes them, for records that a test puts into the topic by hand.
package Event;

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha1);
use Exporter qw(import);

our @EXPORT = qw(event_id event_json json_with);

=head1 SYNOPSIS

    my $id   = event_id($wallet, $version);     # UUID version 5 (RFC 9562) of the two
    my $json = event_json($wallet, $version);   # version 0 is CREATED, every other one a FUND of 1
    my $json = event_json($wallet, 3, amount => '"9.0000"');    # fields as raw JSON text
    my $other = json_with($json, version => '"one"');

=cut

sub event_id
{
    my ($wallet, $version) = @_;
    my @bytes = unpack 'C16', sha1(pack('H32', $wallet =~ s/-//gr) . $version);

    $bytes[6] = $bytes[6] & 0x0f | 0x50;
    $bytes[8] = $bytes[8] & 0x3f | 0x80;
    return join '-', unpack 'A8 A4 A4 A4 A12', unpack 'H32', pack 'C16', @bytes;
}

sub json_with
{
    my ($json, %raw) = @_;

    for my $field (keys %raw)
    {
        $json =~ s/"$field":(?:"[^"]*"|[^,}]*)/"$field":$raw{$field}/ or croak "no field $field";
    }
    return $json;
}

sub event_json
{
    my ($wallet, $version, %raw) = @_;
    my $json = sprintf '{"event_id":"%s","event_type":"%s","transaction_id":"00000000-0000-7000-8000-%012x",'
        . '"wallet_id":"%s","user_id":"user","version":%d,"amount":"%d.0000","balance":"%d.0000",'
        . '"held":"0.0000","currency":"USD","counterparty_wallet_id":null,"hold_id":null,'
        . '"created_at":"2026-01-01T00:00:%02d.000000Z","metadata":null,"status":"active",'
        . '"credit_limit":null,"max_balance":null,"expires_at":null,"reverses":null}',
        event_id($wallet, $version), $version ? 'FUND' : 'CREATED', $version, $wallet, $version,
        $version ? 1 : 0, $version, $version % 60;

    return json_with($json, %raw);
}

1;
