//! What an admin decides for a workspace: its settings, as the API has them and the
//! directory keeps them. The gate reads a part, which KV has ([`Settings`]).

use crate::fields::Fields;
use crate::grant;
use crate::json::{self, Object};
use crate::problem::Problem;
use crate::raw;
use crate::scope::{Scope, Scopes};
use crate::settings::Settings;
use crate::text;
use crate::time::Time;
use crate::wire::{wire_struct, wire_text};

/// All that an admin decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether tokens may be created.
    pub creation: bool,
    /// Whether tokens open the gate.
    pub authentication: bool,
    /// Whether only admins may create tokens.
    pub admins_only: bool,
    /// How long tokens may live.
    pub limits: Limits,
    /// The scopes that are offered, each with what it is for.
    pub scopes: Vec<(Scope, String)>,
    /// The origins that embed tokens may name; none: any.
    pub allowed_origins: Vec<String>,
    /// Whether tokens are made for users only whom the directory knows.
    pub known_users_only: bool,
}

/// What a directory keeps of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// The settings.
    pub policy: Policy,
    /// The moment until which all sessions that were opened are killed.
    pub sessions_from: Option<Time>,
    /// Rises with every change.
    pub rev: u64,
}

impl Decided {
    /// The part that the gate reads.
    pub fn settings(&self) -> Settings {
        Settings {
            rev: self.rev,
            creation: self.policy.creation,
            authentication: self.policy.authentication,
            admins_only: self.policy.admins_only,
            sessions_from: self.sessions_from,
        }
    }
}

/// How long tokens may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most days; absent: no bound.
    pub max_days: Option<u32>,
    /// Whether a token may live until it is revoked.
    pub never: bool,
    /// How many days a PAT lives for which nothing is said.
    pub default_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_days: None,
            never: true,
            default_days: DEFAULT_DAYS,
        }
    }
}

impl Default for Policy {
    /// What holds in a workspace where nobody has decided anything.
    fn default() -> Self {
        Self {
            creation: true,
            authentication: true,
            admins_only: false,
            limits: Limits::default(),
            scopes: Vec::new(),
            allowed_origins: Vec::new(),
            known_users_only: false,
        }
    }
}

impl Policy {
    /// Reads the body of a request that sets them: all of them, so that none is changed
    /// by being left out.
    pub fn parse(content_type: Option<&str>, body: &str) -> Result<Self, Problem> {
        Self::read(Fields::of_body(content_type, body))
    }

    /// Reads what [`Policy::to_json`] wrote.
    pub fn stored(json: &str) -> Option<Self> {
        Self::read(Fields::of_object(json)).ok()
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, Problem> {
        let policy = Self {
            creation: take_flag(&mut fields, "creation"),
            authentication: take_flag(&mut fields, "authentication"),
            admins_only: take_admins_only(&mut fields),
            limits: take_limits(&mut fields),
            scopes: take_scopes(&mut fields),
            allowed_origins: take_origins(&mut fields),
            known_users_only: take_flag(&mut fields, "knownUsersOnly"),
        };
        fields.finish()?;
        Ok(policy)
    }

    /// The settings as answers show them.
    pub fn to_json(&self) -> String {
        let creators = if self.admins_only { ADMINS } else { EVERYONE };
        let scopes = self.scopes.iter().map(|(scope, description)| {
            let mut json = Object::default();
            json.text("name", scope.as_str());
            json.text("description", description);
            json.finish()
        });
        let mut json = Object::default();
        json.flag("creation", self.creation);
        json.flag("authentication", self.authentication);
        json.text("whoMayCreate", creators);
        let max_days = self.limits.max_days.map(u64::from);
        json.number_or_null("maxLifetimeDays", max_days);
        json.flag("neverAllowed", self.limits.never);
        json.number("defaultLifetimeDays", self.limits.default_days.into());
        json.raw("scopes", &json::list(scopes));
        json.texts("allowedOrigins", &self.allowed_origins);
        json.flag("knownUsersOnly", self.known_users_only);
        json.finish()
    }

    /// Checks the scopes that a user who is no admin wants: of those on offer, if any are, and
    /// `tokens`, by which a PAT does what its user may do anyway.
    pub fn check_scopes(&self, wanted: &Scopes) -> Result<(), Problem> {
        let offered = |own: &Scope| {
            own.as_str() == Scope::TOKENS || self.scopes.iter().any(|(scope, _)| scope == own)
        };
        if self.scopes.is_empty() || wanted.iter().all(offered) {
            return Ok(());
        }
        let detail = "names a scope that the workspace does not offer";
        Err(Problem::field("scopes", detail).with_status(403))
    }

    /// Checks the origins that an embed token is to name.
    pub fn check_origins(&self, wanted: &[String]) -> Result<(), Problem> {
        let any = self.allowed_origins.is_empty();
        if any || wanted.iter().all(|own| self.allowed_origins.contains(own)) {
            return Ok(());
        }
        let detail = "names an origin that the workspace does not allow";
        Err(Problem::field("allowedOrigins", detail))
    }
}

fn take_flag(fields: &mut Fields<'_>, name: &str) -> bool {
    let flag = fields.take_flag(name, grant::FLAG);
    fields.given(name, flag)
}

fn take_limits(fields: &mut Fields<'_>) -> Limits {
    let max_days = match fields.take_literal("maxLifetimeDays", "null") {
        true => None,
        false => Some(take_days(fields, "maxLifetimeDays")),
    };
    let default_days = take_days(fields, "defaultLifetimeDays");
    if max_days.is_some_and(|max| default_days > max) {
        fields.must_be("defaultLifetimeDays", "at most maxLifetimeDays");
    }
    let never = take_flag(fields, "neverAllowed");
    if never && max_days.is_some() {
        let expected = "false where maxLifetimeDays is a number";
        fields.must_be("neverAllowed", expected);
    }
    Limits {
        max_days,
        never,
        default_days,
    }
}

fn take_days(fields: &mut Fields<'_>, name: &str) -> u32 {
    let days = grant::take_days(fields, name);
    fields.given(name, days)
}

fn take_admins_only(fields: &mut Fields<'_>) -> bool {
    let who = "\"everyone\" or \"admins\"";
    match fields.take_text("whoMayCreate", who).as_deref() {
        Some(EVERYONE) => return false,
        Some(ADMINS) => {}
        _ => fields.must_be("whoMayCreate", who),
    }
    true
}

fn take_origins(fields: &mut Fields<'_>) -> Vec<String> {
    let origins = grant::take_origins(fields);
    fields.given("allowedOrigins", origins)
}

fn take_scopes(fields: &mut Fields<'_>) -> Vec<(Scope, String)> {
    let list = fields.take("scopes", SCOPES, |raw| {
        let list = raw::list(raw.get())?;
        let scopes: Vec<_> = list.iter().map_while(|raw| described(raw.get())).collect();
        (scopes.len() == list.len() && scopes.len() <= MAX_SCOPES).then_some(scopes)
    });
    let scopes = fields.given("scopes", list);
    let names = || scopes.iter().map(|(name, _)| name);
    if names()
        .enumerate()
        .any(|(at, name)| names().take(at).any(|other| other == name))
    {
        fields.refuse("scopes", "names one twice");
    }
    scopes
}

fn described(json: &str) -> Option<(Scope, String)> {
    let mut fields = Fields::of_object(json);
    let scope = Scope::parse(&fields.stored_text("name"))?;
    let description = fields
        .take_text("description", "a text")
        .unwrap_or_default();
    text::description(&description).ok()?;
    fields.finish().ok()?;
    Some((scope, description))
}

const EVERYONE: &str = "everyone";
const ADMINS: &str = "admins";
const DEFAULT_DAYS: u32 = 30;
const MAX_SCOPES: usize = 50;
const SCOPES: &str = "a list of at most 50 objects with the name of a scope and a description";

wire_text!(Policy, policy => &policy.to_json(), Self::stored, Self::default());
wire_struct!(Decided {
    policy,
    sessions_from,
    rev
});
wire_struct!(Limits {
    max_days,
    never,
    default_days
});

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Policy, Problem> {
        Policy::parse(Some("application/json"), body)
    }

    fn wrong(body: &str) -> String {
        let problem = parse(body).expect_err(body);
        assert_eq!(problem.status, 400);
        problem.field.as_deref().unwrap_or_default().to_owned()
    }

    /// The settings of nobody who has decided anything, one of them otherwise.
    fn with(name: &str, value: &str) -> String {
        let json = Policy::default().to_json();
        let mut fields: serde_json::Map<_, _> = serde_json::from_str(&json).unwrap();
        match value {
            "" => fields.remove(name),
            value => fields.insert(name.to_owned(), serde_json::from_str(value).unwrap()),
        };
        serde_json::to_string(&fields).unwrap()
    }

    #[test]
    fn where_nobody_has_decided_anything_all_is_allowed() {
        assert_eq!(
            Policy::default().to_json(),
            "{\"creation\":true,\"authentication\":true,\"whoMayCreate\":\"everyone\",\
             \"maxLifetimeDays\":null,\"neverAllowed\":true,\"defaultLifetimeDays\":30,\
             \"scopes\":[],\"allowedOrigins\":[],\"knownUsersOnly\":false}"
        );
    }

    #[test]
    fn what_is_shown_can_be_set_again() {
        let body = "{\"creation\":false,\"authentication\":false,\"whoMayCreate\":\"admins\",\
                    \"maxLifetimeDays\":180,\"neverAllowed\":false,\"defaultLifetimeDays\":7,\
                    \"scopes\":[{\"name\":\"odata\",\"description\":\"Read all tables\"}],\
                    \"allowedOrigins\":[\"https://portal.example\"],\"knownUsersOnly\":true}";
        let policy = parse(body).unwrap();
        assert_eq!(policy.to_json(), body);
        assert_eq!(parse(&Policy::default().to_json()), Ok(Policy::default()));
        assert_eq!(Policy::stored(body), Some(policy));
    }

    #[test]
    fn none_is_changed_by_being_left_out() {
        let json = Policy::default().to_json();
        let fields: serde_json::Map<String, _> = serde_json::from_str(&json).unwrap();
        for name in fields.keys() {
            assert_eq!(wrong(&with(name, "")), *name);
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (name, value) in [
            ("creation", "1"),
            ("whoMayCreate", "\"me\""),
            ("maxLifetimeDays", "0"),
            ("maxLifetimeDays", "36526"),
            ("defaultLifetimeDays", "null"),
            ("scopes", "{}"),
            ("scopes", "[\"odata\"]"),
            ("scopes", "[{\"name\":\"a b\"}]"),
            ("scopes", "[{\"name\":\"a\"},{\"name\":\"a\"}]"),
            ("allowedOrigins", "[\"*\"]"),
            ("surprise", "1"),
        ] {
            assert_eq!(wrong(&with(name, value)), name, "{value}");
        }
        assert_eq!(wrong(&with("maxLifetimeDays", "7")), "defaultLifetimeDays");
        assert_eq!(wrong(&with("maxLifetimeDays", "90")), "neverAllowed");
    }

    #[test]
    fn a_lifetime_for_which_nothing_is_said_may_be_the_longest() {
        let json = with("maxLifetimeDays", "30")
            .replace("\"neverAllowed\":true", "\"neverAllowed\":false");
        assert_eq!(parse(&json).unwrap().limits.max_days, Some(30));
    }

    #[test]
    fn at_most_fifty_scopes_are_offered() {
        let scopes = |count: usize| {
            let names = (0..count).map(|at| format!("{{\"name\":\"s{at}\"}}"));
            format!("[{}]", names.collect::<Vec<_>>().join(","))
        };
        assert_eq!(
            parse(&with("scopes", &scopes(50))).unwrap().scopes.len(),
            50
        );
        assert_eq!(wrong(&with("scopes", &scopes(51))), "scopes");
    }

    #[test]
    fn tokens_get_scopes_that_are_offered_and_tokens() {
        let mut policy = Policy::default();
        let scopes = |names: &str| -> Scopes {
            names
                .split(' ')
                .map(|name| Scope::parse(name).unwrap())
                .collect::<Vec<_>>()
                .into()
        };
        assert!(policy.check_scopes(&scopes("any")).is_ok());
        let offered =
            ["odata", "jobs:read"].map(|name| (Scope::parse(name).unwrap(), String::new()));
        policy.scopes = offered.into();
        assert!(policy.check_scopes(&scopes("odata")).is_ok());
        assert!(policy.check_scopes(&scopes("tokens jobs:read")).is_ok());
        for wanted in ["any", "odata any", "tokens any"] {
            let problem = policy.check_scopes(&scopes(wanted)).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (403, Some("scopes"))
            );
        }
    }

    #[test]
    fn embed_tokens_name_origins_that_are_allowed() {
        let mut policy = Policy::default();
        let wanted = ["https://portal.example".to_owned()];
        assert!(policy.check_origins(&wanted).is_ok());
        policy.allowed_origins = vec!["https://other.example".to_owned()];
        assert!(policy.check_origins(&wanted).is_err());
        assert!(policy.check_origins(&[]).is_ok());
    }
}
