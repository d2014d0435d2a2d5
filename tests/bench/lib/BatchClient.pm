# A client of wallet_transfer_batch(): a session that sends binary arrays, made before the clock runs.
package BatchClient;

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::UNIX;

=head1 SYNOPSIS

    my $client = BatchClient->new(socket => "$base/.s.PGSQL.5432", dbname => 'wallet_db', with_keys => 1);
    my $batch = BatchClient::batch(items => 8190, first => 1, wallets => 100_000, with_keys => 1);
    $client->call($batch);      # all rows of the answer; dies where it has not as many

Speaks the protocol itself: an array of 8,190 elements as text would cost the server as much as a third of
what is measured, and a driver's row objects would be made while the server waits.

=cut

use constant { UUID => 2950, NUMERIC => 1700, TEXT => 25 };

sub new
{
    my ($class, %option) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $option{socket}) or croak "$option{socket}: $!";
    my $self   = bless { %option, socket => $socket }, $class;
    my $keys   = $option{with_keys} ? '$4' : 'NULL';

    $self->_send('', pack('N', 196608) . join('', map { "$_\0" } user => 'postgres', database => $option{dbname}) . "\0");
    $self->_receive;
    $self->_send('P', "batch\0SELECT * FROM wallet_transfer_batch(\$1::uuid[], \$2::uuid[], \$3::numeric[], ${keys}::text[])\0\0\0");
    $self->_send('S', '');
    $self->_receive;
    return $self;
}

sub _send
{
    my ($self, $type, $body) = @_;
    my $message = $type . pack('N', length($body) + 4) . $body;

    while (length $message)
    {
        my $sent = syswrite($self->{socket}, $message) // croak "the server went away: $!";
        substr($message, 0, $sent, '');
    }
    return;
}

# What the server says until it is ready for more.
sub _receive
{
    my ($self) = @_;
    my $said = '';

    until (substr($said, -6) eq "Z\0\0\0\5I")
    {
        sysread($self->{socket}, $said, 1 << 20, length $said) or croak 'the server went away';
    }
    croak "the server said: $1" if $said =~ /^(?:[^E].{4})?E.{4}S(.*)/s && $said !~ /SELECT \d+\0/;
    return $said;
}

sub _array
{
    my ($type, @elements) = @_;
    my $value = pack('NNNNN', 1, 0, $type, scalar @elements, 1) . join('', map { pack('N/a*', $_) } @elements);

    return pack('N/a*', $value);
}

# Payers and payees are drawn from the wallets first .. first + wallets - 1, as wallets.sql names them.
sub batch
{
    my (%option) = @_;
    my $id = sub { pack('H*', '0195000000007000' . (9_000_000_000_000_000 + $option{first} + $_[0])) };
    my (@from, @to, @amounts, @keys);

    for (1 .. $option{items})
    {
        my $payer = int rand $option{wallets};
        my $payee = ($payer + 1 + int rand($option{wallets} - 1)) % $option{wallets};
        push @from,    $id->($payer);
        push @to,      $id->($payee);
        push @amounts, pack('nnnnn', 1, 0, 0, 0, 1 + int rand 100);
        push @keys, join('', 1 + int rand 8, map { int rand 10 } 1 .. 18) if $option{with_keys};
    }
    my @arrays = (_array(UUID, @from), _array(UUID, @to), _array(NUMERIC, @amounts),
        $option{with_keys} ? _array(TEXT, @keys) : ());

    return {
        items => $option{items},
        body  => "\0batch\0" . pack('nnn', 1, 1, scalar @arrays) . join('', @arrays) . pack('nn', 1, 1)
    };
}

sub call
{
    my ($self, $batch) = @_;

    $self->_send('B', $batch->{body});
    $self->_send('E', "\0" . pack('N', 0));
    $self->_send('S', '');
    my $said = $self->_receive;
    croak 'the answer is not whole' unless substr($said, -40) =~ /SELECT $batch->{items}\0Z/;
    return length $said;
}

1;
