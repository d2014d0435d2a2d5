# Many HTTP clients that move money at once, and remember what they were told.
package HttpLoad;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();
use Time::HiRes qw(time);

use parent 'Load';

=head1 SYNOPSIS

    my $load = HttpLoad->start(
        url         => 'http://127.0.0.1:3000',     # or several: a client goes to the next one where it gets no answer
        timeout     => 5,                           # seconds for an answer; default: 30
        history_url => 'http://127.0.0.1:3001',     # mixed only; default: no reads there
        wallets     => \@wallets,                   # between which random amounts go
        mixed       => 1,           # every operation, batches and reads; default: transfers
        ...);                       # clients, operations, pause: as in Load
    $load->wait_progress(100);  $load->wait;  $load->stop;    # as in Load
    my $calls  = $load->acknowledged;   # { idempotency key => transaction id }, also of batches
    my @errors = $load->errors;         # answers that nobody may get
    my $times  = $load->statuses;       # { 200 => 17, 503 => 2, broken => 1 }

A client keeps its connection. It repeats a POST that was answered 503, or not at all, with the same key until it
is answered; refusals for want of money are answers. At stop every client still finishes the call it is at, so
that the ledger has what was acknowledged and nothing else.

=cut

my $json = JSON::PP->new->utf8->canonical;

# Answers that the rules allow. 422: no money; the rest names what this load never does.
my %is_answer = map { ($_ => 1) } 200, 201, 422;

sub _client
{
    my ($self, $client) = @_;
    my @wallets = @{ $self->{wallets} };
    my $stop    = 0;
    local $SIG{TERM} = sub { $stop = 1 };

    srand($$);
    $self->{http} = HTTP::Tiny->new(keep_alive => 1, timeout => $self->{timeout} // 30);
    $self->{urls} = [ ref $self->{url} ? @{ $self->{url} } : $self->{url} ];
    for (my $n = 1; !$stop && $n <= ($self->{operations} // $n); $n++)
    {
        my ($from, $to) = (int rand @wallets, int(rand(@wallets - 1)));
        $to++ if $to >= $from;
        $self->{key} = join '-', 'http', $$, $client, $n;
        $self->_act($client, @wallets[ $from, $to ]);
        select undef, undef, undef, $self->{pause} if $self->{pause};
    }
    $self->_note($client, 'status', "$_ $self->{status}{$_}") for sort keys %{ $self->{status} };
    return;
}

# Each as likely as its share says. What comes second is done with the transaction of the first.
my @mixed = (
    [ 6, \&_transfer ], [ 1, \&_fund ], [ 1, \&_capture ], [ 1, \&_release ],
    [ 1, \&_reverse ],  [ 1, \&_batch ], [ 4, \&_read ]);
my @drawn = map { ($_->[1]) x $_->[0] } @mixed;

sub _act
{
    my ($self, $client, $from, $to) = @_;
    my $action = $self->{mixed} ? $drawn[ rand @drawn ] : \&_transfer;

    return $self->$action($client, $from, $to);
}

sub _amount { return sprintf '%d.%02d', rand 5, 1 + rand 99 }

sub _transfer
{
    my ($self, $client, $from, $to) = @_;
    return $self->_post($client, "/wallets/$from/transfer", { to_wallet_id => $to, amount => _amount() }, '');
}

sub _fund
{
    my ($self, $client, $from) = @_;
    return $self->_post($client, "/wallets/$from/" . (rand() < 0.5 ? 'fund' : 'withdraw'), { amount => _amount() }, '');
}

sub _capture
{
    my ($self, $client, $from, $to) = @_;
    my $hold = $self->_post($client, "/wallets/$from/holds", { amount => _amount() }, '-hold') or return;
    return $self->_post($client, "/holds/$hold/capture", { to_wallet_id => $to, amount => '0.01' }, '');
}

sub _release
{
    my ($self, $client, $from) = @_;
    my $hold = $self->_post($client, "/wallets/$from/holds", { amount => _amount(), expires_in => '1 hour' }, '-hold')
        or return;
    return $self->_post($client, "/holds/$hold/release", {}, '');
}

sub _reverse
{
    my ($self, $client, $from, $to) = @_;
    my $moved = $self->_post($client, "/wallets/$from/transfer", { to_wallet_id => $to, amount => _amount() }, '-moved')
        or return;
    return $self->_post($client, "/transactions/$moved/reverse", { amount => '0.01' }, '');
}

sub _batch
{
    my ($self, $client, $from, $to) = @_;
    my @items = (
        { from_wallet_id => $from, to_wallet_id => $to, amount => _amount(), idempotency_key => "$self->{key}-there" },
        { from_wallet_id => $to, to_wallet_id => $from, amount => '0.01', idempotency_key => $self->{key} });
    my $answer = $self->_answer($client, 'POST', '/transfers', { content => $json->encode({ transfers => \@items }) })
        or return;

    $self->_note($client, 'done', "$items[$_]{idempotency_key} $answer->{items}[$_]{transaction_id}") for 0 .. $#items;
    return;
}

sub _read
{
    my ($self, $client, $wallet) = @_;
    my @paths = (
        ("/wallets/$wallet") x 3, '/users/user1/wallets', "/operations?idempotency_key=$self->{key}",
        "/wallets/$wallet/statement?until=2020-01-01", '/pipeline');
    my @history = $self->{history_url} ? ("/wallets/$wallet/history", '/users/user1/activity?limit=10') : ();
    my $chosen  = rand(@paths + @history);

    return $self->_answer($client, 'GET', $paths[$chosen], {}) if $chosen < @paths;
    return $self->_answer($client, 'GET', $history[ $chosen - @paths ], {}, $self->{history_url});
}

# The id of the operation, or nothing where it was refused.
sub _post
{
    my ($self, $client, $path, $body, $suffix) = @_;
    my $key    = $self->{key} . $suffix;
    my $answer = $self->_answer(
        $client, 'POST', $path, { headers => { 'Idempotency-Key' => $key }, content => $json->encode($body) })
        or return;

    $self->_note($client, 'done', "$key $answer->{transaction_id}");
    return $answer->{transaction_id};
}

# Asks until it is answered. Nothing where the answer is a refusal.
sub _answer
{
    my ($self, $client, $method, $path, $request, $url) = @_;
    my $give_up = time + 120;

    $request->{headers}{'Content-Type'} = 'application/json' if $method eq 'POST';
    while (time < $give_up)
    {
        my $response = $self->{http}->request($method, ($url // $self->{urls}[0]) . $path, $request);
        my $status   = $response->{status} == 599 ? 'broken' : $response->{status};

        $self->{status}{$status}++;
        if ($status eq 'broken' || $status == 503)
        {
            push @{ $self->{urls} }, shift @{ $self->{urls} };
            select undef, undef, undef, 0.05;
            next;
        }
        # Whether an operation of that name is there yet is the reader's question.
        return if $status == 404 && $path =~ m{^/operations};
        $self->_note($client, 'error', "$method $path $status $response->{content}") unless $is_answer{$status};
        return $status < 300 ? $json->decode($response->{content}) : undef;
    }
    $self->_note($client, 'error', "$method $path never answered");
    return;
}

sub statuses
{
    my ($self) = @_;
    my %count;
    for my $line ($self->_lines('status'))
    {
        my ($status, $times) = split / /, $line;
        $count{$status} += $times;
    }
    return \%count;
}

1;
