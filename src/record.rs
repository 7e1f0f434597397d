//! What KV holds under a digest: whose token it is, what it may do, until when.

use crate::address::{self, AllowedIps};
use crate::fields::Fields;
use crate::id::Id;
use crate::scope::{Scope, Scopes};
use crate::time::{DAY, Time};
use crate::token::Kind;
use serde::Serialize;
use serde_json::value::RawValue;

/// The state of a token. Expiry is not a state: it comes with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    /// It opens the gate.
    #[serde(rename = "a")]
    Active,
    /// It opens nothing until it is enabled again; its sessions are suspended.
    #[serde(rename = "d")]
    Disabled,
    /// A single-use token that was redeemed, or one that was replaced: it opens
    /// nothing, but the sessions that it opened live on.
    #[serde(rename = "u")]
    Used,
    /// It is over, and so is all that came of it.
    #[serde(rename = "r")]
    Revoked,
}

impl State {
    fn from_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "a" => Self::Active,
            "d" => Self::Disabled,
            "u" => Self::Used,
            "r" => Self::Revoked,
            _ => return None,
        })
    }
}

/// A token as the gate knows it: the value of `t/<digest>`, compact JSON.
///
/// It never holds anything from which the token could be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    v: u64,
    /// Rises with every change; a lower one than has been seen is never accepted.
    pub rev: u64,
    /// The token's public name.
    pub id: Id,
    /// The workspace.
    #[serde(rename = "ws")]
    pub workspace: String,
    /// The user's id.
    pub uid: String,
    /// The user's e-mail address.
    #[serde(rename = "em", skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// What the token is for.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// The name its owner gave it.
    #[serde(rename = "n")]
    pub name: String,
    /// What it may do.
    #[serde(rename = "sc", skip_serializing_if = "Scopes::is_empty")]
    pub scopes: Scopes,
    /// The apps it may open; `*` for all of the workspace.
    #[serde(rename = "ap", skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// The addresses it may be used from.
    #[serde(rename = "ip", skip_serializing_if = "AllowedIps::is_empty")]
    pub allowed_ips: AllowedIps,
    /// Whether the ledger is asked at each use.
    #[serde(skip_serializing_if = "is_false")]
    pub strict: bool,
    /// Its state.
    #[serde(rename = "st")]
    pub state: State,
    /// When it was created.
    #[serde(rename = "c")]
    pub created: Time,
    /// When it expires; absent: never.
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
}

/// The facts that make a new PAT's record; the rest has its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPat {
    /// The token's public name.
    pub id: Id,
    /// The workspace.
    pub workspace: String,
    /// The user's id.
    pub uid: String,
    /// The user's e-mail address.
    pub email: String,
    /// The name its owner gave it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The apps it may open.
    pub apps: Vec<String>,
    /// The addresses it may be used from.
    pub allowed_ips: AllowedIps,
    /// Whether the ledger is asked at each use.
    pub strict: bool,
    /// When it is created.
    pub created: Time,
    /// When it expires; `None`: never.
    pub expires: Option<Time>,
}

impl Record {
    /// The record of a new, active PAT.
    pub fn new_pat(pat: NewPat) -> Self {
        Self {
            v: VERSION,
            rev: 1,
            id: pat.id,
            workspace: pat.workspace,
            uid: pat.uid,
            email: pat.email,
            kind: Kind::Pat,
            name: pat.name,
            scopes: pat.scopes,
            apps: pat.apps,
            allowed_ips: pat.allowed_ips,
            strict: pat.strict,
            state: State::Active,
            created: pat.created,
            expires: pat.expires,
        }
    }

    /// Reads a stored value. An unknown version, an unknown field or a value of
    /// the wrong type is an error: the gate stays shut on what it does not
    /// understand.
    pub fn parse(json: &str) -> Result<Self, MalformedRecord> {
        Self::read(json).ok_or(MalformedRecord)
    }

    fn read(json: &str) -> Option<Self> {
        let mut fields = Fields::of_object(json).ok()?;
        let record = Self {
            v: fields.stored_number("v").filter(|v| *v == VERSION)?,
            rev: fields.stored_number("rev")?,
            id: Id::parse(&fields.stored_text("id")?)?,
            workspace: fields.stored_text("ws")?,
            uid: fields.stored_text("uid")?,
            email: fields.stored_text_or_empty("em")?,
            kind: Kind::from_letter(&fields.stored_text("k")?)?,
            name: fields.stored_text("n")?,
            scopes: fields
                .stored_list("sc")?
                .iter()
                .map(|text| Scope::parse(text))
                .collect::<Option<Vec<_>>>()?
                .into(),
            apps: fields.stored_list("ap")?,
            allowed_ips: fields
                .stored_list("ip")?
                .iter()
                .map(|text| address::parse_block(text))
                .collect::<Option<_>>()?,
            strict: match fields.take_raw("strict").map(RawValue::get) {
                None => false,
                Some("true") => true,
                Some(_) => return None,
            },
            state: State::from_letter(&fields.stored_text("st")?)?,
            created: Time::from_seconds(fields.stored_number("c")?),
            expires: match fields.take_raw("x") {
                None => None,
                Some(raw) => Some(Time::from_seconds(raw.get().parse().ok()?)),
            },
        };
        fields.names().next().is_none().then_some(record)
    }

    /// The compact JSON to store.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether its time is over.
    pub fn expired(&self, now: Time) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// When KV may forget it: a day after its expiry; `None`: never. KV refuses
    /// less than 60 seconds ahead.
    pub fn kv_expiration(&self, now: Time) -> Option<Time> {
        let end = self.expires?.plus(DAY);
        Some(end.max(now.plus(120)))
    }
}

/// A record inside a message that is not JSON: as its JSON text, since the
/// members that are left out there would be missed in a format without names.
pub mod as_json {
    use super::Record;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes the text.
    pub fn serialize<S: Serializer>(record: &Record, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&record.to_json())
    }

    /// Reads the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Record, D::Error> {
        let json = String::deserialize(from)?;
        Record::parse(&json).map_err(de::Error::custom)
    }
}

/// The stored value is not a record that this version understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedRecord;

impl core::fmt::Display for MalformedRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("record is malformed")
    }
}

impl std::error::Error for MalformedRecord {}

const VERSION: u64 = 1;

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde asks for"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::scope::Scope;
    use proptest::prelude::*;

    fn record(expires: Option<u64>) -> Record {
        Record::new_pat(NewPat {
            id: Id::generate(&Hint::of("default", "ada"), 1_700_000_000_000, [7; 16]),
            workspace: "default".to_owned(),
            uid: "ada".to_owned(),
            email: "ada@example.com".to_owned(),
            name: "Power BI".to_owned(),
            scopes: vec![Scope::parse("odata").unwrap()].into(),
            apps: Vec::new(),
            allowed_ips: AllowedIps::default(),
            strict: false,
            created: Time::from_seconds(1_700_000_000),
            expires: expires.map(Time::from_seconds),
        })
    }

    #[test]
    fn the_stored_form_is_compact_and_stays_as_documented() {
        let json = record(Some(1_702_592_000)).to_json();
        assert_eq!(
            json,
            format!(
                "{{\"v\":1,\"rev\":1,\"id\":\"{}\",\"ws\":\"default\",\"uid\":\"ada\",\
                 \"em\":\"ada@example.com\",\"k\":\"p\",\"n\":\"Power BI\",\"sc\":[\"odata\"],\
                 \"st\":\"a\",\"c\":1700000000,\"x\":1702592000}}",
                record(None).id.as_str()
            )
        );
    }

    #[test]
    fn an_unknown_version_or_field_is_refused() {
        let json = record(None).to_json();
        assert!(Record::parse(&json).is_ok());
        assert!(Record::parse(&json.replacen("\"v\":1", "\"v\":2", 1)).is_err());
        assert!(Record::parse(&json.replacen('{', "{\"surprise\":1,", 1)).is_err());
        assert!(Record::parse(&json.replacen("\"st\":\"a\"", "\"st\":\"z\"", 1)).is_err());
        assert!(Record::parse(&json.replacen('{', "{\"st\":\"a\",", 1)).is_err());
    }

    #[test]
    fn expiry_is_the_first_moment_that_it_no_longer_works() {
        let record = record(Some(100));
        assert!(!record.expired(Time::from_seconds(99)));
        assert!(record.expired(Time::from_seconds(100)));
    }

    #[test]
    fn kv_keeps_a_record_a_day_past_its_end_and_never_under_a_minute() {
        let now = Time::from_seconds(1_000_000);
        assert_eq!(record(None).kv_expiration(now), None);
        let soon = record(Some(1_000_060)).kv_expiration(now).unwrap();
        assert_eq!(soon.seconds(), 1_000_060 + 86_400);
        let long_ago = record(Some(1)).kv_expiration(now).unwrap();
        assert!(long_ago.since(now) >= 60);
    }

    proptest! {
        #[test]
        fn records_round_trip(name: String, uid: String, email: String, rev: u64, strict: bool) {
            let mut record = record(Some(rev));
            record.name = name;
            record.uid = uid;
            record.email = email;
            record.rev = rev;
            record.strict = strict;
            prop_assert_eq!(Record::parse(&record.to_json()), Ok(record));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Record::parse(&text);
        }

        #[test]
        fn a_damaged_record_is_never_read_as_another_state(at in 0usize..180, byte in 0u8..128) {
            let json = record(None).to_json();
            let mut bytes = json.clone().into_bytes();
            prop_assume!(at < bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Record::parse(&String::from_utf8(bytes).unwrap()) {
                let state_changed = read.state != State::Active;
                prop_assert!(!state_changed || json[..at].ends_with("\"st\":\""));
            }
        }
    }
}
