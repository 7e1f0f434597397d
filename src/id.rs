//! Names of tokens and sessions: `<hint>-<ULID>`.

use crate::hint::Hint;
use crate::time::Time;
use crate::wire::wire_text;
use ulid::Ulid;

/// The public name of a token or a session. It carries the hint, so it names
/// its ledger too, and a ULID, so later ids sort after earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id(String);

impl Id {
    /// Stands for an id where none could be read, until the whole is refused.
    pub(crate) const BLANK: Self = Self(String::new());

    /// A new id from the time (Unix milliseconds) and 16 bytes of entropy, of
    /// which 80 bits are used.
    pub fn generate(hint: &Hint, now_ms: u64, entropy: [u8; 16]) -> Self {
        let ulid = Ulid::from_parts(now_ms, u128::from_be_bytes(entropy));
        Self::of(*hint, ulid)
    }

    /// Reads an id in its one canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (hint, ulid) = text.split_at_checked(Hint::LENGTH)?;
        let ulid = ulid.strip_prefix('-')?;
        let canonical = Ulid::from_string(ulid).ok()?.to_string() == ulid;
        let known = hint.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (canonical && known).then(|| Self(text.to_owned()))
    }

    /// Reads the hint's four characters and the ULID's 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hint, ulid) = bytes.split_at_checked(Hint::LENGTH)?;
        let hint = Hint::from_bytes(hint)?;
        let ulid = Ulid::from_bytes(ulid.try_into().ok()?);
        Some(Self::of(hint, ulid))
    }

    fn of(hint: Hint, ulid: Ulid) -> Self {
        let mut digits = [0; ulid::ULID_LEN];
        Self([hint.as_str(), "-", ulid.array_to_str(&mut digits)].concat())
    }

    /// The hint's four characters and the ULID's 16 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let hint = self.hint();
        [hint.as_str().as_bytes(), &self.ulid().to_bytes()].concat()
    }

    /// When it was made.
    pub fn time(&self) -> Time {
        Time::from_millis(self.ulid().timestamp_ms())
    }

    fn ulid(&self) -> Ulid {
        let (_hint, ulid) = self.0.split_once('-').unwrap_or_default();
        Ulid::from_string(ulid).unwrap_or_default()
    }

    /// Names the ledger that holds it.
    pub fn hint(&self) -> Hint {
        Hint::leading(&self.0)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

wire_text!(Id, id => id.as_str(), Id::parse, Self::BLANK);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_round_trip_and_name_their_ledger(now_ms in 0u64..(1 << 48), entropy: [u8; 16]) {
            let hint = Hint::of("default", "ada");
            let id = Id::generate(&hint, now_ms, entropy);
            prop_assert_eq!(Id::parse(id.as_str()), Some(id.clone()));
            prop_assert_eq!(id.hint(), hint);
            prop_assert_eq!(id.time(), Time::from_millis(now_ms));
            prop_assert_eq!(Id::from_bytes(&id.to_bytes()), Some(id));
        }

        #[test]
        fn only_the_canonical_spelling_is_read(text in "[0-9A-Za-z]{4}-[0-9A-Za-z]{24,28}") {
            let parsed = Id::parse(&text);
            prop_assert!(parsed.is_none_or(|id| id.as_str() == text));
            prop_assert!(Id::parse(&text.to_lowercase()).is_none() || text.to_lowercase() == text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Id::parse(&text);
            let _ = Id::from_bytes(text.as_bytes());
        }
    }
}
