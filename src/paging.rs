//! Lists of tokens and of sessions, page by page: of one user from one ledger,
//! or of a whole workspace from one ledger after the other.

use crate::actor::Actor;
use crate::answer::Answer;
use crate::api::Api;
use crate::conversation::{Stop, misunderstood};
use crate::directory;
use crate::grant::not_its_own_user;
use crate::hint::Hint;
use crate::id::Id;
use crate::ledger::{Command, Reply};
use crate::listing::{Cursor, Listing};
use crate::problem::Problem;
use crate::time::Time;

impl Api<'_> {
    /// Answers a list.
    pub(crate) fn list(&self, listing: &Listing, what: What) -> Result<Answer, Stop> {
        let after = match what {
            What::Tokens => None,
            What::Sessions => self.decided(&directory::Command::Decided)?.sessions_from,
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
        match (self.actor, user) {
            (Actor::Pat(record), user) => {
                let own = |user: &String| {
                    *user == record.uid
                        || (!record.email.is_empty() && user.to_ascii_lowercase() == record.email)
                };
                if !user.is_none_or(own) {
                    return Err(not_its_own_user().into());
                }
                Ok(Listed::One(record.uid.clone()))
            }
            (Actor::Operator { .. }, None) => Ok(Listed::Everybody),
            (Actor::Operator { .. }, Some(user)) => {
                let user = user.clone();
                let found = self.users(directory::Command::Find { user })?;
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

    /// Goes through the workspace's users in the order of their ids.
    fn list_all(&self, listing: &Listing, page: &mut Page) -> Result<(), Stop> {
        let mut after = None;
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
        let users = self.users(directory::Command::Users { after, limit })?;
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
        let (actor, uid) = (self.asker.clone(), uid.to_owned());
        let hint = Hint::of(self.actor.workspace(), &uid);
        let command = match page.what {
            What::Tokens => Command::List {
                actor,
                uid: uid.clone(),
                filter: listing.filter.clone(),
                before,
                limit,
            },
            What::Sessions => Command::Sessions {
                actor,
                uid: uid.clone(),
                before,
                after: page.after,
                limit,
            },
        };
        let now = self.now();
        let last = match self.conversation.ask_ledger(&hint, &command)? {
            Reply::Page { tokens, next } => {
                for token in &tokens {
                    page.items.push(token.view(now, None));
                }
                next
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
    fn is_full(&self, listing: &Listing) -> bool {
        self.items.len() >= usize::from(listing.limit)
    }
}

/// How many ledgers are asked for one page of a workspace's list.
const MAX_LEDGERS: u8 = 40;
