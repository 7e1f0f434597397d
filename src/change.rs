//! What somebody asks for who changes a token or replaces it.

use crate::fields::Fields;
use crate::grant::{take_description, take_name};
use crate::problem::Problem;
use crate::wire::wire_struct;

/// New values for a token; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether it opens the gate.
    pub enabled: Option<bool>,
}

impl Change {
    /// Reads `{name, description, enabled}`, at least one of them.
    pub fn parse(content_type: Option<&str>, body: &str) -> Result<Self, Problem> {
        let mut fields = Fields::of_body(content_type, body);
        let change = Self {
            name: take_name(&mut fields),
            description: take_description(&mut fields),
            enabled: fields.take_flag("enabled", "true or false"),
        };
        fields.finish()?;
        if change == Self::default() {
            let detail = "give at least one of name, description and enabled";
            return Err(Problem::invalid_request(detail));
        }
        Ok(change)
    }
}

/// How a token is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How long the old token is still good; 0: it ends at once.
    pub grace_seconds: u32,
}

impl Rotation {
    /// The longest grace: 30 days.
    pub const MAX_GRACE: u32 = 2_592_000;

    /// Reads `{graceSeconds}`; an empty body stands for `{}`.
    pub fn parse(content_type: Option<&str>, body: &str) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let mut fields = Fields::of_body(content_type, body);
        let expected = "a whole number of seconds from 0 to 2592000";
        let grace = fields.take_whole("graceSeconds", expected);
        let grace_seconds = grace.unwrap_or(0);
        if grace_seconds > Self::MAX_GRACE {
            fields.must_be("graceSeconds", expected);
        }
        fields.finish()?;
        Ok(Self { grace_seconds })
    }
}

wire_struct!(Change {
    name,
    description,
    enabled
});
wire_struct!(Rotation { grace_seconds });

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn a_change_changes_something() {
        let change = Change::parse(JSON, r#"{"enabled":false}"#).unwrap();
        assert_eq!(change.enabled, Some(false));
        assert!(change.name.is_none() && change.description.is_none());
        assert_eq!(Change::parse(JSON, "{}").unwrap_err().status, 400);
        assert_eq!(Change::parse(JSON, "").unwrap_err().status, 400);
        assert_eq!(Change::parse(None, "").unwrap_err().status, 415);
    }

    #[test]
    fn nothing_else_can_be_changed() {
        for (field, body) in [
            ("scopes", r#"{"name":"a","scopes":["tokens"]}"#),
            ("state", r#"{"state":"active"}"#),
            ("enabled", r#"{"enabled":null}"#),
            ("enabled", r#"{"enabled":"true"}"#),
            ("name", r#"{"name":"\n"}"#),
            ("description", r#"{"description":"\u202e"}"#),
        ] {
            let problem = Change::parse(JSON, body).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{body}");
        }
    }

    #[test]
    fn the_grace_is_none_unless_given() {
        assert_eq!(Rotation::parse(None, ""), Ok(Rotation::default()));
        assert_eq!(Rotation::parse(JSON, "{}"), Ok(Rotation::default()));
        let rotation = Rotation::parse(JSON, r#"{"graceSeconds":2592000}"#).unwrap();
        assert_eq!(rotation.grace_seconds, Rotation::MAX_GRACE);
        for bad in ["2592001", "-1", "1.5", "null", "\"60\"", "1e309"] {
            let body = format!("{{\"graceSeconds\":{bad}}}");
            let problem = Rotation::parse(JSON, &body).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("graceSeconds"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parsers_panic(body: String) {
            let _ = Change::parse(JSON, &body);
            let _ = Rotation::parse(JSON, &body);
        }
    }
}
