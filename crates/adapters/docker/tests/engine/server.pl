# A server of one protocol: perl /server.pl http|tcp|grpc|none PORT
# It is well once there is a file /ready, or the variable READY; it says each time that it is asked.
use strict;
use IO::Socket::INET;

my ($mode, $port) = @ARGV;
my ($stops, @kept) = (0);
$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { print "told to end\n"; exit 0 };
print "version $ENV{VERSION} begins\n";

sub is_ready { $ENV{READY} || -e '/ready' }
sub frame { my ($type, $flags, $stream, $content) = @_; substr(pack('N', length $content), 1) . pack('CCN', $type, $flags, $stream) . $content }
sub field { my ($name, $value) = @_; "\0" . chr(length $name) . $name . chr(length $value) . $value }

# The port is opened once it is ready; `none` has no port.
if ($mode eq 'tcp' || $mode eq 'none') {
  until (is_ready()) { print "asked\n"; select(undef, undef, undef, 0.2) }
  print "ready\n";
  if ($mode eq 'none') { sleep 1 while 1 }
}
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die $!;
while (1) {
  my $client = $server->accept or next;
  if ($mode eq 'tcp') { push @kept, $client }
  elsif ($mode eq 'http') { http($client) }
  else { grpc($client) }
}

sub http {
  my ($client) = @_;
  my $first = <$client>;
  while (my $line = <$client>) { last if $line =~ /^\r?$/ }
  print "asked\n";
  my $status = is_ready() ? '200 OK' : '503 Away';
  print $client "HTTP/1.1 $status\r\nContent-Length: " . length($ENV{VERSION}) . "\r\nConnection: close\r\n\r\n$ENV{VERSION}";
}

# The health service of gRPC: SETTINGS of both sides, then headers, a message and trailers for the one request.
sub grpc {
  my ($client) = @_;
  read($client, my $preface, 24) == 24 or return;
  print $client frame(4, 0, 0, '');
  $client->flush;
  while (read($client, my $head, 9) == 9) {
    my ($length, $type, $flags, $stream) = (unpack('N', "\0" . substr($head, 0, 3)), unpack('CCN', substr($head, 3)));
    read($client, my $content, $length) == $length or return if $length;
    if ($type == 4 && !($flags & 1)) { print $client frame(4, 1, 0, '') }
    if ($type <= 1 && $flags & 1) {
      print "asked\n";
      my $health = is_ready() ? 1 : 2;
      print $client frame(1, 4, $stream, "\x88" . field('content-type', 'application/grpc'));
      print $client frame(0, 0, $stream, "\0\0\0\0\2\x08" . chr($health));
      print $client frame(1, 5, $stream, field('grpc-status', '0'));
    }
    $client->flush;
  }
}
