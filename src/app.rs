//! What can be embedded.

use crate::config::{Upstream, parse_upstream};
use crate::fields::Fields;
use crate::origin;
use crate::problem::Problem;

/// An app that can be embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id, in URLs.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Where its requests go; absent: where all others do.
    pub upstream: Option<Upstream>,
    /// The origins of the pages that may frame it, where a token names none.
    pub allowed_origins: Vec<String>,
    /// The `Permissions-Policy` of its documents; absent: its own.
    pub permissions_policy: Option<String>,
    /// The `Cross-Origin-Embedder-Policy` of its documents that bring none, by
    /// which a page under such a policy can frame it; empty: none.
    pub embedder_policy: &'static str,
}

impl App {
    /// The origins of the pages that may frame it: the token's, if it names
    /// any, else its own.
    pub fn framed_by<'a>(&'a self, of_token: &'a [String]) -> &'a [String] {
        if of_token.is_empty() {
            &self.allowed_origins
        } else {
            of_token
        }
    }

    pub(crate) fn read(
        json: &str,
        bindings: &[String],
        development: bool,
    ) -> Result<Self, Problem> {
        let mut fields = Fields::of_object(json);
        let upstream = fields.take_text("upstream", "text");
        let app = Self {
            id: fields.take_text("id", "text").unwrap_or_default(),
            name: fields.take_text("name", "text").unwrap_or_default(),
            upstream: upstream.map(|upstream| {
                parse_upstream(&mut fields, "upstream", &upstream, bindings, development)
            }),
            allowed_origins: fields.take_texts("allowedOrigins").unwrap_or_default(),
            permissions_policy: fields.take_text("permissionsPolicy", "text"),
            embedder_policy: match fields.take_text("embedderPolicy", "text").as_deref() {
                None | Some("credentialless") => "credentialless",
                Some("require-corp") => "require-corp",
                Some("unsafe-none") => "",
                Some(_) => {
                    let expected = "\"credentialless\", \"require-corp\" or \"unsafe-none\"";
                    fields.must_be("embedderPolicy", expected);
                    ""
                }
            },
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !(1..=64).contains(&app.id.len()) || !app.id.bytes().all(allowed) {
            fields.must_be("id", "1 to 64 letters, digits, \"_\" and \"-\"");
        }
        if !app
            .allowed_origins
            .iter()
            .all(|text| origin::is_origin(text))
        {
            let expected = "origins such as \"https://portal.example\", without a path";
            fields.must_be("allowedOrigins", expected);
        }
        let visible = |byte: u8| (0x20..=0x7e).contains(&byte);
        let policy = app.permissions_policy.as_deref().unwrap_or_default();
        if !policy.bytes().all(visible) {
            fields.must_be("permissionsPolicy", "one line of ASCII");
        }
        fields.finish()?;
        Ok(app)
    }
}
