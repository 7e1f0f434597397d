//! Whom an identity provider has signed in: where the request has its JWT, and which
//! of the claims say who that is. The JWT itself is checked by the shell; only claims
//! that were come here.

use crate::actor::SignedIn;
use crate::cookie;
use crate::facts::Facts;
use crate::fields::Fields;
use crate::limits;
use crate::problem::Problem;
use crate::raw::Raw;
use crate::text;

/// How people are known by what their identity provider puts on requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    carrier: Carrier,
    user: String,
    email: String,
    /// The claim that says that the address was verified; `None`: all were.
    email_verified: Option<String>,
    workspace: Option<String>,
    roles: String,
    admin_role: String,
}

/// Where a request has the JWT.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Carrier {
    Header(String),
    Cookie(String),
}

impl Identity {
    /// Reads the configuration.
    pub fn read(json: &str, development: bool) -> Result<Self, Problem> {
        let mut fields = Fields::of_object(json);
        for name in ["issuer", "jwks"] {
            let url = fields.take_text(name, "a URL").unwrap_or_default();
            if limits::check_url(&url, development).is_err() {
                fields.must_be(name, "a URL with https");
            }
        }
        let audience = fields.take_raw("audience").and_then(texts);
        if audience.unwrap_or_default().is_empty() {
            fields.must_be("audience", "a text or a list of texts");
        }
        let algorithms = fields.take_texts("algorithms");
        let known = |name: &String| ALGORITHMS.contains(&name.as_str());
        if !algorithms.is_none_or(|list| !list.is_empty() && list.iter().all(known)) {
            fields.must_be("algorithms", "a list of RS256, ES256 and EdDSA");
        }
        let header = fields.take_text("header", "text");
        let cookie = fields.take_text("cookie", "text");
        if header.is_some() == cookie.is_some() {
            fields.must_be("header", "given, or else cookie");
        }
        let carrier = match header {
            Some(header) => Carrier::Header(header.to_ascii_lowercase()),
            None => Carrier::Cookie(cookie.unwrap_or_default()),
        };
        let claims = fields.take_object("claims");
        let mut claims = claims.unwrap_or_else(|| Fields::of_object("{}"));
        let trusted = claims.take_literal("emailVerified", "false");
        let mut named = |name, default: &str| {
            let claim = claims.take_text(name, "a claim's name");
            claim.unwrap_or_else(|| default.to_owned())
        };
        let identity = Self {
            carrier,
            user: named("user", "sub"),
            email: named("email", "email"),
            email_verified: Some(named("emailVerified", "email_verified")).filter(|_| !trusted),
            roles: named("roles", "roles"),
            workspace: claims.take_text("workspace", "a claim's name"),
            admin_role: fields
                .take_text("adminRole", "text")
                .unwrap_or_else(|| "admin".to_owned()),
        };
        fields.refuse_with(claims.finish());
        fields.finish()?;
        Ok(identity)
    }

    /// Whether a header's value must be known for it.
    pub fn reads(&self, header: &str) -> bool {
        matches!(&self.carrier, Carrier::Header(name) if name == header)
    }

    /// A `Cookie` header without the JWT; `None`: it has none of it.
    pub fn without_cookie(&self, header: &str) -> Option<String> {
        let Carrier::Cookie(own) = &self.carrier else {
            return None;
        };
        let is_own = |pair: &str| {
            pair.split('=')
                .next()
                .is_some_and(|name| name.trim() == own)
        };
        if !header.split(';').any(is_own) {
            return None;
        }
        let kept = header.split(';').filter(|pair| !is_own(pair));
        Some(kept.map(str::trim).collect::<Vec<_>>().join("; "))
    }

    /// The JWT of a request that has no other credential, or has it as one.
    pub fn token<'f>(&self, facts: &Facts<'f>) -> Option<&'f str> {
        let found = match &self.carrier {
            Carrier::Header(name) => {
                let value = facts.header(name)?;
                let bearer = value
                    .get(..7)
                    .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
                bearer.and_then(|_| value.get(7..)).unwrap_or(value).trim()
            }
            Carrier::Cookie(name) => {
                let mut values = cookie::values(facts.header("cookie")?, name).fuse();
                let value = values.next()?;
                // Of two, one may be an intruder's.
                if values.next().is_some() {
                    return None;
                }
                value
            }
        };
        let is_jwt = found.split('.').count() == 3 && found.len() <= MAX_LENGTH;
        is_jwt.then_some(found)
    }

    /// Whether each JWT names a workspace.
    pub const fn names_workspace(&self) -> bool {
        self.workspace.is_some()
    }

    /// Whom the checked claims name; `None`: nobody who can be let in. Answers the
    /// workspace that they name, too.
    pub fn user(&self, claims: &str) -> Option<(SignedIn, Option<String>)> {
        let fields = Fields::of_object(claims);
        if fields.refused() {
            return None;
        }
        let claim = |name: &str| claim(&fields, name);
        let workspace = match &self.workspace {
            Some(name) => Some(claim(name)?.text()?.into_owned()),
            None => None,
        };
        let uid = claim(&self.user)?.text()?.into_owned();
        text::user_id(&uid).ok()?;
        let email = match claim(&self.email) {
            Some(raw) => text::email(&raw.text()?).ok()?,
            None => String::new(),
        };
        if let (Some(name), false) = (&self.email_verified, email.is_empty())
            && !matches!(claim(name)?.get(), "true" | "\"true\"")
        {
            return None;
        }
        let roles = claim(&self.roles).and_then(texts);
        let admin = roles.is_some_and(|roles| roles.contains(&self.admin_role));
        let user = SignedIn {
            workspace: String::new(),
            uid,
            email,
            admin,
        };
        Some((user, workspace))
    }
}

/// A claim by its name; or, where none has it, one inside another by both names with a
/// dot between.
fn claim<'a>(fields: &Fields<'a>, name: &str) -> Option<Raw<'a>> {
    fields.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        claim(&Fields::of_object(fields.get(outer)?.get()), inner)
    })
}

/// One text or a list of them.
fn texts(raw: Raw<'_>) -> Option<Vec<String>> {
    match raw.text() {
        Some(text) => Some(vec![text.into_owned()]),
        None => raw.texts(),
    }
}

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// What a JWT may have at most, in bytes.
const MAX_LENGTH: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: &str =
        r#""issuer":"https://id.example","audience":"gate","jwks":"https://id.example/keys""#;

    fn read(more: &str) -> Result<Identity, Problem> {
        Identity::read(&format!("{{{REQUIRED},{more}}}"), false)
    }

    fn wrong(json: &str) -> String {
        let problem = Identity::read(json, false).expect_err(json);
        problem.field.as_deref().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_mistake_in_the_configuration_is_named() {
        let whole = format!("{{{REQUIRED},\"cookie\":\"CF_Authorization\"}}");
        assert!(Identity::read(&whole, false).is_ok());
        for (field, from, to) in [
            (
                "issuer",
                "https://id.example\",\"aud",
                "http://id.example\",\"aud",
            ),
            ("jwks", "https://id.example/keys", "/keys"),
            ("audience", "\"gate\"", "[]"),
            ("audience", "\"gate\"", "7"),
            ("header", "\"cookie\"", "\"header\":\"x\",\"cookie\""),
            (
                "algorithms",
                "\"cookie\"",
                "\"algorithms\":[\"HS256\"],\"cookie\"",
            ),
            ("algorithms", "\"cookie\"", "\"algorithms\":[],\"cookie\""),
            (
                "claims.mail",
                "\"cookie\"",
                "\"claims\":{\"mail\":\"m\"},\"cookie\"",
            ),
            ("colour", "\"cookie\"", "\"colour\":1,\"cookie\""),
        ] {
            assert_eq!(wrong(&whole.replace(from, to)), field, "{from}");
        }
        assert_eq!(wrong(&format!("{{{REQUIRED}}}")), "header");
        let local = whole.replace("https://", "http://");
        assert!(Identity::read(&local, true).is_ok());
    }

    #[test]
    fn the_jwt_is_found_in_the_header_or_the_cookie() {
        let facts = |headers: &str| format!("GET\nhttps://a.example/\n{headers}");
        let found = |identity: &Identity, headers: &str| {
            let packed = facts(headers);
            let facts = Facts::parse(&packed).unwrap();
            identity.token(&facts).map(str::to_owned)
        };
        let header = read("\"header\":\"Cf-Access-Jwt-Assertion\"").unwrap();
        assert!(header.reads("cf-access-jwt-assertion") && !header.reads("cookie"));
        assert_eq!(
            found(&header, "cf-access-jwt-assertion:a.b.c").as_deref(),
            Some("a.b.c")
        );
        assert_eq!(found(&header, "cf-access-jwt-assertion:pat_abc"), None);
        let bearer = read("\"header\":\"Authorization\"").unwrap();
        assert_eq!(
            found(&bearer, "authorization:Bearer a.b.c").as_deref(),
            Some("a.b.c")
        );
        let cookie = read("\"cookie\":\"id\"").unwrap();
        assert_eq!(
            found(&cookie, "cookie:x=1; id=a.b.c").as_deref(),
            Some("a.b.c")
        );
        assert_eq!(found(&cookie, "cookie:id=a.b.c; id=d.e.f"), None);
        let long = format!("cookie:id=a.b.{}", "c".repeat(MAX_LENGTH));
        assert_eq!(found(&cookie, &long), None);
    }

    #[test]
    fn only_who_is_named_with_a_verified_address_is_let_in() {
        let identity = read("\"header\":\"x\"").unwrap();
        let user = |claims: &str| {
            identity
                .user(claims)
                .map(|(user, _)| (user.uid, user.email))
        };
        let named = |uid: &str, email: &str| Some((uid.to_owned(), email.to_owned()));
        let verified = r#"{"sub":"ada","email":"Ada@Example.com","email_verified":true}"#;
        assert_eq!(user(verified), named("ada", "ada@example.com"));
        assert_eq!(user(r#"{"sub":"ada"}"#), named("ada", ""));
        for claims in [
            r#"{"sub":"","email":"a@x","email_verified":true}"#,
            r#"{"email":"a@x","email_verified":true}"#,
            r#"{"sub":7}"#,
            r#"{"sub":"ada","email":"a@x"}"#,
            r#"{"sub":"ada","email":"a@x","email_verified":false}"#,
            r#"{"sub":"ada","email":"a@x","email_verified":"false"}"#,
            r#"{"sub":"ada","email":"nobody","email_verified":true}"#,
            r#"{"sub":"ada","sub":"bob"}"#,
            "[]",
        ] {
            assert_eq!(user(claims), None, "{claims}");
        }
        let trusting = read("\"header\":\"x\",\"claims\":{\"emailVerified\":false}").unwrap();
        assert!(trusting.user(r#"{"sub":"ada","email":"a@x"}"#).is_some());
    }

    #[test]
    fn a_role_makes_an_admin_and_a_claim_names_the_workspace() {
        let more =
            r#""header":"x","claims":{"roles":"groups","workspace":"org"},"adminRole":"ops""#;
        let identity = read(more).unwrap();
        let user = |claims: &str| {
            let (user, workspace) = identity.user(claims)?;
            Some((user.admin, workspace?))
        };
        let acme = || "acme".to_owned();
        for (groups, admin) in [
            ("[\"ops\",\"dev\"]", true),
            ("\"ops\"", true),
            ("[\"dev\"]", false),
            ("{\"ops\":true}", false),
        ] {
            let claims = format!("{{\"sub\":\"a\",\"org\":\"acme\",\"groups\":{groups}}}");
            assert_eq!(user(&claims), Some((admin, acme())), "{groups}");
        }
        assert_eq!(
            user("{\"sub\":\"a\",\"org\":\"acme\"}"),
            Some((false, acme()))
        );
        assert_eq!(user("{\"sub\":\"a\"}"), None);
        let inside =
            read("\"header\":\"x\",\"claims\":{\"roles\":\"realm_access.roles\"}").unwrap();
        let admin = |claims: &str| inside.user(claims).unwrap().0.admin;
        assert!(admin(r#"{"sub":"a","realm_access":{"roles":["admin"]}}"#));
        assert!(admin(r#"{"sub":"a","realm_access.roles":"admin"}"#));
        assert!(!admin(
            r#"{"sub":"a","realm_access":["admin"],"roles":"admin"}"#
        ));
        let same = read("\"header\":\"x\",\"claims\":{\"roles\":\"sub\"}").unwrap();
        assert!(same.user("{\"sub\":\"admin\"}").unwrap().0.admin);
    }
}
