# The clock of the machine by its system calls, whose numbers come first, then what to do:
#   now                          prints the times since boot and since 1970, in ns
#   ahead BASE OFF               sets the clock OFF ns from where it would be: BASE after boot
#   strobe BASE OFF PERIOD       sets it there and back, each for PERIOD seconds, for ever
#   drift BASE MILLIONTHS EVERY  lets it gain so much, in steps, for ever
use integer;
my ($get, $set, $what, @numbers) = @ARGV;
my ($base, $off, $every) = @numbers;
$_ += 0 for $get, $set, $base, $off;

# Of clock $_[0]: 0 is the time of day, 7 the time since boot.
sub time_of {
  my $time = "\0" x 16;
  syscall($get, $_[0], $time) == 0 or die "clock_gettime: $!\n";
  my ($s, $ns) = unpack "qq", $time;
  return $s * 1000000000 + $ns;
}

# Both as of one moment: nothing else ran for long in between.
sub now {
  my @best;
  for (1 .. 20) {
    my ($before, $real, $after) = (time_of(7), time_of(0), time_of(7));
    @best = ($before, $real, $after) if !@best || $after - $before < $best[2] - $best[0];
    last if $after - $before < 50000;
  }
  return (($best[0] + $best[2]) / 2, $best[1]);
}

# In place of a clock that was set late it is set again.
sub ahead {
  my $off = shift;
  for (1 .. 20) {
    my $real = time_of(7) + $base + $off;
    my $time = pack "qq", $real / 1000000000, $real % 1000000000;
    syscall($set, 0, $time) == 0 or die "clock_settime: $!\n";
    my ($up, $is) = now();
    my $late = $is - $up - $base - $off;
    last if $late < 500000 && $late > -500000;
  }
}

if ($what eq "now") { printf "%d %d\n", now() }
elsif ($what eq "ahead") { ahead($off) }
elsif ($what eq "strobe") {
  while (1) { for my $to ($off, 0) { ahead($to); select undef, undef, undef, $every } }
}
elsif ($what eq "drift") {
  my $began = time_of(7);
  while (1) {
    ahead((time_of(7) - $began) / 1000000 * $off);
    select undef, undef, undef, $every;
  }
}
else { die "what is $what?\n" }
