//! The stream of random numbers from which a workload draws.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// ChaCha8 under the 32-byte key `seed` (8 bytes, little-endian), 8 zero bytes, and the stream's
/// name of at most 16 bytes, filled up with zeros: streams of one seed are apart.
///
/// Spelt out here, since the sampling of the rand crate may change from one release to the next.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub fn new(seed: u64, stream: &str) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (place, byte) in key[16..].iter_mut().zip(stream.bytes()) {
            *place = byte;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number below `n`, from one word.
    pub fn below(&mut self, n: u32) -> u32 {
        pick(self.word(), n)
    }
}

/// The number below `n` which `word` picks, w · n >> 32: uniform to within n / 2^32.
pub(crate) fn pick(word: u32, n: u32) -> u32 {
    ((u64::from(word) * u64::from(n)) >> 32) as u32
}
