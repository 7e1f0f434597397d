//! From an embed token to a session: what the gate has decided about an entry,
//! carried out.
//!
//! The ledger opens the session, and uses a token for single use up in the same
//! step. Then the browser is sent to the place, with the session in a cookie
//! and the token in no URL.

use crate::answer::Answer;
use crate::asker::{Asker, Source};
use crate::conversation::{Conversation, Stop, misunderstood};
use crate::embed_host::Address;
use crate::id::Id;
use crate::ledger::{Changed, Command, Reply, Task};
use crate::page;
use crate::problem::Problem;
use crate::record::{Embed, Record};
use crate::session::{Session, SessionKeys};
use crate::sessions::{Opening, Spot};
use crate::time::Time;

/// An entry that may open a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The token's record.
    pub record: Record,
    /// The digest of the token.
    pub digest: crate::digest::Digest,
    /// Where it opens.
    pub spot: Spot,
    /// The place's address.
    pub address: Address,
    /// What else stood in the query, for the app.
    pub query: Option<String>,
    /// Whether it is to end on the watch page, in a hidden frame.
    pub renew: bool,
    /// The origin of the page around the frame; empty: not told.
    pub origin: String,
    /// Where the viewer is.
    pub source: Source,
    /// The moment until which sessions are killed, as far as the gate knows.
    pub killed: Option<Time>,
    /// Cookies of other places that the browser shall forget, to keep room.
    pub forget: Vec<String>,
}

impl Entrance {
    /// Opens the session.
    pub(crate) fn carry_out(
        &self,
        conversation: &Conversation<'_>,
        changed: &mut Vec<Changed>,
    ) -> Result<Answer, Stop> {
        let record = &self.record;
        let hint = record.id.hint();
        let inputs = &conversation.inputs;
        let id = self.session(inputs.now_ms, inputs.entropy.1);
        let task = Task::Open(Box::new(Opening {
            uid: record.uid.clone(),
            token: record.id.clone(),
            session: id.clone(),
            spot: self.spot.clone(),
            origin: self.origin.clone(),
        }));
        let asker = Asker::viewer(record.workspace.clone(), self.source.clone());
        let Reply::Changed {
            token,
            changed: records,
            ..
        } = conversation.ask_ledger(&hint, &Command { asker, task })?
        else {
            return Err(misunderstood().into());
        };
        *changed = records;
        let keys = conversation.inputs.config.session_keys.as_ref();
        let answer =
            keys.and_then(|keys| self.welcome(&token.record, id, keys, conversation.now()));
        answer.ok_or_else(|| misunderstood().into())
    }

    /// The name of a new session: one that is opened after a kill is not of those
    /// that were killed, whatever the clocks say.
    pub fn session(&self, now_ms: u64, entropy: [u8; 16]) -> Id {
        let after = self.killed.map_or(0, |killed| killed.plus(1).seconds());
        let opened = now_ms.max(after.saturating_mul(1000));
        Id::generate(&self.record.id.hint(), opened, entropy)
    }

    /// The answer that sends the browser to the place, with a new session of a token in
    /// its cookie.
    pub fn welcome(&self, token: &Record, id: Id, keys: &SessionKeys, now: Time) -> Option<Answer> {
        let session = Session {
            workspace: token.workspace.clone(),
            uid: token.uid.clone(),
            app: self.spot.app.clone(),
            place: self.spot.place.clone(),
            digest: self.digest,
            issued: now,
            expires: expires(token, token.embed.as_ref()?, &id, now),
            id,
        };
        let policy = page::frame_ancestors(&self.spot.origins);
        let mut answer = page::framed(Answer::empty(303), policy)
            .header("location", self.location())
            .header("set-cookie", cookie(&session, keys, now)?);
        for name in &self.forget {
            answer = answer.header("set-cookie", format!("{name}=; {ATTRIBUTES}; Max-Age=0"));
        }
        Some(answer)
    }

    /// The refusal, as the frame shows it.
    pub(crate) fn refuse(&self, problem: &Problem) -> Answer {
        page::refusal(problem, &self.spot.origins)
    }

    fn location(&self) -> String {
        if self.renew {
            return format!("{WATCH}{}", self.spot.place.as_str());
        }
        let prefix = &self.address.prefix;
        let (and, query) = match &self.query {
            Some(query) => ("&", query.as_str()),
            None => ("", ""),
        };
        format!("{prefix}/?{OPENED}=1{and}{query}")
    }
}

/// When a cookie of a session ends that is made now: with the session, or when
/// its viewer has been idle for too long.
pub fn expires(record: &Record, embed: &Embed, session: &Id, now: Time) -> Time {
    let end = record.session_end(embed, session.time());
    let minutes = embed.idle_minutes.map(u64::from);
    minutes.map_or(end, |minutes| end.min(now.plus(minutes.saturating_mul(60))))
}

/// The `Set-Cookie` of a session.
pub fn cookie(session: &Session, keys: &SessionKeys, now: Time) -> Option<String> {
    let sealed = session.seal(keys)?;
    let name = session.place.cookie();
    let rest = session.expires.since(now);
    Some(format!("{name}={sealed}; {ATTRIBUTES}; Max-Age={rest}"))
}

/// The parameter that tells a browser which kept no cookie from one whose
/// session has ended.
pub const OPENED: &str = "gp-opened";

/// The parameter of an entry that renews the session in a hidden frame.
pub const RENEW: &str = "gp-renew";

/// What the path of a watch page begins with; the place follows.
pub const WATCH: &str = "/gatepass/embed/";

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned";
