# Deletes a table of nf_tables that is listed as it is when nobody has put anything into it. Between
# the listing and the deletion nothing can come in: the kernel is told of which generation of its
# rules this is the deletion, and refuses when there was another meanwhile.
#   PROGRAM NAME EMPTY    iptables or ip6tables, the table, its listing
my ($program, $name, $empty) = @ARGV;
my $family = $program =~ /^ip6/ ? 10 : 2;
alarm 10;
socket my $kernel, 16, 3, 12 or die "netlink: $!\n";

# Of include/uapi/linux/netlink.h and netfilter/nfnetlink.h, for all address families 0.
sub message {
  my ($type, $flags, $family, $subsystem, $attributes) = @_;
  my $message = pack("SSLLCCn", $type, $flags, 0, 0, $family, 0, $subsystem) . $attributes;
  return pack("L", 4 + length $message) . $message;
}
sub attribute {
  my ($type, $value) = @_;
  my $length = 4 + length $value;
  return pack("SS", $length, $type) . $value . "\0" x (-$length % 4);
}
sub ask {
  send $kernel, $_[0], 0 or die "netlink: $!\n";
  defined recv $kernel, my $answer, 65536, 0 or die "netlink: $!\n";
  return $answer;
}

for (1 .. 20) {
  # NFT_MSG_GETGEN; the first attribute of the answer is the number.
  my $generation = unpack "x24 N", ask(message(0xa10, 1, 0, 0, ""));
  my $listed = `$program -w -t $name -S`;
  chomp $listed;
  exit 0 if $? != 0 || $listed ne $empty;
  my $answer = ask(message(16, 1, 0, 10, attribute(1, pack "N", $generation))
    . message(0xa02, 5, $family, 0, attribute(1, "$name\0"))    # NFT_MSG_DELTABLE, to be answered
    . message(17, 1, 0, 10, ""));
  my ($type, $error) = unpack "x4 S x10 l", $answer;
  die "netlink: no answer, but $type\n" if $type != 2;
  exit 0 if $error == 0 || $error == -2;    # ENOENT
  die "netlink: error $error\n" if $error != -85;    # ERESTART: another generation
}
die "somebody goes on changing the rules\n";
