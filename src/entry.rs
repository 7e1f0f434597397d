//! A token as its ledger keeps it: the record and what only lists need.

use crate::digest::Digest;
use crate::id::Id;
use crate::record::{Record, State};
use crate::time::Time;
use crate::wire::{wire_enum, wire_struct};
use serde::Serialize;

/// A token with all that is known of it. The secret itself is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What KV and the gate hold of it.
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
    /// What only one token of its user may stand for at a time; a new one
    /// replaces it.
    pub slot: Option<String>,
}

/// The names of a new token, made where there is entropy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    /// Its public name.
    pub id: Id,
    /// The SHA-256 of its secret.
    pub digest: Digest,
    /// The part of the secret that lists show.
    pub start: String,
}

/// What only the answer that creates a token shows: what it would be made from
/// again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// The secret.
    pub secret: String,
    /// The URL that opens the one app of an embed token.
    pub embed_url: Option<String>,
    /// The URLs of an embed token for several apps.
    pub embed_urls: Vec<EmbedUrl>,
}

/// The URL that opens an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbedUrl {
    /// The app.
    pub app: String,
    /// The URL, with the token in it.
    pub url: String,
}

/// The state that an answer shows: the stored one, or what time has made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

    /// Whether no other token is revoked with it: an embed token makes nothing, and
    /// unless it stands in a slot it replaced none.
    pub const fn barren(&self) -> bool {
        self.record.embed.is_some() && self.slot.is_none()
    }

    /// Whether revoking it would change nothing. What is revoked was so with all its
    /// kin. What is over may have kin that is not, if it was replaced early.
    pub fn settled(&self, now: Time) -> bool {
        self.record.state == State::Revoked || (self.barren() && self.record.over(now))
    }

    /// The token as an answer shows it; with its secret in the one answer that
    /// creates it.
    pub fn view<'a>(&'a self, now: Time, fresh: Option<&'a Fresh>) -> impl Serialize + 'a {
        let record = &self.record;
        let embed = record.embed.as_ref();
        View {
            id: record.id.as_str(),
            kind: record.kind().name(),
            name: &record.name,
            description: &self.description,
            start: &self.start,
            user: User::of(record),
            workspace: &record.workspace,
            scopes: record.scopes.iter().map(|scope| scope.as_str()).collect(),
            apps: &record.apps,
            label: embed.map_or("", |embed| &embed.label),
            allowed_origins: embed.map_or(&[], |embed| &embed.allowed_origins),
            allowed_ips: record.allowed_ips.iter().map(ToString::to_string).collect(),
            created_at: record.created.to_rfc3339(),
            expires_at: record.expires.map(Time::to_rfc3339),
            last_used_at: None,
            state: self.shown(now),
            strict: record.strict,
            single_use: embed.is_some_and(|embed| embed.single_use),
            session_minutes: embed.map(|embed| embed.session_minutes),
            idle_minutes: embed.and_then(|embed| embed.idle_minutes),
            top_level: embed.is_some_and(|embed| embed.top_level),
            parent: self.parent.as_ref().map(Id::as_str),
            token: fresh.map(|fresh| fresh.secret.as_str()),
            embed_url: fresh.and_then(|fresh| fresh.embed_url.as_deref()),
            embed_urls: fresh.map_or(&[], |fresh| &fresh.embed_urls),
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
    label: &'a str,
    allowed_origins: &'a [String],
    allowed_ips: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    state: Shown,
    strict: bool,
    single_use: bool,
    session_minutes: Option<u32>,
    idle_minutes: Option<u32>,
    top_level: bool,
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embed_url: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    embed_urls: &'a [EmbedUrl],
}

/// A user as answers show one.
#[derive(Serialize)]
pub(crate) struct User<'a> {
    id: &'a str,
    email: Option<&'a str>,
}

impl<'a> User<'a> {
    /// The owner of a token.
    pub(crate) fn of(record: &'a Record) -> Self {
        Self {
            id: &record.uid,
            email: Some(record.email.as_str()).filter(|email| !email.is_empty()),
        }
    }
}

wire_struct!(Entry {
    record,
    digest,
    description,
    start,
    parent,
    successor,
    slot
});
wire_struct!(Minted { id, digest, start });
wire_enum!(Shown { 0 => Active, 1 => Disabled, 2 => Used, 3 => Revoked, 4 => Expired });

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::address::AllowedIps;
    use crate::hint::Hint;
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
        let record = Record {
            rev: 1,
            id,
            workspace: "default".to_owned(),
            uid: uid.to_owned(),
            email: format!("{uid}@example.com"),
            name: format!("token {n}"),
            scopes: scopes(&["tokens", "odata"]),
            apps: Vec::new(),
            allowed_ips: AllowedIps::default(),
            strict: false,
            state: State::Active,
            created: NOW,
            expires: Some(NOW.plus(30 * 86_400)),
            embed: None,
        };
        Entry {
            record,
            digest,
            description: String::new(),
            start,
            parent: None,
            successor: None,
            slot: None,
        }
    }

    #[test]
    fn an_answer_has_the_documented_fields_in_order() {
        let entry = entry("ada", 1);
        let fresh = Fresh {
            secret: "secret".to_owned(),
            ..Fresh::default()
        };
        let json = serde_json::to_string(&entry.view(NOW, Some(&fresh))).unwrap();
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
                 \"sessionMinutes\":null,\"idleMinutes\":null,\"topLevel\":false,\"parent\":null,\"token\":\"secret\"}}"
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
