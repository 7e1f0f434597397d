//! The secret that a client presents, and how one is made.
//!
//! A token is `<prefix>_<30 base62><6 base62>`. The last six characters are the
//! CRC-32 (IEEE) of the thirty before them, in base62, left-padded with `0`:
//! the format that GitHub published for its own tokens, so secret scanners know
//! a leaked one, and one that is mistyped or made up is refused without any
//! look-up. The first four of the thirty are the [`Hint`], which names the
//! ledger; the other 26 are random: more than 150 bits.
//!
//! A [`Token`] borrows the text that was presented and offers no `Debug` or
//! `Display`, so it cannot slip into a log.

use crate::base62;
use crate::hint::Hint;
use crate::wire::wire_text;
use crc::{CRC_32_ISO_HDLC, Crc};

/// What a token is for; each kind has its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A personal access token, which a program sends with each request.
    Pat,
    /// An embed token, which stands in an iframe's URL and opens one session.
    Embed,
}

impl Kind {
    /// The prefix, without the underscore that follows it.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Pat => "pat",
            Self::Embed => "pat_embed",
        }
    }

    /// The letter that a record has for it.
    pub(crate) const fn letter(self) -> &'static str {
        match self {
            Self::Pat => "p",
            Self::Embed => "e",
        }
    }

    /// Reads the letter that a record has for it.
    pub(crate) fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "p" => Some(Self::Pat),
            "e" => Some(Self::Embed),
            _ => None,
        }
    }

    /// The name in the HTTP interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pat => "pat",
            Self::Embed => "embed",
        }
    }
}

/// A well-formed token: the prefix is known and the checksum is right.
///
/// That says nothing about whether it was ever issued.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    text: &'a str,
    kind: Kind,
}

impl<'a> Token<'a> {
    /// Reads a token, or refuses text that cannot be one.
    pub fn parse(text: &'a str) -> Result<Self, MalformedToken> {
        let kind = [Kind::Embed, Kind::Pat]
            .into_iter()
            .find(|kind| parse_prefixed(text, kind.prefix()).is_some())
            .ok_or(MalformedToken)?;
        Ok(Self { text, kind })
    }

    /// The whole secret. For hashing it and for showing it once; nothing else.
    pub const fn secret(&self) -> &'a str {
        self.text
    }

    /// What the prefix says that it is for.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The part that lists show: the prefix and the four characters after the hint.
    pub fn start(&self) -> String {
        let body = self.body();
        let shown = body.get(HINT_LENGTH..HINT_LENGTH + 4).unwrap_or_default();
        format!("{}_{shown}", self.kind.prefix())
    }

    /// Names the ledger that would know this token.
    pub fn hint(&self) -> Hint {
        Hint::leading(self.body())
    }

    fn body(&self) -> &'a str {
        let prefix = self.kind.prefix().len().saturating_add(1);
        self.text.get(prefix..).unwrap_or_default()
    }
}

/// Makes the text of a new token from 64 bytes of entropy.
///
/// Characters are drawn without modulo bias: of each byte, six bits are kept
/// and the values 62 and 63 thrown away. Answers `None` where too many were
/// thrown away, which random bytes never do in practice; a caller that sees it
/// has a broken source of entropy.
pub fn generate(kind: Kind, hint: &Hint, entropy: &[u8; 64]) -> Option<String> {
    let mut body = String::with_capacity(BODY_LENGTH);
    body.push_str(hint.as_str());
    body.extend(entropy.iter().filter_map(|byte| base62::digit(byte >> 2)));
    if body.len() < BODY_LENGTH {
        return None;
    }
    body.truncate(BODY_LENGTH);
    body.extend(checksum(&body));
    Some(format!("{}_{body}", kind.prefix()))
}

/// Whether the text holds, anywhere, something of a token's shape, be its
/// checksum right or wrong. For keeping secrets from going where they must not.
pub fn appears_in(text: &str) -> bool {
    let ends_with_tail = |(prefix, rest): (&str, &str)| {
        let digits = rest.bytes().skip(1);
        let is_long = digits.take_while(u8::is_ascii_alphanumeric).count() >= TAIL_LENGTH;
        is_long
            && [Kind::Embed, Kind::Pat]
                .iter()
                .any(|kind| prefix.ends_with(kind.prefix()))
    };
    let signs = text.bytes().enumerate().filter(|(_, byte)| *byte == b'_');
    signs
        .filter_map(|(at, _)| text.split_at_checked(at))
        .any(ends_with_tail)
}

/// The text is not a token: wrong prefix, length, alphabet or checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedToken;

impl core::fmt::Display for MalformedToken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("token is malformed")
    }
}

impl std::error::Error for MalformedToken {}

/// The body of a token with this prefix, if shape and checksum are right.
fn parse_prefixed<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let tail = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if tail.len() != TAIL_LENGTH || !tail.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (body, given) = tail.split_at_checked(BODY_LENGTH)?;
    given.chars().eq(checksum(body)).then_some(body)
}

fn checksum(body: &str) -> [char; CHECKSUM_LENGTH] {
    base62::encode_u32(CRC.checksum(body.as_bytes()))
}

static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const HINT_LENGTH: usize = Hint::LENGTH;
const BODY_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const TAIL_LENGTH: usize = BODY_LENGTH + CHECKSUM_LENGTH;

wire_text!(Kind, kind => kind.letter(), Kind::from_letter, Self::Pat);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hint() -> Hint {
        Hint::of("default", "ada@example.com")
    }

    #[test]
    fn the_published_dummies_of_github_and_npm_pass() {
        assert!(parse_prefixed("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", "ghp").is_some());
        assert!(parse_prefixed("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", "npm").is_some());
    }

    #[test]
    fn exhausted_entropy_makes_no_token() {
        assert_eq!(generate(Kind::Pat, &hint(), &[0xff; 64]), None);
    }

    #[test]
    fn entropy_that_just_suffices_makes_a_token() {
        let mut entropy = [0xff; 64];
        entropy[..26].fill(0);
        assert!(generate(Kind::Pat, &hint(), &entropy).is_some());
        entropy[0] = 0xff;
        assert_eq!(generate(Kind::Pat, &hint(), &entropy), None);
    }

    #[test]
    fn each_kind_has_its_prefix_its_letter_and_its_name() {
        for (kind, prefix, letter, name) in [
            (Kind::Pat, "pat", "p", "pat"),
            (Kind::Embed, "pat_embed", "e", "embed"),
        ] {
            assert_eq!(
                (kind.prefix(), kind.letter(), kind.name()),
                (prefix, letter, name)
            );
            assert_eq!(Kind::from_letter(letter), Some(kind));
        }
        assert_eq!(Kind::from_letter("pat"), None);
    }

    #[test]
    fn the_upper_six_bits_of_a_byte_are_a_character() {
        let entropy = core::array::from_fn(|at| u8::try_from(at).unwrap() << 2);
        let text = generate(Kind::Pat, &hint(), &entropy).unwrap();
        assert_eq!(&text[8..34], "0123456789ABCDEFGHIJKLMNOP");
    }

    #[test]
    fn a_right_checksum_of_other_characters_makes_no_token() {
        let body = "-".repeat(BODY_LENGTH);
        let text = format!("pat_{body}{}", String::from_iter(checksum(&body)));
        assert_eq!(Token::parse(&text).err(), Some(MalformedToken));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_text() {
        assert_eq!(MalformedToken.to_string(), "token is malformed");
    }

    #[test]
    fn start_shows_four_characters_and_never_the_hint() {
        let text = generate(Kind::Embed, &hint(), &[0; 64]).unwrap();
        assert_eq!(Token::parse(&text).unwrap().start(), "pat_embed_0000");
    }

    proptest! {
        #[test]
        fn a_generated_token_parses_and_names_its_ledger(entropy: [u8; 32], embed: bool) {
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&entropy);
            let kind = if embed { Kind::Embed } else { Kind::Pat };
            let text = generate(kind, &hint(), &bytes).unwrap();
            let token = Token::parse(&text).unwrap();
            prop_assert_eq!(token.kind(), kind);
            prop_assert_eq!(token.hint(), hint());
            prop_assert_eq!(token.secret(), text.as_str());
            prop_assert!(appears_in(&text));
            let sentence = format!("Bearer {text}, and more");
            prop_assert!(appears_in(&sentence));
        }

        #[test]
        fn every_single_character_change_is_refused(
            entropy: [u8; 32], at in 0usize..40, other in proptest::char::any(),
        ) {
            let mut bytes = [7; 64];
            bytes[..32].copy_from_slice(&entropy);
            let text = generate(Kind::Pat, &hint(), &bytes).unwrap();
            let changed: String = text
                .chars()
                .enumerate()
                .map(|(index, c)| if index == at { other } else { c })
                .collect();
            prop_assume!(changed != text);
            prop_assert!(Token::parse(&changed).is_err());
        }

        #[test]
        fn a_token_is_seen_wherever_it_stands(
            before in "[pat_embd]{0,12}", tail in "[0-9A-Za-z]{34,38}", after in "[_ a]?",
        ) {
            let text = format!("{before}_{tail}{after}");
            let is_long = tail.len() >= TAIL_LENGTH
                || after == "a" && tail.len() == TAIL_LENGTH - 1;
            let is_prefixed = before.ends_with("pat") || before.ends_with("pat_embed");
            prop_assert_eq!(appears_in(&text), is_long && is_prefixed);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Token::parse(&text);
            let _ = appears_in(&text);
        }

        #[test]
        fn text_of_the_right_shape_passes_only_with_its_checksum(tail in "[0-9A-Za-z]{36}") {
            let text = format!("pat_{tail}");
            let accepted = Token::parse(&text).is_ok();
            prop_assert_eq!(accepted, tail[30..].chars().eq(checksum(&tail[..30])));
        }
    }
}
