//! Lists of tokens: what is asked for, and how a page leads to the next.

use crate::audit::Selection;
use crate::entry::{Entry, Shown};
use crate::id::Id;
use crate::time::Time;
use crate::token::Kind;
use crate::wire::{self, Message, wire_struct};

/// What the query of a list asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Which tokens.
    pub filter: Filter,
    /// Which events.
    pub selection: Selection,
    /// Whose: a user's id or e-mail address; absent: everybody's.
    pub user: Option<String>,
    /// How many at most.
    pub limit: u8,
    /// Where the page begins; absent: at the newest.
    pub cursor: Option<Cursor>,
    /// The query without the cursor, for the address of the next page.
    pub query: String,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            selection: Selection::default(),
            user: None,
            limit: 50,
            cursor: None,
            query: String::new(),
        }
    }
}

/// Which tokens a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those in this state.
    pub state: Option<Shown>,
    /// Those with this text in the name or the description, in any case.
    pub search: Option<String>,
    /// Those of this kind.
    pub kind: Option<Kind>,
}

impl Filter {
    /// Whether a list shows a token; `lower` is [`Tokens::lower`](crate::ledger::Tokens::lower).
    pub fn admits(&self, entry: &Entry, now: Time, lower: fn(&str) -> String) -> bool {
        let found = |search: &String| {
            let search = lower(search);
            [&entry.record.name, &entry.description]
                .iter()
                .any(|text| lower(text).contains(&search))
        };
        self.state.is_none_or(|state| entry.shown(now) == state)
            && self.kind.is_none_or(|kind| entry.record.kind() == kind)
            && self.search.as_ref().is_none_or(found)
    }
}

/// Where the next page begins. Opaque to clients ([`crate::wire`]). It grants
/// nothing, so it need not be signed: who asks is checked for each page anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The user in whose tokens the page begins.
    pub uid: String,
    /// It begins after this token; absent: after the user.
    pub before: Option<Id>,
}

wire_struct!(Filter {
    state,
    search,
    kind
});
wire_struct!(Cursor { uid, before });

impl Message for Cursor {
    const LETTER: char = 'c';
}

impl Cursor {
    /// Reads a cursor.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 2048 {
            return None;
        }
        wire::read(text)
    }

    /// The cursor as a client gets it.
    pub fn encode(&self) -> String {
        wire::write(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::{NOW, entry, minted};
    use proptest::prelude::*;

    #[test]
    fn a_filter_looks_at_name_description_state_and_kind() {
        let mut entry = entry("ada", 1);
        entry.record.name = "Größe".to_owned();
        entry.description = "for Power BI".to_owned();
        let search = |text: &str| Filter {
            search: Some(text.to_owned()),
            ..Filter::default()
        };
        assert!(Filter::default().admits(&entry, NOW, str::to_lowercase));
        assert!(
            search("grö").admits(&entry, NOW, str::to_lowercase)
                && search("RÖßE").admits(&entry, NOW, str::to_lowercase)
                || search("Größe").admits(&entry, NOW, str::to_lowercase)
        );
        assert!(search("power bi").admits(&entry, NOW, str::to_lowercase));
        assert!(!search("excel").admits(&entry, NOW, str::to_lowercase));
        let state = |state| Filter {
            state: Some(state),
            ..Filter::default()
        };
        assert!(state(Shown::Active).admits(&entry, NOW, str::to_lowercase));
        assert!(!state(Shown::Expired).admits(&entry, NOW, str::to_lowercase));
        assert!(state(Shown::Expired).admits(&entry, NOW.plus(31 * 86_400), str::to_lowercase));
        let kind = |kind| Filter {
            kind: Some(kind),
            ..Filter::default()
        };
        assert!(
            kind(Kind::Pat).admits(&entry, NOW, str::to_lowercase)
                && !kind(Kind::Embed).admits(&entry, NOW, str::to_lowercase)
        );
    }

    #[test]
    fn what_is_no_cursor_is_not_read_as_one() {
        for text in [
            "",
            "x",
            "e30",
            "bnVsbA",
            "eyJ1IjoiYSIsIngiOjF9",
            "eyJ1IjoiYSIsImIiOiJ4In0",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn cursors_round_trip(uid: String, within: bool) {
            let before = within.then(|| minted("ada", 1).id);
            let cursor = Cursor { uid, before };
            prop_assert_eq!(Cursor::parse(&cursor.encode()), (cursor.encode().len() <= 2048).then_some(cursor));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Cursor::parse(&text);
        }
    }
}
