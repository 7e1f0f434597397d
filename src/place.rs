//! Where an embed lives.

use crate::base32;
use crate::wire::wire_text;
use sha2::{Digest as _, Sha256};

/// The name of a place: 16 lower-case base32 characters.
///
/// They are the first 10 bytes of SHA-256(workspace, user id, app and label,
/// each ended by a NUL but the last). So all tokens for the same four open the
/// same place, and nobody chooses a place's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place(String);

impl Place {
    /// Stands for a place where none could be read, until the whole is refused.
    pub(crate) const BLANK: Self = Self(String::new());

    /// How many bytes a place's name stands for.
    pub const BYTES: usize = base32::BYTES;

    /// The place of a user's embed of an app, under a label.
    pub fn of(workspace: &str, uid: &str, app: &str, label: &str) -> Self {
        let mut hasher = Sha256::new();
        for part in [workspace, uid, app] {
            hasher.update(part.as_bytes());
            hasher.update(b"\0");
        }
        hasher.update(label.as_bytes());
        let hash: [u8; 32] = hasher.finalize().into();
        Self::from_bytes(hash.first_chunk().unwrap_or(&[0; Self::BYTES]))
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        base32::are_digits(text).then(|| Self(text.to_owned()))
    }

    /// The name that these bytes stand for.
    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self(base32::encode(bytes))
    }

    /// The bytes that the name stands for.
    pub(crate) fn to_bytes(&self) -> [u8; Self::BYTES] {
        base32::decode(&self.0).unwrap_or_default()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the cookie that holds its session.
    pub fn cookie(&self) -> String {
        [COOKIE_PREFIX, &self.0].concat()
    }
}

/// What the names of session cookies begin with.
pub const COOKIE_PREFIX: &str = "__Host-gp-";

wire_text!(Place, place => place.as_str(), Place::parse, Self::BLANK);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_name_follows_from_the_four_parts_as_documented() {
        // printf 'default\0ada@example.com\0jobs\0' | sha256sum | cut -c-20 | xxd -r -p | base32
        let place = Place::of("default", "ada@example.com", "jobs", "");
        assert_eq!(place.as_str(), "3ngivpzmgdsbnflo");
        assert_eq!(place.cookie(), format!("__Host-gp-{}", place.as_str()));
    }

    #[test]
    fn a_part_cannot_be_moved_into_its_neighbour() {
        let one = Place::of("w", "ab", "c", "");
        assert_ne!(one, Place::of("w", "a", "bc", ""));
        assert_ne!(one, Place::of("w", "ab", "", "c"));
        assert_ne!(one, Place::of("wa", "b", "c", ""));
    }

    #[test]
    fn only_sixteen_base32_characters_name_a_place() {
        assert!(Place::parse("abcdefghijklm234").is_some());
        for text in [
            "",
            "abcdefghijklm23",
            "abcdefghijklm2345",
            "ABCDEFGHIJKLM234",
            "abcdefghijklm231",
            "abcdefghijkl.234",
            "abcdefghijkl%234",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn names_and_bytes_round_trip(bytes: [u8; Place::BYTES], uid: String, label: String) {
            let place = Place::from_bytes(&bytes);
            prop_assert_eq!(place.to_bytes(), bytes);
            prop_assert_eq!(Place::parse(place.as_str()), Some(place));
            let place = Place::of("default", &uid, "jobs", &label);
            prop_assert_eq!(Place::parse(place.as_str()), Some(place));
        }
    }
}
