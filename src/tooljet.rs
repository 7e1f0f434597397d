//! ToolJet's endpoint for embed tokens, usable by its clients as it is.
//!
//! `POST /api/ext/users/personal-access-token` with `{email, appId,
//! sessionExpiry, patExpiry}` answers `{personalAccessToken, redirectUrl}`.
//! ToolJet has one token a user and app; a new one here takes the place of the
//! one before, whose sessions go on.

use crate::answer::Answer;
use crate::config::Config;
use crate::fields::Fields;
use crate::grant::{self, EmbedGrant, Grant, Lifetime, MAX_MINUTES, MINUTES, Named};
use crate::json::Object;
use crate::problem::Problem;
use crate::scope::Scopes;
use crate::time::Time;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The token.
    pub grant: Grant,
    /// Whose it shall be.
    pub user: Named,
    /// The app.
    pub app: String,
    /// What the token stands for alone.
    pub slot: String,
}

/// Reads a body. An app that is not configured is 404.
pub fn parse(
    content_type: Option<&str>,
    body: &str,
    config: &Config,
    now: Time,
) -> Result<Wanted, Problem> {
    let mut fields = Fields::of_body(content_type, body);
    let email = grant::take_email(&mut fields);
    let email = fields.given("email", email);
    let app = fields.take_text("appId", "text");
    let app = fields.given("appId", app);
    let session_minutes = take(&mut fields, "sessionExpiry", MAX_MINUTES, MINUTES);
    let seconds = take(&mut fields, "patExpiry", MAX_SECONDS, SECONDS);
    fields.finish()?;
    if config.app(&app).is_none() {
        return Err(Problem::no_app());
    }
    let grant = Grant {
        name: "ToolJet embed".to_owned(),
        description: String::new(),
        scopes: Scopes::default(),
        apps: vec![app.clone()],
        allowed_ips: None,
        lifetime: Some(Lifetime::Until(now.plus(u64::from(seconds)))),
        strict: None,
        embed: Some(EmbedGrant {
            label: String::new(),
            allowed_origins: Vec::new(),
            session_minutes,
            idle_minutes: None,
            single_use: false,
            top_level: false,
        }),
    };
    Ok(Wanted {
        grant,
        user: Named {
            id: None,
            email: Some(email),
        },
        slot: format!("tooljet/{app}"),
        app,
    })
}

/// The answer with a new token.
pub fn answer(secret: &str, url: &str) -> Answer {
    let mut made = Object::default();
    made.text("personalAccessToken", secret);
    made.text("redirectUrl", url);
    Answer::json(200, made.finish())
}

fn take(fields: &mut Fields<'_>, name: &str, most: u32, expected: &str) -> u32 {
    let number = grant::take_number(fields, name, most, expected);
    fields.given(name, number)
}

/// A hundred years.
const MAX_SECONDS: u32 = 3_155_760_000;
const SECONDS: &str = "a whole number of seconds from 1 to 3155760000";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    const NOW: Time = Time::from_seconds(1_700_000_000);

    fn parse_body(body: &str) -> Result<Wanted, Problem> {
        let variables = format!(
            "{{\"OPERATOR_KEY\":\"{0}\",\"UPSTREAM\":\"https://a.example\",\
              \"APPS\":[{{\"id\":\"8ba8bf0e-6b8f\",\"name\":\"x\"}}],\"SESSION_KEYS\":\"k:{0}\"}}",
            "A".repeat(44)
        );
        let bindings = [
            "RECORDS",
            "LEDGER",
            "DIRECTORY",
            "ASSETS",
            "LOOKUPS_BY_ADDRESS",
            "LOOKUPS_BY_LEDGER",
        ];
        let config = Config::parse(&variables, &bindings.map(str::to_owned)).unwrap();
        parse(Some("application/json"), body, &config, NOW)
    }

    #[test]
    fn the_documented_body_is_read() {
        let wanted = parse_body(
            r#"{"email":"A1@tooljet.com","appId":"8ba8bf0e-6b8f","sessionExpiry":60,"patExpiry":1000000}"#,
        )
        .unwrap();
        assert_eq!(wanted.user.email.as_deref(), Some("a1@tooljet.com"));
        assert_eq!(wanted.app, "8ba8bf0e-6b8f");
        let until = Lifetime::Until(NOW.plus(1_000_000));
        assert_eq!(wanted.grant.lifetime, Some(until));
        assert_eq!(wanted.grant.embed.unwrap().session_minutes, 60);
    }

    #[test]
    fn a_wrong_field_is_named_and_an_app_that_is_not_there_is_404() {
        let good = [
            ("email", "\"a@b\""),
            ("appId", "\"8ba8bf0e-6b8f\""),
            ("sessionExpiry", "60"),
            ("patExpiry", "60"),
        ];
        let body = |name: &str, value: Option<&str>| {
            let fields = good.iter().filter_map(|(field, usual)| {
                let value = if *field == name { value? } else { usual };
                Some(format!("\"{field}\":{value}"))
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        };
        for (field, value) in [
            ("email", None),
            ("email", Some("\"a\"")),
            ("email", Some("7")),
            ("appId", None),
            ("appId", Some("7")),
            ("sessionExpiry", None),
            ("sessionExpiry", Some("0")),
            ("sessionExpiry", Some("-1")),
            ("sessionExpiry", Some("576001")),
            ("sessionExpiry", Some("\"60\"")),
            ("patExpiry", None),
            ("patExpiry", Some("0")),
            ("patExpiry", Some("1e9")),
            ("patExpiry", Some("null")),
        ] {
            let problem = parse_body(&body(field, value)).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (400, Some(field))
            );
        }
        for app in [
            "\"unknown\"",
            "\"../x\"",
            "\"https://evil.example\"",
            "\"*\"",
        ] {
            let problem = parse_body(&body("appId", Some(app))).unwrap_err();
            assert_eq!((problem.status, problem.code), (404, Code::AppMismatch));
        }
    }
}
