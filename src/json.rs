//! JSON as Gatepass writes it, objects field by field, and reads it, lists value by
//! value ([`Fields`](crate::fields::Fields) are of objects). What serde derives for
//! each type would do the same in more WebAssembly.

use serde_json::value::RawValue;

/// An object, as far as it is written. Names are written as they are, so they
/// need no escapes.
#[derive(Clone, Debug)]
pub struct Object(String);

impl Default for Object {
    fn default() -> Self {
        let mut json = String::with_capacity(USUAL_LENGTH);
        json.push('{');
        Self(json)
    }
}

impl Object {
    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// Appends JSON.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    /// Appends a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_text(&mut self.0, value);
    }

    /// Appends a text, unless it is empty.
    pub fn text_if_any(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    /// Appends a text or `null`.
    pub fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// Appends a list of texts.
    pub fn texts(&mut self, name: &str, values: &[impl AsRef<str>]) {
        self.raw(name, &texts(values));
    }

    /// Appends a list of texts, unless it is empty.
    pub fn texts_if_any(&mut self, name: &str, values: &[impl AsRef<str>]) {
        if !values.is_empty() {
            self.texts(name, values);
        }
    }

    /// Appends a whole number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    /// Appends a whole number, if there is one.
    pub fn number_if_any(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    /// Appends a whole number or `null`.
    pub fn number_or_null(&mut self, name: &str, value: Option<u64>) {
        match value {
            Some(value) => self.number(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// Appends `true` or `false`.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// Appends `true`, or nothing.
    pub fn flag_if_set(&mut self, name: &str, value: bool) {
        if value {
            self.flag(name, true);
        }
    }

    /// The whole object.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Bytes that most objects have room in.
const USUAL_LENGTH: usize = 256;

/// A text, in quotes.
pub fn text(value: &str) -> String {
    let mut json = String::new();
    push_text(&mut json, value);
    json
}

/// Appends a text, in quotes. Most can stand as they are, which is soon seen.
fn push_text(json: &mut String, value: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if value.bytes().all(is_plain) {
        json.push('"');
        json.push_str(value);
        json.push('"');
    } else {
        json.push_str(&serde_json::to_string(value).unwrap_or_default());
    }
}

/// A list of texts.
pub fn texts(values: &[impl AsRef<str>]) -> String {
    list(values.iter().map(|value| text(value.as_ref())))
}

/// A list of what is JSON already.
pub fn list(items: impl Iterator<Item = String>) -> String {
    ["[", &items.collect::<Vec<_>>().join(","), "]"].concat()
}

/// Reads a text. Without an escape it is what stands between the quotes.
pub fn read_text(json: &RawValue) -> Option<String> {
    let quoted = json.get().strip_prefix('"')?.strip_suffix('"')?;
    if quoted.contains('\\') {
        return serde_json::from_str(json.get()).ok();
    }
    Some(quoted.to_owned())
}

/// Reads a list.
pub fn read_list(json: &str) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(json).ok()
}

/// Reads a list of texts.
pub fn read_texts(json: &RawValue) -> Option<Vec<String>> {
    let items = read_list(json.get())?;
    items.iter().map(|item| read_text(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_nothing_is_left_out_or_null() {
        let mut json = Object::default();
        json.text_if_any("a", "");
        json.texts_if_any("b", &[""; 0]);
        json.number_if_any("c", None);
        json.flag_if_set("d", false);
        json.text_or_null("e", None);
        json.number_or_null("f", None);
        json.texts("g", &[""; 0]);
        assert_eq!(json.finish(), r#"{"e":null,"f":null,"g":[]}"#);
    }

    proptest! {
        #[test]
        fn a_text_is_read_as_serde_reads_it(text: String, junk in "[\"\\\\u0a1]{0,8}") {
            for json in [serde_json::to_string(&text).unwrap(), format!("\"{junk}\""), junk] {
                if let Ok(raw) = serde_json::from_str::<&RawValue>(&json) {
                    prop_assert_eq!(read_text(raw), serde_json::from_str(&json).ok());
                }
            }
        }

        #[test]
        fn what_is_written_is_read(one: String, other: Vec<String>, number: u64, flag: bool) {
            let mut json = Object::default();
            json.text("one", &one);
            json.texts("other", &other);
            json.number("number", number);
            json.flag("flag", flag);
            let read: Value = serde_json::from_str(&json.finish()).unwrap();
            prop_assert_eq!(
                read,
                json!({ "one": one, "other": other, "number": number, "flag": flag })
            );
        }
    }
}
