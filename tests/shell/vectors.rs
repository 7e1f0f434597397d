//! The vectors of tests/vectors, as its README.md says that they are read.

use gatepass::digest::Digest;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

/// Header fields, in order.
pub type Fields = Vec<(String, String)>;

/// What all files have in common.
pub static GIVEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&text_of("given")).unwrap());

/// The vectors of a file, with the texts in the place of their names in braces.
pub fn read(file: &str) -> Value {
    let mut text = text_of(file);
    let tokens = GIVEN["tokens"].as_object().unwrap();
    for (name, token) in tokens {
        let token = token["token"].as_str().unwrap();
        text = text.replace(&format!("{{key of {name}}}"), &key_of(token));
        text = text.replace(&format!("{{{name}}}"), token);
    }
    for (name, value) in GIVEN["texts"].as_object().unwrap() {
        text = text.replace(&format!("{{{name}}}"), value.as_str().unwrap());
    }
    serde_json::from_str(&text).unwrap()
}

fn text_of(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    fs::read_to_string(format!("{folder}/{file}.json")).unwrap()
}

/// The key of a token's record.
fn key_of(token: &str) -> String {
    format!("t/{}", Digest::of(token).to_hex())
}

/// A text, or `""` where there is none.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// What the store holds: the records of all tokens and the places, and what the vector says.
pub fn store(vector: &Value) -> HashMap<String, String> {
    let mut store = HashMap::new();
    for token in GIVEN["tokens"].as_object().unwrap().values() {
        let secret = text(token, "token");
        if token.get("id").is_some() {
            store.insert(key_of(secret), record(token, secret).to_string());
        }
    }
    for list in [&GIVEN["places"], &vector["store"]] {
        for (key, value) in list.as_object().into_iter().flatten() {
            match value {
                Value::Null => store.remove(key),
                Value::String(text) => store.insert(key.clone(), text.clone()),
                json => store.insert(key.clone(), json.to_string()),
            };
        }
    }
    store
}

/// A record; a `null` takes a field of the usual one out.
fn record(token: &Value, secret: &str) -> Value {
    let kind = if secret.starts_with("pat_embed_") {
        "embed"
    } else {
        "pat"
    };
    let mut record = GIVEN["records"][kind].clone();
    record["id"] = token["id"].clone();
    merge(&mut record, &token["record"]);
    record
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Null => into.as_object_mut().unwrap().remove(name),
            value => into
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
}

/// The options of a gate, by the names of variables.
pub fn options(file: &Value, vector: &Value) -> String {
    let name = vector.get("options").unwrap_or(&file["options"]);
    let options = GIVEN["options"][name.as_str().unwrap()]
        .as_object()
        .unwrap();
    let variables = options
        .iter()
        .map(|(name, value)| (variable(name), value.clone()));
    Value::Object(variables.collect()).to_string()
}

/// `sessionKeys` is `SESSION_KEYS`.
fn variable(name: &str) -> String {
    let mut variable = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            variable.push('_');
        }
        variable.push(letter.to_ascii_uppercase());
    }
    variable
}

/// The headers that a request has by who makes it.
pub fn usual_headers(request: &Value) -> Value {
    let by = text(request, "by");
    GIVEN["by"].get(by).cloned().unwrap_or(Value::Null)
}

/// The fields of an object with texts; a list of texts is a field that stands more than once.
pub fn fields(object: &Value) -> Fields {
    let mut fields = Vec::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        for value in value.as_array().unwrap_or(&vec![value.clone()]) {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            fields.push((name.clone(), value));
        }
    }
    fields
}

/// The headers that the app sees of a request that may pass.
pub fn seen(expect: &Value, request: &Value) -> Fields {
    let url = text(request, "url");
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split('/').next().unwrap();
    let mut seen = serde_json::json!({"x-forwarded-host": host, "x-forwarded-proto": scheme});
    merge(&mut seen, &usual_headers(request));
    if let Some(name) = expect["allowed"].as_str() {
        let token = &GIVEN["tokens"][name];
        let mut who = GIVEN["ada"].clone();
        for part in [&token["as"], &expect["as"]] {
            for (name, value) in part.as_object().into_iter().flatten() {
                who[name] = value.clone();
            }
        }
        let scopes: Vec<_> = who["scopes"].as_array().unwrap().iter().collect();
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
        seen["gatepass-scopes"] = scopes.join(" ").into();
        seen["gatepass-token-id"] = token["id"].clone();
        for (header, member) in [
            ("user", "user"),
            ("email", "email"),
            ("workspace", "workspace"),
            ("app", "app"),
            ("session-id", "sessionId"),
        ] {
            if let Some(value) = who[member].as_str() {
                seen[format!("gatepass-{header}")] = value.into();
            }
        }
        merge(&mut seen, &token["headers"]);
    }
    merge(&mut seen, &expect["headers"]);
    fields(&seen)
}

/// Status, headers and body of an answer of Gatepass's own. A new session's cookie is the JSON
/// of what it must hold.
pub fn answered(expect: &Value, method: &str) -> (u64, Fields, String) {
    let (kind, what) = ["problem", "page", "answer"]
        .iter()
        .find_map(|kind| Some((*kind, expect.get(*kind)?)))
        .unwrap();
    let origins: Vec<_> = what["origins"].as_array().into_iter().flatten().collect();
    let origins: Vec<_> = origins
        .iter()
        .map(|origin| origin.as_str().unwrap())
        .collect();
    let usual = match kind {
        "answer" if !origins.is_empty() => "framed",
        kind => kind,
    };
    let mut headers = GIVEN["headers"][usual].clone();
    merge(&mut headers, &expect["headers"]);
    let listed: String = origins.iter().map(|origin| format!(" {origin}")).collect();
    let mut headers = fields(&headers);
    for (_, value) in &mut headers {
        *value = value.replace("{origins}", &listed);
    }
    let status = what["status"].as_u64().unwrap_or(200);
    let body = match kind {
        _ if method == "HEAD" => String::new(),
        "problem" => problem(what, status),
        "page" => page(what, &origins.join(" ")),
        _ => text(what, "body").to_owned(),
    };
    (status, headers, body)
}

fn problem(what: &Value, status: u64) -> String {
    let title = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    };
    let (code, detail) = (&what["code"], &what["detail"]);
    format!("{{\"title\":\"{title}\",\"status\":{status},\"code\":{code},\"detail\":{detail}}}")
}

fn page(what: &Value, audience: &str) -> String {
    let code = text(what, "code");
    let says = &GIVEN["says"][text(what, "says")];
    let button = match code {
        "cookies_blocked" => text(&GIVEN, "button"),
        _ => "",
    };
    let words = [says[0].as_str().unwrap(), says[1].as_str().unwrap()];
    text(&GIVEN, "page")
        .replace("{code}", code)
        .replace("{audience}", audience)
        .replace("{title}", words[0])
        .replace("{text}", words[1])
        .replace("{button}", button)
}
