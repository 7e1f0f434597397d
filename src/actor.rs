//! Who is asking on the management API, and for what: the part of the gate that
//! lets a management request through.

use crate::answer::Answer;
use crate::credentials::{self, CredentialError};
use crate::gate::{Check, Stop};
use crate::management::{Call, Request, Ticket};
use crate::problem::{Code, Problem};
use crate::record::Record;
use crate::scope::Scope;
use crate::verdict::Verdict;

/// Whoever made a management request, already authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the operator key: an admin, who acts for a named user.
    Operator {
        /// The workspace that the request is about.
        workspace: String,
    },
    /// The holder of a PAT: acts for its own user only, never as an admin.
    Pat(Box<Record>),
}

impl Actor {
    /// The workspace that the actor acts in.
    pub fn workspace(&self) -> &str {
        match self {
            Self::Operator { workspace } => workspace,
            Self::Pat(record) => &record.workspace,
        }
    }

    /// Whether the actor may do what only admins may.
    pub const fn is_admin(&self) -> bool {
        matches!(self, Self::Operator { .. })
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
            })),
        })
    }

    /// Who makes a management request.
    fn actor(&mut self, call: &Call) -> Result<Actor, Stop> {
        let authorization = self.facts.header("authorization").unwrap_or_default();
        if credentials::is_operator(authorization, &self.gate.config.operator_key) {
            self.refuse_cross_site()?;
            return self.operator();
        }
        let credential = match credentials::find(self.facts, None) {
            // A wrong operator key need not be base64; it is no good all the same.
            Err(CredentialError::Malformed) => {
                let sentence = "the credential is neither the operator key nor a token";
                return Err(self.stop(Problem::new(401, Code::TokenMalformed, sentence)));
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

    fn operator(&self) -> Result<Actor, Stop> {
        let workspaces = &self.gate.config.workspaces;
        let named = self.facts.query_values("workspace");
        let workspace = match named.as_slice() {
            [] => workspaces.first(),
            [name] => workspaces.iter().find(|workspace| *workspace == name),
            _ => None,
        };
        match workspace {
            Some(workspace) => Ok(Actor::Operator {
                workspace: workspace.clone(),
            }),
            None => Err(self.stop(Problem::field(
                "workspace",
                "is not one of this deployment's",
            ))),
        }
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
        let authorization = self.facts.header("authorization").unwrap_or_default();
        if !credentials::is_operator(authorization, &self.gate.config.operator_key) {
            let sentence = "send the operator key: \"Authorization: Basic <key>\"";
            return Err(self.stop(Problem::new(401, Code::TokenMissing, sentence)));
        }
        self.refuse_cross_site()?;
        let actor = self.operator()?;
        self.manage(actor, call)
    }
}
