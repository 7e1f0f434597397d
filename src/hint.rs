//! Which ledger knows a user's tokens.

use crate::base62;
use sha2::{Digest as _, Sha256};

/// Four base62 characters that name a ledger (`l/<hint>`).
///
/// They are the first four of base62(SHA-256(`"gatepass-hint-1\0" workspace
/// "\0" uid`)) and stand at the head of each token and id of that user, so a
/// token that no cache knows yet leads straight to its authority. They are not
/// keyed, since they must outlive every key: a hint does not hide whose token
/// it is from somebody who can guess the user id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hint([u8; Hint::LENGTH]);

impl Hint {
    /// How many characters a hint has.
    pub const LENGTH: usize = 4;

    /// The hint of a user in a workspace.
    pub fn of(workspace: &str, uid: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"gatepass-hint-1\0");
        hasher.update(workspace.as_bytes());
        hasher.update(b"\0");
        hasher.update(uid.as_bytes());
        Self::leading(&base62::encode_u256(hasher.finalize().into()))
    }

    /// The hint at the head of base62 text.
    pub(crate) fn leading(text: &str) -> Self {
        Self(text.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// The hint that these bytes are.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_hint = bytes.iter().all(u8::is_ascii_alphanumeric);
        bytes.try_into().ok().filter(|_| is_hint).map(Self)
    }

    /// The four characters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_depends_on_workspace_and_user() {
        let hint = Hint::of("default", "ada");
        assert_eq!(hint.as_str().len(), Hint::LENGTH);
        assert_eq!(hint, Hint::of("default", "ada"));
        assert_ne!(hint, Hint::of("default", "bob"));
        assert_ne!(hint, Hint::of("other", "ada"));
    }

    #[test]
    fn workspace_and_user_are_kept_apart() {
        assert_ne!(Hint::of("ab", "c"), Hint::of("a", "bc"));
    }
}
