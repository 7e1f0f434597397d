//! A JSON body read field by field, so that each refusal names its field.

use crate::problem::{Code, Problem};
use crate::raw::{self, Raw};
use crate::text;
use crate::time::Time;
use std::borrow::Cow;

/// The fields of one JSON object. A field that stands twice is seen, whatever
/// its spelling (`"name"` and `"n\u0061me"` are one), and so is one that nobody
/// asked for. `null` is no value of any field.
///
/// Reading goes on after a mistake, as if the field were absent; the first one is
/// what [`Fields::finish`] answers. Nothing may be done with what was read before
/// that: it is called last, and always.
#[derive(Debug)]
pub struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Raw<'a>)>,
    parent: Option<&'static str>,
    problem: Option<Problem>,
}

impl<'a> Fields<'a> {
    /// The most bytes that a body may have.
    pub const MAX_BODY: usize = 65_536;

    /// Reads a request's body, which must be declared as JSON.
    pub fn of_body(content_type: Option<&str>, body: &'a str) -> Self {
        if !is_json(content_type) {
            let detail = "the body must be sent as application/json";
            return Self::none(Problem::new(415, Code::InvalidRequest, detail));
        }
        if body.len() > Self::MAX_BODY {
            let detail = "the body must have at most 65536 bytes";
            return Self::none(Problem::new(413, Code::InvalidRequest, detail));
        }
        Self::read(body, None)
    }

    /// Reads an object that is no request's body.
    pub fn of_object(json: &'a str) -> Self {
        Self::read(json, None)
    }

    /// The names of the fields that nobody took.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| &**name)
    }

    /// Takes a text out; `expected` ends the sentence «must be …».
    pub fn take_text(&mut self, name: &str, expected: &str) -> Option<String> {
        self.take(name, expected, |raw| raw.text().map(Cow::into_owned))
    }

    /// Takes a list of texts out.
    pub fn take_texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.take(name, "a list of texts", Raw::texts)
    }

    /// Takes a list of texts out that stand for something; it may be left out where it
    /// is empty.
    pub fn take_list<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let texts = self.take_texts(name).unwrap_or_default();
        let list: Option<_> = texts.iter().map(|text| read(text)).collect();
        if list.is_none() {
            self.must_be(name, expected);
        }
        list.unwrap_or_default()
    }

    /// Takes a field out that is `true` or `false`.
    pub fn take_flag(&mut self, name: &str, expected: &str) -> Option<bool> {
        self.take(name, expected, read_flag)
    }

    /// Takes a field out that is a whole number.
    pub fn take_whole(&mut self, name: &str, expected: &str) -> Option<u32> {
        self.take(name, expected, |raw| raw.get().parse().ok())
    }

    /// Takes a field out that is an object of its own.
    pub fn take_object(&mut self, name: &'static str) -> Option<Self> {
        let raw = self.take_raw(name)?;
        Some(Self::read(raw.get(), Some(name)))
    }

    /// Takes a field out that is read by `read`; `expected` ends the sentence «must
    /// be …».
    #[inline(never)]
    pub fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: fn(Raw<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.take_raw(name)?);
        if value.is_none() {
            self.must_be(name, expected);
        }
        value
    }

    /// The value of a field that must be there.
    pub fn given<T: Default>(&mut self, name: &str, value: Option<T>) -> T {
        if value.is_none() {
            self.refuse(name, "must be given");
        }
        value.unwrap_or_default()
    }

    /// Refuses a field of this object.
    #[inline(never)]
    pub fn refuse(&mut self, name: &str, detail: &str) {
        if self.problem.is_none() {
            let name = text::repeatable(name);
            let path = match self.parent {
                Some(parent) => format!("{parent}.{name}"),
                None => name.to_owned(),
            };
            self.problem = Some(Problem::field(path, detail.to_owned()));
        }
    }

    /// Refuses a field's value; `expected` ends the sentence «must be …».
    pub fn must_be(&mut self, name: &str, expected: &str) {
        self.refuse(name, &format!("must be {expected}"));
    }

    /// Refuses what `other`, an object in a field of this one, was refused for.
    pub fn refuse_with(&mut self, other: Result<(), Problem>) {
        if self.problem.is_none() {
            self.problem = other.err();
        }
    }

    /// Whether something was refused so far.
    pub const fn refused(&self) -> bool {
        self.problem.is_some()
    }

    /// What was refused, for an object that may have fields that nobody takes: in the
    /// place of [`Fields::finish`].
    pub fn intact(self) -> Result<(), Problem> {
        self.problem.map_or(Ok(()), Err)
    }

    /// The first mistake: what was refused, or else a field that nobody took.
    pub fn finish(mut self) -> Result<(), Problem> {
        if let Some((name, _)) = self.fields.pop() {
            let detail = "is not a field that belongs here; check its spelling";
            self.refuse(&name, detail);
        }
        self.intact()
    }

    fn none(problem: Problem) -> Self {
        Self {
            fields: Vec::new(),
            parent: None,
            problem: Some(problem),
        }
    }

    #[inline(never)]
    fn read(json: &'a str, parent: Option<&'static str>) -> Self {
        let members = raw::members(json);
        let Some(fields) = members.filter(|fields| fields.len() <= MAX_FIELDS) else {
            return Self::none(match parent {
                Some(name) => Problem::field(name, "must be an object"),
                None => Problem::invalid_request("the body must be one JSON object"),
            });
        };
        let twice = fields.iter().enumerate().find_map(|(at, (name, _))| {
            let mut before = fields.iter().take(at);
            before.any(|(other, _)| other == name).then(|| name.clone())
        });
        let mut fields = Self {
            fields,
            parent,
            problem: None,
        };
        if let Some(name) = twice {
            fields.refuse(&name, "stands twice");
        }
        fields
    }

    /// Takes the text of a stored object out.
    pub fn stored_text(&mut self, name: &str) -> String {
        let text = self.take_text(name, "a text");
        self.given(name, text)
    }

    /// Takes a text of a stored object out that stands for something; `blank` is there
    /// in its place where it does not.
    pub fn stored<T>(&mut self, name: &str, read: fn(&str) -> Option<T>, blank: T) -> T {
        let value = read(&self.stored_text(name));
        if value.is_none() {
            self.must_be(name, "known");
        }
        value.unwrap_or(blank)
    }

    /// Takes the whole number of a stored object out: digits and nothing else,
    /// so that `1.0`, `1e3` and `"1"` are no numbers here.
    pub fn stored_number(&mut self, name: &str) -> u64 {
        let number = self.stored_number_or_none(name);
        self.given(name, number)
    }

    /// The same; a number that is left out is none.
    pub fn stored_number_or_none(&mut self, name: &str) -> Option<u64> {
        self.take(name, "a number", |raw| raw.get().parse().ok())
    }

    /// Takes a moment of a stored object out, or none.
    pub fn stored_time_or_none(&mut self, name: &str) -> Option<Time> {
        self.stored_number_or_none(name).map(Time::from_seconds)
    }

    /// Takes out of a stored object which version of its kind it is.
    pub fn stored_version(&mut self, expected: u64) {
        if self.stored_number("v") != expected {
            self.must_be("v", "known");
        }
    }

    /// Takes the flag of a stored object out; `absent`: what it is where it is
    /// left out.
    pub fn stored_flag(&mut self, name: &str, absent: bool) -> bool {
        self.take_flag(name, "a flag").unwrap_or(absent)
    }

    /// Takes a field out if it is this literal, where that is a value of its own.
    pub fn take_literal(&mut self, name: &str, literal: &str) -> bool {
        let before = self.fields.len();
        self.fields
            .retain(|(field, value)| field != name || value.get() != literal);
        self.fields.len() < before
    }

    /// A field as the JSON that it is; it stays.
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| *value)
    }

    /// Takes a field out as the JSON that it is.
    pub fn take_raw(&mut self, name: &str) -> Option<Raw<'a>> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(at).1)
    }
}

fn read_flag(raw: Raw<'_>) -> Option<bool> {
    match raw.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Whether a `Content-Type` is `application/json`, with any parameters.
fn is_json(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

const MAX_FIELDS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Fields<'_> {
        Fields::of_body(Some("application/json"), body)
    }

    fn refusal(fields: Fields<'_>) -> (u16, Option<String>) {
        let problem = fields.finish().expect_err("nothing is refused");
        (problem.status, problem.field.as_deref().map(str::to_owned))
    }

    fn field(name: &str) -> (u16, Option<String>) {
        (400, Some(name.to_owned()))
    }

    #[test]
    fn only_json_is_read_as_json() {
        for good in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(Fields::of_body(Some(good), "{}").finish().is_ok(), "{good}");
        }
        for bad in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "",
        ] {
            let fields = Fields::of_body(Some(bad), "{}");
            assert_eq!(refusal(fields), (415, None), "{bad}");
        }
        assert_eq!(refusal(Fields::of_body(None, "{}")), (415, None));
    }

    #[test]
    fn a_body_is_one_object_and_nothing_else() {
        let deep = "[".repeat(60_000);
        let many = format!("{{{}\"z\":1}}", "\"a\":1,".repeat(1000));
        for bad in [
            "", "null", "[]", "1", "{", "{}x", "{} {}", "{a:1}", "{\"a\":}", &deep, &many,
        ] {
            assert_eq!(refusal(read(bad)), (400, None));
        }
        assert_eq!(refusal(read(&" ".repeat(65_537))), (413, None));
    }

    #[test]
    fn a_field_that_stands_twice_is_named_whatever_its_spelling() {
        let fields = read("{\"name\":\"a\",\"n\\u0061me\":\"b\"}");
        assert_eq!(refusal(fields), field("name"));
        let mut fields = read("{\"user\":{\"id\":\"a\",\"id\":\"b\"}}");
        let user = fields.take_object("user").unwrap();
        fields.refuse_with(user.finish());
        assert_eq!(refusal(fields), field("user.id"));
    }

    #[test]
    fn a_field_nobody_asked_for_is_named() {
        let mut fields = read("{\"name\":\"a\",\"surprise\":[{}]}");
        assert_eq!(fields.take_text("name", "text").as_deref(), Some("a"));
        assert_eq!(refusal(fields), field("surprise"));
    }

    #[test]
    fn the_first_of_several_mistakes_is_told() {
        let mut fields = read("{\"a\":1,\"b\":2,\"c\":3}");
        fields.take_whole("a", "a number");
        assert!(!fields.refused());
        fields.take_text("b", "text");
        fields.take_text("a", "text");
        let given = fields.take_flag("d", "a flag");
        assert!(!fields.given("d", given) && fields.refused());
        assert_eq!(refusal(fields), field("b"));
    }

    #[test]
    fn null_numbers_beyond_reach_and_deep_values_are_no_values() {
        for value in ["null", "1e309", "-1", "1.5", "\"1\"", "[[[[1]]]]"] {
            let body = format!("{{\"n\":{value}}}");
            let mut fields = read(&body);
            assert_eq!(fields.take_whole("n", "a number"), None, "{value}");
            assert_eq!(refusal(fields), field("n"), "{value}");
        }
        let mut none = read("{}");
        assert_eq!(none.take_whole("n", "a number"), None);
        assert!(none.finish().is_ok());
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body: String) {
            let _ = read(&body);
        }
    }
}
