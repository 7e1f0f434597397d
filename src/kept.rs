//! Tokens kept in a plain key-value store, where there is no ledger: the npm package's.
//!
//! `t/<digest>` holds a record, as in KV; `i/<id>` a row with what only lists need;
//! `p/<place>` who may frame a place. The record alone decides. What must happen once is
//! a replacement of its text by another, for which the store has one step.

use crate::answer::Answer;
use crate::conversation::Entropy;
use crate::digest::Digest;
use crate::entrance::Entrance;
use crate::entry::{Entry, Minted};
use crate::fields::Fields;
use crate::grant::{Grant, Named};
use crate::hint::Hint;
use crate::id::Id;
use crate::json::{self, Object};
use crate::lifecycle::{self, User};
use crate::lookup::{Found, Lookup, Reply};
use crate::minting::{self, Asked};
use crate::policy::Limits;
use crate::problem::Problem;
use crate::record::Record;
use crate::session::SessionKeys;
use crate::sessions::Spot;
use crate::settings::Settings;
use crate::time::Time;
use crate::token::Kind;

/// A value to be put under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// When the store may forget it; absent: never.
    pub expires: Option<Time>,
}

impl Put {
    fn record(digest: &Digest, record: &Record, now: Time) -> Self {
        Self {
            key: key(digest),
            value: record.to_json(),
            expires: record.kv_expiration(now),
        }
    }

    fn spot(spot: &Spot, expires: Option<Time>) -> Self {
        Self {
            key: Spot::key(&spot.place),
            value: spot.to_json(),
            expires,
        }
    }

    /// As JSON for the shell.
    pub fn to_json(&self) -> String {
        let mut json = Object::default();
        json.text("key", &self.key);
        json.text("value", &self.value);
        json.number_if_any("expires", self.expires.map(Time::seconds));
        json.finish()
    }
}

/// The key of a record.
pub fn key(digest: &Digest) -> String {
    format!("t/{}", digest.to_hex())
}

/// The key under which the store has what an authority is asked for.
pub fn asked(name: &str, question: &str) -> String {
    match Lookup::parse(question) {
        Some(Lookup::Lookup { digest, .. }) => key(&digest),
        _ => name.replacen('d', "w", 1),
    }
}

/// What an authority would reply, of whose records the store has the only ones.
pub fn reply(name: &str, question: &str, value: Option<String>) -> Option<Reply> {
    let found = match Lookup::parse(question)? {
        Lookup::Lookup { .. } => Found {
            record: Some(value),
            settings: None,
        },
        Lookup::Settings {} => Found {
            record: None,
            settings: Some(value.unwrap_or_else(|| Settings::default().to_json())),
        },
    };
    Some(Reply {
        name: name.to_owned(),
        question: question.to_owned(),
        found,
    })
}

/// What only lists need of a token: the value of `i/<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The SHA-256 of the secret.
    pub digest: Digest,
    /// The part of the secret that lists show.
    pub start: String,
    /// A longer text for people.
    pub description: String,
}

impl Row {
    /// Its key.
    pub fn key(id: &Id) -> String {
        format!("i/{}", id.as_str())
    }

    /// What the keys of all rows of a user begin with; some may be another's, who has the
    /// same hint.
    pub fn keys_of(workspace: &str, uid: &str) -> String {
        format!("i/{}-", Hint::of(workspace, uid).as_str())
    }

    /// Reads a stored value; `None`: it cannot be understood.
    pub fn parse(json: &str) -> Option<Self> {
        let mut fields = Fields::of_object(json);
        fields.stored_version(VERSION);
        let row = Self {
            digest: Digest::from_hex(&fields.stored_text("d"))?,
            start: fields.stored_text("s"),
            description: fields.take_text("t", "a text").unwrap_or_default(),
        };
        fields.finish().ok()?;
        Some(row)
    }

    fn to_json(&self) -> String {
        let mut json = Object::default();
        json.number("v", VERSION);
        json.text("d", &self.digest.to_hex());
        json.text("s", &self.start);
        json.text_if_any("t", &self.description);
        json.finish()
    }

    /// The token, with its record.
    fn entry(self, record: Record) -> Entry {
        Entry {
            record,
            digest: self.digest,
            description: self.description,
            start: self.start,
            parent: None,
            successor: None,
            slot: None,
            number: None,
            used: None,
        }
    }

    /// The token as lists show it; `None`: its record cannot be understood.
    pub fn view(self, record: &str, now: Time) -> Option<String> {
        let record = Record::parse(record).ok()?;
        Some(self.entry(record).view(now, None))
    }
}

/// A token that was made: what to put, and the answer that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The record last: without it, the token opens nothing.
    pub puts: Vec<Put>,
    /// The token with its secret, as JSON.
    pub view: String,
}

/// Who makes tokens: whoever holds the gate, as admin.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    /// The gate, where it is asked.
    pub asked: Asked<'a>,
    /// The workspace.
    pub workspace: &'a str,
    /// The workspace's settings, as the store has them; absent: nobody has decided
    /// anything.
    pub settings: Option<&'a str>,
    /// The time in Unix milliseconds.
    pub now_ms: u64,
}

impl Maker<'_> {
    /// Makes a token as the options say, in the words of the token API.
    pub fn create(&self, options: &str, entropy: &Entropy) -> Result<Created, Problem> {
        let now = Time::from_millis(self.now_ms);
        let Asked { config, .. } = self.asked;
        self.settings()?.check_creation(true)?;
        let apps = config.app_ids();
        let (grant, named) = Grant::parse(Some("application/json"), options, &apps, now)?;
        let user = user(named)?;
        let kind = match grant.embed {
            None => Kind::Pat,
            Some(_) => Kind::Embed,
        };
        let spots = minting::spots(&grant, &user, self.workspace, config)?;
        let hint = Hint::of(self.workspace, &user.uid);
        let (minted, secret) = minting::mint(kind, &hint, entropy, self.now_ms)?;
        let Minted { digest, start, .. } = &minted;
        let row = Row {
            digest: *digest,
            start: start.clone(),
            description: grant.description.clone(),
        };
        let limits = Limits::default();
        let entry = lifecycle::mint(&grant, &user, self.workspace, minted, None, limits, now)?;
        let record = Put::record(&entry.digest, &entry.record, now);
        let mut puts: Vec<_> = spots
            .iter()
            .map(|spot| Put::spot(spot, record.expires))
            .collect();
        puts.push(Put {
            key: Row::key(&entry.record.id),
            value: row.to_json(),
            expires: record.expires,
        });
        puts.push(record);
        let fresh = self.asked.fresh(&entry, secret);
        Ok(Created {
            puts,
            view: entry.view(now, Some(&fresh)),
        })
    }

    fn settings(&self) -> Result<Settings, Problem> {
        let read = self.settings.map(Settings::parse).transpose();
        let settings = read.map_err(|_| Problem::store_unavailable())?;
        Ok(settings.unwrap_or_default())
    }
}

fn user(named: Option<Named>) -> Result<User, Problem> {
    let Named { id, email } = named.unwrap_or_default();
    let Some(uid) = id.or_else(|| email.clone()) else {
        let detail = "must be given: {id}, {email} or both";
        return Err(Problem::field("user", detail));
    };
    Ok(User {
        uid,
        email: email.unwrap_or_default(),
    })
}

/// A record after its revocation; `None`: it was revoked already, or cannot be
/// understood.
pub fn revoke(row: Row, record: &str, now: Time) -> Option<Put> {
    let digest = row.digest;
    let entry = row.entry(Record::parse(record).ok()?);
    let revoked = lifecycle::revoke(&entry)?;
    Some(Put::record(&digest, &revoked.record, now))
}

/// An entry that opens a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The record that must replace the one that was read first, where the token is for
    /// single use.
    pub used_up: Option<Put>,
    /// The answer that sends the browser to the place.
    pub answer: Answer,
}

/// Opens a session; `None`: there are no keys for it.
pub fn open(
    entrance: &Entrance,
    keys: &SessionKeys,
    entropy: &Entropy,
    now_ms: u64,
) -> Option<Opened> {
    let now = Time::from_millis(now_ms);
    let Entrance { record, digest, .. } = entrance;
    let id = entrance.session(now_ms, entropy.1);
    let single_use = record.embed.as_ref()?.single_use;
    let used_up = single_use.then(|| {
        let row = Row {
            digest: *digest,
            start: String::new(),
            description: String::new(),
        };
        let used = lifecycle::use_up(&row.entry(record.clone()));
        Put::record(digest, &used.record, now)
    });
    let answer = entrance.welcome(record, id, keys, now)?;
    Some(Opened { used_up, answer })
}

/// What to put, as JSON.
pub fn puts_to_json(puts: &[Put]) -> String {
    json::list(puts.iter().map(Put::to_json))
}

const VERSION: u64 = 1;

#[cfg(test)]
mod tests;
