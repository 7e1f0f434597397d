//! What a token may do: scopes, as RFC 6749 §3.3 spells them.

use crate::wire::wire_text;

/// One scope: 1 to 64 characters out of `%x21 / %x23-5B / %x5D-7E`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

impl Scope {
    /// The scope that lets a PAT manage the tokens of its own user.
    pub const TOKENS: &'static str = "tokens";

    /// Reads a scope.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let good = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        good.then(|| Self(text.to_owned()))
    }

    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A set of scopes, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Whether a scope is in the set.
    pub fn contains(&self, scope: &str) -> bool {
        self.0
            .binary_search_by(|held| held.as_str().cmp(scope))
            .is_ok()
    }

    /// Whether every scope of `needed` is in the set.
    pub fn cover(&self, needed: &Self) -> bool {
        needed.0.iter().all(|scope| self.contains(scope.as_str()))
    }

    /// Whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The scopes separated by spaces, as RFC 6750 writes them.
    pub fn joined(&self) -> String {
        let scopes: Vec<_> = self.0.iter().map(Scope::as_str).collect();
        scopes.join(" ")
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        let mut sorted: Vec<Scope> = Vec::with_capacity(scopes.len());
        for scope in scopes {
            if let Err(at) = sorted.binary_search(&scope) {
                sorted.insert(at, scope);
            }
        }
        Self(sorted)
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

wire_text!(Scopes, scopes => &scopes.joined(), |text| {
    let scopes: Option<Vec<_>> = text.split_terminator(' ').map(Scope::parse).collect();
    scopes.map(Self::from)
}, Self::default());

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scopes(names: &[&str]) -> Scopes {
        let scopes: Vec<_> = names
            .iter()
            .map(|name| Scope::parse(name).unwrap())
            .collect();
        scopes.into()
    }

    #[test]
    fn all_needed_scopes_must_be_held() {
        let held = scopes(&["jobs:read", "odata"]);
        assert!(held.cover(&scopes(&["odata"])));
        assert!(held.cover(&scopes(&[])));
        assert!(!held.cover(&scopes(&["odata", "jobs:write"])));
        assert!(!held.cover(&scopes(&["jobs"])));
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        assert_eq!(scopes(&["b", "a", "b"]), scopes(&["a", "b"]));
        assert_eq!(scopes(&["b", "a"]).joined(), "a b");
    }

    proptest! {
        #[test]
        fn a_scope_never_holds_what_would_end_a_quoted_string(text: String) {
            if let Some(scope) = Scope::parse(&text) {
                prop_assert_eq!(scope.as_str(), &text);
                prop_assert!(!text.contains([' ', '"', '\\']) && text.is_ascii());
            }
        }
    }
}
