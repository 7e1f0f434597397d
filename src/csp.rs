//! The `Content-Security-Policy` header (CSP Level 3 §2.2).

/// The policies of a header value without their `frame-ancestors` directives;
/// `""` when nothing is left.
///
/// A comma ends a policy and a semicolon a directive, wherever they stand. A
/// directive's name is read in any case, up to the first white space.
pub fn without_frame_ancestors(value: &str) -> String {
    let mut kept = String::new();
    for policy in value.split(',') {
        let directives: Vec<_> = policy
            .split(';')
            .filter(|directive| !is_frame_ancestors(directive))
            .collect();
        let policy = directives.join(";");
        if policy.trim_ascii().is_empty() {
            continue;
        }
        if !kept.is_empty() {
            kept.push_str(", ");
        }
        kept.push_str(policy.trim_ascii());
    }
    kept
}

fn is_frame_ancestors(directive: &str) -> bool {
    let name = directive.split_ascii_whitespace().next();
    name.is_some_and(|name| name.eq_ignore_ascii_case("frame-ancestors"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_frame_ancestors_leaves_and_the_rest_stays_byte_for_byte() {
        for (value, rest) in [
            ("frame-ancestors 'none'", ""),
            ("frame-ancestors 'none';", ""),
            ("default-src 'self'", "default-src 'self'"),
            (
                "default-src 'self'; frame-ancestors https://a.example ; img-src *",
                "default-src 'self'; img-src *",
            ),
            (
                "FRAME-Ancestors\t'none';script-src  'nonce-a==' ;",
                "script-src  'nonce-a==' ;",
            ),
            ("frame-ancestors;frame-ancestors 'self';sandbox", "sandbox"),
            (
                "frame-ancestors 'none', default-src a;\u{c}frame-ancestors b , upgrade-insecure-requests",
                "default-src a, upgrade-insecure-requests",
            ),
            (
                "frame-ancestorsx a; x-frame-ancestors b; frame-src frame-ancestors",
                "frame-ancestorsx a; x-frame-ancestors b; frame-src frame-ancestors",
            ),
        ] {
            assert_eq!(without_frame_ancestors(value), rest, "{value}");
        }
    }

    /// The directives of all policies, by another road: names in lower case.
    fn directives(value: &str) -> Vec<Vec<(String, String)>> {
        let policies = value.split(',').map(|policy| {
            let directives = policy.split(';').map(str::trim_ascii);
            let named = directives.filter(|text| !text.is_empty()).map(|text| {
                let end = text.find([' ', '\t', '\u{c}', '\r', '\n']);
                let (name, rest) = text.split_at(end.unwrap_or(text.len()));
                (name.to_lowercase(), rest.to_owned())
            });
            named.collect::<Vec<_>>()
        });
        policies.filter(|policy| !policy.is_empty()).collect()
    }

    proptest! {
        #[test]
        fn every_other_directive_of_every_policy_is_kept(
            value in "([,;]|[ \t]| ?frame-ancestors |Frame-AncestorS|img-src \\*|a|'self'){0,16}",
        ) {
            let mut wanted = directives(&value);
            for policy in &mut wanted {
                policy.retain(|(name, _)| name != "frame-ancestors");
            }
            wanted.retain(|policy| !policy.is_empty());
            let rest = without_frame_ancestors(&value);
            prop_assert_eq!(directives(&rest), wanted);
            prop_assert_eq!(without_frame_ancestors(&rest), rest);
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = without_frame_ancestors(&text);
        }
    }
}
