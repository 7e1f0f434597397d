//! What KV holds under a digest: whose token it is, what it may do, until when.

use crate::address::{self, AllowedIps};
use crate::fields::Fields;
use crate::id::Id;
use crate::json::{self, Object};
use crate::raw::{self, Raw};
use crate::scope::{Scope, Scopes};
use crate::time::{DAY, Time};
use crate::token::Kind;

/// The state of a token. Expiry is not a state: it comes with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It opens the gate.
    Active,
    /// It opens nothing until it is enabled again; its sessions are suspended.
    Disabled,
    /// A single-use token that was redeemed, or one that was replaced: it opens
    /// nothing, but the sessions that it opened live on.
    Used,
    /// It is over, and so is all that came of it.
    Revoked,
}

impl State {
    const fn letter(self) -> &'static str {
        match self {
            Self::Active => "a",
            Self::Disabled => "d",
            Self::Used => "u",
            Self::Revoked => "r",
        }
    }

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Rises with every change; a lower one than has been seen is never accepted.
    pub rev: u64,
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
    /// The apps it may open, sorted; `*` alone for all of the workspace.
    pub apps: Vec<String>,
    /// The addresses it may be used from.
    pub allowed_ips: AllowedIps,
    /// Whether the ledger is asked at each use.
    pub strict: bool,
    /// Its state.
    pub state: State,
    /// When it was created.
    pub created: Time,
    /// When it expires; absent: never.
    pub expires: Option<Time>,
    /// What an embed token opens; a PAT has none of it.
    pub embed: Option<Embed>,
}

/// What an embed token opens, and which of its sessions were ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embed {
    /// The label of its place.
    pub label: String,
    /// The origins of the pages that may frame it; none: those of the app.
    pub allowed_origins: Vec<String>,
    /// How long a session lasts, in minutes.
    pub session_minutes: u32,
    /// After how many minutes without a request a session ends; absent: it does
    /// not end so.
    pub idle_minutes: Option<u32>,
    /// Whether it opens one session only.
    pub single_use: bool,
    /// Whether it opens in a tab too.
    pub top_level: bool,
    /// When the last of its sessions must be over: the end of the PAT that made
    /// it.
    pub sessions_until: Option<Time>,
    /// The moment until which all sessions that were opened are killed.
    pub sessions_from: Option<Time>,
    /// Sessions that were killed, with the moment at which each would have ended
    /// ([`crate::sessions`]).
    pub killed: Vec<(Id, Time)>,
}

impl Record {
    /// Whether it is a PAT or an embed token.
    pub const fn kind(&self) -> Kind {
        match self.embed {
            None => Kind::Pat,
            Some(_) => Kind::Embed,
        }
    }

    /// Whether it may open an app.
    pub fn covers_app(&self, app: &str) -> bool {
        let all = self.apps.first().is_some_and(|first| first == ALL_APPS);
        all || self
            .apps
            .binary_search_by(|own| own.as_str().cmp(app))
            .is_ok()
    }

    /// Reads a stored value. An unknown version, an unknown field or a value of
    /// the wrong type is an error: the gate stays shut on what it does not
    /// understand.
    pub fn parse(json: &str) -> Result<Self, MalformedRecord> {
        match Self::read(json) {
            (record, true) => Ok(record),
            (_, false) => Err(MalformedRecord),
        }
    }

    /// Reads a stored value, and tells whether it could be read; if not, the record
    /// is of no account.
    pub(crate) fn read(json: &str) -> (Self, bool) {
        let mut fields = Fields::of_object(json);
        fields.stored_version(VERSION);
        let record = Self {
            rev: fields.stored_number("rev"),
            id: fields.stored("id", Id::parse, Id::BLANK),
            workspace: fields.stored_text("ws"),
            uid: fields.stored_text("uid"),
            email: fields.take_text("em", "a text").unwrap_or_default(),
            name: fields.stored_text("n"),
            scopes: fields.take_list("sc", "scopes", Scope::parse).into(),
            apps: fields.take_texts("ap").unwrap_or_default(),
            allowed_ips: fields
                .take_list("ip", "blocks", address::parse_block)
                .into(),
            strict: fields.stored_flag("strict", false),
            state: fields.stored("st", State::from_letter, State::Revoked),
            created: Time::from_seconds(fields.stored_number("c")),
            expires: fields.stored_time_or_none("x"),
            embed: match fields.stored("k", Kind::from_letter, Kind::Pat) {
                Kind::Pat => None,
                Kind::Embed => Some(Embed::read(&mut fields)),
            },
        };
        (record, fields.finish().is_ok())
    }

    /// The compact JSON to store.
    pub fn to_json(&self) -> String {
        let none = Embed::default();
        let embed = self.embed.as_ref().unwrap_or(&none);
        let session_minutes = self.embed.as_ref().map(|embed| embed.session_minutes);
        let scopes: Vec<_> = self.scopes.iter().map(Scope::as_str).collect();
        let ips: Vec<_> = self.allowed_ips.iter().map(ToString::to_string).collect();
        let mut json = Object::default();
        json.number("v", VERSION);
        json.number("rev", self.rev);
        json.text("id", self.id.as_str());
        json.text("ws", &self.workspace);
        json.text("uid", &self.uid);
        json.text_if_any("em", &self.email);
        json.text("k", self.kind().letter());
        json.text("n", &self.name);
        json.texts_if_any("sc", &scopes);
        json.texts_if_any("ap", &self.apps);
        json.texts_if_any("or", &embed.allowed_origins);
        json.texts_if_any("ip", &ips);
        json.number_if_any("sm", session_minutes.map(u64::from));
        json.number_if_any("im", embed.idle_minutes.map(u64::from));
        json.flag_if_set("su", embed.single_use);
        json.flag_if_set("tl", embed.top_level);
        json.flag_if_set("strict", self.strict);
        json.text_if_any("pl", &embed.label);
        json.text("st", self.state.letter());
        json.number("c", self.created.seconds());
        json.number_if_any("x", self.expires.map(Time::seconds));
        json.number_if_any("se", embed.sessions_until.map(Time::seconds));
        json.number_if_any("from", embed.sessions_from.map(Time::seconds));
        if !embed.killed.is_empty() {
            let killed = embed.killed.iter().map(|(id, until)| {
                let (id, until) = (json::text(id.as_str()), until.seconds());
                format!("[{id},{until}]")
            });
            json.raw("kill", &json::list(killed));
        }
        json.finish()
    }

    /// Whether its time is over.
    pub fn expired(&self, now: Time) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether its time is over, and that of all that it may have opened or made.
    pub fn over(&self, now: Time) -> bool {
        self.last_end().is_some_and(|end| end <= now)
    }

    /// When its time and that of its sessions is over; `None`: never.
    fn last_end(&self) -> Option<Time> {
        let minutes = match &self.embed {
            Some(embed) if embed.single_use => u64::from(embed.session_minutes),
            _ => 0,
        };
        Some(self.expires?.plus(minutes.saturating_mul(60)))
    }

    /// When a session that is opened now must end: after its minutes, with the
    /// token (unless that is for single use), with the PAT that made the token.
    pub fn session_end(&self, embed: &Embed, opened: Time) -> Time {
        let minutes = u64::from(embed.session_minutes);
        let own = opened.plus(minutes.saturating_mul(60));
        let token = self.expires.filter(|_| !embed.single_use);
        own.min(token.unwrap_or(own))
            .min(embed.sessions_until.unwrap_or(own))
    }

    /// When KV may forget it: a day after its expiry and the last possible end
    /// of a session; `None`: never. KV refuses less than 60 seconds ahead.
    pub fn kv_expiration(&self, now: Time) -> Option<Time> {
        let end = self.last_end()?.plus(DAY);
        Some(end.max(now.plus(120)))
    }
}

impl Embed {
    fn read(fields: &mut Fields<'_>) -> Self {
        let minutes = fields.take_whole("sm", "minutes");
        Self {
            label: fields.take_text("pl", "a text").unwrap_or_default(),
            allowed_origins: fields.take_texts("or").unwrap_or_default(),
            session_minutes: fields.given("sm", minutes),
            idle_minutes: fields.take_whole("im", "minutes"),
            single_use: fields.stored_flag("su", false),
            top_level: fields.stored_flag("tl", false),
            sessions_until: fields.stored_time_or_none("se"),
            sessions_from: fields.stored_time_or_none("from"),
            killed: fields
                .take("kill", "ids with times", read_killed)
                .unwrap_or_default(),
        }
    }
}

fn read_killed(list: Raw<'_>) -> Option<Vec<(Id, Time)>> {
    let killed = raw::list(list.get())?.into_iter().map(|killed| {
        let killed = raw::list(killed.get())?;
        let [id, until] = killed.as_slice() else {
            return None;
        };
        let id = Id::parse(&id.text()?)?;
        Some((id, Time::from_seconds(until.get().parse().ok()?)))
    });
    killed.collect()
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

/// Stands for every app of the workspace.
pub const ALL_APPS: &str = "*";

const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::scope::Scope;
    use proptest::prelude::*;

    fn record(expires: Option<u64>) -> Record {
        Record {
            rev: 1,
            id: Id::generate(&Hint::of("default", "ada"), 1_700_000_000_000, [7; 16]),
            workspace: "default".to_owned(),
            uid: "ada".to_owned(),
            email: "ada@example.com".to_owned(),
            name: "Power BI".to_owned(),
            scopes: vec![Scope::parse("odata").unwrap()].into(),
            apps: Vec::new(),
            allowed_ips: AllowedIps::default(),
            strict: false,
            state: State::Active,
            created: Time::from_seconds(1_700_000_000),
            expires: expires.map(Time::from_seconds),
            embed: None,
        }
    }

    fn embed_record(expires: Option<u64>, single_use: bool) -> Record {
        Record {
            scopes: Scopes::default(),
            apps: vec!["jobs".to_owned()],
            embed: Some(Embed {
                label: "left".to_owned(),
                allowed_origins: vec!["https://portal.example".to_owned()],
                session_minutes: 60,
                idle_minutes: Some(10),
                single_use,
                top_level: true,
                sessions_until: Some(Time::from_seconds(1_700_009_000)),
                sessions_from: Some(Time::from_seconds(1_700_000_100)),
                killed: vec![(record(None).id, Time::from_seconds(1_700_003_600))],
            }),
            ..record(expires)
        }
    }

    fn session_end(record: &Record, opened: u64) -> u64 {
        let embed = record.embed.as_ref().unwrap();
        record
            .session_end(embed, Time::from_seconds(opened))
            .seconds()
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
    fn an_app_is_covered_by_its_name_or_by_all() {
        let of = |apps: &[&str]| Record {
            apps: apps.iter().map(|app| (*app).to_owned()).collect(),
            ..record(None)
        };
        let several = of(&["A", "b", "jobs", "maps"]);
        for app in &several.apps {
            assert!(several.covers_app(app));
        }
        for app in ["", "*", "a", "job", "jobs2", "z"] {
            assert!(!several.covers_app(app), "{app}");
        }
        assert!(of(&["*"]).covers_app("jobs") && !of(&[]).covers_app("jobs"));
    }

    #[test]
    fn an_embed_tokens_record_says_what_it_opens() {
        let record = embed_record(Some(1_702_592_000), true);
        let json = record.to_json();
        let id = record.id.as_str();
        assert_eq!(
            json,
            format!(
                "{{\"v\":1,\"rev\":1,\"id\":\"{id}\",\"ws\":\"default\",\"uid\":\"ada\",\
                 \"em\":\"ada@example.com\",\"k\":\"e\",\"n\":\"Power BI\",\"ap\":[\"jobs\"],\
                 \"or\":[\"https://portal.example\"],\"sm\":60,\"im\":10,\"su\":true,\"tl\":true,\
                 \"pl\":\"left\",\"st\":\"a\",\"c\":1700000000,\"x\":1702592000,\
                 \"se\":1700009000,\"from\":1700000100,\"kill\":[[\"{id}\",1700003600]]}}"
            )
        );
        assert_eq!(Record::parse(&json), Ok(record));
        for (from, to) in [
            ("\"sm\":60,", ""),
            ("\"k\":\"e\"", "\"k\":\"p\""),
            ("1700003600]", "-1]"),
            ("1700003600]", "1e9]"),
            ("1700003600]", "1700003600,7]"),
            ("\"su\":true", "\"su\":1"),
        ] {
            assert!(
                Record::parse(&json.replacen(from, to, 1)).is_err(),
                "{from}"
            );
        }
    }

    #[test]
    fn a_session_ends_with_its_minutes_the_token_or_the_parent() {
        let reusable = embed_record(Some(1_700_001_000), false);
        assert_eq!(session_end(&reusable, 1_700_000_500), 1_700_001_000);
        let single = embed_record(Some(1_700_001_000), true);
        assert_eq!(session_end(&single, 1_700_000_500), 1_700_004_100);
        assert_eq!(session_end(&single, 1_700_008_000), 1_700_009_000);
    }

    #[test]
    fn kv_keeps_a_single_use_record_until_its_last_session_can_have_ended() {
        let now = Time::from_seconds(1_700_000_000);
        let end = |single| embed_record(Some(1_700_001_000), single).kv_expiration(now);
        assert_eq!(end(false).unwrap().seconds(), 1_700_001_000 + DAY);
        assert_eq!(end(true).unwrap().seconds(), 1_700_001_000 + 3_600 + DAY);
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
