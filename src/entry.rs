//! A token as its ledger keeps it: the record and what only lists need.

use crate::digest::Digest;
use crate::id::Id;
use crate::json::{self, Object};
use crate::record::{Embed, Record, State};
use crate::scope::Scope;
use crate::time::Time;
use crate::wire::{wire_enum, wire_struct};

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
    /// The number of a PAT among those of its user, by which 12d Synergy's clients
    /// name it. The ledger gives it one.
    pub number: Option<u64>,
    /// When it was last used, to ten minutes; absent: never.
    pub used: Option<Time>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedUrl {
    /// The app.
    pub app: String,
    /// The URL, with the token in it.
    pub url: String,
}

/// The state that an answer shows: the stored one, or what time has made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The name of the state.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Used => "used",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

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
    pub fn view(&self, now: Time, fresh: Option<&Fresh>) -> String {
        let record = &self.record;
        let none = Embed::default();
        let embed = record.embed.as_ref().unwrap_or(&none);
        let session_minutes = record.embed.as_ref().map(|embed| embed.session_minutes);
        let scopes: Vec<_> = record.scopes.iter().map(Scope::as_str).collect();
        let ips: Vec<_> = record.allowed_ips.iter().map(ToString::to_string).collect();
        let mut json = Object::default();
        json.text("id", record.id.as_str());
        json.text("kind", record.kind().name());
        json.text("name", &record.name);
        json.text("description", &self.description);
        json.text("start", &self.start);
        json.raw("user", &owner(record));
        json.text("workspace", &record.workspace);
        json.texts("scopes", &scopes);
        json.texts("apps", &record.apps);
        json.text("label", &embed.label);
        json.texts("allowedOrigins", &embed.allowed_origins);
        json.texts("allowedIps", &ips);
        json.text("createdAt", &record.created.to_rfc3339());
        let expires = record.expires.map(Time::to_rfc3339);
        json.text_or_null("expiresAt", expires.as_deref());
        let used = self.used.map(Time::to_rfc3339);
        json.text_or_null("lastUsedAt", used.as_deref());
        json.text("state", self.shown(now).name());
        json.flag("strict", record.strict);
        json.flag("singleUse", embed.single_use);
        json.number_or_null("sessionMinutes", session_minutes.map(u64::from));
        json.number_or_null("idleMinutes", embed.idle_minutes.map(u64::from));
        json.flag("topLevel", embed.top_level);
        json.text_or_null("parent", self.parent.as_ref().map(Id::as_str));
        if let Some(fresh) = fresh {
            fresh.show(&mut json);
        }
        json.finish()
    }
}

impl Fresh {
    fn show(&self, json: &mut Object) {
        json.text("token", &self.secret);
        if let Some(url) = &self.embed_url {
            json.text("embedUrl", url);
        }
        if !self.embed_urls.is_empty() {
            let urls = self.embed_urls.iter().map(|of_app| {
                let mut json = Object::default();
                json.text("app", &of_app.app);
                json.text("url", &of_app.url);
                json.finish()
            });
            json.raw("embedUrls", &json::list(urls));
        }
    }
}

/// The owner of a token, as answers show one.
pub(crate) fn owner(record: &Record) -> String {
    let email = Some(record.email.as_str()).filter(|email| !email.is_empty());
    let mut json = Object::default();
    json.text("id", &record.uid);
    json.text_or_null("email", email);
    json.finish()
}

wire_struct!(Entry {
    record,
    digest,
    description,
    start,
    parent,
    successor,
    slot,
    number,
    used
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
            number: None,
            used: None,
        }
    }

    #[test]
    fn an_answer_has_the_documented_fields_in_order() {
        let entry = entry("ada", 1);
        let fresh = Fresh {
            secret: "secret".to_owned(),
            ..Fresh::default()
        };
        let json = entry.view(NOW, Some(&fresh));
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
        let json = entry.view(NOW, None);
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
