//! JSON as it is read (RFC 8259): first where each value stands, and only then what is
//! asked for. Numbers stay as they are spelled.

use std::borrow::Cow;

/// A value: JSON that is well-formed, with nothing around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// Reads a list: its values.
pub fn list(json: &str) -> Option<Vec<Raw<'_>>> {
    let mut values = Vec::new();
    each(json, b'[', b']', &mut |scanner| {
        values.push(scanner.value(1)?);
        Some(())
    })?;
    Some(values)
}

/// Reads an object: its members, each a name and a value.
pub fn members(json: &str) -> Option<Vec<(Cow<'_, str>, Raw<'_>)>> {
    let mut members = Vec::with_capacity(USUAL_MEMBERS);
    each(json, b'{', b'}', &mut |scanner| {
        let (name, value) = scanner.member(1)?;
        members.push((name.text()?, value));
        Some(())
    })?;
    Some(members)
}

fn each<'a>(
    json: &'a str,
    open: u8,
    close: u8,
    item: &mut dyn FnMut(&mut Scanner<'a>) -> Option<()>,
) -> Option<()> {
    let mut scanner = Scanner { json, at: 0 };
    scanner.blanks();
    if !scanner.eat(open) {
        return None;
    }
    scanner.items(close, item)?;
    scanner.blanks();
    (scanner.at == json.len()).then_some(())
}

impl<'a> Raw<'a> {
    /// The JSON.
    pub const fn get(self) -> &'a str {
        self.0
    }

    /// The text that it is.
    pub fn text(self) -> Option<Cow<'a, str>> {
        if !self.0.as_bytes().starts_with(b"\"") {
            return None;
        }
        let quoted = self.0.get(1..self.0.len().saturating_sub(1))?;
        if quoted.as_bytes().contains(&b'\\') {
            unescape(quoted).map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(quoted))
        }
    }

    /// The texts of the list that it is.
    pub fn texts(self) -> Option<Vec<String>> {
        let texts = list(self.0)?.into_iter().map(Self::text);
        texts.map(|text| text.map(Cow::into_owned)).collect()
    }
}

/// A place in JSON. What each method looks for begins there, and ends at the place
/// after it; `None`: it is not there.
struct Scanner<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Option<Raw<'a>> {
        self.blanks();
        let start = self.at;
        match self.next()? {
            b'"' => self.text()?,
            b'[' if depth < MAX_DEPTH => self.items(b']', &mut |scanner| {
                scanner.value(depth.saturating_add(1)).map(drop)
            })?,
            b'{' if depth < MAX_DEPTH => self.items(b'}', &mut |scanner| {
                scanner.member(depth.saturating_add(1)).map(drop)
            })?,
            b't' => self.word("rue")?,
            b'f' => self.word("alse")?,
            b'n' => self.word("ull")?,
            b'-' => {
                let digit = self.next()?;
                self.number(digit)?;
            }
            digit => self.number(digit)?,
        }
        self.since(start)
    }

    fn member(&mut self, depth: usize) -> Option<(Raw<'a>, Raw<'a>)> {
        self.blanks();
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        self.text()?;
        let name = self.since(start)?;
        self.blanks();
        if !self.eat(b':') {
            return None;
        }
        Some((name, self.value(depth)?))
    }

    /// What stands between brackets, the first of which is behind.
    fn items(&mut self, close: u8, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.blanks();
        if self.eat(close) {
            return Some(());
        }
        loop {
            item(self)?;
            self.blanks();
            match self.next()? {
                byte if byte == close => return Some(()),
                b',' => {}
                _ => return None,
            }
        }
    }

    /// The rest of a text, after its first quote.
    fn text(&mut self) -> Option<()> {
        loop {
            let rest = self.json.as_bytes().get(self.at..)?;
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
            self.at = self.at.saturating_add(rest.iter().position(special)?);
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            self.next().filter(u8::is_ascii_hexdigit)?;
                        }
                    }
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    /// The rest of a number without its sign, after its first digit.
    fn number(&mut self, first: u8) -> Option<()> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.eat(b'.') {
            self.next().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.next().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        Some(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.step();
        }
    }

    fn word(&mut self, rest: &str) -> Option<()> {
        rest.bytes().all(|byte| self.eat(byte)).then_some(())
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.step();
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.step();
        }
        there
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.step();
        Some(byte)
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    #[inline(always)]
    const fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn since(&self, start: usize) -> Option<Raw<'a>> {
        self.json.get(start..self.at).map(Raw)
    }
}

/// The text between its quotes, without escapes; `None`: half of a surrogate pair is
/// no character.
fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut chars = escaped.chars();
        let kind = chars.next()?;
        rest = chars.as_str();
        text.push(match kind {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = code_unit(&mut rest)?;
                match char::from_u32(first.into()) {
                    Some(char) => char,
                    None => {
                        rest = rest.strip_prefix("\\u")?;
                        let pair = [first, code_unit(&mut rest)?];
                        char::decode_utf16(pair).next()?.ok()?
                    }
                }
            }
            itself => itself,
        });
    }
    text.push_str(rest);
    Some(text)
}

fn code_unit(rest: &mut &str) -> Option<u16> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u16::from_str_radix(digits, 16).ok()
}

/// How deep brackets may stand in brackets.
const MAX_DEPTH: usize = 64;

/// Members that most objects have room for.
const USUAL_MEMBERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    /// Where readers of JSON have differed.
    const ODD: [&str; 24] = [
        "01",
        "-01",
        "00",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0.5E-1",
        "-0",
        "nul",
        "true1",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{1:1}",
        "\u{a0}1",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\ud83dxxde00\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u+123\"",
    ];

    /// Texts that are JSON or nearly so.
    fn almost_json() -> impl Strategy<Value = String> {
        let odd = || prop::sample::select(ODD.to_vec()).prop_map(str::to_owned);
        let token = prop_oneof![
            odd(),
            "[\\[\\]{},: \n]",
            "\"(a|\\\\[\"\\\\/bfnrtux]|\\\\u[0-9a-fA-F]{4}|\\\\ud[89ab]00|[\u{1}ä])*\"",
            "-?[0-9]{0,2}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            "(true|false|null|[a-z])",
        ];
        let junk = prop::collection::vec(token, 0..6).prop_map(|tokens| tokens.concat());
        prop_oneof![odd(), junk, json()]
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "\"(a|ä|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-f]{4}|\\\\ud83d\\\\ude00)*\"",
            "-?(0|[1-9][0-9]?)(\\.[0-9])?([eE][+-]?[0-9])?",
            "(true|false|null)",
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let name = "\"[a-c]{0,2}\"";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[ {}]", items.join(" ,\t"))),
                prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                    let members = members
                        .into_iter()
                        .map(|(name, value)| format!("{name} :{value}"));
                    format!("{{{} \r}}", members.collect::<Vec<_>>().join(",\n"))
                }),
            ]
        })
    }

    fn gotten(list: Vec<Raw<'_>>) -> Vec<&str> {
        list.into_iter().map(Raw::get).collect()
    }

    #[test]
    fn brackets_stand_in_brackets_so_deep_and_no_deeper() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(list(&nested(MAX_DEPTH)).is_some());
        assert!(list(&nested(MAX_DEPTH + 1)).is_none());
        assert!(members(&"{\"a\":".repeat(60_000)).is_none());
    }

    proptest! {
        #[test]
        fn what_serde_reads_is_read_and_nothing_else(json in almost_json()) {
            let theirs = serde_json::from_str::<Vec<&RawValue>>(&json).ok();
            let theirs = theirs.map(|list| list.into_iter().map(RawValue::get).collect::<Vec<_>>());
            prop_assert_eq!(list(&json).map(gotten), theirs, "{}", json);
            let single = format!(" [{json}] ");
            let theirs = serde_json::from_str::<Vec<&RawValue>>(&single).ok();
            let theirs = theirs.map(|list| list.into_iter().map(RawValue::get).collect::<Vec<_>>());
            prop_assert_eq!(list(&single).map(gotten), theirs, "{}", single);
        }

        #[test]
        fn texts_are_those_that_serde_reads(json in almost_json()) {
            let listed = format!("[{json}]");
            let Some(raw) = list(&listed).filter(|list| list.len() == 1) else { return Ok(()) };
            let text = raw[0].text().map(Cow::into_owned);
            prop_assert_eq!(text, serde_json::from_str::<String>(&json).ok());
            prop_assert_eq!(raw[0].texts(), serde_json::from_str::<Vec<String>>(&json).ok());
        }

        #[test]
        fn members_are_those_that_serde_reads(json in almost_json()) {
            let theirs = serde_json::from_str::<BTreeMap<String, &RawValue>>(&json).ok();
            let theirs = theirs.map(|members| members.into_iter().map(|(name, value)| (name, value.get().to_owned())));
            let ours = members(&json).map(|members| {
                members.into_iter().map(|(name, value)| (name.into_owned(), value.get().to_owned()))
            });
            let ours = ours.map(BTreeMap::from_iter);
            prop_assert_eq!(ours, theirs.map(BTreeMap::from_iter), "{}", json);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text: String) {
            let _ = list(&text).map(|list| list.into_iter().map(Raw::text).count());
            let _ = members(&text);
        }
    }
}
