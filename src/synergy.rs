//! 12d Synergy's endpoints for PATs, usable by its clients as they are.
//!
//! `GET /api/v1/auth/getPersonalAccessTokens` lists one's own PATs without their
//! values, `POST /api/v1/auth/generate-pat` with `{ClientId, Name, ExpireInDays}`
//! answers a new one as a JSON string, and `POST /api/v1/auth/delete-pat?id=`
//! revokes one. A PAT is there all that its user is, so whoever asks presents one
//! with the scope `tokens`, and what is made may do the same; or is signed in, and
//! what is made may do all that is on offer.

use crate::actor::Actor;
use crate::answer::Answer;
use crate::api::Api;
use crate::conversation::{Stop, misunderstood};
use crate::digest::Digest;
use crate::directory;
use crate::entry::Entry;
use crate::fields::Fields;
use crate::grant::{self, Grant, Lifetime};
use crate::hint::Hint;
use crate::json::{self, Object};
use crate::ledger::{Reply, Task};
use crate::problem::Problem;
use crate::record::Record;
use crate::scope::{Scope, Scopes};
use crate::text;
use crate::time::{DAY, Time};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The list.
    List,
    /// A new one.
    Generate,
    /// To revoke the one with this number.
    Delete(u64),
}

impl Api<'_> {
    /// Carries out a call of 12d Synergy's clients.
    pub(crate) fn for_synergy(
        &mut self,
        call: Call,
        content_type: Option<&str>,
    ) -> Result<Answer, Stop> {
        let Some((uid, _)) = self.actor.user() else {
            let detail = "these endpoints act for one user; present a PAT or be signed in";
            return Err(Problem::invalid_request(detail).into());
        };
        let hint = Hint::of(self.actor.workspace(), uid);
        match call {
            Call::List => {
                let Reply::Page { tokens, .. } = self.ask_ledger(&hint, Task::Owned)? else {
                    return Err(misunderstood().into());
                };
                let now = self.now();
                let shown = tokens.iter().map(|entry| view(entry, now));
                Ok(Answer::json(200, json::list(shown)))
            }
            Call::Generate => {
                let (scopes, apps) = match self.actor {
                    Actor::Pat(own) => (own.scopes.clone(), own.apps.clone()),
                    _ => (self.all_scopes()?, Vec::new()),
                };
                let grant = wanted(content_type, self.body()?, scopes, apps)?;
                let (_, secret) = self.make(grant, None, None, None)?;
                let secret = secret.ok_or_else(misunderstood)?;
                Ok(Answer::json(200, json::text(&secret)))
            }
            Call::Delete(number) => {
                self.change_at(&hint, Task::RevokeNumber { number })?;
                Ok(Answer::empty(200))
            }
        }
    }
}

impl Api<'_> {
    /// All that a signed-in user's PAT can be for.
    fn all_scopes(&self) -> Result<Scopes, Stop> {
        let offered = self.decided(directory::Task::Decided)?.policy.scopes;
        let mut scopes: Vec<_> = offered.into_iter().map(|(scope, _)| scope).collect();
        scopes.extend(Scope::parse(Scope::TOKENS));
        Ok(scopes.into())
    }
}

/// Reads what a new PAT shall be.
fn wanted(
    content_type: Option<&str>,
    body: &str,
    scopes: Scopes,
    apps: Vec<String>,
) -> Result<Grant, Problem> {
    let mut fields = Fields::of_body(content_type, body);
    // It names the program that asks, whichever way.
    fields.take_raw("ClientId");
    let name = grant::take_text(&mut fields, "Name", text::name);
    let name = fields.given("Name", name);
    let days = grant::take_days(&mut fields, "ExpireInDays");
    let days = fields.given("ExpireInDays", days);
    fields.finish()?;
    Ok(Grant {
        name,
        description: String::new(),
        scopes,
        apps,
        allowed_ips: None,
        lifetime: Some(Lifetime::Days(days)),
        strict: None,
        embed: None,
    })
}

/// A PAT as the list shows it.
fn view(entry: &Entry, now: Time) -> String {
    let record = &entry.record;
    let mut json = Object::default();
    json.raw("UserID", &user(record));
    json.text("CreatedOn", &with_offset(record.created));
    let expiry = record.expires.map(with_offset);
    json.text_or_null("Expiry", expiry.as_deref());
    json.text("Name", &record.name);
    json.number("ExpiryReminderState", reminder(record.expires, now));
    json.number_or_null("ID", entry.number);
    json.finish()
}

/// A user as 12d Synergy names one: numbers that stay the same.
fn user(record: &Record) -> String {
    let hex = Digest::of(&record.uid).to_hex();
    let number = hex
        .get(..7)
        .and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let number = number.unwrap_or_default();
    let server = Digest::of(&record.workspace).to_hex();
    let mut rest = server.as_str();
    let groups = [8, 4, 4, 4, 12].map(|length| {
        let (group, left) = rest.split_at_checked(length).unwrap_or_default();
        rest = left;
        group
    });
    let mut json = Object::default();
    json.number("_id", number);
    json.number("_server_id", 1);
    json.text("_server_guid", &groups.join("-"));
    json.text("IDString", &format!("1_{number}"));
    json.finish()
}

/// 0: nothing to say; 1: it expires within a week; 2: it has expired.
fn reminder(expires: Option<Time>, now: Time) -> u64 {
    match expires {
        Some(expires) if expires <= now => 2,
        Some(expires) if expires <= now.plus(WEEK) => 1,
        _ => 0,
    }
}

/// A moment with the offset that 12d Synergy's clients expect after it.
fn with_offset(time: Time) -> String {
    time.to_rfc3339().replace('Z', "+00:00")
}

const WEEK: u64 = 7 * DAY;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::{NOW, entry};

    #[test]
    fn a_pat_is_shown_as_documented_and_without_its_value() {
        let mut entry = entry("ada", 1);
        entry.number = Some(3);
        assert_eq!(
            view(&entry, NOW),
            "{\"UserID\":{\"_id\":266265648,\"_server_id\":1,\
             \"_server_guid\":\"37a8eec1-ce19-687d-132f-e29051dca629\",\"IDString\":\"1_266265648\"},\
             \"CreatedOn\":\"2023-11-14T22:13:20+00:00\",\"Expiry\":\"2023-12-14T22:13:20+00:00\",\
             \"Name\":\"token 1\",\"ExpiryReminderState\":0,\"ID\":3}"
        );
    }

    #[test]
    fn a_reminder_is_due_in_the_last_week() {
        let state = |seconds| reminder(Some(NOW.plus(seconds)), NOW);
        assert_eq!(
            [state(0), state(1), state(WEEK), state(WEEK + 1)],
            [2, 1, 1, 0]
        );
        assert_eq!(reminder(None, NOW), 0);
    }

    #[test]
    fn the_documented_body_is_read() {
        let own = entry("ada", 1).record;
        let read = |body: &str| {
            let (scopes, apps) = (own.scopes.clone(), own.apps.clone());
            wanted(Some("application/json"), body, scopes, apps)
        };
        for client in ["\"teams\"", "7", "null"] {
            let body = format!("{{\"ClientId\":{client},\"Name\":\"Teams\",\"ExpireInDays\":180}}");
            let grant = read(&body).unwrap();
            assert_eq!(grant.lifetime, Some(Lifetime::Days(180)));
            assert_eq!(
                (grant.name.as_str(), grant.scopes),
                ("Teams", own.scopes.clone())
            );
        }
        for (body, field) in [
            ("{\"Name\":\"x\"}", "ExpireInDays"),
            ("{\"ExpireInDays\":1}", "Name"),
            ("{\"Name\":\"\",\"ExpireInDays\":1}", "Name"),
            ("{\"Name\":\"x\",\"ExpireInDays\":0}", "ExpireInDays"),
            ("{\"Name\":\"x\",\"ExpireInDays\":\"1\"}", "ExpireInDays"),
            (
                "{\"Name\":\"x\",\"ExpireInDays\":1,\"Scopes\":[]}",
                "Scopes",
            ),
        ] {
            assert_eq!(read(body).unwrap_err().field.as_deref(), Some(field));
        }
    }
}
