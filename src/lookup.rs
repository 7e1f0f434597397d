//! What the gate asks an authority where KV has no answer, in JSON.
//!
//! A ledger is asked `{"lookup":{"digest":"<64 hex>"}}`, with `"session":"<id>"`
//! after the digest where it is one of the token's sessions that wants in, and
//! answers `{"record":"<the record's JSON, as text>"}` or `{"record":null}`. A
//! directory is asked `{"settings":{}}` and answers
//! `{"settings":"<their JSON, as text>"}`. A look-up never writes.

use crate::digest::Digest;
use crate::fields::Fields;
use crate::id::Id;
use crate::json::Object;

/// A question to an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// To a ledger: the record of a token.
    Lookup {
        /// The SHA-256 of the token.
        digest: Digest,
        /// The session that wants in; none: the token itself.
        session: Option<Id>,
    },
    /// To a directory: the workspace's settings.
    Settings {},
}

/// An authority's reply, with what was asked: it answers no other question, for
/// a request may ask another one by the time that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The name of the authority.
    pub name: String,
    /// The question, as it was sent.
    pub question: String,
    /// What it found.
    pub found: Found,
}

impl Reply {
    /// Reads name, question and reply, a line each.
    pub fn parse(packed: &str) -> Option<Self> {
        let (name, rest) = packed.split_once('\n')?;
        let (question, found) = rest.split_once('\n')?;
        Some(Self {
            name: name.to_owned(),
            question: question.to_owned(),
            found: Found::parse(found)?,
        })
    }

    /// What was found, if this is what was asked.
    pub fn to(&self, name: &str, question: &Lookup) -> Option<&Found> {
        let asked = self.name == name && self.question == question.to_json();
        asked.then_some(&self.found)
    }
}

/// What an authority found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The ledger's: the record as JSON, or `Some(None)` where it has none.
    pub record: Option<Option<String>>,
    /// The directory's: the settings as JSON.
    pub settings: Option<String>,
}

impl Lookup {
    /// Reads a question, in just the form that [`Lookup::to_json`] gives it;
    /// `None`: it is not one.
    pub fn parse(json: &str) -> Option<Self> {
        if json == SETTINGS {
            return Some(Self::Settings {});
        }
        let inner = json.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
        let (digest, session) = match inner.split_once(BETWEEN) {
            None => (inner, None),
            Some((digest, session)) => (digest, Some(Id::parse(session)?)),
        };
        let digest = Digest::from_hex(digest)?;
        Some(Self::Lookup { digest, session })
    }

    /// The question as JSON.
    pub fn to_json(&self) -> String {
        match self {
            Self::Lookup { digest, session } => {
                let digest = digest.to_hex();
                match session {
                    None => [BEFORE, &digest, AFTER].concat(),
                    Some(id) => [BEFORE, &digest, BETWEEN, id.as_str(), AFTER].concat(),
                }
            }
            Self::Settings {} => SETTINGS.to_owned(),
        }
    }
}

impl Found {
    /// Reads a reply. What is not understood counts as no answer at all.
    pub fn parse(json: &str) -> Option<Self> {
        let mut fields = Fields::of_object(json);
        let found = Self {
            record: match fields.take_literal("record", "null") {
                true => Some(None),
                false => fields.take_text("record", "text").map(Some),
            },
            settings: fields.take_text("settings", "text"),
        };
        let found_any = found.record.is_some() || found.settings.is_some();
        (found_any && !fields.refused()).then_some(found)
    }

    /// The reply as JSON.
    pub fn to_json(&self) -> String {
        let mut json = Object::default();
        if let Some(record) = &self.record {
            json.text_or_null("record", record.as_deref());
        }
        if let Some(settings) = &self.settings {
            json.text("settings", settings);
        }
        json.finish()
    }
}

const BEFORE: &str = "{\"lookup\":{\"digest\":\"";
const BETWEEN: &str = "\",\"session\":\"";
const AFTER: &str = "\"}}";
const SETTINGS: &str = "{\"settings\":{}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_as_documented() {
        let digest = Digest::of("abc");
        let hex = digest.to_hex();
        let id = "0000-01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let of_session = format!("{{\"lookup\":{{\"digest\":\"{hex}\",\"session\":\"{id}\"}}}}");
        let of_token = format!("{{\"lookup\":{{\"digest\":\"{hex}\"}}}}");
        for (json, session) in [(of_token, None), (of_session.clone(), Id::parse(id))] {
            let lookup = Lookup::Lookup { digest, session };
            assert_eq!(lookup.to_json(), json);
            assert_eq!(Lookup::parse(&json), Some(lookup));
        }
        assert_eq!(Lookup::parse(&of_session.replace(id, "x")), None);
        assert_eq!(Lookup::Settings {}.to_json(), "{\"settings\":{}}");
        assert_eq!(Lookup::parse("{\"drop\":{}}"), None);
    }

    #[test]
    fn a_reply_answers_its_own_question_alone() {
        let lookup = |text| Lookup::Lookup {
            digest: Digest::of(text),
            session: None,
        };
        let of_session = Lookup::Lookup {
            digest: Digest::of("a"),
            session: Id::parse("0000-01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        };
        let packed = format!("l/abcd\n{}\n{{\"record\":null}}", lookup("a").to_json());
        let reply = Reply::parse(&packed).unwrap();
        assert!(reply.to("l/abcd", &lookup("a")).is_some());
        assert!(reply.to("l/abcd", &lookup("b")).is_none());
        assert!(reply.to("l/abcd", &of_session).is_none());
        assert!(reply.to("l/abce", &lookup("a")).is_none());
        assert!(reply.to("l/abcd", &Lookup::Settings {}).is_none());
        assert_eq!(Reply::parse("l/abcd"), None);
        assert_eq!(Reply::parse("l/abcd\nx\njunk"), None);
    }

    #[test]
    fn none_found_is_told_apart_from_no_answer() {
        let none = Found {
            record: Some(None),
            settings: None,
        };
        assert_eq!(none.to_json(), "{\"record\":null}");
        assert_eq!(Found::parse("{\"record\":null}"), Some(none));
        for json in ["", "{}", "null", "{\"settings\":null}", "{\"record\":7}"] {
            assert_eq!(Found::parse(json), None, "{json}");
        }
    }
}
