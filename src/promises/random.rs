//! Chance, the same for the same seed (SplitMix64).

pub(super) struct Random(pub(super) u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number up to `most`; one time in three that itself, or none.
    pub(super) const fn edged(&mut self, most: u64) -> u64 {
        match self.below(6) {
            0 => 0,
            1 => most,
            _ => self.below(most + 1),
        }
    }

    /// So many bytes.
    pub(super) fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        core::array::from_fn(|_| self.next().to_le_bytes()[0])
    }
}
