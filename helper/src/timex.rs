//! The kernel's clocks, and the rate at which they run: the system calls, declared by hand.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_long};
use std::io::Error;

/// Which clock is read.
#[derive(Clone, Copy)]
pub enum Clock {
    /// The time of day, since 1970.
    Real = 0,
    /// Since boot, as the hardware counts: nobody sets it, or makes it run faster.
    Raw = 4,
    /// Since boot, at the rate that the kernel was told.
    Boot = 7,
}

const CLOCK_REALTIME: c_int = 0;
const ADJ_FREQUENCY: u32 = 0x0002;
const ADJ_SETOFFSET: u32 = 0x0100;
const ADJ_TICK: u32 = 0x4000;
/// `USER_HZ`, of which the kernel's interface counts ticks.
const TICKS_PER_S: i64 = 100;

#[repr(C)]
#[derive(Default)]
struct Time {
    s: c_long,
    /// Nanoseconds, or microseconds, as who reads it says.
    part: c_long,
}

/// `struct timex` of include/uapi/linux/timex.h, where a `long` has 64 bits.
#[repr(C)]
#[derive(Default)]
struct Timex {
    modes: u32,
    offset: c_long,
    freq: c_long,
    maxerror: c_long,
    esterror: c_long,
    status: c_int,
    constant: c_long,
    precision: c_long,
    tolerance: c_long,
    time: Time,
    tick: c_long,
    ppsfreq: c_long,
    jitter: c_long,
    shift: c_int,
    stabil: c_long,
    counts: [c_long; 4],
    tai: c_int,
    pad: [c_int; 11],
}

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    fn clock_adjtime(clock: c_int, change: *mut Timex) -> c_int;
}

/// In nanoseconds.
pub fn time_of(clock: Clock) -> Result<i64, Error> {
    let mut time = Time::default();
    // SAFETY: the kernel writes one time, which lives until the call returns.
    match unsafe { clock_gettime(clock as c_int, &mut time) } {
        0 => Ok(time.s * 1_000_000_000 + time.part),
        _ => Err(Error::last_os_error()),
    }
}

/// Moves the time of day, to the microsecond: by so much, however late the kernel gets to it.
pub fn move_by(ns: i64) -> Result<(), Error> {
    let us = (ns + ns.signum() * 500) / 1000;
    let time = Time { s: us.div_euclid(1_000_000), part: us.rem_euclid(1_000_000) };
    adjust(Timex { modes: ADJ_SETOFFSET, time, ..Timex::default() }).map(drop)
}

/// How fast the kernel's clocks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Microseconds that a tick counts for: 10000 when it is not changed.
    pub tick: i64,
    /// What they gain besides, in units of 2^-16 millionths.
    pub freq: i64,
}

/// A millionth, in the kernel's units.
const PPM: i64 = 1 << 16;
/// What a microsecond more per tick makes, in those units.
const TICK: i64 = TICKS_PER_S * PPM;
/// The kernel takes no more than ± 500 millionths, and a tenth of a tick.
const FREQ_MAX: i64 = 500 * PPM;
const TICK_MAX: i64 = 1000;

impl Rate {
    pub fn now() -> Result<Self, Error> {
        let Timex { tick, freq, .. } = adjust(Timex::default())?;
        Ok(Self { tick, freq })
    }

    pub fn set(self) -> Result<(), Error> {
        let modes = ADJ_TICK | ADJ_FREQUENCY;
        adjust(Timex { modes, tick: self.tick, freq: self.freq, ..Timex::default() }).map(drop)
    }

    /// What it gains on the hardware's count, in the kernel's units.
    fn gain(self) -> i64 {
        (self.tick - 1_000_000 / TICKS_PER_S) * TICK + self.freq
    }

    /// Faster by so many millionths; `None` where the kernel does not go so far.
    pub fn faster_by(self, millionths: i64) -> Option<Self> {
        let wanted = self.gain() + millionths * PPM;
        let ticks = (wanted as f64 / TICK as f64).round() as i64;
        let ticks = ticks.clamp(-TICK_MAX, TICK_MAX);
        let freq = wanted - ticks * TICK;
        let tick = 1_000_000 / TICKS_PER_S + ticks;
        (freq.abs() <= FREQ_MAX).then_some(Self { tick, freq })
    }

    /// By how many millionths it is faster than `other`.
    pub fn millionths_over(self, other: Self) -> i64 {
        let more = self.gain() - other.gain();
        (more + more.signum() * PPM / 2) / PPM
    }

    /// How far a clock of this rate gets while the hardware counts `raw_ns`.
    pub fn count(self, raw_ns: i64) -> i64 {
        let gained = i128::from(raw_ns) * i128::from(self.gain()) / i128::from(PPM * 1_000_000);
        raw_ns + gained as i64
    }
}

fn adjust(mut change: Timex) -> Result<Timex, Error> {
    // SAFETY: the kernel reads and writes one timex, which lives until the call returns.
    match unsafe { clock_adjtime(CLOCK_REALTIME, &mut change) } {
        -1 => Err(Error::last_os_error()),
        // The state of leap seconds.
        _ => Ok(change),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Rate = Rate { tick: 10_000, freq: 0 };

    #[test]
    fn a_rate_is_told_in_ticks_and_millionths() {
        assert_eq!(USUAL.faster_by(100_000), Some(Rate { tick: 11_000, freq: 0 }));
        assert_eq!(USUAL.faster_by(-100_000), Some(Rate { tick: 9_000, freq: 0 }));
        assert_eq!(USUAL.faster_by(30), Some(Rate { tick: 10_000, freq: 30 * PPM }));
        assert_eq!(USUAL.faster_by(180), Some(Rate { tick: 10_002, freq: -20 * PPM }));
        assert_eq!(USUAL.faster_by(100_501), None);
        // What a clock was corrected by before stays on top.
        let corrected = Rate { tick: 10_000, freq: -17 * PPM };
        assert_eq!(corrected.faster_by(-100_000), Some(Rate { tick: 9_000, freq: -17 * PPM }));
        for millionths in [-100_000, -12_345, -1, 0, 1, 777, 100_000] {
            let rate = corrected.faster_by(millionths).map(|rate| rate.millionths_over(corrected));
            assert_eq!(rate, Some(millionths));
        }
    }

    #[test]
    fn a_faster_clock_counts_further() {
        let faster = Rate { tick: 11_000, freq: 0 };
        assert_eq!(faster.count(10_000_000_000), 11_000_000_000);
        let hour = 3_600_000_000_000;
        assert_eq!(Rate { tick: 10_000, freq: -20 * PPM }.count(hour), hour - 72_000_000);
        assert_eq!(USUAL.count(-5), -5);
    }

    #[test]
    fn this_machines_clocks_are_read_and_left_alone() {
        let Ok(rate) = Rate::now() else { return };
        assert!((9_000..=11_000).contains(&rate.tick) && rate.freq.abs() <= FREQ_MAX, "{rate:?}");
        assert_eq!(rate.faster_by(0).map(|same| same.millionths_over(rate)), Some(0));
        let times = [Clock::Real, Clock::Raw, Clock::Boot].map(|clock| time_of(clock).ok());
        assert!(times.iter().all(|time| time.is_some_and(|ns| ns > 0)), "{times:?}");
    }
}
