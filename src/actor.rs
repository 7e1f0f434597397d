//! Who is asking on the management API, and for what: the part of the gate that
//! lets a management request through.

use crate::answer::Answer;
use crate::asker::Source;
use crate::cookie;
use crate::credentials::{self, Credential, CredentialError, Source as From};
use crate::digest::Digest;
use crate::gate::{Check, Stop};
use crate::management::{Call, Request, Ticket};
use crate::problem::{Code, Problem};
use crate::record::Record;
use crate::scope::Scope;
use crate::sign_in;
use crate::verdict::Verdict;

/// Whoever made a management request, already authenticated, but for what a
/// directory has to say ([`crate::sign_in`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the operator key: an admin, who acts for a named user.
    Operator {
        /// The workspace that the request is about.
        workspace: String,
        /// The sign-in that stands for the key; absent: the key itself.
        sign_in: Option<Digest>,
    },
    /// Whom the identity provider signed in.
    User(Box<SignedIn>),
    /// The holder of a PAT: acts for its own user only, never as an admin.
    Pat(Box<Record>),
}

/// Whom the identity provider signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The workspace that the request is about.
    pub workspace: String,
    /// The user's id; the provider's, until the directory has told the one here.
    pub uid: String,
    /// The verified e-mail address; empty: none.
    pub email: String,
    /// Whether the user is an admin of the workspace.
    pub admin: bool,
}

impl Actor {
    /// The workspace that the actor acts in.
    pub fn workspace(&self) -> &str {
        match self {
            Self::Operator { workspace, .. } => workspace,
            Self::User(user) => &user.workspace,
            Self::Pat(record) => &record.workspace,
        }
    }

    /// Whether the actor may do what only admins may.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Operator { .. } => true,
            Self::User(user) => user.admin,
            Self::Pat(_) => false,
        }
    }

    /// The user who it is or acts for, by id and e-mail address; `None`: the operator.
    pub fn user(&self) -> Option<(&str, &str)> {
        match self {
            Self::Operator { .. } => None,
            Self::User(user) => Some((&user.uid, &user.email)),
            Self::Pat(record) => Some((&record.uid, &record.email)),
        }
    }

    /// The one user for whom it acts; `None`: an admin, for each.
    pub fn own(&self) -> Option<(&str, &str)> {
        self.user().filter(|_| !self.is_admin())
    }
}

impl Check<'_, '_> {
    /// A path of Gatepass's own.
    pub(crate) fn own(&mut self) -> Result<Verdict, Stop> {
        let method = self.facts.method;
        let call = Call::parse(method, self.facts.path, self.facts.query)
            .map_err(|answer| Stop::of(Verdict::Answer(answer)))?;
        let actor = self.actor(&call)?;
        self.manage(actor, call)
    }

    fn manage(&mut self, actor: Actor, call: Call) -> Result<Verdict, Stop> {
        if call.creates() {
            let settings = self.settings(actor.workspace())?;
            let may = settings.check_creation(actor.is_admin());
            may.map_err(|problem| self.stop(problem))?;
        }
        let header = |name| self.facts.header(name).map(str::to_owned);
        Ok(Verdict::Manage {
            ticket: Box::new(Ticket::Manage(Request {
                actor,
                call,
                content_type: header("content-type"),
                idempotency_key: header("idempotency-key"),
                origin: self.facts.origin.to_owned(),
                source: Source::of(self.facts),
                as_lines: header("accept").is_some_and(|accept| accept.contains(NDJSON)),
            })),
        })
    }

    /// Who makes a management request.
    fn actor(&mut self, call: &Call) -> Result<Actor, Stop> {
        if self.has_operator_key() {
            self.refuse_cross_site()?;
            // Who signs out with the key means the sign-in beside it.
            let sign_in = self.sign_in().filter(|_| matches!(call, Call::SignOut));
            return self.operator(sign_in);
        }
        let found = credentials::find(self.facts, None);
        if let Some(actor) = self.person(call, &found)? {
            return Ok(actor);
        }
        let credential = match found {
            // A wrong operator key need not be base64; it is no good all the same.
            Err(CredentialError::Malformed) => {
                let sentence = "the credential is neither the operator key nor a token";
                return Err(self.stop(Problem::new(401, Code::TokenMalformed, sentence)));
            }
            Ok(None) if matches!(call, Call::Who) => {
                let nobody = sign_in::nobody(&self.gate.config);
                return Err(Stop::of(Verdict::Answer(nobody)));
            }
            found => found,
        };
        let credential = self.required(credential)?;
        let record = self.pat(&credential)?;
        let named = self.facts.query_values("workspace");
        if named.iter().any(|workspace| *workspace != record.workspace) {
            let sentence = "a token acts in its own workspace only";
            let problem = Problem::field("workspace", sentence).with_status(403);
            return Err(self.stop(problem));
        }
        if call.needs_admin() {
            let sentence = "a token never acts as an admin; send the operator key";
            return Err(self.stop(Problem::new(403, Code::ScopeInsufficient, sentence)));
        }
        if call.needs_scope() && !record.scopes.contains(Scope::TOKENS) {
            return Err(self.stop_for_scope(Scope::TOKENS));
        }
        Ok(Actor::Pat(Box::new(Record::clone(&record))))
    }

    fn has_operator_key(&self) -> bool {
        let authorization = self.facts.header("authorization").unwrap_or_default();
        credentials::is_operator(authorization, &self.gate.config.operator_key)
    }

    /// Who is signed in, at the host for that, if nothing else says who asks: by the identity provider, or,
    /// where there is none, with the operator key. The browser adds what says so by
    /// itself.
    fn person(
        &self,
        call: &Call,
        found: &Result<Option<Credential<'_>>, CredentialError>,
    ) -> Result<Option<Actor>, Stop> {
        if self.is_for_management() == Some(false) {
            return Ok(None);
        }
        let config = self.config();
        let Some(identity) = &config.identity else {
            return match (self.sign_in(), found) {
                (Some(sign_in), Ok(None)) => {
                    self.refuse_cross_site()?;
                    self.operator(Some(sign_in)).map(Some)
                }
                _ => Ok(None),
            };
        };
        let carries = identity.token(self.facts).filter(|jwt| match found {
            Ok(None) => true,
            Ok(Some(credential)) => credential.source == From::Bearer && credential.text == *jwt,
            Err(_) => false,
        });
        let Some(jwt) = carries else {
            return Ok(None);
        };
        self.refuse_cross_site()?;
        let Some(claims) = self.facts.header(CLAIMS) else {
            let jwt = jwt.to_owned();
            return Err(Stop::of(Verdict::Identify { jwt }));
        };
        let Some((mut user, workspace)) = identity.user(claims) else {
            let sentence = "the identity names nobody with a verified e-mail address";
            return Err(self.stop(Problem::new(401, Code::TokenMalformed, sentence)));
        };
        user.workspace = self.workspace(workspace)?;
        if call.needs_admin() && !user.admin {
            let sentence = "only an admin may do this";
            return Err(self.stop(Problem::new(403, Code::ScopeInsufficient, sentence)));
        }
        Ok(Some(Actor::User(Box::new(user))))
    }

    /// The sign-in that a cookie stands for; of two, one may be an intruder's.
    fn sign_in(&self) -> Option<Digest> {
        let cookies = self.facts.header("cookie")?;
        let mut secrets = cookie::values(cookies, SIGN_IN_COOKIE).fuse();
        let secret = secrets.next().filter(|secret| sign_in::is_secret(secret))?;
        let alone = secrets.next().is_none();
        alone.then(|| sign_in::digest(secret, &self.gate.config))
    }

    fn operator(&self, sign_in: Option<Digest>) -> Result<Actor, Stop> {
        let workspace = self.workspace(None)?;
        Ok(Actor::Operator { workspace, sign_in })
    }

    /// The workspace that a request is about: the one that the identity names; else the
    /// one that the query names; else the first of those at this host.
    fn workspace(&self, of_identity: Option<String>) -> Result<String, Stop> {
        let mut named = self.facts.query_values("workspace");
        named.extend(of_identity);
        let mut here = self.workspaces();
        let found = match named.split_first() {
            None => here.next(),
            Some((name, others)) if others.iter().all(|other| other == name) => {
                here.find(|workspace| *workspace == name)
            }
            Some(_) => None,
        };
        let unknown = || {
            self.stop(Problem::field(
                "workspace",
                "is not one of this deployment's",
            ))
        };
        found.cloned().ok_or_else(unknown)
    }

    /// A request of 12d Synergy's clients.
    pub(crate) fn synergy(&mut self, call: Result<Call, Answer>) -> Result<Verdict, Stop> {
        let call = call.map_err(|answer| Stop::of(Verdict::Answer(answer)))?;
        let actor = self.actor(&call)?;
        self.manage(actor, call)
    }

    /// A request of ToolJet's clients.
    pub(crate) fn tooljet(&mut self) -> Result<Verdict, Stop> {
        let call = Call::parse_tooljet(self.facts.method, self.facts.query)
            .map_err(|answer| Stop::of(Verdict::Answer(answer)))?;
        if !self.has_operator_key() {
            let sentence = "send the operator key: \"Authorization: Basic <key>\"";
            return Err(self.stop(Problem::new(401, Code::TokenMissing, sentence)));
        }
        self.refuse_cross_site()?;
        let actor = self.operator(None)?;
        self.manage(actor, call)
    }
}

/// Where the shell puts the claims of a JWT that it has checked: no header of a request
/// can have this name (RFC 9110 §5.6.2).
const CLAIMS: &str = "@identity";

/// The media type of lines of JSON.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// The cookie of a sign-in with the operator key.
pub const SIGN_IN_COOKIE: &str = "__Host-gatepass";
