//! SHA-256 of a whole token: the only thing that is stored of it.

use crate::hex;
use crate::wire::wire_text;
use core::hash::{Hash, Hasher};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret. As text: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Hash for Digest {
    /// A part of it will do: it is a hash already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl Digest {
    /// Stands for a digest where none could be read, until the whole is refused.
    pub(crate) const BLANK: Self = Self([0; 32]);

    /// Hashes a secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        Self::from_bytes(&hex::decode(text)?)
    }

    /// The digest of these 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// What stands for it in one workspace alone.
    #[must_use]
    pub fn within(mut self, workspace: &str) -> Self {
        for (byte, letter) in self.0.iter_mut().zip(workspace.bytes().cycle()) {
            *byte ^= letter;
        }
        self
    }

    /// Compares in a time that depends on neither value.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

wire_text!(Digest, digest => &digest.to_hex(), Digest::from_hex, Self::BLANK);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_sha_256() {
        assert_eq!(
            Digest::of("abc").to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    proptest! {
        #[test]
        fn hexadecimal_round_trips(bytes: [u8; 32]) {
            let digest = Digest(bytes);
            prop_assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
            prop_assert!(digest.matches(&Digest(bytes)));
        }

        #[test]
        fn only_64_lower_case_digits_are_read(text in "[0-9a-fA-F]{60,68}") {
            let good = text.len() == 64 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
            prop_assert_eq!(Digest::from_hex(&text).is_some(), good);
        }
    }
}
