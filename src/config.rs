//! The deployment's configuration: parsed once, into types that cannot be wrong.

use crate::app::App;
use crate::digest::Digest;
use crate::embed_host::{EmbedHost, Site};
use crate::identity::Identity;
use crate::limits::Creations;
use crate::route::Routes;
use crate::session::SessionKeys;
use std::borrow::Cow;
use std::rc::Rc;
pub(crate) use variables::parse_upstream;

/// All that the operator has decided.
#[derive(Clone, Debug)]
pub struct Config {
    /// The app behind the gate.
    pub upstream: Upstream,
    /// The rules for its paths.
    pub routes: Routes,
    /// The apps that can be embedded.
    pub apps: Apps,
    /// The workspaces; the first is the one that is meant where none is named.
    pub workspaces: Vec<Workspace>,
    /// How many tokens a user may get within a minute.
    pub creations: Creations,
    /// Whether reports of leaked tokens are taken.
    pub leak_reports: bool,
    /// The one host at which people are signed in, and which has nothing of the
    /// upstream's; absent: they are at each.
    pub management_host: Option<String>,
    /// How people are known by their identity provider; absent: there is none.
    pub identity: Option<Identity>,
    /// Whether the ledger is asked at each use of every token.
    pub strict: bool,
    /// Where embeds live.
    pub embed_host: EmbedHost,
    /// The keys that sign sessions; they are there if an app is.
    pub session_keys: Option<SessionKeys>,
    /// Whether ToolJet's endpoint is offered.
    pub tooljet: bool,
    /// Whether 12d Synergy's endpoints are offered.
    pub synergy: bool,
    /// Whether this is a developer's machine: plain HTTP is in order.
    pub development: bool,
    /// The digest of the operator key.
    pub operator_key: Digest,
    /// The digest of the key that opens the metrics; absent: nobody sees them.
    pub metrics_key: Option<Digest>,
    /// What the upstream gets as `Authorization`.
    pub upstream_authorization: Option<String>,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// Another Worker, by the name of its service binding.
    Service(String),
    /// A web server: scheme, host and base path, without a slash at the end.
    Url(String),
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// The hosts that are its alone; none: it is at all that are no other's.
    pub hosts: Vec<String>,
}

/// The apps that can be embedded, in the operator's order.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    list: Vec<Rc<App>>,
    /// Their numbers in the list, by id.
    numbers: Vec<usize>,
}

impl Apps {
    /// Adds an app, unless its id is taken.
    fn add(&mut self, app: App) -> bool {
        let Err(at) = self.position(&app.id) else {
            return false;
        };
        self.numbers.insert(at, self.list.len());
        self.list.push(Rc::new(app));
        true
    }

    /// Where its number stands, or would.
    fn position(&self, id: &str) -> Result<usize, usize> {
        let own = |number: usize| self.list.get(number).map_or("", |app| &app.id);
        self.numbers.binary_search_by(|number| own(*number).cmp(id))
    }

    fn get(&self, id: &str) -> Option<&Rc<App>> {
        let at = self.position(id).ok()?;
        self.list.get(*self.numbers.get(at)?)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &App> {
        self.list.iter().map(AsRef::as_ref)
    }
}

/// A mistake in the configuration. It names the field and never a value, since
/// the value may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable, with the place inside it: `ROUTES[2].path`.
    pub field: Cow<'static, str>,
    /// What is wrong and what to do.
    pub sentence: Cow<'static, str>,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.field, self.sentence)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// An app by its id.
    pub fn app(&self, id: &str) -> Option<&Rc<App>> {
        self.apps.get(id)
    }

    /// The workspaces at a host: the one whose host it is; else, those that have none, or
    /// all if it is a host of embeds, each of which is of one workspace by itself, or
    /// `anywhere`.
    pub fn workspaces_at(&self, hostname: &str, anywhere: bool) -> impl Iterator<Item = &String> {
        let hostname = hostname.strip_suffix('.').unwrap_or(hostname);
        let has = |workspace: &&Workspace| workspace.hosts.iter().any(|host| host == hostname);
        let owner = self.workspaces.iter().find(has);
        let bound = self
            .workspaces
            .iter()
            .any(|workspace| !workspace.hosts.is_empty());
        let all = anywhere || !bound || owner.is_none() && self.is_for_embeds_alone(hostname);
        let here = move |workspace: &&Workspace| match owner {
            Some(owner) => *workspace == owner,
            None => all || workspace.hosts.is_empty(),
        };
        let here = self.workspaces.iter().filter(here);
        here.map(|workspace| &workspace.name)
    }

    fn is_for_embeds_alone(&self, hostname: &str) -> bool {
        !matches!(self.embed_host.site(hostname), Site::Main { .. })
    }

    /// The digests of the keys that open something here, and must go no further.
    pub fn keys(&self) -> [Digest; 2] {
        let operator = self.operator_key;
        [operator, self.metrics_key.unwrap_or(operator)]
    }

    /// The workspace whose directory keeps what is of none in particular.
    pub fn home(&self) -> &str {
        let first = self.workspaces.first();
        first.map_or("", |workspace| &workspace.name)
    }

    /// The ids of the apps that can be embedded.
    pub fn app_ids(&self) -> Vec<String> {
        self.apps.iter().map(|app| app.id.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
mod variables;
