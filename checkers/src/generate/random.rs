//! Numbers at random, the same for the same seed.

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): not for secrets.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// From 0 to `limit` - 1; 0 if `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % limit.max(1)
    }
}
