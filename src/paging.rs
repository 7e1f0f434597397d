//! Lists of tokens, of sessions and of what happened, page by page: of one user from one ledger,
//! or of a whole workspace from one ledger after the other.

use crate::actor::NDJSON;
use crate::answer::Answer;
use crate::api::Api;
use crate::audit::Events;
use crate::conversation::{Stop, misunderstood};
use crate::directory;
use crate::grant::not_its_own_user;
use crate::hint::Hint;
use crate::id::Id;
use crate::ledger::{Reply, Task};
use crate::listing::{Cursor, Listing};
use crate::management::AUDIT;
use crate::problem::Problem;
use crate::time::Time;

impl Api<'_> {
    /// Answers a list.
    pub(crate) fn list(&self, listing: &Listing, what: What) -> Result<Answer, Stop> {
        let after = match what {
            What::Tokens | What::Events => None,
            What::Sessions => self.decided(directory::Task::Decided)?.sessions_from,
        };
        let mut page = Page {
            what,
            after,
            items: Vec::new(),
            next: None,
        };
        match self.named_user(listing.user.as_ref())? {
            Listed::Nobody => {}
            Listed::One(uid) => self.list_one(listing, &uid, &mut page)?,
            Listed::Everybody => self.list_all(listing, &mut page)?,
        }
        if what == What::Events && self.as_lines() {
            return Ok(lines(&page, &listing.query));
        }
        let mut answer = Answer::empty(200).header("content-type", "application/json");
        let next = match &page.next {
            // What a cursor is written in needs no escape.
            Some(cursor) => ["\"", &cursor.encode(), "\""].concat(),
            None => "null".to_owned(),
        };
        answer.body = [
            "{\"result\":[",
            &page.items.join(","),
            "],\"next\":",
            &next,
            "}",
        ]
        .concat();
        Ok(answer)
    }

    /// Whose tokens or sessions are meant, by an id or an e-mail address if one is given.
    pub(crate) fn named_user(&self, user: Option<&String>) -> Result<Listed, Stop> {
        match (self.actor.own(), user) {
            (Some((uid, email)), user) => {
                let own = |user: &String| {
                    *user == uid || (!email.is_empty() && user.to_ascii_lowercase() == email)
                };
                if !user.is_none_or(own) {
                    return Err(not_its_own_user().into());
                }
                Ok(Listed::One(uid.to_owned()))
            }
            (None, None) => Ok(Listed::Everybody),
            (None, Some(user)) => {
                let user = user.clone();
                let found = self.users(directory::Task::Find { user })?;
                let uid = found.into_iter().next().map(|user| user.uid);
                Ok(uid.map_or(Listed::Nobody, Listed::One))
            }
        }
    }

    fn list_one(&self, listing: &Listing, uid: &str, page: &mut Page) -> Result<(), Stop> {
        let before = match &listing.cursor {
            None => None,
            Some(Cursor {
                uid: of,
                before: Some(id),
            }) if of == uid => Some(id.clone()),
            Some(_) => return Err(Problem::field("cursor", "belongs to another list").into()),
        };
        self.add(listing, uid, before, page)
    }

    /// Goes through the workspace's users in the order of their ids; what happened to
    /// the workspace itself comes first.
    fn list_all(&self, listing: &Listing, page: &mut Page) -> Result<(), Stop> {
        let mut after = None;
        if page.what == What::Events && listing.cursor.is_none() {
            self.add(listing, "", None, page)?;
            if page.next.is_some() {
                return Ok(());
            }
            after = Some(String::new());
        }
        if let Some(Cursor { uid, before }) = &listing.cursor {
            after = Some(uid.clone());
            if let Some(before) = before {
                self.add(listing, uid, Some(before.clone()), page)?;
                if page.next.is_some() {
                    return Ok(());
                }
            }
        }
        if page.is_full(listing) {
            page.next = after.map(|uid| Cursor { uid, before: None });
            return Ok(());
        }
        let limit = MAX_LEDGERS;
        let users = self.users(directory::Task::Users { after, limit })?;
        let all_seen = users.len() < usize::from(limit);
        let last = users.len().saturating_sub(1);
        for (at, user) in users.into_iter().enumerate() {
            self.add(listing, &user.uid, None, page)?;
            let more_users = at < last || !all_seen;
            if page.next.is_none() && more_users && (page.is_full(listing) || at == last) {
                let uid = user.uid;
                page.next = Some(Cursor { uid, before: None });
            }
            if page.next.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Adds what a user has to a page, as much as it still takes.
    fn add(
        &self,
        listing: &Listing,
        uid: &str,
        before: Option<Id>,
        page: &mut Page,
    ) -> Result<(), Stop> {
        let room = usize::from(listing.limit).saturating_sub(page.items.len());
        let limit = u8::try_from(room).unwrap_or(u8::MAX);
        let uid = uid.to_owned();
        let hint = Hint::of(self.actor.workspace(), &uid);
        let task = match page.what {
            What::Tokens => Task::List {
                uid: uid.clone(),
                filter: listing.filter.clone(),
                before,
                limit,
            },
            What::Events if uid.is_empty() => {
                let selection = listing.selection.clone();
                let page_of = self.events_of_workspace(selection, before, limit)?;
                page.take_events(page_of, uid);
                return Ok(());
            }
            What::Events => Task::Events {
                uid: uid.clone(),
                selection: listing.selection.clone(),
                before,
                limit,
            },
            What::Sessions => Task::Sessions {
                uid: uid.clone(),
                before,
                after: page.after,
                limit,
            },
        };
        let now = self.now();
        let last = match self.ask_ledger(&hint, task)? {
            Reply::Page { tokens, next } => {
                for token in &tokens {
                    page.items.push(token.view(now, None));
                }
                next
            }
            Reply::Events(events) => {
                page.take_events(events, uid);
                return Ok(());
            }
            Reply::Sessions { sessions, next } => {
                for (session, token) in &sessions {
                    page.items.push(session.view(token));
                }
                next
            }
            _ => return Err(misunderstood().into()),
        };
        page.next = last.map(|id| Cursor {
            uid,
            before: Some(id),
        });
        Ok(())
    }
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Tokens.
    Tokens,
    /// Live sessions.
    Sessions,
    /// What happened.
    Events,
}

/// Whose tokens or sessions are meant.
pub(crate) enum Listed {
    /// Of somebody whom the workspace does not know.
    Nobody,
    /// Of the user with this id.
    One(String),
    /// Of all users.
    Everybody,
}

struct Page {
    what: What,
    /// Only what came after this moment.
    after: Option<Time>,
    /// As JSON.
    items: Vec<String>,
    next: Option<Cursor>,
}

impl Page {
    fn take_events(&mut self, page: Events, uid: String) {
        self.items.extend(page.events);
        self.next = page.next.map(|id| Cursor {
            uid,
            before: Some(id),
        });
    }

    fn is_full(&self, listing: &Listing) -> bool {
        self.items.len() >= usize::from(listing.limit)
    }
}

/// A page as lines of JSON, with the address of the next.
fn lines(page: &Page, query: &str) -> Answer {
    let mut answer = Answer::empty(200).header("content-type", NDJSON);
    if let Some(cursor) = &page.next {
        let and = if query.is_empty() { "" } else { "&" };
        let cursor = cursor.encode();
        let link = format!("<{AUDIT}?{query}{and}cursor={cursor}>; rel=\"next\"");
        answer = answer.header("link", link);
    }
    for item in &page.items {
        answer.body.push_str(item);
        answer.body.push('\n');
    }
    answer
}

/// How many ledgers are asked for one page of a workspace's list.
const MAX_LEDGERS: u8 = 40;
