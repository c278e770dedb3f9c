//! The node's clock: read, set, made to jump to and fro, or to run at another rate.
//!
//! ```text
//! now                          prints the times since boot and since 1970, in ns
//! ahead BASE OFF               sets the clock OFF ns from where it would be: BASE after boot
//! strobe BASE OFF PERIOD       sets it there and back, each for PERIOD seconds, for ever
//! drift BASE MILLIONTHS EVERY  lets it gain so much, in steps, for ever
//! rate KEPT MILLIONTHS         lets all clocks of the kernel gain so much; what was is in KEPT
//! gained KEPT                  prints the millionths in force and the ns that were gained
//! steady KEPT                  the rate as it was; prints the same
//! ```
//!
//! The clock is moved, not set: how long the kernel takes to do it does not matter. A rate is felt
//! by all of the kernel's clocks, as that of a bad crystal is, but for the one that counts what the
//! hardware says: against that one it is known what was gained.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::timex::{Clock, Rate, move_by, time_of};

/// Who reads two clocks in so short a time read them at the same moment.
const MOMENT_NS: i64 = 2_000;
/// A clock that is set is right to this.
const RIGHT_NS: i64 = 100_000;
/// A busy machine may not let us be exact; this much is not accepted.
const WRONG_NS: i64 = 2_000_000;
const TRIES: u32 = 20;

pub fn run(words: &[&str]) -> Result<(), String> {
    let trouble = |error: Error| format!("the clock: {error}");
    match *words {
        ["now"] => {
            let (boot, real) = now().map_err(trouble)?;
            println!("{boot} {real}");
            Ok(())
        }
        ["ahead", base, off] => ahead(number(base)?, number(off)?),
        ["strobe", base, off, period] => strobe(number(base)?, number(off)?, seconds(period)?),
        ["drift", base, millionths, every] => {
            drift(number(base)?, number(millionths)?, seconds(every)?)
        }
        ["rate", kept, millionths] => {
            let millionths = number(millionths)?;
            let before = Kept::keep(kept.as_ref())?.rate;
            let rate = before.faster_by(millionths);
            let rate = rate.ok_or_else(|| format!("no kernel goes as far as {millionths} ppm"))?;
            rate.set().map_err(trouble)
        }
        ["gained", kept] => Kept::read(kept.as_ref())?.tell(),
        ["steady", kept] => {
            let kept = Kept::read(kept.as_ref())?;
            kept.rate.set().map_err(trouble)?;
            kept.tell()
        }
        _ => Err(format!("nothing to be done to a clock: {}", words.join(" "))),
    }
}

fn number(word: &str) -> Result<i64, String> {
    word.parse().map_err(|_| format!("no whole number: {word}"))
}

fn seconds(word: &str) -> Result<Duration, String> {
    let seconds = word.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds.ok_or_else(|| format!("no time in seconds: {word}"))
}

/// The times since boot and since 1970 as of one moment: nothing else ran for long in between.
fn now() -> Result<(i64, i64), Error> {
    together(Clock::Boot, Clock::Real)
}

fn together(one: Clock, other: Clock) -> Result<(i64, i64), Error> {
    let (mut best, mut took) = ((0, 0), i64::MAX);
    for _ in 0..TRIES {
        let (before, between, after) = (time_of(one)?, time_of(other)?, time_of(one)?);
        if after - before < took {
            took = after - before;
            best = (before + took / 2, between);
        }
        if took <= MOMENT_NS {
            break;
        }
    }
    Ok(best)
}

/// Sets the clock, and sees that it is right.
fn ahead(base: i64, off: i64) -> Result<(), String> {
    let mut wrong = 0;
    for _ in 0..TRIES {
        let (boot, real) = now().map_err(|error| format!("cannot read the clock: {error}"))?;
        wrong = boot + base + off - real;
        if wrong.abs() <= RIGHT_NS {
            return Ok(());
        }
        move_by(wrong).map_err(|error| format!("cannot set the clock: {error}"))?;
    }
    match wrong.abs() <= WRONG_NS {
        true => Ok(()),
        false => Err(format!("the clock was set, and is {wrong} ns behind: does somebody set it?")),
    }
}

fn strobe(base: i64, off: i64, period: Duration) -> Result<(), String> {
    let mut next = Instant::now();
    for to in [off, 0].into_iter().cycle() {
        ahead(base, to)?;
        next += period;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn drift(base: i64, millionths: i64, every: Duration) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let gained = began.elapsed().as_nanos() as i128 * i128::from(millionths) / 1_000_000;
        ahead(base, gained as i64)?;
        std::thread::sleep(every);
    }
}

/// How fast the clocks ran before, and what they showed when that was changed.
struct Kept {
    rate: Rate,
    raw: i64,
    boot: i64,
}

impl Kept {
    /// In a file, unless it is there already.
    fn keep(path: &Path) -> Result<Self, String> {
        if path.exists() {
            return Self::read(path);
        }
        let trouble = |error: Error| format!("cannot keep {}: {error}", path.display());
        let rate = Rate::now().map_err(trouble)?;
        let (raw, boot) = together(Clock::Raw, Clock::Boot).map_err(trouble)?;
        let new = path.with_extension("new");
        let line = format!("{} {} {raw} {boot}\n", rate.tick, rate.freq);
        fs::write(&new, line).and_then(|()| fs::rename(&new, path)).map_err(trouble)?;
        Ok(Self { rate, raw, boot })
    }

    fn read(path: &Path) -> Result<Self, String> {
        let trouble = |error: Error| format!("cannot read {}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(trouble)?;
        let numbers: Vec<i64> = text.split(' ').filter_map(|n| n.trim().parse().ok()).collect();
        let [tick, freq, raw, boot] = numbers[..] else {
            return Err(trouble(Error::from(ErrorKind::InvalidData)));
        };
        Ok(Self { rate: Rate { tick, freq }, raw, boot })
    }

    /// The millionths in force, and what the clocks have gained since.
    fn tell(&self) -> Result<(), String> {
        let read = || -> Result<(i64, i64), Error> {
            let (raw, boot) = together(Clock::Raw, Clock::Boot)?;
            let gained = boot - self.boot - self.rate.count(raw - self.raw);
            Ok((Rate::now()?.millionths_over(self.rate), gained))
        };
        let (millionths, gained) = read().map_err(|error| format!("the clock: {error}"))?;
        println!("{millionths} {gained}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_named() {
        for (words, told) in [
            (vec!["ahead", "1", "x"], "no whole number: x"),
            (vec!["strobe", "1", "2", "-3"], "no time in seconds: -3"),
            (vec!["stop"], "nothing to be done to a clock: stop"),
        ] {
            assert_eq!(run(&words).err().as_deref(), Some(told));
        }
    }

    #[test]
    fn a_rate_is_kept_once_and_nothing_is_gained_while_it_is_the_same() {
        if Rate::now().is_err() {
            return; // Some containers forbid even to ask.
        }
        let directory = std::env::temp_dir().join(format!("isobar-kept-{}", std::process::id()));
        fs::create_dir_all(&directory).ok();
        let path = directory.join("rate");
        let (Ok(first), Ok(again)) = (Kept::keep(&path), Kept::keep(&path)) else {
            panic!("{} cannot be written", path.display());
        };
        fs::remove_dir_all(&directory).ok();
        assert_eq!((first.rate, first.raw, first.boot), (again.rate, again.raw, again.boot));
        let Ok((raw, boot)) = together(Clock::Raw, Clock::Boot) else { panic!("no clocks") };
        let gained = boot - first.boot - first.rate.count(raw - first.raw);
        assert!(gained.abs() < 1_000_000, "{gained} ns");
        assert!(Kept::read(&path).is_err());
    }
}
