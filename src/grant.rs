//! What somebody asks for who creates a token.

use crate::actor::Actor;
use crate::address::{self, AllowedIps};
use crate::fields::Fields;
use crate::origin;
use crate::problem::{Code, Problem};
use crate::record::ALL_APPS;
use crate::scope::{Scope, Scopes};
use crate::text;
use crate::time::{DAY, Time};
use crate::wire::{wire_enum, wire_struct};

/// A request for a new token, checked field by field. What it may not have
/// because of who asks is decided by [`crate::lifecycle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// A name for people.
    pub name: String,
    /// A longer text for people.
    pub description: String,
    /// What it shall be able to do.
    pub scopes: Scopes,
    /// The apps it shall reach: configured ids, or `*` alone for all.
    pub apps: Vec<String>,
    /// The addresses it shall be used from; absent: from anywhere, or as the
    /// asking PAT.
    pub allowed_ips: Option<AllowedIps>,
    /// How long it shall live; absent: 30 days, or as long as the asking PAT.
    pub lifetime: Option<Lifetime>,
    /// Whether the ledger shall be asked at each use; absent: no, or as the
    /// asking PAT.
    pub strict: Option<bool>,
    /// What an embed token shall open; absent: it shall be a PAT.
    pub embed: Option<EmbedGrant>,
}

/// What an embed token shall open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedGrant {
    /// The label of its place.
    pub label: String,
    /// The origins of the pages that may frame it; none: those of the app.
    pub allowed_origins: Vec<String>,
    /// How long a session shall last, in minutes.
    pub session_minutes: u32,
    /// After how many minutes without a request a session shall end.
    pub idle_minutes: Option<u32>,
    /// Whether it shall open one session only.
    pub single_use: bool,
    /// Whether it shall open in a tab too.
    pub top_level: bool,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// So many days, 1 to 36525.
    Days(u32),
    /// Until a moment.
    Until(Time),
    /// Until it is revoked.
    Never,
}

/// The user that a request names: by id, by e-mail address (in lower case) or
/// by both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The user's id.
    pub id: Option<String>,
    /// The user's e-mail address, in lower case.
    pub email: Option<String>,
}

impl Grant {
    /// Reads the body of a request to create a token, with the ids of the
    /// configured apps, and the user that it names.
    pub fn parse(
        content_type: Option<&str>,
        body: &str,
        app_ids: &[String],
        now: Time,
    ) -> Result<(Self, Option<Named>), Problem> {
        let mut fields = Fields::of_body(content_type, body);
        let embed = take_embed(&mut fields);
        let name = take_name(&mut fields);
        let grant = Self {
            name: fields.given("name", name),
            description: take_description(&mut fields).unwrap_or_default(),
            scopes: match embed {
                None => take_scopes(&mut fields),
                Some(_) => Scopes::default(),
            },
            apps: match embed {
                None => take_apps(&mut fields, app_ids),
                Some(_) => take_embedded_apps(&mut fields, app_ids),
            },
            allowed_ips: take_allowed_ips(&mut fields),
            lifetime: take_lifetime(&mut fields, now),
            strict: fields.take_flag("strict", FLAG),
            embed,
        };
        let user = take_user(&mut fields);
        fields.finish()?;
        Ok((grant, user))
    }
}

impl Named {
    /// The user that an actor acts for: the operator must name one, a PAT may
    /// only name its own.
    pub fn resolve(actor: &Actor, named: Option<Self>) -> Result<Self, Problem> {
        let named = match (actor.own(), named) {
            (None, Some(named)) => return Ok(named),
            (_, named) => named.unwrap_or_default(),
        };
        let Some((uid, address)) = actor.user() else {
            return Err(Problem::field(
                "user",
                "must be given: {id}, {email} or both",
            ));
        };
        let own =
            named.id.is_none_or(|id| id == uid) && named.email.is_none_or(|email| email == address);
        if !own {
            return Err(not_its_own_user());
        }
        Ok(Self {
            id: Some(uid.to_owned()),
            email: None,
        })
    }
}

/// Who acts for one user only named another one: 403.
pub fn not_its_own_user() -> Problem {
    let detail = "only an admin acts for other users; a token acts for its own alone";
    Problem::new(403, Code::ScopeInsufficient, detail).about("user")
}

/// Takes the field `name`.
pub(crate) fn take_name(fields: &mut Fields<'_>) -> Option<String> {
    take_text(fields, "name", text::name)
}

/// Takes the field `description`.
pub(crate) fn take_description(fields: &mut Fields<'_>) -> Option<String> {
    take_text(fields, "description", text::description)
}

/// Takes a field out with a text that passes a check.
pub(crate) fn take_text(
    fields: &mut Fields<'_>,
    name: &str,
    check: fn(&str) -> Result<(), &'static str>,
) -> Option<String> {
    let text = fields.take_text(name, "text");
    if let Some(Err(detail)) = text.as_deref().map(check) {
        fields.refuse(name, detail);
    }
    text
}

/// Takes the field `kind` and all that only embed tokens have.
fn take_embed(fields: &mut Fields<'_>) -> Option<EmbedGrant> {
    let kinds = "\"pat\" or \"embed\"";
    match fields.take_text("kind", kinds).as_deref() {
        None | Some("pat") => return None,
        Some("embed") => {}
        Some(_) => fields.must_be("kind", kinds),
    }
    Some(EmbedGrant {
        label: take_text(fields, "label", text::label).unwrap_or_default(),
        allowed_origins: take_origins(fields).unwrap_or_default(),
        session_minutes: take_minutes(fields, "sessionMinutes").unwrap_or(DEFAULT_MINUTES),
        idle_minutes: take_minutes(fields, "idleMinutes"),
        single_use: fields.take_flag("singleUse", FLAG).unwrap_or_default(),
        top_level: fields.take_flag("topLevel", FLAG).unwrap_or_default(),
    })
}

/// Takes the field `allowedOrigins`.
pub(crate) fn take_origins(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let origins = take_list(fields, "allowedOrigins", MAX_ORIGINS);
    if !origins.iter().flatten().all(|text| origin::is_origin(text)) {
        fields.refuse("allowedOrigins", ORIGINS);
    }
    origins
}

/// Takes a number of days.
pub(crate) fn take_days(fields: &mut Fields<'_>, name: &str) -> Option<u32> {
    take_number(fields, name, MAX_DAYS, DAYS)
}

fn take_minutes(fields: &mut Fields<'_>, name: &str) -> Option<u32> {
    take_number(fields, name, MAX_MINUTES, MINUTES)
}

/// Takes a number from 1 to `most`.
pub(crate) fn take_number(
    fields: &mut Fields<'_>,
    name: &str,
    most: u32,
    expected: &str,
) -> Option<u32> {
    let number = fields.take_whole(name, expected);
    if number.is_some_and(|number| !(1..=most).contains(&number)) {
        fields.must_be(name, expected);
    }
    number
}

/// The apps of an embed token: the one `app`, or `apps`.
fn take_embedded_apps(fields: &mut Fields<'_>, app_ids: &[String]) -> Vec<String> {
    let app = fields.take_text("app", "the id of an app");
    let apps = take_apps(fields, app_ids);
    match &app {
        Some(_) if !apps.is_empty() => {
            fields.refuse("apps", "cannot stand beside app; give one of them");
        }
        Some(app) if !app_ids.contains(app) => {
            fields.refuse("app", "is not the id of an app that is configured");
        }
        None if apps.is_empty() => fields.refuse("app", "must be given: what to embed"),
        _ => {}
    }
    app.map_or(apps, |app| vec![app])
}

fn take_list(fields: &mut Fields<'_>, name: &str, most: usize) -> Option<Vec<String>> {
    let list = fields.take_texts(name);
    if list.as_ref().is_some_and(|list| list.len() > most) {
        fields.refuse(name, &format!("must have at most {most} entries"));
    }
    list
}

fn take_scopes(fields: &mut Fields<'_>) -> Scopes {
    let list = take_list(fields, "scopes", 50).unwrap_or_default();
    let scopes: Option<Vec<Scope>> = list.iter().map(|text| Scope::parse(text)).collect();
    if scopes.is_none() {
        let detail = "each must be 1 to 64 visible ASCII characters other than \" and \\";
        fields.refuse("scopes", detail);
    }
    scopes.unwrap_or_default().into()
}

fn take_apps(fields: &mut Fields<'_>, app_ids: &[String]) -> Vec<String> {
    let mut apps: Vec<String> = Vec::new();
    for app in take_list(fields, "apps", 100).unwrap_or_default() {
        if let Err(at) = apps.binary_search(&app) {
            apps.insert(at, app);
        }
    }
    if apps.len() > 1 && apps.iter().any(|app| app == ALL_APPS) {
        fields.refuse("apps", "must name apps, or be [\"*\"] for all of them");
    }
    if !apps
        .iter()
        .all(|app| app == ALL_APPS || app_ids.contains(app))
    {
        fields.refuse("apps", "names an app that is not configured");
    }
    apps
}

fn take_allowed_ips(fields: &mut Fields<'_>) -> Option<AllowedIps> {
    let list = take_list(fields, "allowedIps", 50)?;
    let blocks: Option<_> = list.iter().map(|text| address::parse_block(text)).collect();
    if blocks.is_none() {
        let detail = "each must be an IPv4 or IPv6 address or a block such as 192.0.2.0/24, \
                      with no bits set after its prefix";
        fields.refuse("allowedIps", detail);
    }
    blocks
}

fn take_lifetime(fields: &mut Fields<'_>, now: Time) -> Option<Lifetime> {
    let days = take_days(fields, "expiresInDays");
    let at = fields.take_text("expiresAt", "an RFC 3339 date and time");
    let never = fields.take_flag("never", "true, or absent");
    if never == Some(false) {
        fields.must_be("never", "true, or absent");
    }
    let given = [days.is_some(), at.is_some(), never.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        let name = if never.is_some() {
            "never"
        } else {
            "expiresAt"
        };
        let detail = "only one of expiresInDays, expiresAt and never may be given";
        fields.refuse(name, detail);
    }
    match (days, at) {
        (Some(days), _) => Some(Lifetime::Days(days)),
        (None, Some(at)) => Some(Lifetime::Until(until(fields, &at, now))),
        (None, None) => never.map(|_| Lifetime::Never),
    }
}

fn until(fields: &mut Fields<'_>, text: &str, now: Time) -> Time {
    let Some(at) = Time::parse_rfc3339(text) else {
        let detail = "must be an RFC 3339 date and time with a zone";
        fields.refuse("expiresAt", detail);
        return now;
    };
    let latest = now.plus(u64::from(MAX_DAYS).saturating_mul(DAY));
    if at < now.plus(60) || at > latest {
        let detail = "must lie between a minute and a hundred years ahead";
        fields.refuse("expiresAt", detail);
    }
    at
}

/// Takes the field `email`; answers it in lower case.
pub(crate) fn take_email(fields: &mut Fields<'_>) -> Option<String> {
    let email = fields.take_text("email", "text")?;
    match text::email(&email) {
        Ok(email) => return Some(email),
        Err(detail) => fields.refuse("email", detail),
    }
    None
}

fn take_user(fields: &mut Fields<'_>) -> Option<Named> {
    let mut user = fields.take_object("user")?;
    let id = take_text(&mut user, "id", text::user_id);
    let email = take_email(&mut user);
    let named = Named { id, email };
    fields.refuse_with(user.finish());
    if named.id.is_none() && named.email.is_none() {
        fields.refuse("user", "must have an id, an email or both");
    }
    Some(named)
}

/// The most days that a token lives.
pub(crate) const MAX_DAYS: u32 = 36_525;
const DAYS: &str = "a whole number of days from 1 to 36525";
/// A cookie lasts no longer (RFC 6265bis §5.5): 400 days.
pub const MAX_MINUTES: u32 = 576_000;
/// What a number of minutes must be.
pub const MINUTES: &str = "a whole number of minutes from 1 to 576000";
const DEFAULT_MINUTES: u32 = 60;
const MAX_ORIGINS: usize = 20;
const ORIGINS: &str = "each must be an origin such as \"https://portal.example\", without a path";
/// What a flag must be.
pub(crate) const FLAG: &str = "true or false";

wire_struct!(Grant {
    name,
    description,
    scopes,
    apps,
    allowed_ips,
    lifetime,
    strict,
    embed,
});
wire_struct!(EmbedGrant {
    label,
    allowed_origins,
    session_minutes,
    idle_minutes,
    single_use,
    top_level,
});
wire_enum!(Lifetime { 0 => Days(days), 1 => Until(time), 2 => Never });
wire_struct!(Named { id, email });

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_seconds(1_700_000_000);

    fn parse(body: &str) -> Result<(Grant, Option<Named>), Problem> {
        let apps = ["reports".to_owned(), "jobs".to_owned()];
        Grant::parse(Some("application/json"), body, &apps, NOW)
    }

    fn lifetime(fields: &str) -> Result<Option<Lifetime>, Problem> {
        parse(&format!("{{\"name\":\"a\"{fields}}}")).map(|(grant, _)| grant.lifetime)
    }

    fn wrong_field(body: &str) -> Option<std::borrow::Cow<'static, str>> {
        parse(body).expect_err(body).field.clone()
    }

    #[test]
    fn every_field_is_read() {
        let (grant, user) = parse(
            r#"{"name":"Power BI","description":"monthly\nreport","kind":"pat",
                "scopes":["odata","jobs:read","odata"],"apps":["reports","jobs"],
                "allowedIps":["192.0.2.0/24","2001:db8::1"],"expiresInDays":90,"strict":true,
                "user":{"id":"ada","email":"Ada@Example.com"}}"#,
        )
        .unwrap();
        assert_eq!(grant.name, "Power BI");
        assert_eq!(grant.description, "monthly\nreport");
        assert_eq!(grant.scopes.joined(), "jobs:read odata");
        assert_eq!(grant.apps, ["jobs", "reports"]);
        assert_eq!(grant.allowed_ips.unwrap().iter().count(), 2);
        assert_eq!(grant.lifetime, Some(Lifetime::Days(90)));
        assert_eq!(grant.strict, Some(true));
        let user = user.unwrap();
        assert_eq!(user.id.as_deref(), Some("ada"));
        assert_eq!(user.email.as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn an_embed_token_is_asked_for_by_its_kind() {
        let (grant, _) = parse(
            r#"{"name":"a","kind":"embed","app":"jobs","label":"left","singleUse":true,
                "topLevel":true,"sessionMinutes":5,"idleMinutes":2,
                "allowedOrigins":["https://portal.example"]}"#,
        )
        .unwrap();
        assert_eq!(grant.apps, ["jobs"]);
        let embed = grant.embed.unwrap();
        assert_eq!((embed.label.as_str(), embed.session_minutes), ("left", 5));
        assert_eq!((embed.idle_minutes, embed.single_use), (Some(2), true));
        assert_eq!(embed.allowed_origins, ["https://portal.example"]);
        let (all, _) = parse(r#"{"name":"a","kind":"embed","apps":["*"]}"#).unwrap();
        assert_eq!(
            (all.apps, all.embed.unwrap().session_minutes),
            (vec!["*".to_owned()], 60)
        );
    }

    #[test]
    fn a_name_is_enough() {
        let (grant, user) = parse("{\"name\":\"a\"}").unwrap();
        assert_eq!((grant.lifetime, grant.strict, user), (None, None, None));
    }

    #[test]
    fn the_end_is_given_in_one_way_or_not_at_all() {
        assert_eq!(lifetime(",\"never\":true"), Ok(Some(Lifetime::Never)));
        assert_eq!(
            lifetime(",\"expiresInDays\":36525"),
            Ok(Some(Lifetime::Days(36_525)))
        );
        let minute = format!(",\"expiresAt\":\"{}\"", NOW.plus(60).to_rfc3339());
        assert_eq!(lifetime(&minute), Ok(Some(Lifetime::Until(NOW.plus(60)))));
    }

    #[test]
    fn no_other_spelling_of_an_end_gets_through() {
        let soon = format!("\"{}\"", NOW.plus(59).to_rfc3339());
        let late = format!("\"{}\"", NOW.plus(36_526 * DAY).to_rfc3339());
        for (name, value) in [
            ("expiresInDays", "0"),
            ("expiresInDays", "-1"),
            ("expiresInDays", "36526"),
            ("expiresInDays", "1.5"),
            ("expiresInDays", "1e309"),
            ("expiresInDays", "1e1"),
            ("expiresInDays", "\"30\""),
            ("expiresInDays", "null"),
            ("expiresInDays", "99999999999999999999"),
            ("never", "null"),
            ("never", "0"),
            ("never", "1"),
            ("never", "\"\""),
            ("never", "\"true\""),
            ("never", "false"),
            ("expiresAt", "null"),
            ("expiresAt", "\"\""),
            ("expiresAt", "\"never\""),
            ("expiresAt", "0"),
            ("expiresAt", "\"2000-01-01T00:00:00Z\""),
            ("expiresAt", "\"12026-01-01T00:00:00Z\""),
            ("expiresAt", "\"+12026-01-01T00:00:00Z\""),
            ("expiresAt", &soon),
            ("expiresAt", &late),
        ] {
            let problem = lifetime(&format!(",\"{name}\":{value}")).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(name), "{name} {value}");
        }
        for two in [
            ",\"never\":true,\"expiresInDays\":1",
            ",\"expiresInDays\":1,\"expiresAt\":\"2030-01-01T00:00:00Z\"",
            ",\"never\":true,\"expiresAt\":\"2030-01-01T00:00:00Z\"",
        ] {
            assert_eq!(lifetime(two).unwrap_err().code, Code::InvalidField);
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let many = format!(
            "{{\"name\":\"a\",\"scopes\":[{}\"z\"]}}",
            "\"a\",".repeat(50)
        );
        for (field, body) in [
            ("name", "{}"),
            ("name", r#"{"name":null}"#),
            ("name", r#"{"name":""}"#),
            ("name", r#"{"name":"a\u202eb"}"#),
            ("name", r#"{"name":"a\u0000b"}"#),
            ("name", r#"{"name":["a"]}"#),
            ("name", r#"{"name":"a","name":"b"}"#),
            ("description", r#"{"name":"a","description":null}"#),
            ("scopes", r#"{"name":"a","scopes":"odata"}"#),
            ("scopes", r#"{"name":"a","scopes":["a b"]}"#),
            ("scopes", r#"{"name":"a","scopes":[""]}"#),
            ("scopes", r#"{"name":"a","scopes":null}"#),
            ("scopes", &many),
            ("apps", r#"{"name":"a","apps":["unknown"]}"#),
            ("apps", r#"{"name":"a","apps":["*","jobs"]}"#),
            ("apps", r#"{"name":"a","apps":["../jobs"]}"#),
            (
                "allowedIps",
                r#"{"name":"a","allowedIps":["192.0.2.1/24"]}"#,
            ),
            ("allowedIps", r#"{"name":"a","allowedIps":["example.com"]}"#),
            ("strict", r#"{"name":"a","strict":"yes"}"#),
            ("app", r#"{"name":"a","kind":"embed"}"#),
            ("app", r#"{"name":"a","app":"jobs"}"#),
            ("app", r#"{"name":"a","kind":"embed","app":"unknown"}"#),
            ("app", r#"{"name":"a","kind":"embed","app":"*"}"#),
            (
                "apps",
                r#"{"name":"a","kind":"embed","app":"jobs","apps":["*"]}"#,
            ),
            (
                "scopes",
                r#"{"name":"a","kind":"embed","app":"jobs","scopes":["odata"]}"#,
            ),
            (
                "label",
                r#"{"name":"a","kind":"embed","app":"jobs","label":"a\u0000b"}"#,
            ),
            (
                "sessionMinutes",
                r#"{"name":"a","kind":"embed","app":"jobs","sessionMinutes":0}"#,
            ),
            (
                "idleMinutes",
                r#"{"name":"a","kind":"embed","app":"jobs","idleMinutes":576001}"#,
            ),
            (
                "singleUse",
                r#"{"name":"a","kind":"embed","app":"jobs","singleUse":"yes"}"#,
            ),
            (
                "topLevel",
                r#"{"name":"a","kind":"embed","app":"jobs","topLevel":null}"#,
            ),
            (
                "allowedOrigins",
                r#"{"name":"a","kind":"embed","app":"jobs","allowedOrigins":["*"]}"#,
            ),
            (
                "allowedOrigins",
                r#"{"name":"a","kind":"embed","app":"jobs","allowedOrigins":["https://a.example/"]}"#,
            ),
            ("kind", r#"{"name":"a","kind":"other"}"#),
            ("label", r#"{"name":"a","label":"x"}"#),
            ("user", r#"{"name":"a","user":{}}"#),
            ("user", r#"{"name":"a","user":"ada"}"#),
            ("user", r#"{"name":"a","user":null}"#),
            ("user.id", r#"{"name":"a","user":{"id":""}}"#),
            ("user.id", r#"{"name":"a","user":{"id":"a","id":"b"}}"#),
            ("user.email", r#"{"name":"a","user":{"email":"ada"}}"#),
            (
                "user.admin",
                r#"{"name":"a","user":{"id":"a","admin":true}}"#,
            ),
        ] {
            assert_eq!(wrong_field(body).as_deref(), Some(field), "{body}");
        }
    }

    #[test]
    fn all_apps_are_asked_for_alone() {
        let (grant, _) = parse(r#"{"name":"a","apps":["*"]}"#).unwrap();
        assert_eq!(grant.apps, [ALL_APPS]);
    }

    #[test]
    fn an_operator_must_name_a_user() {
        let operator = Actor::Operator {
            sign_in: None,
            workspace: "default".to_owned(),
        };
        assert_eq!(
            Named::resolve(&operator, None)
                .unwrap_err()
                .field
                .as_deref(),
            Some("user")
        );
        let named = Named {
            id: Some("ada".to_owned()),
            email: None,
        };
        assert_eq!(Named::resolve(&operator, Some(named.clone())), Ok(named));
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body: String, value: String) {
            let _ = parse(&body);
            let _ = parse(&format!("{{\"name\":\"a\",\"expiresAt\":{value:?}}}"));
        }
    }
}
