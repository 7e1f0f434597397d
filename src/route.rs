//! Which rule a request falls under.
//!
//! Rules are tried in their order and the first match counts; where none
//! matches, any valid PAT opens. A pattern is a path, matched whole, or ends in
//! `/*` and matches all below. Rules are kept as a tree of segments, so that a
//! look-up costs the depth of the path and not the number of rules.

use crate::bytes::pieces;
use crate::fields::Fields;
use crate::origin::is_origin;
use crate::path;
use crate::problem::Problem;
use crate::scope::{Scope, Scopes};
use std::borrow::Cow;

/// One rule of `ROUTES`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The methods it is for; none named: all. `GET` stands for `HEAD` too.
    pub methods: Vec<String>,
    /// The pattern.
    pub path: String,
    /// The scopes that a token needs, all of them.
    pub scopes: Scopes,
    /// Whether anybody may pass, without a token.
    pub public: bool,
    /// The query parameter that may carry the token.
    pub query_token: Option<String>,
    /// The origins whose pages may read the answers; `*` for any.
    pub cors: Vec<String>,
}

impl Rule {
    /// Reads a rule of the configuration.
    pub fn read(json: &str) -> Result<Self, Problem> {
        let mut fields = Fields::of_object(json);
        let expected = "scopes, as RFC 6749 spells them";
        let rule = Self {
            methods: fields.take_texts("methods").unwrap_or_default(),
            path: fields.take_text("path", "text").unwrap_or_default(),
            scopes: fields.take_list("scopes", expected, Scope::parse).into(),
            public: fields
                .take_flag("public", "true or false")
                .unwrap_or_default(),
            query_token: fields.take_text("queryToken", "text"),
            cors: fields.take_texts("cors").unwrap_or_default(),
        };
        fields.finish()?;
        Ok(rule)
    }

    fn allows_method(&self, method: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.methods.is_empty() || self.methods.iter().any(|allowed| allowed == method)
    }

    /// Whether pages of an origin may read the answers.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.cors
            .iter()
            .any(|allowed| allowed == "*" || allowed == origin)
    }

    /// What is wrong with the rule: the field and a sentence.
    fn mistake(&self) -> Option<(&'static str, &'static str)> {
        let literals = self.path.strip_suffix("/*").unwrap_or(&self.path);
        let clear = |segment: &str| {
            !path::ambiguous(segment)
                && !path::climbs(segment)
                && !segment.contains(['%', '*', '?', '#', '{', '}'])
                && !segment.starts_with(':')
        };
        if !self.path.starts_with('/') {
            return Some(("path", "must begin with \"/\""));
        }
        if self.path != "/" && !literals.split('/').skip(1).all(clear) {
            return Some((
                "path",
                "must be plain segments, with \"*\" only as the last one, no percent-encoding and no parameters",
            ));
        }
        if !self.methods.iter().all(|method| is_method(method)) {
            return Some(("methods", "must be HTTP methods in capital letters"));
        }
        if self.public && !self.scopes.is_empty() {
            return Some(("public", "cannot stand beside scopes"));
        }
        if self
            .query_token
            .as_ref()
            .is_some_and(|name| !is_parameter(name))
        {
            return Some((
                "queryToken",
                "must be a parameter name of letters, digits, \"_\" and \"-\"",
            ));
        }
        if !self
            .cors
            .iter()
            .all(|origin| origin == "*" || is_origin(origin))
        {
            return Some((
                "cors",
                "must be \"*\" or origins such as \"https://portal.example\"",
            ));
        }
        None
    }
}

/// All rules, ready for look-up.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    rules: Vec<Rule>,
    /// The tree; the first is its root.
    nodes: Vec<Node>,
    /// What holds where no rule matches: any valid PAT.
    otherwise: Rule,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Numbers of nodes, sorted by segment (its length, then it) in lower case, so that a path that differs
    /// from a rule only by case is noticed.
    children: Vec<(String, usize)>,
    /// Rules whose pattern ends here.
    exact: Vec<usize>,
    /// Rules whose pattern is this and all below.
    below: Vec<usize>,
}

impl Node {
    /// Where the child of a segment stands, or would.
    #[inline(always)]
    fn position(&self, segment: &str) -> Result<usize, usize> {
        let children = &self.children;
        children.binary_search_by(|(own, _)| {
            let by_length = own.len().cmp(&segment.len());
            by_length.then_with(|| own.as_str().cmp(segment))
        })
    }

    #[inline(always)]
    fn child(&self, segment: &str) -> Option<usize> {
        let at = self.position(segment).ok()?;
        self.children.get(at).map(|(_, child)| *child)
    }
}

/// The path can be read in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclearPath;

impl core::fmt::Display for UnclearPath {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the path can be read in more than one way; spell it plainly")
    }
}

impl std::error::Error for UnclearPath {}

impl Routes {
    /// Checks the rules and makes the tree; a mistake is told by the number of
    /// the rule, its field and a sentence.
    pub fn new(rules: Vec<Rule>) -> Result<Self, (usize, &'static str, &'static str)> {
        let mut nodes = vec![Node::default()];
        for (index, rule) in rules.iter().enumerate() {
            if let Some((field, sentence)) = rule.mistake() {
                return Err((index, field, sentence));
            }
            let literals = rule.path.strip_suffix("/*");
            let mut at = 0;
            for segment in segments(literals.unwrap_or(&rule.path)) {
                let segment = segment.to_ascii_lowercase();
                let next = nodes.len();
                let Some(node) = nodes.get_mut(at) else {
                    continue;
                };
                if let Err(place) = node.position(&segment) {
                    node.children.insert(place, (segment, next));
                    nodes.push(Node::default());
                    at = next;
                } else if let Some(child) = node.child(&segment) {
                    at = child;
                }
            }
            let Some(node) = nodes.get_mut(at) else {
                continue;
            };
            let list = if literals.is_some() {
                &mut node.below
            } else {
                &mut node.exact
            };
            list.push(index);
        }
        Ok(Self {
            rules,
            nodes,
            otherwise: Rule::default(),
        })
    }

    /// The rule for a method and a path. A trailing slash makes no difference.
    pub fn find(&self, method: &str, path: &str) -> Result<&Rule, UnclearPath> {
        if path::climbs_anywhere(path) {
            return Err(UnclearPath);
        }
        let Some(index) = self.first_match(method, path)? else {
            return Ok(&self.otherwise);
        };
        let rule = self.rules.get(index).ok_or(UnclearPath)?;
        let literals = rule.path.strip_suffix("/*").unwrap_or(&rule.path);
        let is_same_case = path.starts_with(literals);
        is_same_case.then_some(rule).ok_or(UnclearPath)
    }

    /// The first rule that matches when case is ignored.
    fn first_match(&self, method: &str, path: &str) -> Result<Option<usize>, UnclearPath> {
        let mut best: Option<usize> = None;
        let mut consider = |candidates: &[usize]| {
            let allowed = |index: &&usize| {
                self.rules
                    .get(**index)
                    .is_some_and(|rule| rule.allows_method(method))
            };
            let first = candidates.iter().find(allowed).copied();
            best = best.into_iter().chain(first).min();
        };
        let mut node = self.nodes.first().ok_or(UnclearPath)?;
        consider(&node.below);
        let mut rest = segments(path);
        loop {
            let Some(segment) = rest.next() else {
                consider(&node.exact);
                return Ok(best);
            };
            // Below an exact rule too: an upstream may drop an empty segment or
            // a parameter, and serve the rule's own path.
            let decisive = !node.children.is_empty() || !node.exact.is_empty();
            if decisive && path::ambiguous(segment) {
                return Err(UnclearPath);
            }
            let Some(child) = node.child(&in_lower_case(segment)) else {
                return Ok(best);
            };
            node = self.nodes.get(child).ok_or(UnclearPath)?;
            consider(&node.below);
        }
    }
}

/// The segments of a path, without the empty one after a trailing slash.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = pieces(path, b'/');
    if path.is_empty() {
        segments.next();
    }
    segments
}

fn in_lower_case(segment: &str) -> Cow<'_, str> {
    if segment.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(segment.to_ascii_lowercase())
    } else {
        Cow::Borrowed(segment)
    }
}

fn is_method(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

fn is_parameter(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn rules(json: &str) -> Result<Vec<Rule>, Problem> {
        let rules: Vec<&RawValue> = serde_json::from_str(json).unwrap();
        rules.iter().map(|rule| Rule::read(rule.get())).collect()
    }

    fn routes(json: &str) -> Routes {
        Routes::new(rules(json).unwrap()).unwrap()
    }

    fn development() -> Routes {
        routes(
            r#"[{"path":"/public/*","public":true},
                {"path":"/api/v1/*","methods":["GET"],"scopes":["jobs:read"]},
                {"path":"/api/v1/*","scopes":["jobs:write"]},
                {"path":"/odata/*","scopes":["odata"]},
                {"path":"/mcp","public":true},
                {"path":"/admin","scopes":["admin"]}]"#,
        )
    }

    fn found(method: &str, path: &str) -> Result<String, UnclearPath> {
        let routes = development();
        let rule = routes.find(method, path)?;
        Ok(if rule.public {
            "public".to_owned()
        } else {
            rule.scopes.joined()
        })
    }

    #[test]
    fn the_first_match_counts_and_without_one_any_pat_opens() {
        for (method, path, expected) in [
            ("GET", "/public/hello", "public"),
            ("GET", "/public", "public"),
            ("GET", "/api/v1/jobs/", "jobs:read"),
            ("HEAD", "/api/v1/jobs/", "jobs:read"),
            ("POST", "/api/v1/jobs/", "jobs:write"),
            ("OPTIONS", "/api/v1/jobs/", "jobs:write"),
            ("get", "/api/v1/jobs/", "jobs:write"),
            ("GET", "/odata", "odata"),
            ("GET", "/odata/Jobs('a%2Fb')", "odata"),
            ("GET", "/echo/a%2fb", ""),
            ("GET", "/", ""),
            ("GET", "/api", ""),
            ("GET", "/api/v2/x", ""),
            ("GET", "/admin/", "admin"),
        ] {
            assert_eq!(
                found(method, path),
                Ok(expected.to_owned()),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_pattern_ends_on_a_segment_border() {
        for path in ["/mcp-other", "/mcp/x", "/publicity", "/public-x/y"] {
            assert_eq!(found("GET", path), Ok(String::new()), "{path}");
        }
    }

    #[test]
    fn paths_that_an_upstream_might_read_as_another_are_refused() {
        for path in [
            "//admin",
            "//public/hello",
            "/public%2fhello",
            "/%61dmin",
            "/ADMIN",
            "/Public/hello",
            "/api//v1/x",
            "/api/v1%2f..%2fx",
            "/public/..%2fadmin",
            "/public/..;/admin",
            "/public/%252e%252e/admin",
            "/public/x%00",
            "/api;x/v1/y",
            "/admin//",
            "/admin/;x",
            "/admin//x",
            "/api/%76%31/x",
            "/\\admin",
        ] {
            assert_eq!(found("GET", path), Err(UnclearPath), "{path}");
        }
    }

    #[test]
    fn a_rule_that_nobody_could_mean_is_a_mistake() {
        for (json, field) in [
            (r#"[{"path":"api"}]"#, "path"),
            (r#"[{"path":"/jobs/:id"}]"#, "path"),
            (r#"[{"path":"/jobs/{id}"}]"#, "path"),
            (r#"[{"path":"/a*"}]"#, "path"),
            (r#"[{"path":"/*/a"}]"#, "path"),
            (r#"[{"path":"/a//b"}]"#, "path"),
            (r#"[{"path":"/%61"}]"#, "path"),
            (r#"[{"path":"/a","methods":["get"]}]"#, "methods"),
            (r#"[{"path":"/a","public":true,"scopes":["x"]}]"#, "public"),
            (r#"[{"path":"/a","queryToken":"a b"}]"#, "queryToken"),
            (r#"[{"path":"/a","cors":["https://a.example/"]}]"#, "cors"),
        ] {
            assert_eq!(
                Routes::new(rules(json).unwrap()).unwrap_err().1,
                field,
                "{json}"
            );
        }
        assert!(rules(r#"[{"path":"/a","pubic":true}]"#).is_err());
    }

    #[test]
    fn everything_can_be_one_rule() {
        let routes = routes(r#"[{"path":"/*","scopes":["x"]}]"#);
        for path in ["/", "/a", "//a", "/a/b"] {
            assert_eq!(
                routes.find("GET", path).unwrap().scopes.joined(),
                "x",
                "{path}"
            );
        }
    }

    /// The same rules the simple way: one after the other, and only for paths
    /// that are spelled plainly.
    fn one_after_the_other<'a>(rules: &'a [Rule], method: &str, path: &str) -> Option<&'a Rule> {
        rules.iter().find(|rule| {
            let whole: Vec<_> = segments(path).collect();
            let literals: Vec<_> =
                segments(rule.path.strip_suffix("/*").unwrap_or(&rule.path)).collect();
            let matches = if rule.path.ends_with("/*") {
                whole.starts_with(&literals)
            } else {
                whole == literals
            };
            matches && rule.allows_method(method)
        })
    }

    proptest! {
        #[test]
        fn the_tree_agrees_with_trying_one_rule_after_the_other(
            patterns in proptest::collection::vec("(/[ab]){1,3}(/\\*)?", 0..8),
            gets in proptest::collection::vec(any::<bool>(), 8),
            path in "(/[abc]){0,4}/?",
        ) {
            let rules: Vec<Rule> = patterns.iter().zip(&gets).enumerate().map(|(index, (path, get))| Rule {
                methods: if *get { vec!["GET".to_owned()] } else { Vec::new() },
                path: path.clone(),
                query_token: Some(format!("rule{index}")),
                ..Rule::default()
            }).collect();
            let routes = Routes::new(rules.clone()).unwrap();
            for method in ["GET", "HEAD", "POST"] {
                let expected = one_after_the_other(&rules, method, &path);
                let found = routes.find(method, &path).unwrap();
                prop_assert_eq!(found.query_token.as_ref(), expected.and_then(|rule| rule.query_token.as_ref()));
            }
        }

        #[test]
        fn no_path_makes_it_panic(method: String, path: String) {
            let _ = development().find(&method, &path);
        }
    }
}
