//! A JSON body read field by field, so that each refusal names its field.

use crate::json;
use crate::problem::{Code, Problem};
use crate::text;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The fields of one JSON object. A field that stands twice is seen, whatever
/// its spelling (`"name"` and `"n\u0061me"` are one), and so is one that nobody
/// asked for. `null` is no value of any field.
#[derive(Debug)]
pub struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    parent: Option<&'static str>,
}

impl<'a> Fields<'a> {
    /// The most bytes that a body may have.
    pub const MAX_BODY: usize = 65_536;

    /// Reads a request's body, which must be declared as JSON.
    pub fn of_body(content_type: Option<&str>, body: &'a str) -> Result<Self, Problem> {
        if !is_json(content_type) {
            let detail = "the body must be sent as application/json";
            return Err(Problem::new(415, Code::InvalidRequest, detail));
        }
        if body.len() > Self::MAX_BODY {
            let detail = "the body must have at most 65536 bytes";
            return Err(Problem::new(413, Code::InvalidRequest, detail));
        }
        Self::read(body, None)
    }

    /// Reads an object that is no request's body.
    pub fn of_object(json: &'a str) -> Result<Self, Problem> {
        Self::read(json, None)
    }

    /// The names of the fields that nobody took.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| &**name)
    }

    /// Takes a text out; `expected` ends the sentence «must be …».
    pub fn take_text(&mut self, name: &str, expected: &str) -> Result<Option<String>, Problem> {
        let value = self.take_raw(name).map(json::read_text);
        let wrong = || self.must_be(name, expected);
        value.map(|text| text.ok_or_else(wrong)).transpose()
    }

    /// Takes a list of texts out.
    pub fn take_texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let value = self.take_raw(name).map(json::read_texts);
        let wrong = || self.must_be(name, "a list of texts");
        value.map(|texts| texts.ok_or_else(wrong)).transpose()
    }

    /// Takes a field out that is `true` or `false`.
    pub fn take_flag(&mut self, name: &str, expected: &str) -> Result<Option<bool>, Problem> {
        match self.take_raw(name).map(RawValue::get) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.must_be(name, expected)),
        }
    }

    /// Takes a field out that is a whole number.
    pub fn take_whole(&mut self, name: &str, expected: &str) -> Result<Option<u32>, Problem> {
        let number = self.take_raw(name).map(|value| value.get().parse());
        number.transpose().map_err(|_| self.must_be(name, expected))
    }

    /// Takes a field out that is an object of its own.
    pub fn take_object(&mut self, name: &'static str) -> Result<Option<Self>, Problem> {
        self.take_raw(name)
            .map(|value| Self::read(value.get(), Some(name)))
            .transpose()
    }

    /// A refusal that names a field of this object.
    pub fn problem(&self, name: &str, detail: &str) -> Problem {
        Problem::field(self.path(name), detail.to_owned())
    }

    /// A refusal of a field's value; `expected` ends the sentence «must be …».
    pub fn must_be(&self, name: &str, expected: &str) -> Problem {
        self.problem(name, &format!("must be {expected}"))
    }

    /// Refuses the first field that nobody took.
    pub fn finish(self) -> Result<(), Problem> {
        self.fields.first().map_or(Ok(()), |(name, _)| {
            Err(self.problem(name, "is not a field that belongs here; check its spelling"))
        })
    }

    fn read(json: &'a str, parent: Option<&'static str>) -> Result<Self, Problem> {
        let object = serde_json::from_str::<Object>(json).map_err(|_| match parent {
            Some(name) => Problem::field(name, "must be an object"),
            None => Problem::invalid_request("the body must be one JSON object"),
        })?;
        let fields = Self {
            fields: object.0,
            parent,
        };
        let mut seen: Vec<&str> = Vec::with_capacity(fields.fields.len());
        for (name, _) in &fields.fields {
            if seen.contains(&&**name) {
                return Err(fields.problem(name, "stands twice"));
            }
            seen.push(name);
        }
        Ok(fields)
    }

    /// Takes the text of a stored object out.
    pub fn stored_text(&mut self, name: &str) -> Option<String> {
        json::read_text(self.take_raw(name)?)
    }

    /// Takes the text of a stored object out that is left out where it is empty.
    pub fn stored_text_or_empty(&mut self, name: &str) -> Option<String> {
        match self.take_raw(name) {
            Some(raw) => json::read_text(raw),
            None => Some(String::new()),
        }
    }

    /// Takes the list of a stored object out that is left out where it is empty.
    pub fn stored_list(&mut self, name: &str) -> Option<Vec<String>> {
        match self.take_raw(name) {
            Some(raw) => json::read_texts(raw),
            None => Some(Vec::new()),
        }
    }

    /// Takes the whole number of a stored object out: digits and nothing else,
    /// so that `1.0`, `1e3` and `"1"` are no numbers here.
    pub fn stored_number(&mut self, name: &str) -> Option<u64> {
        self.take_raw(name)?.get().parse().ok()
    }

    /// The same; a number that is left out is none.
    pub fn stored_number_or_none(&mut self, name: &str) -> Option<Option<u64>> {
        match self.take_raw(name) {
            Some(raw) => raw.get().parse().ok().map(Some),
            None => Some(None),
        }
    }

    /// Takes the flag of a stored object out; `absent`: what it is where it is
    /// left out.
    pub fn stored_flag(&mut self, name: &str, absent: bool) -> Option<bool> {
        match self.take_raw(name).map(RawValue::get) {
            None => Some(absent),
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => None,
        }
    }

    /// Takes a field out if it is `null`, where that is a value.
    pub fn take_null(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        self.fields
            .retain(|(field, value)| field != name || value.get() != "null");
        self.fields.len() < before
    }

    /// Takes a field out as the JSON that it is.
    pub fn take_raw(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(at).1)
    }

    fn path(&self, name: &str) -> String {
        let name = text::repeatable(name);
        match self.parent {
            Some(parent) => format!("{parent}.{name}"),
            None => name.to_owned(),
        }
    }
}

/// Whether a `Content-Type` is `application/json`, with any parameters.
fn is_json(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(USUAL_FIELDS);
        while let Some((Name(name), value)) = map.next_entry()? {
            if fields.len() == MAX_FIELDS {
                return Err(A::Error::custom("object has too many fields"));
            }
            fields.push((name, value));
        }
        Ok(Object(fields))
    }
}

const MAX_FIELDS: usize = 40;
const USUAL_FIELDS: usize = 16;

/// A field's name, which is borrowed unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Fields<'_>, Problem> {
        Fields::of_body(Some("application/json"), body)
    }

    #[test]
    fn only_json_is_read_as_json() {
        for good in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(Fields::of_body(Some(good), "{}").is_ok(), "{good}");
        }
        for bad in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "",
        ] {
            assert_eq!(
                Fields::of_body(Some(bad), "{}").unwrap_err().status,
                415,
                "{bad}"
            );
        }
        assert_eq!(Fields::of_body(None, "{}").unwrap_err().status, 415);
    }

    #[test]
    fn a_body_is_one_object_and_nothing_else() {
        let deep = "[".repeat(60_000);
        let many = format!("{{{}\"z\":1}}", "\"a\":1,".repeat(1000));
        for bad in [
            "", "null", "[]", "1", "{", "{}x", "{} {}", "{a:1}", "{\"a\":}", &deep, &many,
        ] {
            assert_eq!(read(bad).unwrap_err().status, 400);
        }
        assert_eq!(read(&" ".repeat(65_537)).unwrap_err().status, 413);
    }

    #[test]
    fn a_field_that_stands_twice_is_named_whatever_its_spelling() {
        let problem = read("{\"name\":\"a\",\"n\\u0061me\":\"b\"}").unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("name"));
        let mut fields = read("{\"user\":{\"id\":\"a\",\"id\":\"b\"}}").unwrap();
        let problem = fields.take_object("user").unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("user.id"));
    }

    #[test]
    fn a_field_nobody_asked_for_is_named() {
        let mut fields = read("{\"name\":\"a\",\"surprise\":[{}]}").unwrap();
        assert_eq!(
            fields.take_text("name", "text").unwrap().as_deref(),
            Some("a")
        );
        assert_eq!(
            fields.finish().unwrap_err().field.as_deref(),
            Some("surprise")
        );
    }

    #[test]
    fn null_numbers_beyond_reach_and_deep_values_are_no_values() {
        for value in ["null", "1e309", "-1", "1.5", "\"1\"", "[[[[1]]]]"] {
            let body = format!("{{\"n\":{value}}}");
            let problem = read(&body).unwrap().take_whole("n", "a number");
            assert_eq!(problem.unwrap_err().field.as_deref(), Some("n"), "{value}");
        }
        assert_eq!(read("{}").unwrap().take_whole("n", "a number"), Ok(None));
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body: String) {
            let _ = read(&body);
        }
    }
}
