# A client of the HTTP services for tests.
package Http;

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();

=head1 SYNOPSIS

    my $http = Http->new('http://127.0.0.1:3000', headers => { Authorization => 'Bearer ...' });

    my $answer = $http->get("/wallets/$id");
    my $answer = $http->post("/wallets/$id/fund", { amount => '100.00' }, 'Idempotency-Key' => 'k1');
    my $answer = $http->post('/wallets', '{"user_id":1}');      # a body as it stands
    my $answer = $http->request('DELETE', '/wallets', undef, 'X-Header' => 'value');
    $answer->{status};  $answer->{json};  $answer->{content};  $answer->{headers}{etag};

Connections are kept. Status 599 is HTTP::Tiny's: no answer.

=cut

my $json = JSON::PP->new->utf8->canonical;

sub new
{
    my ($class, $url, %option) = @_;
    my $tiny = HTTP::Tiny->new(
        keep_alive      => 1,
        timeout         => $option{timeout} // 20,
        default_headers => $option{headers} // {});

    return bless { url => $url, tiny => $tiny }, $class;
}

sub request
{
    my ($self, $method, $path, $body, %headers) = @_;
    my $content = ref $body ? $json->encode($body) : $body;

    $headers{'Content-Type'} //= 'application/json' if defined $content;
    my $answer = $self->{tiny}->request($method, $self->{url} . $path,
        { headers => \%headers, defined $content ? (content => $content) : () });
    $answer->{json} = $json->decode($answer->{content})
        if ($answer->{headers}{'content-type'} // '') =~ /json/ && length $answer->{content};
    return $answer;
}

sub get  { my ($self, $path, %headers) = @_; return $self->request('GET', $path, undef, %headers) }
sub post { my ($self, $path, $body, %headers) = @_; return $self->request('POST', $path, $body // '{}', %headers) }

1;
