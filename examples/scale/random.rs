//! Numbers that look random and are the same for the same seed.

/// SplitMix64: small, quick, and good enough to draw arrival times from.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a part of a run: parts draw apart, in whatever order they are run.
    pub const fn of(seed: u64, part: u64) -> Self {
        let mut random = Self(seed ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly from `0..count`.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(whole(self.unit() * count as f64)).unwrap_or_default()
    }

    /// The time until the next of events that come independently, so many on average.
    pub fn wait(&mut self, mean: f64) -> u64 {
        whole(-mean * (1.0 - self.unit()).ln())
    }

    /// A time, evenly below the most.
    pub fn wait_within(&mut self, most: u64) -> u64 {
        whole(self.unit() * most as f64)
    }

    /// Sixty-four bytes.
    pub fn bytes(&mut self) -> [u8; 64] {
        let mut bytes = [0; 64];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        bytes
    }
}

/// A number that is not negative, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates"
)]
pub const fn whole(number: f64) -> u64 {
    number as u64
}
