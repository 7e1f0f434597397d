//! The variables, one after the other. Reading goes on after a mistake; the first one is
//! told in the end.

use super::{Apps, Config, ConfigError, Upstream, Workspace};
use crate::app::App;
use crate::credentials;
use crate::digest::Digest;
use crate::embed_host::EmbedHost;
use crate::fields::Fields;
use crate::identity::Identity;
use crate::limits::{self, Creations};
use crate::management::{SYNERGY_PATHS, TOOLJET_PATHS};
use crate::problem::Problem;
use crate::raw::{self, Raw};
use crate::route::{Routes, Rule};
use crate::session::SessionKeys;
use std::borrow::Cow;

impl Config {
    /// Reads the variables (a JSON object by name) and the names of the bound
    /// resources. Of several mistakes the first is told.
    pub fn parse(variables: &str, bindings: &[String]) -> Result<Self, Box<ConfigError>> {
        let mut fields = Fields::of_object(variables);
        if fields.refused() {
            return Err(error("the variables", "cannot be read"));
        }
        for name in REQUIRED_BINDINGS {
            require_binding(&mut fields, name, name, bindings);
        }
        let development = flag(&mut fields, "DEVELOPMENT");
        let (tooljet, synergy) = parse_compat(&mut fields);
        let config = Self {
            upstream: parse_main_upstream(&mut fields, bindings, development),
            session_keys: parse_session_keys(&mut fields),
            routes: parse_routes(&mut fields, (tooljet, synergy)),
            apps: parse_apps(&mut fields, bindings, development),
            workspaces: parse_workspaces(&mut fields),
            creations: parse_limits(&mut fields),
            leak_reports: parse_url(&mut fields, "LEAK_KEYS_URL", development),
            management_host: parse_management_host(&mut fields),
            identity: parse_identity(&mut fields, development),
            embed_host: parse_embed_host(&mut fields),
            tooljet,
            synergy,
            development,
            strict: parse_consistency(&mut fields),
            operator_key: parse_operator_key(&mut fields),
            metrics_key: parse_key(&mut fields, "METRICS_KEY"),
            upstream_authorization: parse_authorization(&mut fields),
        };
        check_notifications(&mut fields, development);
        check_audit_days(&mut fields);
        check_assertion_key(&mut fields);
        if config.session_keys.is_none() && config.apps.iter().next().is_some() {
            let sentence = "is missing, and APPS can be embedded only with it; set it by \
                            `wrangler secret put SESSION_KEYS`";
            fields.refuse("SESSION_KEYS", sentence);
        }
        finished(fields, config)
    }

    /// Reads the options of the npm package, by the names that variables have. There the
    /// app is behind the gate by itself, and no other service of Gatepass's is.
    pub fn of_package(options: &str) -> Result<Self, Box<ConfigError>> {
        let mut fields = Fields::of_object(options);
        let development = flag(&mut fields, "DEVELOPMENT");
        let config = Self {
            upstream: Upstream::Service(String::new()),
            session_keys: parse_session_keys(&mut fields),
            routes: parse_routes(&mut fields, (false, false)),
            apps: parse_apps(&mut fields, &[], development),
            workspaces: parse_workspaces(&mut fields),
            creations: Creations(0),
            leak_reports: false,
            management_host: None,
            identity: None,
            embed_host: parse_embed_host(&mut fields),
            tooljet: false,
            synergy: false,
            development,
            strict: parse_consistency(&mut fields),
            // No text is known that has it.
            operator_key: Digest::BLANK,
            metrics_key: None,
            upstream_authorization: None,
        };
        if config.apps.iter().next().is_some() {
            if config.session_keys.is_none() {
                fields.refuse("SESSION_KEYS", "is missing: apps are embedded with it only");
            }
            if !matches!(config.embed_host, EmbedHost::Each(_)) {
                let sentence = "must be such as \"*.embed.example.net\": each embed has a host \
                                of its own (embeds at paths need Gatepass's Worker)";
                fields.refuse("EMBED_HOST", sentence);
            }
            if config.apps.iter().any(|app| app.upstream.is_some()) {
                fields.refuse("APPS", "have no upstream here: the app is behind the gate");
            }
        }
        finished(fields, config)
    }
}

/// The configuration, if nothing in it was refused and nothing is left.
fn finished(mut fields: Fields<'_>, config: Config) -> Result<Config, Box<ConfigError>> {
    let unknown = fields.names().next().map(str::to_owned);
    if let Some(unknown) = unknown {
        fields.refuse(&unknown, "is not a setting of Gatepass; check its spelling");
    }
    match fields.finish() {
        Ok(()) => Ok(config),
        Err(problem) => Err(error(
            problem.field.clone().unwrap_or_default(),
            problem.detail.clone(),
        )),
    }
}

pub(super) const REQUIRED_BINDINGS: [&str; 6] = [
    "RECORDS",
    "LEDGER",
    "DIRECTORY",
    "LOOKUPS_BY_ADDRESS",
    "LOOKUPS_BY_LEDGER",
    "ASSETS",
];

#[inline(never)]
fn error(
    field: impl Into<Cow<'static, str>>,
    sentence: impl Into<Cow<'static, str>>,
) -> Box<ConfigError> {
    Box::new(ConfigError {
        field: field.into(),
        sentence: sentence.into(),
    })
}

fn require_binding(fields: &mut Fields<'_>, field: &str, name: &str, bindings: &[String]) {
    if !bindings.iter().any(|bound| bound == name) {
        let sentence = format!("needs the binding {name}; bind it in wrangler.toml");
        fields.refuse(field, &sentence);
    }
}

/// Takes a variable out. An empty one is one that is not set.
fn variable<'a>(fields: &mut Fields<'a>, name: &str) -> Option<Raw<'a>> {
    fields.take_raw(name).filter(|raw| raw.get() != "\"\"")
}

fn text(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.take_text(name, "a string");
    text.filter(|text| !text.is_empty())
}

fn flag(fields: &mut Fields<'_>, name: &str) -> bool {
    match variable(fields, name).map(Raw::get) {
        None | Some("false" | "\"false\"") => return false,
        Some("true" | "\"true\"") => {}
        Some(_) => fields.must_be(name, "true or false"),
    }
    true
}

/// The JSON of a list or an object, given as one or as its JSON in a string.
fn inner<'a>(fields: &mut Fields<'a>, name: &str) -> Option<Cow<'a, str>> {
    let value = variable(fields, name)?;
    Some(value.text().unwrap_or(Cow::Borrowed(value.get())))
}

fn list<'j>(
    fields: &mut Fields<'_>,
    name: &str,
    json: Option<&'j Cow<'_, str>>,
) -> Option<Vec<Raw<'j>>> {
    let list = raw::list(json?);
    if list.is_none() {
        fields.must_be(name, "a list");
    }
    list
}

/// Refuses an entry of a list, with the field's whole name.
fn refuse_entry(fields: &mut Fields<'_>, name: &str, index: usize, problem: &Problem) {
    refuse_within(fields, &format!("{name}[{index}]"), problem);
}

/// Refuses what a variable holds, with the field's whole name.
fn refuse_within(fields: &mut Fields<'_>, name: &str, problem: &Problem) {
    let field = match &problem.field {
        Some(field) => format!("{name}.{field}"),
        None => name.to_owned(),
    };
    fields.refuse(&field, &problem.detail);
}

fn parse_main_upstream(
    fields: &mut Fields<'_>,
    bindings: &[String],
    development: bool,
) -> Upstream {
    let name = "UPSTREAM";
    let value = text(fields, name).unwrap_or_else(|| {
        let sentence = "is missing; set it to the app's URL or to \"service:<BINDING>\"";
        fields.refuse(name, sentence);
        String::new()
    });
    parse_upstream(fields, name, &value, bindings, development)
}

pub(crate) fn parse_upstream(
    fields: &mut Fields<'_>,
    name: &str,
    value: &str,
    bindings: &[String],
    development: bool,
) -> Upstream {
    if let Some(binding) = value.strip_prefix("service:") {
        require_binding(fields, name, binding, bindings);
        return Upstream::Service(binding.to_owned());
    }
    if !is_base_url(value, development) {
        let expected = "\"service:<BINDING>\" or a plain URL such as \"https://app.example/base\", \
                        with https except in development";
        fields.must_be(name, expected);
    }
    Upstream::Url(value.strip_suffix('/').unwrap_or(value).to_owned())
}

fn is_base_url(value: &str, development: bool) -> bool {
    let rest = match value.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if development => rest,
        _ => return false,
    };
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let host_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let base = base.strip_suffix('/').unwrap_or(base);
    let plain = |segment: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,=:@".contains(&byte);
        !segment.is_empty() && segment.bytes().all(allowed) && segment != "." && segment != ".."
    };
    !host.is_empty()
        && host.bytes().all(host_allowed)
        && (base.is_empty() || base.split('/').all(plain))
}

fn parse_routes(fields: &mut Fields<'_>, (tooljet, synergy): (bool, bool)) -> Routes {
    // First the paths that are taken, so that no other spelling of them reaches an
    // upstream that has them too.
    let mut rules = Vec::new();
    for (taken, paths) in [(tooljet, TOOLJET_PATHS), (synergy, SYNERGY_PATHS)] {
        if taken {
            rules.extend(paths.iter().map(|path| Rule {
                path: (*path).to_owned(),
                ..Rule::default()
            }));
        }
    }
    let taken = rules.len();
    let name = "ROUTES";
    let json = inner(fields, name);
    let list = list(fields, name, json.as_ref()).unwrap_or_default();
    for (index, value) in list.iter().enumerate() {
        match Rule::read(value.get()) {
            Ok(rule) => rules.push(rule),
            Err(problem) => refuse_entry(fields, name, index, &problem),
        }
    }
    Routes::new(rules).unwrap_or_else(|(index, field, sentence)| {
        let problem = Problem::field(field, sentence);
        refuse_entry(fields, name, index.saturating_sub(taken), &problem);
        Routes::default()
    })
}

fn parse_apps(fields: &mut Fields<'_>, bindings: &[String], development: bool) -> Apps {
    let mut apps = Apps::default();
    let name = "APPS";
    let json = inner(fields, name);
    let list = list(fields, name, json.as_ref()).unwrap_or_default();
    for (index, value) in list.iter().enumerate() {
        match App::read(value.get(), bindings, development) {
            Ok(app) => {
                if !apps.add(app) {
                    let problem = Problem::field("id", "stands there twice");
                    refuse_entry(fields, name, index, &problem);
                }
            }
            Err(problem) => refuse_entry(fields, name, index, &problem),
        }
    }
    apps
}

fn parse_workspaces(fields: &mut Fields<'_>) -> Vec<Workspace> {
    let name = "WORKSPACES";
    let json = inner(fields, name);
    let list = list(fields, name, json.as_ref()).unwrap_or_default();
    let mut workspaces: Vec<Workspace> = Vec::new();
    workspaces.extend(list.iter().map_while(|value| read_workspace(*value)));
    let clash = |one: &Workspace, other: &Workspace| {
        let shared = |host| other.hosts.contains(host);
        one.name == other.name || one.hosts.iter().any(shared)
    };
    let mut pairs = workspaces.iter().enumerate();
    let clashes = pairs.any(|(at, one)| workspaces.iter().take(at).any(|other| clash(one, other)));
    if clashes || workspaces.len() < list.len() {
        let expected = "a list of different names of 1 to 64 lower-case letters, digits, \"_\" \
                        and \"-\", or of {name, hosts} with host names that stand once";
        fields.must_be(name, expected);
    }
    if workspaces.is_empty() {
        workspaces.push(Workspace {
            name: "default".to_owned(),
            hosts: Vec::new(),
        });
    }
    workspaces
}

fn read_workspace(value: Raw<'_>) -> Option<Workspace> {
    let workspace = match value.text() {
        Some(name) => Workspace {
            name: name.into_owned(),
            hosts: Vec::new(),
        },
        None => {
            let mut fields = Fields::of_object(value.get());
            let name = fields.stored_text("name");
            let hosts = fields.take_texts("hosts").unwrap_or_default();
            fields.finish().ok()?;
            Workspace { name, hosts }
        }
    };
    let named =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    let good = (1..=64).contains(&workspace.name.len())
        && workspace.name.bytes().all(named)
        && workspace.hosts.iter().all(|host| is_host(host));
    good.then_some(workspace)
}

fn parse_limits(fields: &mut Fields<'_>) -> Creations {
    let limits = inner(fields, "LIMITS").map(|json| limits::read(&json));
    let limits = refused_within(fields, "LIMITS", limits);
    limits.unwrap_or_default()
}

/// Whether a URL is there that the shell fetches.
fn parse_url(fields: &mut Fields<'_>, name: &str, development: bool) -> bool {
    let url = text(fields, name);
    if let Some(Err(sentence)) = url.as_ref().map(|url| limits::check_url(url, development)) {
        fields.refuse(name, sentence);
    }
    url.is_some()
}

fn check_notifications(fields: &mut Fields<'_>, development: bool) {
    let notifies = parse_url(fields, "NOTIFY_URL", development);
    let keys = text(fields, "NOTIFY_KEY");
    if notifies != keys.is_some() || !keys.is_none_or(|keys| limits::are_webhook_keys(&keys)) {
        let sentence =
            "goes with NOTIFY_URL: \"whsec_<base64 of 24 to 64 bytes>\", or none of both";
        fields.refuse("NOTIFY_KEY", sentence);
    }
}

fn check_audit_days(fields: &mut Fields<'_>) {
    let name = "AUDIT_DAYS";
    let days = inner(fields, name);
    if let Some(Err(sentence)) = days.map(|days| limits::check_days(&days)) {
        fields.refuse(name, sentence);
    }
}

fn parse_management_host(fields: &mut Fields<'_>) -> Option<String> {
    let host = text(fields, "MANAGEMENT_HOST")?;
    if !is_host(&host) {
        fields.must_be(
            "MANAGEMENT_HOST",
            "a host name in lower case, without a port",
        );
    }
    Some(host)
}

fn is_host(host: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    !host.is_empty() && host.bytes().all(allowed)
}

fn parse_identity(fields: &mut Fields<'_>, development: bool) -> Option<Identity> {
    let identity = inner(fields, "IDENTITY").map(|json| Identity::read(&json, development));
    refused_within(fields, "IDENTITY", identity)
}

/// What was read inside a variable, or a refusal with the field's whole name.
fn refused_within<T>(
    fields: &mut Fields<'_>,
    name: &str,
    read: Option<Result<T, Problem>>,
) -> Option<T> {
    match read? {
        Ok(value) => return Some(value),
        Err(problem) => refuse_within(fields, name, &problem),
    }
    None
}

fn parse_consistency(fields: &mut Fields<'_>) -> bool {
    match text(fields, "CONSISTENCY").as_deref() {
        None | Some("bounded") => return false,
        Some("strict") => {}
        Some(_) => fields.must_be("CONSISTENCY", "\"bounded\" or \"strict\""),
    }
    true
}

fn parse_operator_key(fields: &mut Fields<'_>) -> Digest {
    let name = "OPERATOR_KEY";
    parse_key(fields, name).unwrap_or_else(|| {
        let sentence = "is missing; set it by `wrangler secret put OPERATOR_KEY`";
        fields.refuse(name, sentence);
        Digest::BLANK
    })
}

/// The digest of a key that is presented as it is.
fn parse_key(fields: &mut Fields<'_>, name: &str) -> Option<Digest> {
    let key = text(fields, name)?;
    let visible = |byte: u8| (0x21..=0x7e).contains(&byte);
    if !credentials::OPERATOR_KEY_LENGTH.contains(&key.len()) || !key.bytes().all(visible) {
        fields.must_be(name, "at least 32 visible ASCII characters");
    }
    Some(Digest::of(&key))
}

fn parse_authorization(fields: &mut Fields<'_>) -> Option<String> {
    let name = "UPSTREAM_AUTHORIZATION";
    let value = text(fields, name)?;
    let visible = |byte: u8| (0x20..=0x7e).contains(&byte);
    if !value.bytes().all(visible) {
        fields.must_be(name, "one line of ASCII");
    }
    Some(value)
}

fn parse_session_keys(fields: &mut Fields<'_>) -> Option<SessionKeys> {
    let name = "SESSION_KEYS";
    let keys = SessionKeys::parse(&text(fields, name)?);
    if keys.is_none() {
        let expected = "\"<kid>:<base64 of 32 bytes or more>\", newest first, separated by \
                        commas, each kid once";
        fields.must_be(name, expected);
    }
    keys
}

fn parse_embed_host(fields: &mut Fields<'_>) -> EmbedHost {
    let name = "EMBED_HOST";
    let Some(host) = text(fields, name) else {
        return EmbedHost::Shared;
    };
    EmbedHost::parse(&host).unwrap_or_else(|| {
        let expected = "a host name such as \"*.embed.example.net\" or \"embed.example.net\"";
        fields.must_be(name, expected);
        EmbedHost::Shared
    })
}

/// Which compatible paths are offered, ToolJet's and 12d Synergy's: all, where
/// nothing is said.
fn parse_compat(fields: &mut Fields<'_>) -> (bool, bool) {
    let name = "COMPAT";
    let json = inner(fields, name);
    let Some(names) = list(fields, name, json.as_ref()) else {
        return (true, true);
    };
    let names: Vec<_> = names.iter().map(|name| name.get()).collect();
    if !names.iter().all(|name| [TOOLJET, SYNERGY].contains(name)) {
        fields.must_be(name, "a list of \"tooljet\" and \"12d\", or empty");
    }
    (names.contains(&TOOLJET), names.contains(&SYNERGY))
}

const TOOLJET: &str = "\"tooljet\"";
const SYNERGY: &str = "\"12d\"";

fn check_assertion_key(fields: &mut Fields<'_>) {
    let name = "ASSERTION_KEY";
    if text(fields, name).is_some_and(|key| !signs(&key)) {
        let expected = "a private JWK (EC P-256 or Ed25519) with a kid, or a JWK Set of such";
        fields.must_be(name, expected);
    }
}

/// Whether a JWK, or each of a JWK Set, can sign.
fn signs(json: &str) -> bool {
    let mut key = Fields::of_object(json);
    if key.refused() {
        return false;
    }
    if let Some(keys) = key.take_raw("keys") {
        let keys = raw::list(keys.get()).unwrap_or_default();
        return !keys.is_empty() && keys.iter().all(|key| signs(key.get()));
    }
    let mut filled = |name| !key.stored_text(name).is_empty();
    let private = filled("kid") && filled("d") && filled("x");
    let curve = key.stored_text("crv");
    private && matches!(curve.as_str(), "P-256" | "Ed25519")
}
