//! JSON as Gatepass writes it, objects field by field. What serde derives for each type
//! would do the same in more WebAssembly.

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
    json.push('"');
    if value.bytes().all(is_plain) {
        json.push_str(value);
    } else {
        for char in value.chars() {
            push_escaped(json, char);
        }
    }
    json.push('"');
}

fn push_escaped(json: &mut String, char: char) {
    let short = match char {
        '"' | '\\' => char,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => {
            if char < ' ' {
                json.push_str(&format!("\\u{:04x}", u32::from(char)));
            } else {
                json.push(char);
            }
            return;
        }
    };
    json.push('\\');
    json.push(short);
}

/// A list of texts.
pub fn texts(values: &[impl AsRef<str>]) -> String {
    list(values.iter().map(|value| text(value.as_ref())))
}

/// A list of what is JSON already.
pub fn list(items: impl Iterator<Item = String>) -> String {
    ["[", &items.collect::<Vec<_>>().join(","), "]"].concat()
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
        fn a_text_is_written_as_serde_writes_it(value: String, odd in "[\"\\\\\u{0}-\u{1f}a]{0,8}") {
            for value in [value, odd] {
                prop_assert_eq!(text(&value), serde_json::to_string(&value).unwrap());
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
