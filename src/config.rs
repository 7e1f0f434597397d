//! The deployment's configuration: parsed once, into types that cannot be wrong.

use crate::app::App;
use crate::credentials;
use crate::digest::Digest;
use crate::embed_host::EmbedHost;
use crate::fields::Fields;
use crate::json;
use crate::management::{SYNERGY_PATHS, TOOLJET_PATHS};
use crate::problem::Problem;
use crate::route::{Routes, Rule};
use crate::session::SessionKeys;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

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
    pub workspaces: Vec<String>,
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

/// The apps that can be embedded, in the operator's order.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    list: Vec<Rc<App>>,
    numbers: BTreeMap<String, usize>,
}

impl Apps {
    /// Adds an app, unless its id is taken.
    fn add(&mut self, app: App) -> bool {
        let is_new = self.numbers.insert(app.id.clone(), self.list.len());
        self.list.push(Rc::new(app));
        is_new.is_none()
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
    /// Reads the variables (a JSON object by name) and the names of the bound
    /// resources.
    pub fn parse(variables: &str, bindings: &[String]) -> Result<Self, Box<ConfigError>> {
        let mut variables =
            Fields::of_object(variables).map_err(|_| error("the variables", "cannot be read"))?;
        for name in REQUIRED_BINDINGS {
            require_binding(name, name, bindings)?;
        }
        // An empty variable is one that is not set.
        let mut take = |name: &str| variables.take_raw(name).filter(|raw| raw.get() != "\"\"");
        let development = flag("DEVELOPMENT", take("DEVELOPMENT"))?;
        let upstream = text("UPSTREAM", take("UPSTREAM"))?.ok_or_else(|| {
            error(
                "UPSTREAM",
                "is missing; set it to the app's URL or to \"service:<BINDING>\"",
            )
        })?;
        let session_keys = parse_session_keys(text("SESSION_KEYS", take("SESSION_KEYS"))?)?;
        let compat = parse_compat(take("COMPAT"))?;
        let config = Self {
            upstream: parse_upstream("UPSTREAM", &upstream, bindings, development)?,
            routes: parse_routes(take("ROUTES"), compat)?,
            apps: parse_apps(take("APPS"), bindings, development)?,
            workspaces: parse_workspaces(take("WORKSPACES"))?,
            embed_host: parse_embed_host(text("EMBED_HOST", take("EMBED_HOST"))?)?,
            session_keys,
            tooljet: compat.0,
            synergy: compat.1,
            development,
            strict: parse_consistency(text("CONSISTENCY", take("CONSISTENCY"))?)?,
            operator_key: parse_operator_key(text("OPERATOR_KEY", take("OPERATOR_KEY"))?)?,
            upstream_authorization: parse_authorization(text(
                "UPSTREAM_AUTHORIZATION",
                take("UPSTREAM_AUTHORIZATION"),
            )?)?,
        };
        check_assertion_key(text("ASSERTION_KEY", take("ASSERTION_KEY"))?)?;
        if config.session_keys.is_none() && config.apps.iter().next().is_some() {
            let sentence = "is missing, and APPS can be embedded only with it; set it by \
                            `wrangler secret put SESSION_KEYS`";
            return Err(error("SESSION_KEYS", sentence));
        }
        match variables.names().next() {
            Some(unknown) => Err(error(
                unknown.to_owned(),
                "is not a setting of Gatepass; check its spelling",
            )),
            None => Ok(config),
        }
    }

    /// An app by its id.
    pub fn app(&self, id: &str) -> Option<&Rc<App>> {
        self.apps.list.get(*self.apps.numbers.get(id)?)
    }

    /// The ids of the apps that can be embedded.
    pub fn app_ids(&self) -> Vec<String> {
        self.apps.iter().map(|app| app.id.clone()).collect()
    }
}

const REQUIRED_BINDINGS: [&str; 6] = [
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

fn require_binding(field: &str, name: &str, bindings: &[String]) -> Result<(), Box<ConfigError>> {
    if bindings.iter().any(|bound| bound == name) {
        Ok(())
    } else {
        Err(error(
            field.to_owned(),
            format!("needs the binding {name}; bind it in wrangler.toml"),
        ))
    }
}

fn text(name: &'static str, value: Option<&RawValue>) -> Result<Option<String>, Box<ConfigError>> {
    value
        .map(|raw| json::read_text(raw).ok_or_else(|| error(name, "must be a string")))
        .transpose()
}

fn flag(name: &'static str, value: Option<&RawValue>) -> Result<bool, Box<ConfigError>> {
    match value.map(RawValue::get) {
        None | Some("false" | "\"false\"") => Ok(false),
        Some("true" | "\"true\"") => Ok(true),
        Some(_) => Err(error(name, "must be true or false")),
    }
}

/// A list, given as one or as its JSON in a string.
fn list(
    name: &'static str,
    value: Option<&RawValue>,
) -> Result<Vec<Box<RawValue>>, Box<ConfigError>> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let inner = json::read_text(value);
    json::read_list(inner.as_deref().unwrap_or(value.get()))
        .ok_or_else(|| error(name, "must be a list"))
}

/// A refusal inside an entry of a list, with the field's whole name.
fn inside(name: &str, index: usize, problem: Problem) -> Box<ConfigError> {
    let field = match &problem.field {
        Some(field) => format!("{name}[{index}].{field}"),
        None => format!("{name}[{index}]"),
    };
    error(field, problem.detail.clone())
}

pub(crate) fn parse_upstream(
    field: &str,
    value: &str,
    bindings: &[String],
    development: bool,
) -> Result<Upstream, Box<ConfigError>> {
    if let Some(binding) = value.strip_prefix("service:") {
        require_binding(field, binding, bindings)?;
        return Ok(Upstream::Service(binding.to_owned()));
    }
    let sentence = "must be \"service:<BINDING>\" or a plain URL such as \"https://app.example/base\", \
                    with https except in development";
    let rest = match value.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if development => rest,
        _ => return Err(error(field.to_owned(), sentence)),
    };
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let host_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let base = base.strip_suffix('/').unwrap_or(base);
    let plain = |segment: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,=:@".contains(&byte);
        !segment.is_empty() && segment.bytes().all(allowed) && segment != "." && segment != ".."
    };
    if host.is_empty()
        || !host.bytes().all(host_allowed)
        || !(base.is_empty() || base.split('/').all(plain))
    {
        return Err(error(field.to_owned(), sentence));
    }
    Ok(Upstream::Url(
        value.strip_suffix('/').unwrap_or(value).to_owned(),
    ))
}

fn parse_routes(
    value: Option<&RawValue>,
    (tooljet, synergy): (bool, bool),
) -> Result<Routes, Box<ConfigError>> {
    // First the paths that are taken, so that no other spelling of them reaches an
    // upstream that has them too.
    let mut rules = Vec::new();
    for (_, paths) in [(tooljet, TOOLJET_PATHS), (synergy, SYNERGY_PATHS)]
        .into_iter()
        .filter(|(taken, _)| *taken)
    {
        rules.extend(paths.iter().map(|path| Rule {
            path: (*path).to_owned(),
            ..Rule::default()
        }));
    }
    let taken = rules.len();
    for (index, value) in list("ROUTES", value)?.into_iter().enumerate() {
        let rule = Rule::read(value.get());
        rules.push(rule.map_err(|problem| inside("ROUTES", index, problem))?);
    }
    Routes::new(rules).map_err(|(index, field, sentence)| {
        let index = index.saturating_sub(taken);
        error(format!("ROUTES[{index}].{field}"), sentence)
    })
}

fn parse_apps(
    value: Option<&RawValue>,
    bindings: &[String],
    development: bool,
) -> Result<Apps, Box<ConfigError>> {
    let mut apps = Apps::default();
    for (index, value) in list("APPS", value)?.into_iter().enumerate() {
        let app = App::read(value.get(), bindings, development)
            .map_err(|problem| inside("APPS", index, problem))?;
        if !apps.add(app) {
            return Err(error(format!("APPS[{index}].id"), "stands there twice"));
        }
    }
    Ok(apps)
}

fn parse_workspaces(value: Option<&RawValue>) -> Result<Vec<String>, Box<ConfigError>> {
    let sentence =
        "must be a list of different names of 1 to 64 lower-case letters, digits, \"_\" and \"-\"";
    let mut names: Vec<String> = Vec::new();
    for value in list("WORKSPACES", value)? {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        let name = json::read_text(&value).ok_or_else(|| error("WORKSPACES", sentence))?;
        let good = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
        if !good || names.contains(&name) {
            return Err(error("WORKSPACES", sentence));
        }
        names.push(name);
    }
    if names.is_empty() {
        names.push("default".to_owned());
    }
    Ok(names)
}

fn parse_consistency(value: Option<String>) -> Result<bool, Box<ConfigError>> {
    match value.as_deref() {
        None | Some("bounded") => Ok(false),
        Some("strict") => Ok(true),
        Some(_) => Err(error("CONSISTENCY", "must be \"bounded\" or \"strict\"")),
    }
}

fn parse_operator_key(value: Option<String>) -> Result<Digest, Box<ConfigError>> {
    let key = value.ok_or_else(|| {
        error(
            "OPERATOR_KEY",
            "is missing; set it by `wrangler secret put OPERATOR_KEY`",
        )
    })?;
    let visible = |byte: u8| (0x21..=0x7e).contains(&byte);
    if !credentials::OPERATOR_KEY_LENGTH.contains(&key.len()) || !key.bytes().all(visible) {
        return Err(error(
            "OPERATOR_KEY",
            "must be at least 32 visible ASCII characters",
        ));
    }
    Ok(Digest::of(&key))
}

fn parse_authorization(value: Option<String>) -> Result<Option<String>, Box<ConfigError>> {
    let visible = |byte: u8| (0x20..=0x7e).contains(&byte);
    match value {
        Some(value) if !value.bytes().all(visible) => {
            Err(error("UPSTREAM_AUTHORIZATION", "must be one line of ASCII"))
        }
        value => Ok(value),
    }
}

fn parse_session_keys(value: Option<String>) -> Result<Option<SessionKeys>, Box<ConfigError>> {
    let Some(keys) = value else { return Ok(None) };
    let sentence = "must be \"<kid>:<base64 of 32 bytes or more>\", newest first, separated by \
                    commas, each kid once";
    SessionKeys::parse(&keys)
        .map(Some)
        .ok_or_else(|| error("SESSION_KEYS", sentence))
}

fn parse_embed_host(value: Option<String>) -> Result<EmbedHost, Box<ConfigError>> {
    let Some(host) = value else {
        return Ok(EmbedHost::Shared);
    };
    let sentence = "must be a host name such as \"*.embed.example.net\" or \"embed.example.net\"";
    EmbedHost::parse(&host).ok_or_else(|| error("EMBED_HOST", sentence))
}

/// Which compatible paths are offered, ToolJet's and 12d Synergy's: all, where
/// nothing is said.
fn parse_compat(value: Option<&RawValue>) -> Result<(bool, bool), Box<ConfigError>> {
    if value.is_none() {
        return Ok((true, true));
    }
    let names = list("COMPAT", value)?;
    let names: Vec<_> = names.iter().map(|name| name.get()).collect();
    if names.iter().all(|name| [TOOLJET, SYNERGY].contains(name)) {
        Ok((names.contains(&TOOLJET), names.contains(&SYNERGY)))
    } else {
        let sentence = "must be a list of \"tooljet\" and \"12d\", or empty";
        Err(error("COMPAT", sentence))
    }
}

const TOOLJET: &str = "\"tooljet\"";
const SYNERGY: &str = "\"12d\"";

fn check_assertion_key(value: Option<String>) -> Result<(), Box<ConfigError>> {
    let Some(key) = value else { return Ok(()) };
    let good = Fields::of_object(&key).is_ok_and(|mut key| {
        let mut filled = |name| key.stored_text(name).is_some_and(|text| !text.is_empty());
        let private = filled("kid") && filled("d") && filled("x");
        let kind = key.stored_text("kty");
        private && matches!(kind.as_deref(), Some("EC" | "OKP"))
    });
    if good {
        Ok(())
    } else {
        Err(error(
            "ASSERTION_KEY",
            "must be a private JWK (EC P-256 or Ed25519) with a kid",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn bindings() -> Vec<String> {
        let names = REQUIRED_BINDINGS.into_iter().chain(["UPSTREAM"]);
        names.map(str::to_owned).collect()
    }

    fn parse(variables: &str) -> Result<Config, Box<ConfigError>> {
        let variables = format!("{{\"OPERATOR_KEY\":\"{KEY}\",{variables}}}");
        Config::parse(&variables, &bindings())
    }

    #[test]
    fn the_least_configuration_has_safe_defaults() {
        let config = parse(r#""UPSTREAM":"service:UPSTREAM""#).unwrap();
        assert_eq!(config.upstream, Upstream::Service("UPSTREAM".to_owned()));
        assert_eq!(config.workspaces, ["default"]);
        assert!(!config.strict && config.apps.iter().next().is_none());
        let rule = config.routes.find("GET", "/anything").unwrap();
        assert!(!rule.public);
    }

    #[test]
    fn every_mistake_names_its_field() {
        for (variables, field) in [
            (r#""UPSTREAM":"""#, "UPSTREAM"),
            (r#""UPSTREAM":"service:NOBODY""#, "UPSTREAM"),
            (r#""UPSTREAM":"http://app.example""#, "UPSTREAM"),
            (r#""UPSTREAM":"https://app.example/a?b""#, "UPSTREAM"),
            (r#""UPSTREAM":"https://user@app.example""#, "UPSTREAM"),
            (r#""UPSTREAM":"https://app.example/../x""#, "UPSTREAM"),
            (r#""UPSTREAM":"ftp://app.example""#, "UPSTREAM"),
            (r#""UPSTREAM":7"#, "UPSTREAM"),
            (
                r#""UPSTREAM":"https://a.example","UPSTREEM":"x""#,
                "UPSTREEM",
            ),
            (r#""UPSTREAM":"https://a.example","ROUTES":{}"#, "ROUTES"),
            (r#""UPSTREAM":"https://a.example","ROUTES":"[""#, "ROUTES"),
            (
                r#""UPSTREAM":"https://a.example","ROUTES":[{"path":"x"}]"#,
                "ROUTES[0].path",
            ),
            (
                r#""UPSTREAM":"https://a.example","ROUTES":[{"path":"/x","pubic":true}]"#,
                "ROUTES[0].pubic",
            ),
            (
                r#""UPSTREAM":"https://a.example","APPS":[{"id":"a/b","name":"x"}]"#,
                "APPS[0].id",
            ),
            (
                r#""UPSTREAM":"https://a.example","APPS":[{"id":"a","name":"x"},{"id":"a","name":"y"}]"#,
                "APPS[1].id",
            ),
            (
                r#""UPSTREAM":"https://a.example","WORKSPACES":["A"]"#,
                "WORKSPACES",
            ),
            (
                r#""UPSTREAM":"https://a.example","CONSISTENCY":"eventual""#,
                "CONSISTENCY",
            ),
            (
                r#""UPSTREAM":"https://a.example","DEVELOPMENT":1"#,
                "DEVELOPMENT",
            ),
            (
                r#""UPSTREAM":"https://a.example","SESSION_KEYS":"k1:c2hvcnQ=""#,
                "SESSION_KEYS",
            ),
            (
                r#""UPSTREAM":"https://a.example","ASSERTION_KEY":"{}""#,
                "ASSERTION_KEY",
            ),
            (
                r#""UPSTREAM":"https://a.example","UPSTREAM_AUTHORIZATION":"a\nb""#,
                "UPSTREAM_AUTHORIZATION",
            ),
        ] {
            assert_eq!(parse(variables).unwrap_err().field, field, "{variables}");
        }
    }

    #[test]
    fn a_short_operator_key_is_refused_and_not_repeated() {
        let variables = r#"{"UPSTREAM":"https://a.example","OPERATOR_KEY":"hunter2"}"#;
        let mistake = Config::parse(variables, &bindings()).unwrap_err();
        assert_eq!(mistake.field, "OPERATOR_KEY");
        assert!(!mistake.to_string().contains("hunter2"));
    }

    #[test]
    fn a_missing_binding_is_named() {
        let variables =
            format!("{{\"OPERATOR_KEY\":\"{KEY}\",\"UPSTREAM\":\"https://a.example\"}}");
        let mistake = Config::parse(&variables, &["RECORDS".to_owned()]).unwrap_err();
        assert_eq!(mistake.field, "LEDGER");
    }

    #[test]
    fn lists_may_come_as_json_text_and_http_only_in_development() {
        let config = parse(
            r#""UPSTREAM":"http://localhost:3000/","DEVELOPMENT":"true","WORKSPACES":"[\"a\",\"b\"]""#,
        );
        let config = config.unwrap();
        assert_eq!(
            config.upstream,
            Upstream::Url("http://localhost:3000".to_owned())
        );
        assert_eq!(config.workspaces, ["a", "b"]);
    }
}
