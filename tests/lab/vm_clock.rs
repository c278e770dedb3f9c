//! Faults of clocks, on guests, whose clocks are their own.

use std::time::{Duration, Instant, SystemTime};

use isobar::fault::JournalEntry;
use serde_json::json;

use crate::vm::{Broken, Guests};

/// Prints the time since boot as the hardware counts it, that since boot as the kernel does, and
/// that since 1970, in ms; of several readings the one that took the least time.
const READ: &str = "perl=$(command -v perl || echo /usr/bin/perl.off); $perl -e '\n\
    sub t {\n\
      my $t = \"\\0\" x 16; syscall(228, $_[0], $t);\n\
      my ($s, $ns) = unpack \"qq\", $t; $s * 1e3 + $ns / 1e6\n\
    }\n\
    my ($took, @best) = (1e9);\n\
    for (1 .. 50) {\n\
      my ($raw, $boot, $real, $after) = (t(4), t(7), t(0), t(4));\n\
      next if $after - $raw >= $took;\n\
      ($took, @best) = ($after - $raw, ($raw + $after) / 2, $boot, $real);\n\
    }\n\
    printf \"%.3f %.3f %.3f\", @best'";

struct Times {
    raw_ms: f64,
    boot_ms: f64,
    real_ms: f64,
}

impl Times {
    fn of(guests: &Guests, n: usize) -> Self {
        let text = guests.on(n, READ);
        let ms: Vec<f64> = text.split(' ').map(|word| word.parse().unwrap()).collect();
        Self { raw_ms: ms[0], boot_ms: ms[1], real_ms: ms[2] }
    }

    /// How far the time of day has moved against the hardware's.
    fn off_ms(&self, before: &Self) -> f64 {
        self.real_ms - before.real_ms - (self.raw_ms - before.raw_ms)
    }
}

/// What was seen on the nodes when the faults were there.
fn evidence(broken: &Broken) -> String {
    let seen = |entry: JournalEntry| match entry {
        JournalEntry::Installed { evidence, .. } => Some(evidence.into_values().collect()),
        _ => None,
    };
    let seen: Vec<Vec<String>> = broken.entries().into_iter().filter_map(seen).collect();
    seen.concat().join("\n")
}

/// Clocks are wrong as they are told to be, each until it is undone, and this machine's is not.
pub fn clocks(guests: &Guests) {
    let ours = (SystemTime::now(), Instant::now());
    by_the_helper(guests);
    by_rate_and_strobe(guests);
    guests.on(1, "mv /usr/bin/gzip /usr/bin/gzip.off");
    guests.on(2, "mv /usr/bin/gzip /usr/bin/gzip.off; mv /usr/bin/perl /usr/bin/perl.off");
    by_other_means(guests);
    guests.on(1, "mv /usr/bin/gzip.off /usr/bin/gzip");
    guests.on(2, "mv /usr/bin/gzip.off /usr/bin/gzip; mv /usr/bin/perl.off /usr/bin/perl");
    let moved = ours.0.elapsed().unwrap().as_secs_f64() - ours.1.elapsed().as_secs_f64();
    assert!(moved.abs() < 1.0, "this machine's clock moved by {moved} s");
    assert_eq!(guests.on(1, "ls -d /run/isobar-clock 2>&1 || :").matches("No such").count(), 1);
}

fn by_the_helper(guests: &Guests) {
    let before = [1, 2].map(|n| Times::of(guests, n));
    let began = Instant::now();
    let broken = Broken::by(
        guests,
        json!([
            {"clock-bump": {"targets": ["n1"], "by": "1h", "at": "0s"}},
            {"clock-drift": {"targets": ["n2"], "share": "50%", "way": "back", "at": "0s"}},
        ]),
    );
    eprintln!("two clocks were wrong after {:?}: {}", began.elapsed(), evidence(&broken));
    assert_eq!(evidence(&broken).matches("set by isobar's helper").count(), 2);
    assert!(evidence(&broken).contains("+3600000 ms off"), "{}", evidence(&broken));
    let ahead = Times::of(guests, 1).off_ms(&before[0]);
    assert!((ahead - 3_600_000.0).abs() < 1.0, "{ahead} ms");
    std::thread::sleep(Duration::from_secs(1));
    let behind = Times::of(guests, 2).off_ms(&before[1]);
    assert!(behind < -300.0, "{behind} ms");
    broken.heal(2);
    assert_right(guests, &before, [1.0; 2]);
}

/// A clock that gains a tenth does so as a whole; what it has gained is taken back.
fn by_rate_and_strobe(guests: &Guests) {
    let before = [1, 2].map(|n| Times::of(guests, n));
    let broken = Broken::by(
        guests,
        json!([
            {"clock-drift": {"targets": ["n1"], "share": "10%", "at": "0s"}},
            {"clock-strobe": {"targets": ["n2"], "by": "5s", "period": "200ms", "at": "0s"}},
        ]),
    );
    let seen = evidence(&broken);
    assert_eq!(seen.matches("by the rate of all its clocks").count(), 1, "{seen}");
    let from = Times::of(guests, 1);
    let mut strobes: Vec<i64> = Vec::new();
    let until = Instant::now() + Duration::from_secs(20);
    while strobes.len() < 2 {
        assert!(Instant::now() < until, "{strobes:?}");
        let off = Times::of(guests, 2).off_ms(&before[1]);
        assert!(off.abs() < 2.0 || (off - 5000.0).abs() < 2.0, "{off} ms");
        strobes.push((off / 5000.0).round() as i64);
        strobes.sort_unstable();
        strobes.dedup();
    }
    let to = Times::of(guests, 1);
    let (raw_ms, gained_ms) = (to.raw_ms - from.raw_ms, to.off_ms(&from));
    assert!((gained_ms / raw_ms - 0.1).abs() < 0.002, "{gained_ms} ms in {raw_ms} ms");
    let boot_ms = to.boot_ms - from.boot_ms - raw_ms;
    assert!((boot_ms - gained_ms).abs() < 1.0, "{boot_ms} ms since boot, {gained_ms} ms");
    broken.heal(2);
    assert_right(guests, &before, [1.0; 2]);
    let (from, _) = (Times::of(guests, 1), std::thread::sleep(Duration::from_millis(500)));
    let still = Times::of(guests, 1).off_ms(&from);
    assert!(still.abs() < 0.5, "it goes on gaining: {still} ms");
}

/// Without gzip the helper is not to be had; n1 has Perl, n2 has not.
fn by_other_means(guests: &Guests) {
    let before = [1, 2].map(|n| Times::of(guests, n));
    let back = json!({"by": "10s", "way": "back", "at": "0s", "targets": "all"});
    let broken = Broken::by(guests, json!([{"clock-bump": back}]));
    let seen = evidence(&broken);
    for by in ["Perl, since no gzip", "date, since no gzip"] {
        assert_eq!(seen.matches(&format!("set by {by}")).count(), 1, "{seen}");
    }
    // How late a program starts on a busy guest, nobody can say: `date` is right by chance.
    let limits_ms = [5.0, 500.0];
    for (n, limit_ms) in (1..).zip(limits_ms) {
        let off = Times::of(guests, n).off_ms(&before[n - 1]);
        assert!((off + 10_000.0).abs() < limit_ms, "n{n}: {off} ms");
    }
    broken.heal(1);
    assert_right(guests, &before, limits_ms);
}

fn assert_right(guests: &Guests, before: &[Times; 2], limits_ms: [f64; 2]) {
    let off = [1, 2].map(|n| Times::of(guests, n).off_ms(&before[n - 1]));
    eprintln!("the clocks are off by {off:?} ms after the undo");
    assert!(off.iter().zip(limits_ms).all(|(ms, limit)| ms.abs() < limit), "{off:?} ms off");
}
