//! Routes: the rule that is found is the first that matches, and what an upstream makes of
//! the path by reading it leniently falls under no other.
//!
//! The input's first line is a method, a space and a path; the others are rules, a path
//! each or a method, a space and a path.

use crate::text;
use gatepass::route::{Routes, Rule};
use percent_encoding::percent_decode_str;

pub fn check(data: &[u8]) {
    let text = text(data);
    let (asked, rules) = text.split_once('\n').unwrap_or((&text, ""));
    let (method, path) = asked.split_once(' ').unwrap_or(("GET", asked));
    let rules: Vec<_> = rules.split('\n').filter_map(rule).collect();
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return;
    }
    let routes = Routes::new(rules.clone()).unwrap();
    let found = routes.find(method, path);
    let Ok(found) = found else {
        assert!(!is_plain(path, &rules), "{text:?} is refused");
        return;
    };
    let first = first_match(&rules, method, path);
    assert_eq!(
        Some(found).filter(|rule| !rule.path.is_empty()),
        first,
        "{text:?}"
    );
    // To a server that folds case, too.
    let folded: Vec<_> = rules.iter().cloned().map(lower).collect();
    let first = first.cloned().map(lower);
    for read in readings(path) {
        let other = first_match(&folded, method, &read.to_ascii_lowercase());
        assert_eq!(other, first.as_ref(), "{text:?} read as {read:?}");
    }
}

fn lower(rule: Rule) -> Rule {
    let path = rule.path.to_ascii_lowercase();
    Rule { path, ..rule }
}

fn rule(line: &str) -> Option<Rule> {
    let (methods, path) = match line.split_once(' ') {
        Some((method, path)) => (vec![method.to_owned()], path),
        None => (Vec::new(), line),
    };
    let path = path.to_owned();
    let rule = Rule {
        methods,
        path,
        ..Rule::default()
    };
    Routes::new(vec![rule.clone()]).is_ok().then_some(rule)
}

fn first_match<'a>(rules: &'a [Rule], method: &str, path: &str) -> Option<&'a Rule> {
    let method = if method == "HEAD" { "GET" } else { method };
    rules.iter().find(|rule| {
        let is_asked = rule.methods.is_empty() || rule.methods.iter().any(|own| own == method);
        is_asked && matches(&rule.path, path)
    })
}

/// Whether a pattern is a path, but for a slash at its end, or has it below.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix("/*") {
        // A slash after that of the root is one at the end, too.
        None if pattern == "/" => path == "/" || path == "//",
        None => pattern == path.strip_suffix('/').unwrap_or(path),
        Some(folder) => path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// The path as lenient servers read it, in one step or several.
fn readings(path: &str) -> Vec<String> {
    let steps: [fn(&str) -> String; 5] = [
        |path| percent_decode_str(path).decode_utf8_lossy().into_owned(),
        |path| path.replace('\\', "/"),
        without_parameters,
        collapsed,
        climbed,
    ];
    let mut readings = Vec::new();
    let mut path = path.to_owned();
    for _layer in 0..2 {
        for step in steps {
            readings.push(step(&path));
        }
        for step in steps {
            path = step(&path);
            readings.push(path.clone());
        }
    }
    readings
}

fn without_parameters(path: &str) -> String {
    let names = path
        .split('/')
        .map(|segment| segment.split(';').next().unwrap());
    names.collect::<Vec<_>>().join("/")
}

fn collapsed(path: &str) -> String {
    let names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
    let end = if path.ends_with('/') && !names.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", names.join("/"))
}

fn climbed(path: &str) -> String {
    let mut kept = Vec::new();
    for name in path.split('/').skip(1) {
        match name {
            "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Whether a path has one reading only, by the rules too.
fn is_plain(path: &str, rules: &[Rule]) -> bool {
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'/');
    let is_lower = rules
        .iter()
        .all(|rule| rule.path == rule.path.to_ascii_lowercase());
    is_plain && is_lower && !path.contains("//")
}
