//! What is done to packets, as it is told on the command line, and decided for each.
//!
//! ```text
//! delay TIME_US JITTER_US CORRELATION uniform|normal|pareto|paretonormal
//! reorder SHARE CORRELATION TIME_US
//! loss SHARE CORRELATION
//! duplicate SHARE CORRELATION
//! corrupt SHARE CORRELATION
//! silent-corrupt SHARE CORRELATION
//! ```

use std::time::Duration;

use super::random::{Chance, Random};

pub enum Disturbance {
    Delay(Delay),
    /// Those that it strikes are sent at once, the others so much later.
    Reorder(Chance, Duration),
    Loss(Chance),
    Duplicate(Chance),
    /// A bit is wrong; checksums tell, unless it is `silent`.
    Corrupt {
        chance: Chance,
        silent: bool,
    },
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    Later(Duration),
    Lost,
    Doubled,
    Corrupted { silently: bool },
}

impl Disturbance {
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let time = |word: &str| {
            let time = word.parse().map(Duration::from_micros);
            time.map_err(|_| format!("no time in microseconds: {word}"))
        };
        let share = |word: &str| {
            let share = word.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
            share.ok_or_else(|| format!("no share from 0 to 1: {word}"))
        };
        let chance = |of: &str, correlation: &str| -> Result<Chance, String> {
            Ok(Chance::new(share(of)?, share(correlation)?))
        };
        Ok(match *words {
            ["delay", mean, jitter, correlation, spread] => Self::Delay(Delay {
                mean: time(mean)?,
                jitter: time(jitter)?,
                correlation: share(correlation)?,
                spread: Spread::parse(spread)?,
                last: 0.5,
            }),
            ["reorder", of, correlation, later] => {
                Self::Reorder(chance(of, correlation)?, time(later)?)
            }
            ["loss", of, correlation] => Self::Loss(chance(of, correlation)?),
            ["duplicate", of, correlation] => Self::Duplicate(chance(of, correlation)?),
            ["corrupt", of, correlation] => {
                Self::Corrupt { chance: chance(of, correlation)?, silent: false }
            }
            ["silent-corrupt", of, correlation] => {
                Self::Corrupt { chance: chance(of, correlation)?, silent: true }
            }
            _ => return Err(format!("no disturbance: {}", words.join(" "))),
        })
    }

    pub fn fate(&mut self, random: &mut Random) -> Fate {
        let (chance, struck, spared) = match self {
            Self::Delay(delay) => return Fate::Later(delay.draw(random)),
            Self::Reorder(chance, later) => (chance, Fate::Pass, Fate::Later(*later)),
            Self::Loss(chance) => (chance, Fate::Lost, Fate::Pass),
            Self::Duplicate(chance) => (chance, Fate::Doubled, Fate::Pass),
            Self::Corrupt { chance, silent } => {
                (chance, Fate::Corrupted { silently: *silent }, Fate::Pass)
            }
        };
        if chance.strikes(random) { struck } else { spared }
    }

    /// Whether copies are to be sent.
    pub fn doubles(&self) -> bool {
        matches!(self, Self::Duplicate(_))
    }

    /// Whether packets are to be seen, not only their numbers.
    pub fn reads(&self) -> bool {
        matches!(self, Self::Corrupt { .. }) || self.doubles()
    }
}

pub struct Delay {
    mean: Duration,
    jitter: Duration,
    correlation: f64,
    spread: Spread,
    /// What was drawn for the packet before, in [0, 1).
    last: f64,
}

impl Delay {
    /// As netem draws it (net/sched/sch_netem.c, `get_crandom` and `tabledist`).
    fn draw(&mut self, random: &mut Random) -> Duration {
        self.last = random.unit() * (1.0 - self.correlation) + self.last * self.correlation;
        let more = self.jitter.as_secs_f64() * self.spread.deviation(self.last);
        Duration::from_secs_f64((self.mean.as_secs_f64() + more).max(0.0))
    }
}

/// How delays are spread around their mean, in units of the jitter.
#[derive(Clone, Copy)]
enum Spread {
    Uniform,
    Normal,
    Pareto,
    Paretonormal,
}

impl Spread {
    fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "uniform" => Self::Uniform,
            "normal" => Self::Normal,
            "pareto" => Self::Pareto,
            "paretonormal" => Self::Paretonormal,
            _ => return Err(format!("no distribution: {word}")),
        })
    }

    /// The quantile at `unit`. Those of iproute2's tables (netem/pareto.c, paretonormal.c) reach no
    /// further than four.
    fn deviation(self, unit: f64) -> f64 {
        let pareto = |unit: f64| ((1.0 - unit).powf(-1.0 / 3.0) - 1.5) * 4.0 / 3.0;
        let of_all = match self {
            Self::Uniform => 2.0 * unit - 1.0,
            Self::Normal => normal(unit),
            Self::Pareto => pareto(unit),
            Self::Paretonormal => 0.25 * normal(unit) + 0.75 * pareto(unit),
        };
        of_all.clamp(-4.0, 4.0)
    }
}

/// The quantile of the normal distribution, right to 0.00045 (Abramowitz and Stegun 26.2.23).
fn normal(unit: f64) -> f64 {
    let tail = unit.min(1.0 - unit).max(1e-9);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515517 + t * (0.802853 + t * 0.010328);
    let below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    let from_mean = t - above / below;
    if unit < 0.5 { -from_mean } else { from_mean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(words: &[&str]) -> Vec<f64> {
        let Ok(mut disturbance) = Disturbance::parse(words) else { panic!("{words:?}") };
        let mut random = Random::from_seed(3);
        let fate = |_| match disturbance.fate(&mut random) {
            Fate::Later(later) => later.as_secs_f64() * 1000.0,
            fate => panic!("{fate:?}"),
        };
        (0..100_000).map(fate).collect()
    }

    fn mean_and_deviation(delays: &[f64]) -> (f64, f64) {
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        let squares: f64 = delays.iter().map(|delay| (delay - mean).powi(2)).sum();
        (mean, (squares / delays.len() as f64).sqrt())
    }

    #[test]
    fn delays_are_spread_as_they_are_told() {
        assert!(delays(&["delay", "50000", "0", "0.25", "uniform"]).iter().all(|ms| *ms == 50.0));
        let even = delays(&["delay", "50000", "10000", "0", "uniform"]);
        assert!(even.iter().all(|ms| (40.0..=60.0).contains(ms)));
        let (mean, deviation) = mean_and_deviation(&even);
        assert!((mean - 50.0).abs() < 0.1 && (deviation - 10.0 / 3_f64.sqrt()).abs() < 0.1);
        for spread in ["normal", "pareto", "paretonormal"] {
            let (mean, deviation) =
                mean_and_deviation(&delays(&["delay", "50000", "10000", "0", spread]));
            assert!((mean - 50.0).abs() < 1.0, "{spread}: {mean}");
            assert!((5.0..11.0).contains(&deviation), "{spread}: {deviation}");
        }
        let short = delays(&["delay", "1000", "10000", "0", "uniform"]);
        assert!(short.contains(&0.0) && short.iter().all(|ms| *ms <= 11.0));
    }

    #[test]
    fn delays_resemble_the_one_before_as_much_as_they_are_told() {
        let likeness = |correlation: &str| {
            let delays = delays(&["delay", "50000", "10000", correlation, "uniform"]);
            let (mean, deviation) = mean_and_deviation(&delays);
            let product = |pair: &[f64]| (pair[0] - mean) * (pair[1] - mean);
            let sum: f64 = delays.windows(2).map(product).sum();
            sum / delays.len() as f64 / deviation.powi(2)
        };
        assert!(likeness("0").abs() < 0.02 && (likeness("0.75") - 0.75).abs() < 0.02);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (words, told) in [
            (vec!["delay", "x", "0", "0", "uniform"], "no time in microseconds: x"),
            (vec!["loss", "1.5", "0"], "no share from 0 to 1: 1.5"),
            (vec!["delay", "1", "0", "0", "even"], "no distribution: even"),
            (vec!["explode"], "no disturbance: explode"),
        ] {
            assert_eq!(Disturbance::parse(&words).err().as_deref(), Some(told));
        }
    }
}
