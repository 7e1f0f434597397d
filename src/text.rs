//! What people may write: names, descriptions, user ids, e-mail addresses.
//!
//! Lists show these texts, logs and headers carry some of them. So none may
//! hold a control character, nor one that is invisible or turns the reading
//! direction and makes a text look like another (Unicode TR 36). Markup and
//! characters outside the basic plane are text like any other.

use crate::token;

/// Reads a name: 1 to 100 characters, no white space at either end.
pub fn name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    line(text, 100, "must have at most 100 characters")
}

/// Reads a description: at most 500 characters; tabs and new lines may stand
/// in it.
pub fn description(text: &str) -> Result<(), &'static str> {
    if text.chars().nth(500).is_some() {
        return Err("must have at most 500 characters");
    }
    if text
        .chars()
        .any(|c| deceives(c) && !matches!(c, '\n' | '\t'))
    {
        return Err(DECEIVES);
    }
    Ok(())
}

/// Reads the label of a place: at most 64 characters, no white space at either
/// end; it may be empty.
pub fn label(text: &str) -> Result<(), &'static str> {
    line(text, 64, "must have at most 64 characters")
}

/// Reads a user's id: 1 to 128 characters, no white space at either end.
pub fn user_id(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    line(text, 128, "must have at most 128 characters")
}

/// Reads an e-mail address and answers it in lower case, as it is compared.
///
/// The check is a plain one: something, one `@`, something, no white space,
/// at most 254 bytes. Whether mail arrives there is not for Gatepass to know.
pub fn email(text: &str) -> Result<String, &'static str> {
    let lower = text.to_ascii_lowercase();
    let two_parts = lower.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    let odd = |c: char| c.is_whitespace() || deceives(c) || "\"(),:;<>[\\]".contains(c);
    if two_parts && lower.len() <= 254 && !lower.chars().any(odd) {
        Ok(lower)
    } else {
        Err("is not an e-mail address")
    }
}

fn line(text: &str, most: usize, too_long: &'static str) -> Result<(), &'static str> {
    if text.chars().nth(most).is_some() {
        return Err(too_long);
    }
    if text.trim() != text {
        return Err("must not begin or end with white space");
    }
    if text.chars().any(deceives) {
        return Err(DECEIVES);
    }
    Ok(())
}

/// Control characters, line and paragraph separators, and the format
/// characters that are invisible or change the direction. The two joiners
/// (U+200C, U+200D) are not among them: Persian and emoji need them.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

const DECEIVES: &str = "must not hold control, invisible or direction-changing characters";

/// A name that a client made up, as a refusal may repeat it: `?` stands for
/// one that is long, not plain, or holds a token.
pub fn repeatable(name: &str) -> &str {
    let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && !token::appears_in(name) {
        name
    } else {
        "?"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_emoji_and_any_script_are_names() {
        for text in [
            "Power BI",
            "<script>alert(1)</script>",
            "👩‍🚀 Überwachung",
            "گزارش‌ها",
            "𝕏",
        ] {
            assert_eq!(name(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_hides_or_turns_is_in_no_name() {
        for text in [
            "",
            " ",
            " a",
            "a ",
            "a\n",
            "a\u{0}b",
            "a\u{7f}",
            "a\u{85}b",
            "\u{202e}txt.exe",
            "a\u{2066}b",
            "a\u{200f}",
            "a\u{200b}b",
            "a\u{2028}b",
        ] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lengths_count_characters() {
        assert!(name(&"𝕏".repeat(100)).is_ok() && name(&"x".repeat(101)).is_err());
        assert!(user_id(&"𝕏".repeat(128)).is_ok() && user_id(&"x".repeat(129)).is_err());
        assert!(description(&"𝕏".repeat(500)).is_ok() && description(&"x".repeat(501)).is_err());
    }

    #[test]
    fn a_description_has_lines() {
        assert!(description("").is_ok() && description("one\n\ttwo").is_ok());
        assert!(description("one\rtwo").is_err() && description("\u{202e}").is_err());
    }

    #[test]
    fn an_address_is_compared_in_lower_case() {
        assert_eq!(email("Ada@Example.COM").as_deref(), Ok("ada@example.com"));
        for text in [
            "",
            "ada",
            "@",
            "ada@",
            "@example.com",
            "a@b@c",
            "a b@c",
            "a@b\n",
            "Ada <ada@example.com>",
            "a@b,c@d",
        ] {
            assert!(email(text).is_err(), "{text:?}");
        }
        assert!(email(&format!("{}@example.com", "a".repeat(250))).is_err());
    }

    proptest! {
        #[test]
        fn an_accepted_text_is_one_visible_line(text: String) {
            if name(&text).is_ok() || user_id(&text).is_ok() {
                prop_assert!(!text.chars().any(char::is_control) && text.trim() == text);
            }
            let _ = description(&text);
        }

        #[test]
        fn an_accepted_address_is_accepted_again_unchanged(text in "\\PC{1,8}@\\PC{1,8}") {
            if let Ok(address) = email(&text) {
                prop_assert_eq!(email(&address), Ok(address));
            }
        }
    }
}
