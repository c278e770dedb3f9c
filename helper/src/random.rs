//! Random numbers, some of which resemble the one before.

use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift64* (Vigna, TOMS 2016): of no use against anybody, but evenly spread.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_seed(now.as_nanos() as u64 ^ u64::from(std::process::id()) << 32)
    }

    pub fn from_seed(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Less than `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Whether it happens to a packet: to `share` of them in the long run, and the more likely to one
/// the more `correlation` there is if it happened to the one before.
pub struct Chance {
    share: f64,
    correlation: f64,
    before: bool,
}

impl Chance {
    pub fn new(share: f64, correlation: f64) -> Self {
        Self { share, correlation, before: false }
    }

    /// A Markov chain of two states whose stationary share is `share`, and whose correlation from
    /// one packet to the next is `correlation`.
    pub fn strikes(&mut self, random: &mut Random) -> bool {
        let Self { share, correlation, before } = *self;
        let given = share + correlation * (if before { 1.0 } else { 0.0 } - share);
        self.before = random.unit() < given;
        self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_keeps_its_share_and_its_correlation() {
        let mut random = Random::from_seed(7);
        for (share, correlation) in [(0.2, 0.0), (0.2, 0.75), (0.9, 0.5), (0.0, 0.9), (1.0, 0.9)] {
            let mut chance = Chance::new(share, correlation);
            let count = 200_000;
            let strikes: Vec<bool> = (0..count).map(|_| chance.strikes(&mut random)).collect();
            let struck = strikes.iter().filter(|struck| **struck).count() as f64;
            assert!((struck / count as f64 - share).abs() < 0.01, "{struck} for {share}");
            let twice = strikes.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64;
            let wanted = share * (share + correlation * (1.0 - share));
            assert!((twice / count as f64 - wanted).abs() < 0.01, "{twice} for {wanted}");
        }
    }
}
