//! A token as its ledger keeps it: the record and what only lists need.

use crate::digest::Digest;
use crate::id::Id;
use crate::record::{Record, State};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// A token with all that is known of it. The secret itself is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What KV and the gate hold of it.
    #[serde(with = "crate::record::as_json")]
    pub record: Record,
    /// The SHA-256 of the secret.
    pub digest: Digest,
    /// A longer text for people.
    pub description: String,
    /// The part of the secret that lists show.
    pub start: String,
    /// The PAT that made it, and with which it is revoked.
    pub parent: Option<Id>,
    /// The token that replaced it.
    pub successor: Option<Id>,
}

/// The names of a new token, made where there is entropy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minted {
    /// Its public name.
    pub id: Id,
    /// The SHA-256 of its secret.
    pub digest: Digest,
    /// The part of the secret that lists show.
    pub start: String,
}

/// The state that an answer shows: the stored one, or what time has made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// It opens the gate.
    Active,
    /// It opens nothing until it is enabled again.
    Disabled,
    /// It was redeemed or replaced.
    Used,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Shown {
    /// Reads the name of a state.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "active" => Self::Active,
            "disabled" => Self::Disabled,
            "used" => Self::Used,
            "revoked" => Self::Revoked,
            "expired" => Self::Expired,
            _ => return None,
        })
    }
}

impl Entry {
    /// The state at a moment. Revoked and used are final and come first; an
    /// expired token is expired even if it was disabled before.
    pub fn shown(&self, now: Time) -> Shown {
        match self.record.state {
            State::Revoked => Shown::Revoked,
            State::Used => Shown::Used,
            _ if self.record.expired(now) => Shown::Expired,
            State::Disabled => Shown::Disabled,
            State::Active => Shown::Active,
        }
    }

    /// The token as an answer shows it; with its secret in the one answer that
    /// creates it.
    pub fn view<'a>(&'a self, now: Time, secret: Option<&'a str>) -> impl Serialize + 'a {
        let record = &self.record;
        View {
            id: record.id.as_str(),
            kind: record.kind.name(),
            name: &record.name,
            description: &self.description,
            start: &self.start,
            user: User {
                id: &record.uid,
                email: Some(record.email.as_str()).filter(|email| !email.is_empty()),
            },
            workspace: &record.workspace,
            scopes: record.scopes.iter().map(|scope| scope.as_str()).collect(),
            apps: &record.apps,
            label: "",
            allowed_origins: [],
            allowed_ips: record.allowed_ips.iter().map(ToString::to_string).collect(),
            created_at: record.created.to_rfc3339(),
            expires_at: record.expires.map(Time::to_rfc3339),
            last_used_at: None,
            state: self.shown(now),
            strict: record.strict,
            single_use: false,
            session_minutes: None,
            parent: self.parent.as_ref().map(Id::as_str),
            token: secret,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    id: &'a str,
    kind: &'static str,
    name: &'a str,
    description: &'a str,
    start: &'a str,
    user: User<'a>,
    workspace: &'a str,
    scopes: Vec<&'a str>,
    apps: &'a [String],
    label: &'static str,
    allowed_origins: [&'static str; 0],
    allowed_ips: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    state: Shown,
    strict: bool,
    single_use: bool,
    session_minutes: Option<u32>,
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

#[derive(Serialize)]
struct User<'a> {
    id: &'a str,
    email: Option<&'a str>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::address::AllowedIps;
    use crate::hint::Hint;
    use crate::record::NewPat;
    use crate::scope::{Scope, Scopes};

    pub(crate) const NOW: Time = Time::from_seconds(1_700_000_000);

    /// Names of the nth token of a user.
    pub(crate) fn minted(uid: &str, n: u8) -> Minted {
        let hint = Hint::of("default", uid);
        let moment = 1_700_000_000_000 | u64::from(n);
        Minted {
            id: Id::generate(&hint, moment, [n; 16]),
            digest: Digest::of(&format!("{uid} {n}")),
            start: format!("pat_{n:04}"),
        }
    }

    pub(crate) fn scopes(names: &[&str]) -> Scopes {
        let scopes: Vec<_> = names
            .iter()
            .map(|name| Scope::parse(name).unwrap())
            .collect();
        scopes.into()
    }

    /// The nth token of a user, active, for 30 days.
    pub(crate) fn entry(uid: &str, n: u8) -> Entry {
        let Minted { id, digest, start } = minted(uid, n);
        let record = Record::new_pat(NewPat {
            id,
            workspace: "default".to_owned(),
            uid: uid.to_owned(),
            email: format!("{uid}@example.com"),
            name: format!("token {n}"),
            scopes: scopes(&["tokens", "odata"]),
            apps: Vec::new(),
            allowed_ips: AllowedIps::default(),
            strict: false,
            created: NOW,
            expires: Some(NOW.plus(30 * 86_400)),
        });
        Entry {
            record,
            digest,
            description: String::new(),
            start,
            parent: None,
            successor: None,
        }
    }

    #[test]
    fn an_answer_has_the_documented_fields_in_order() {
        let entry = entry("ada", 1);
        let json = serde_json::to_string(&entry.view(NOW, Some("secret"))).unwrap();
        let id = entry.record.id.as_str();
        assert_eq!(
            json,
            format!(
                "{{\"id\":\"{id}\",\"kind\":\"pat\",\"name\":\"token 1\",\"description\":\"\",\
                 \"start\":\"pat_0001\",\"user\":{{\"id\":\"ada\",\"email\":\"ada@example.com\"}},\
                 \"workspace\":\"default\",\"scopes\":[\"odata\",\"tokens\"],\"apps\":[],\
                 \"label\":\"\",\"allowedOrigins\":[],\"allowedIps\":[],\
                 \"createdAt\":\"2023-11-14T22:13:20Z\",\"expiresAt\":\"2023-12-14T22:13:20Z\",\
                 \"lastUsedAt\":null,\"state\":\"active\",\"strict\":false,\"singleUse\":false,\
                 \"sessionMinutes\":null,\"parent\":null,\"token\":\"secret\"}}"
            )
        );
    }

    #[test]
    fn the_secret_and_the_digest_are_in_no_other_answer() {
        let entry = entry("ada", 1);
        let json = serde_json::to_string(&entry.view(NOW, None)).unwrap();
        assert!(!json.contains("\"token\"") && !json.contains(&entry.digest.to_hex()));
    }

    #[test]
    fn time_shows_in_the_state_but_not_over_what_is_final() {
        let late = NOW.plus(31 * 86_400);
        let mut entry = entry("ada", 1);
        assert_eq!(entry.shown(NOW), Shown::Active);
        assert_eq!(entry.shown(late), Shown::Expired);
        entry.record.state = State::Disabled;
        assert_eq!(entry.shown(NOW), Shown::Disabled);
        assert_eq!(entry.shown(late), Shown::Expired);
        entry.record.state = State::Used;
        assert_eq!(entry.shown(late), Shown::Used);
        entry.record.state = State::Revoked;
        assert_eq!(entry.shown(late), Shown::Revoked);
    }
}
