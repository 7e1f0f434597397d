//! What other services ask about a token that was presented to them: whether it is
//! good (RFC 7662), and to revoke it (RFC 7009).

use crate::answer::Answer;
use crate::api::Api;
use crate::conversation::{Stop, misunderstood};
use crate::digest::Digest;
use crate::directory;
use crate::hint::Hint;
use crate::json::Object;
use crate::ledger::{Reply, Task};
use crate::management;
use crate::record::{Record, State};
use crate::time::Time;
use crate::token::{Kind, Token};
use std::net::IpAddr;

/// A token that was presented to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// What was presented, whatever it is.
    pub token: String,
    /// The address that it came from, as far as the service says.
    pub address: Option<String>,
    /// What the service takes it for.
    pub hint: Option<String>,
}

impl Presented {
    /// Reads the form; `None`: it is none, or lacks the token, or has something
    /// twice. Parameters that nobody knows are ignored (RFC 6749 §3.2).
    pub fn parse(content_type: Option<&str>, body: &str) -> Option<Self> {
        let essence = content_type.and_then(|value| value.split(';').next());
        let form = essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM));
        if !form {
            return None;
        }
        let [mut token, mut hint, mut address] = [None, None, None];
        for pair in management::pairs(Some(body)) {
            let (name, value) = pair.ok()?;
            let known = match name.as_str() {
                "token" => &mut token,
                "token_type_hint" => &mut hint,
                "address" => &mut address,
                _ => continue,
            };
            if known.replace(value).is_some() {
                return None;
            }
        }
        let token = token.filter(|token| !token.is_empty())?;
        Some(Self {
            token,
            address,
            hint,
        })
    }
}

impl Api<'_> {
    /// Whether a presented token is a good PAT. All that is not is answered alike,
    /// and so is an embed token: it opens an embed, not an API.
    pub(crate) fn introspect(&mut self, content_type: Option<&str>) -> Result<Answer, Stop> {
        let Some(presented) = Presented::parse(content_type, self.body()?) else {
            return Ok(UNREAD.answer());
        };
        let policy = self.decided(directory::Task::Decided)?.policy;
        let found = self.find(&presented.token)?;
        let good = found.filter(|(_, record)| {
            policy.authentication
                && record.kind() == Kind::Pat
                && record.state == State::Active
                && !record.expired(self.now())
                && record.allowed_ips.admit(presented.from())
        });
        Ok(match good {
            Some((_, record)) => Answer::json(200, active(&record)),
            None => Answer::json(200, INACTIVE.to_owned()),
        })
    }

    /// Revokes a presented token, if there is one: an unknown one is no good either
    /// (RFC 7009 §2.2).
    pub(crate) fn revoke_presented(&mut self, content_type: Option<&str>) -> Result<Answer, Stop> {
        let Some(presented) = Presented::parse(content_type, self.body()?) else {
            return Ok(UNREAD.answer());
        };
        match self.find(&presented.token)? {
            Some((hint, record)) if self.asker.may_know(&record.uid) => {
                self.change_at(&hint, Task::Revoke { id: record.id })?;
            }
            Some(_) => {}
            None if presented.hint.as_deref() == Some("refresh_token") => {
                return Ok(UNSUPPORTED.answer());
            }
            None => {}
        }
        Ok(Answer::empty(200))
    }

    /// The record of a presented token of the workspace that is asked about.
    fn find(&self, presented: &str) -> Result<Option<(Hint, Record)>, Stop> {
        let Ok(token) = Token::parse(presented) else {
            return Ok(None);
        };
        let hint = token.hint();
        // What it may know of is in its own ledger: it does not get to ask others.
        if self.own_hint().is_some_and(|own| own != hint) {
            return Ok(None);
        }
        let digest = Digest::of(token.secret());
        match self.ask_ledger(&hint, Task::Find { digest })? {
            Reply::Found(record) => Ok(record.map(|record| (hint, *record))),
            _ => Err(misunderstood().into()),
        }
    }
}

impl Presented {
    fn from(&self) -> Option<IpAddr> {
        self.address.as_deref()?.parse().ok()
    }
}

/// A refusal in OAuth's own form (RFC 6749 §5.2): the error and what it means.
struct OAuthError(&'static str, &'static str);

/// There is no form, or no token in it.
const UNREAD: OAuthError = OAuthError(
    "invalid_request",
    "send a form with the parameter token, once",
);

/// The token is of a type that there is none of (RFC 7009 §2.2.1).
const UNSUPPORTED: OAuthError =
    OAuthError("unsupported_token_type", "there are no refresh tokens here");

impl OAuthError {
    fn answer(&self) -> Answer {
        let mut json = Object::default();
        json.text("error", self.0);
        json.text("error_description", self.1);
        Answer::json(400, json.finish())
    }
}

/// What a service may know of a good token (RFC 7662 §2.2).
pub(crate) fn active(record: &Record) -> String {
    let mut json = Object::default();
    json.flag("active", true);
    json.text("token_type", "Bearer");
    json.text("scope", &record.scopes.joined());
    json.text("sub", &record.uid);
    json.text_if_any("username", &record.email);
    json.text("jti", record.id.as_str());
    json.number("iat", record.created.seconds());
    json.number_if_any("exp", record.expires.map(Time::seconds));
    json.text("workspace", &record.workspace);
    json.texts("apps", &record.apps);
    json.finish()
}

const FORM: &str = "application/x-www-form-urlencoded";
const INACTIVE: &str = "{\"active\":false}";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Option<Presented> {
        Presented::parse(
            Some("application/x-www-form-urlencoded; charset=utf-8"),
            body,
        )
    }

    #[test]
    fn a_form_holds_the_token_once_and_whatever_else() {
        let presented =
            parse("token=pat%5Fx&token_type_hint=access_token&more=1&address=192.0.2.7");
        let presented = presented.unwrap();
        assert_eq!(presented.token, "pat_x");
        assert_eq!(presented.from(), "192.0.2.7".parse().ok());
        for wrong in [
            "",
            "token=",
            "token=a&token=a",
            "token=%ff",
            "Token=a",
            "address=a",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        for content_type in [None, Some("application/json"), Some("text/plain")] {
            assert_eq!(Presented::parse(content_type, "token=a"), None);
        }
    }
}
