//! The management API under `/gatepass/api/` and the compatible paths: which
//! call a request makes.

use crate::actor::Actor;
use crate::answer::Answer;
use crate::asker::Source;
use crate::entrance::Entrance;
use crate::entry::Shown;
use crate::id::Id;
use crate::leaks::Report;
use crate::listing::{Cursor, Listing};
use crate::problem::{Code, Problem};
use crate::sessions;
use crate::synergy;
use crate::text;
use crate::time::Time;
use crate::token::Kind;
use percent_encoding::percent_decode;

/// A request that the check let through, to be carried out by [`crate::api`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticket {
    /// A management request; it may now read its body.
    Manage(Request),
    /// An entry to a place.
    Enter(Box<Entrance>),
    /// A report of leaked tokens, which is signed.
    Report(Report),
}

/// A management request that was authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub call: Call,
    /// The request's `Content-Type`.
    pub content_type: Option<String>,
    /// The request's `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The origin at which it was made.
    pub origin: String,
    /// Where it came from.
    pub source: Source,
    /// Whether it asks for a list as lines of JSON.
    pub as_lines: bool,
}

/// What a management request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Make a token.
    Create,
    /// List tokens.
    List(Box<Listing>),
    /// Show a token.
    Read(Target),
    /// Rename, describe, enable or disable a token.
    Change(Id),
    /// Replace a token by a new one.
    Rotate(Id),
    /// Revoke a token and all that it made.
    Revoke(Target),
    /// List live sessions.
    Sessions(Box<Listing>),
    /// List what happened.
    Audit(Box<Listing>),
    /// Kill a session.
    Kill(Id),
    /// Kill all sessions of somebody.
    KillAll(Whose),
    /// Show the workspace's settings.
    Settings,
    /// Set the workspace's settings.
    SetSettings,
    /// Sign the holder of the operator key in.
    SignIn,
    /// Tell who is signed in.
    Who,
    /// Sign out.
    SignOut,
    /// Tell another service of a presented token (RFC 7662).
    Introspect,
    /// Revoke a presented token (RFC 7009).
    RevokePresented,
    /// Make an embed token, as ToolJet's clients ask for it.
    ToolJet,
    /// What 12d Synergy's clients ask for.
    Synergy(synergy::Call),
}

/// Whose sessions are killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those that a token opened.
    Token(Id),
    /// Those of a user, by id or e-mail address.
    User(String),
    /// Those of the whole workspace.
    Everybody,
}

/// The token that a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one with this id.
    Id(Id),
    /// The one that was presented.
    Itself,
}

impl Call {
    /// Reads method, path and query of a request under [`PATH`], [`SESSIONS`],
    /// [`AUDIT`], [`SETTINGS`], [`SIGN_IN`] or `/gatepass/oauth/`. The refusal is the answer to
    /// give: 404 for what is not there, 405 with `Allow`, 400 for a query that is wrong.
    ///
    /// `HEAD` asks for what `GET` does; the shell leaves out the body. The
    /// query parameter `workspace` is the gate's to judge and may stand on each
    /// call.
    pub fn parse(method: &str, path: &str, query: Option<&str>) -> Result<Self, Answer> {
        if let Some(rest) = path.strip_prefix(SESSIONS) {
            return Self::on_sessions(rest, method, query);
        }
        if path == AUDIT {
            return match method {
                "GET" | "HEAD" => parse_listing(query, &AUDIT_PARAMETERS).map(Self::Audit),
                _ => Err(wrong_method("GET, HEAD")),
            };
        }
        if path == SETTINGS {
            check_no_parameters(query)?;
            return match method {
                "GET" | "HEAD" => Ok(Self::Settings),
                "PUT" => Ok(Self::SetSettings),
                _ => Err(wrong_method("GET, HEAD, PUT")),
            };
        }
        if path == SIGN_IN {
            check_no_parameters(query)?;
            return match method {
                "GET" | "HEAD" => Ok(Self::Who),
                "POST" => Ok(Self::SignIn),
                "DELETE" => Ok(Self::SignOut),
                _ => Err(wrong_method("DELETE, GET, HEAD, POST")),
            };
        }
        if let Some(endpoint) = path.strip_prefix(OAUTH) {
            check_no_parameters(query)?;
            return match (endpoint, method) {
                ("introspect", "POST") => Ok(Self::Introspect),
                ("revoke", "POST") => Ok(Self::RevokePresented),
                ("introspect" | "revoke", _) => Err(wrong_method("POST")),
                _ => Err(Problem::not_found().answer()),
            };
        }
        let rest = path.strip_prefix(PATH).unwrap_or("?");
        let call = match (rest.strip_prefix('/'), method) {
            (None, _) if !rest.is_empty() => return Err(Problem::not_found().answer()),
            (None, "POST") => Self::Create,
            (None, "GET" | "HEAD") => {
                return parse_listing(query, &LIST_PARAMETERS).map(Self::List);
            }
            (None, _) => return Err(wrong_method("GET, HEAD, POST")),
            (Some(name), _) => Self::on_one(name, method)?,
        };
        check_no_parameters(query)?;
        Ok(call)
    }

    /// Reads a request of ToolJet's clients to [`TOOLJET_PATH`].
    pub fn parse_tooljet(method: &str, query: Option<&str>) -> Result<Self, Answer> {
        check_no_parameters(query)?;
        match method {
            "POST" => Ok(Self::ToolJet),
            _ => Err(wrong_method("POST")),
        }
    }

    /// Reads a request of 12d Synergy's clients, if the path is one of theirs.
    pub fn parse_synergy(
        method: &str,
        path: &str,
        query: Option<&str>,
    ) -> Option<Result<Self, Answer>> {
        let call = match (path, method) {
            (SYNERGY_LIST, "GET" | "HEAD") => synergy::Call::List,
            (SYNERGY_GENERATE, "POST") => synergy::Call::Generate,
            (SYNERGY_DELETE, "POST") => {
                let call = parse_number(query).map(synergy::Call::Delete);
                return Some(call.map(Self::Synergy).map_err(|problem| problem.answer()));
            }
            (SYNERGY_LIST, _) => return Some(Err(wrong_method("GET, HEAD"))),
            (SYNERGY_GENERATE | SYNERGY_DELETE, _) => return Some(Err(wrong_method("POST"))),
            _ => return None,
        };
        Some(check_no_parameters(query).map(|()| Self::Synergy(call)))
    }

    fn on_sessions(rest: &str, method: &str, query: Option<&str>) -> Result<Self, Answer> {
        match (rest.strip_prefix('/'), method) {
            (None, _) if !rest.is_empty() => Err(Problem::not_found().answer()),
            (None, "GET" | "HEAD") => parse_listing(query, &SESSION_PARAMETERS).map(Self::Sessions),
            (None, "DELETE") => parse_whose(query)
                .map(Self::KillAll)
                .map_err(|problem| problem.answer()),
            (None, _) => Err(wrong_method("DELETE, GET, HEAD")),
            (Some(id), "DELETE") => {
                check_no_parameters(query)?;
                let unknown = || sessions::unknown().answer();
                Id::parse(id).map(Self::Kill).ok_or_else(unknown)
            }
            (Some(_), _) => Err(wrong_method("DELETE")),
        }
    }

    /// Whether it makes a token.
    pub const fn creates(&self) -> bool {
        matches!(
            self,
            Self::Create | Self::Rotate(_) | Self::ToolJet | Self::Synergy(synergy::Call::Generate)
        )
    }

    /// Whether it is for admins only.
    pub const fn needs_admin(&self) -> bool {
        matches!(
            self,
            Self::SetSettings | Self::Introspect | Self::KillAll(Whose::Everybody) | Self::SignIn
        )
    }

    /// Whether a PAT needs the scope `tokens` for it. Each PAT may look at
    /// itself and revoke itself, which a ledger finds out where it was presented.
    pub const fn needs_scope(&self) -> bool {
        !matches!(
            self,
            Self::Read(Target::Itself)
                | Self::Revoke(Target::Itself)
                | Self::RevokePresented
                | Self::Who
                | Self::SignOut
        )
    }

    fn on_one(name: &str, method: &str) -> Result<Self, Answer> {
        let (name, action) = match name.split_once('/') {
            Some((name, action)) => (name, Some(action)),
            None => (name, None),
        };
        let target = match (name, action) {
            ("self", None) => Target::Itself,
            // A malformed id and an unknown one are answered alike.
            _ => Target::Id(Id::parse(name).ok_or_else(|| Problem::unknown_token().answer())?),
        };
        match (target, action, method) {
            (target, None, "GET" | "HEAD") => Ok(Self::Read(target)),
            (target, None, "DELETE") => Ok(Self::Revoke(target)),
            (Target::Id(id), None, "PATCH") => Ok(Self::Change(id)),
            (Target::Id(_), None, _) => Err(wrong_method("DELETE, GET, HEAD, PATCH")),
            (Target::Itself, None, _) => Err(wrong_method("DELETE, GET, HEAD")),
            (Target::Id(id), Some("rotate"), "POST") => Ok(Self::Rotate(id)),
            (_, Some("rotate"), _) => Err(wrong_method("POST")),
            (_, Some(_), _) => Err(Problem::not_found().answer()),
        }
    }
}

/// Reads an `Idempotency-Key`: 1 to 255 visible ASCII characters.
pub fn check_idempotency_key(key: Option<&str>) -> Result<(), Problem> {
    let good = |key: &str| {
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if key.is_none_or(good) {
        return Ok(());
    }
    let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters";
    Err(Problem::invalid_request(detail))
}

/// Where the token API lives.
pub const PATH: &str = "/gatepass/api/tokens";

/// Where sessions are listed and killed.
pub const SESSIONS: &str = "/gatepass/api/sessions";

const SYNERGY_LIST: &str = "/api/v1/auth/getPersonalAccessTokens";
const SYNERGY_GENERATE: &str = "/api/v1/auth/generate-pat";
const SYNERGY_DELETE: &str = "/api/v1/auth/delete-pat";

/// Under what other services ask about tokens.
const OAUTH: &str = "/gatepass/oauth/";

/// Where the audit trail is.
pub const AUDIT: &str = "/gatepass/api/audit";

/// Where the workspace's settings are.
pub const SETTINGS: &str = "/gatepass/api/settings";

/// Where people sign in and out.
pub const SIGN_IN: &str = "/gatepass/api/sign-in";

/// The paths of ToolJet's clients.
pub const TOOLJET_PATHS: &[&str] = &[TOOLJET_PATH];

/// The paths of 12d Synergy's clients.
pub const SYNERGY_PATHS: &[&str] = &[SYNERGY_LIST, SYNERGY_GENERATE, SYNERGY_DELETE];

/// Where ToolJet's clients ask for embed tokens.
pub const TOOLJET_PATH: &str = "/api/ext/users/personal-access-token";

fn wrong_method(allowed: &'static str) -> Answer {
    Problem::new(405, Code::InvalidRequest, "this path has no such method")
        .answer()
        .header("allow", allowed)
}

/// Reads whose sessions are meant: never those of more than was said.
fn parse_whose(query: Option<&str>) -> Result<Whose, Problem> {
    let mut whose = None;
    for pair in pairs(query) {
        let (name, value) = pair?;
        check_parameter(&name, &["all", "token", "user"])?;
        let meant = match name.as_str() {
            "token" => Whose::Token(Id::parse(&value).ok_or_else(Problem::unknown_token)?),
            "user" if !value.is_empty() && value.len() <= 512 => Whose::User(value),
            "user" => return Err(Problem::field("user", USER)),
            "all" if value == "true" => Whose::Everybody,
            "all" => return Err(Problem::field("all", "must be true")),
            _ => continue,
        };
        if whose.replace(meant).is_some() {
            return Err(Problem::field(
                name,
                "only one of token, user and all may be given",
            ));
        }
    }
    let detail = "must be given, or user, or all=true: whose sessions to kill";
    whose.ok_or_else(|| Problem::field("token", detail))
}

/// Reads the number that names a token.
fn parse_number(query: Option<&str>) -> Result<u64, Problem> {
    let mut number = None;
    for pair in pairs(query) {
        let (name, value) = pair?;
        check_parameter(&name, &["id"])?;
        if name == "id" && number.replace(value).is_some() {
            return Err(Problem::field("id", "stands twice"));
        }
    }
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| Problem::field("id", "must be the ID of a token in the list"))
}

/// Only lists have parameters of their own.
fn check_no_parameters(query: Option<&str>) -> Result<(), Answer> {
    let check = |pair: Result<(String, String), Problem>| check_parameter(&pair?.0, &[]);
    pairs(query)
        .try_for_each(check)
        .map_err(|problem| problem.answer())
}

fn parse_listing(query: Option<&str>, known: &[&str]) -> Result<Box<Listing>, Answer> {
    read_listing(query, known)
        .map(Box::new)
        .map_err(|problem| problem.answer())
}

fn read_listing(query: Option<&str>, known: &[&str]) -> Result<Listing, Problem> {
    let mut listing = Listing::default();
    let mut seen: Vec<String> = Vec::new();
    for pair in pairs(query) {
        let (name, value) = pair?;
        check_parameter(&name, known)?;
        if seen.contains(&name) {
            return Err(Problem::field(name, "stands twice"));
        }
        let wrong = |detail: &'static str| Problem::field(name.clone(), detail);
        match name.as_str() {
            "state" => {
                let detail = "must be active, disabled, used, revoked or expired";
                listing.filter.state = Some(Shown::parse(&value).ok_or_else(|| wrong(detail))?);
            }
            "kind" => {
                listing.filter.kind = Some(match value.as_str() {
                    "pat" => Kind::Pat,
                    "embed" => Kind::Embed,
                    _ => return Err(wrong("must be pat or embed")),
                });
            }
            "search" if value.chars().count() <= 100 => {
                listing.filter.search = Some(value).filter(|value| !value.is_empty());
            }
            "search" => return Err(wrong("must have at most 100 characters")),
            "action" | "result" if value.len() <= 64 => {
                let selection = &mut listing.selection;
                let part = match name.as_str() {
                    "action" => &mut selection.action,
                    _ => &mut selection.result,
                };
                *part = Some(value).filter(|value| !value.is_empty());
            }
            "action" | "result" => return Err(wrong("must have at most 64 characters")),
            "token" => {
                let id = Id::parse(&value).ok_or_else(Problem::unknown_token)?;
                listing.selection.token = Some(id);
            }
            "from" | "to" => {
                let detail = "must be a time such as 2026-01-31T12:00:00Z";
                let time = Time::parse_rfc3339(&value).ok_or_else(|| wrong(detail))?;
                match name.as_str() {
                    "from" => listing.selection.from = Some(time),
                    _ => listing.selection.to = Some(time),
                }
            }
            "user" if !value.is_empty() && value.len() <= 512 => listing.user = Some(value),
            "user" => return Err(wrong(USER)),
            "limit" => {
                let digits = value.len() <= 3 && value.bytes().all(|byte| byte.is_ascii_digit());
                listing.limit = value
                    .parse()
                    .ok()
                    .filter(|limit| digits && (1..=100).contains(limit))
                    .ok_or_else(|| wrong("must be a whole number from 1 to 100"))?;
            }
            "cursor" => {
                let detail = "must be the next of a page before";
                listing.cursor = Some(Cursor::parse(&value).ok_or_else(|| wrong(detail))?);
            }
            _ => {}
        }
        seen.push(name);
    }
    let parts = query.unwrap_or_default().split('&');
    let kept: Vec<_> = parts.filter(|part| !part.starts_with("cursor=")).collect();
    listing.query = kept.join("&");
    Ok(listing)
}

/// The name and value of each parameter of a query, decoded as forms are
/// (WHATWG URL §5.1).
pub(crate) fn pairs(
    query: Option<&str>,
) -> impl Iterator<Item = Result<(String, String), Problem>> + '_ {
    let query = query.unwrap_or_default();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let detail = "the query must be UTF-8, percent-encoded";
            decode(name)
                .zip(decode(value))
                .ok_or_else(|| Problem::invalid_request(detail))
        })
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    String::from_utf8(bytes).ok()
}

fn check_parameter(name: &str, known: &[&str]) -> Result<(), Problem> {
    if name == "workspace" || known.contains(&name) {
        return Ok(());
    }
    let shown = text::repeatable(name).to_owned();
    Err(Problem::field(shown, "is not a parameter of this request"))
}

const USER: &str = "must be a user's id or e-mail address";
const AUDIT_PARAMETERS: [&str; 8] = [
    "action", "cursor", "from", "limit", "result", "to", "token", "user",
];
const SESSION_PARAMETERS: [&str; 3] = ["cursor", "limit", "user"];
const LIST_PARAMETERS: [&str; 6] = ["cursor", "kind", "limit", "search", "state", "user"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::minted;
    use crate::fields::Fields;
    use proptest::prelude::*;

    fn id() -> Id {
        minted("ada", 1).id
    }

    fn parse(method: &str, rest: &str) -> Result<Call, Answer> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Call::parse(method, &format!("{PATH}{path}"), query)
    }

    fn on_id(method: &str, rest: &str) -> Result<Call, Answer> {
        parse(method, &format!("/{}{rest}", id().as_str()))
    }

    fn wrong_field(rest: &str) -> String {
        let answer = parse("GET", rest).expect_err(rest);
        assert_eq!(answer.status, 400);
        let mut fields = Fields::of_object(&answer.body);
        fields.take_text("field", "text").unwrap_or_default()
    }

    #[test]
    fn each_call_has_its_method_and_path() {
        assert_eq!(parse("POST", ""), Ok(Call::Create));
        assert_eq!(parse("GET", ""), Ok(Call::List(Box::default())));
        assert_eq!(parse("HEAD", ""), Ok(Call::List(Box::default())));
        assert_eq!(parse("GET", "/self"), Ok(Call::Read(Target::Itself)));
        assert_eq!(parse("DELETE", "/self"), Ok(Call::Revoke(Target::Itself)));
        assert_eq!(on_id("GET", ""), Ok(Call::Read(Target::Id(id()))));
        assert_eq!(on_id("PATCH", ""), Ok(Call::Change(id())));
        assert_eq!(on_id("DELETE", ""), Ok(Call::Revoke(Target::Id(id()))));
        assert_eq!(on_id("POST", "/rotate"), Ok(Call::Rotate(id())));
    }

    #[test]
    fn rfc_9110_a_wrong_method_is_told_the_right_ones() {
        let allow = |result: Result<Call, Answer>| {
            let answer = result.unwrap_err();
            assert_eq!(answer.status, 405);
            let found = answer
                .headers
                .into_iter()
                .find(|(name, _)| *name == "allow");
            found.unwrap().1
        };
        assert_eq!(allow(parse("DELETE", "")), "GET, HEAD, POST");
        assert_eq!(allow(parse("PATCH", "/self")), "DELETE, GET, HEAD");
        assert_eq!(allow(on_id("PUT", "")), "DELETE, GET, HEAD, PATCH");
        assert_eq!(allow(on_id("GET", "/rotate")), "POST");
        assert_eq!(allow(on_id("get", "")), "DELETE, GET, HEAD, PATCH");
    }

    #[test]
    fn a_malformed_id_is_answered_as_an_unknown_token() {
        let unknown = Problem::unknown_token().answer();
        for rest in [
            "/",
            "/x",
            "/self/rotate",
            "/..",
            "/%2e%2e",
            "/0000-x/rotate",
        ] {
            assert_eq!(parse("GET", rest), Err(unknown.clone()), "{rest}");
        }
    }

    #[test]
    fn nothing_else_is_there() {
        for (method, path) in [
            ("GET", "s"),
            ("POST", "?"),
            ("GET", "/gatepass/api/tokenss"),
        ] {
            let path = format!("{PATH}{path}");
            assert_eq!(Call::parse(method, &path, None).unwrap_err().status, 404);
        }
        assert_eq!(on_id("POST", "/rotate/").unwrap_err().status, 404);
        assert_eq!(on_id("GET", "/").unwrap_err().status, 404);
        assert_eq!(Call::parse("GET", "/", None).unwrap_err().status, 404);
    }

    #[test]
    fn a_list_is_filtered_by_its_query() {
        let cursor = Cursor {
            uid: "ada".to_owned(),
            before: Some(id()),
        };
        let query = format!(
            "?state=expired&search=Power+B%C3%AF&user=ada%40example.com&kind=pat&limit=7\
             &workspace=other&cursor={}",
            cursor.encode()
        );
        let Ok(Call::List(listing)) = parse("GET", &query) else {
            panic!("not a list");
        };
        assert_eq!(listing.filter.state, Some(Shown::Expired));
        assert_eq!(listing.filter.search.as_deref(), Some("Power Bï"));
        assert_eq!(listing.filter.kind, Some(Kind::Pat));
        assert_eq!(listing.user.as_deref(), Some("ada@example.com"));
        assert_eq!((listing.limit, listing.cursor), (7, Some(cursor)));
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (name, query) in [
            ("limit", "?limit=0"),
            ("limit", "?limit=101"),
            ("limit", "?limit=%2B5"),
            ("limit", "?limit=-1"),
            ("limit", "?limit="),
            ("limit", "?limit=1e1"),
            ("limit", "?limit=5&limit=6"),
            ("state", "?state=Active"),
            ("state", "?state="),
            ("kind", "?kind=PAT"),
            ("cursor", "?cursor=x"),
            ("user", "?user="),
            ("colour", "?colour=red"),
            ("?", "?%00=1"),
        ] {
            assert_eq!(wrong_field(query), name, "{query}");
        }
        assert_eq!(wrong_field("?search=%ff"), "");
        assert_eq!(parse("POST", "?limit=5").unwrap_err().status, 400);
        assert_eq!(parse("DELETE", "/self?force=1").unwrap_err().status, 400);
        assert_eq!(parse("POST", "?workspace=other"), Ok(Call::Create));
    }

    #[test]
    fn only_a_look_at_itself_and_its_own_end_need_no_scope() {
        assert!(!Call::Read(Target::Itself).needs_scope());
        assert!(!Call::Revoke(Target::Itself).needs_scope());
        assert!(Call::Read(Target::Id(id())).needs_scope());
        assert!(Call::Create.needs_scope() && Call::List(Box::default()).needs_scope());
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        for good in [
            None,
            Some("a"),
            Some("8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ] {
            assert_eq!(check_idempotency_key(good), Ok(()));
        }
        let long = "a".repeat(256);
        for bad in ["", "a b", "ü", "a\n", &long] {
            assert!(check_idempotency_key(Some(bad)).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_request_makes_the_parser_panic(
            method in "GET|POST|\\PC{0,8}", rest: String, query: String,
        ) {
            let _ = Call::parse(&method, &format!("{PATH}{rest}"), Some(&query));
            let _ = Call::parse(&method, PATH, Some(&query));
            let _ = Call::parse(&method, &rest, None);
        }
    }
}
