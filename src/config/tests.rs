use super::variables::REQUIRED_BINDINGS;
use super::*;
use crate::json;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn bindings() -> Vec<String> {
    let names = REQUIRED_BINDINGS.into_iter().chain(["UPSTREAM"]);
    names.map(str::to_owned).collect()
}

fn parse(variables: &str) -> Result<Config, Box<ConfigError>> {
    let variables = format!("{{\"OPERATOR_KEY\":\"{KEY}\",{variables}}}");
    Config::parse(&variables, &bindings())
}

#[test]
fn the_least_configuration_has_safe_defaults() {
    let config = parse(r#""UPSTREAM":"service:UPSTREAM""#).unwrap();
    assert_eq!(config.upstream, Upstream::Service("UPSTREAM".to_owned()));
    assert_eq!(config.workspaces[0].name, "default");
    assert!(!config.strict && config.apps.iter().next().is_none());
    let rule = config.routes.find("GET", "/anything").unwrap();
    assert!(!rule.public);
}

#[test]
fn every_mistake_names_its_field() {
    for (variables, field) in [
        (r#""UPSTREAM":"""#, "UPSTREAM"),
        (r#""UPSTREAM":"service:NOBODY""#, "UPSTREAM"),
        (r#""UPSTREAM":"http://app.example""#, "UPSTREAM"),
        (r#""UPSTREAM":"https://app.example/a?b""#, "UPSTREAM"),
        (r#""UPSTREAM":"https://user@app.example""#, "UPSTREAM"),
        (r#""UPSTREAM":"https://app.example/../x""#, "UPSTREAM"),
        (r#""UPSTREAM":"ftp://app.example""#, "UPSTREAM"),
        (r#""UPSTREAM":7"#, "UPSTREAM"),
        (
            r#""UPSTREAM":"https://a.example","UPSTREEM":"x""#,
            "UPSTREEM",
        ),
        (r#""UPSTREAM":"https://a.example","ROUTES":{}"#, "ROUTES"),
        (r#""UPSTREAM":"https://a.example","ROUTES":"[""#, "ROUTES"),
        (
            r#""UPSTREAM":"https://a.example","ROUTES":[{"path":"x"}]"#,
            "ROUTES[0].path",
        ),
        (
            r#""UPSTREAM":"https://a.example","ROUTES":[{"path":"/x","pubic":true}]"#,
            "ROUTES[0].pubic",
        ),
        (
            r#""UPSTREAM":"https://a.example","APPS":[{"id":"a/b","name":"x"}]"#,
            "APPS[0].id",
        ),
        (
            r#""UPSTREAM":"https://a.example","APPS":[{"id":"a","name":"x"},{"id":"a","name":"y"}]"#,
            "APPS[1].id",
        ),
        (
            r#""UPSTREAM":"https://a.example","IDENTITY":{"issuer":"http://id.example"}"#,
            "IDENTITY.issuer",
        ),
        (
            r#""UPSTREAM":"https://a.example","WORKSPACES":["A"]"#,
            "WORKSPACES",
        ),
        (
            r#""UPSTREAM":"https://a.example","CONSISTENCY":"eventual""#,
            "CONSISTENCY",
        ),
        (
            r#""UPSTREAM":"https://a.example","DEVELOPMENT":1"#,
            "DEVELOPMENT",
        ),
        (
            r#""UPSTREAM":"https://a.example","SESSION_KEYS":"k1:c2hvcnQ=""#,
            "SESSION_KEYS",
        ),
        (
            r#""UPSTREAM":"https://a.example","ASSERTION_KEY":"{}""#,
            "ASSERTION_KEY",
        ),
        (
            r#""UPSTREAM":"https://a.example","UPSTREAM_AUTHORIZATION":"a\nb""#,
            "UPSTREAM_AUTHORIZATION",
        ),
    ] {
        assert_eq!(parse(variables).unwrap_err().field, field, "{variables}");
    }
}

#[test]
fn assertions_are_signed_by_a_private_jwk_or_a_set_of_them() {
    let ec = r#"{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"d","kid":"a"}"#;
    let okp = r#"{"kty":"OKP","crv":"Ed25519","x":"x","d":"d","kid":"b","use":"sig"}"#;
    let set = |keys: &[&str]| format!("{{\"keys\":[{}]}}", keys.join(","));
    let good = |key: &str| {
        let key = json::text(key);
        let variables = format!(r#""UPSTREAM":"https://a.example","ASSERTION_KEY":{key}"#);
        parse(&variables).is_ok()
    };
    for key in [ec, okp, &set(&[ec]), &set(&[okp, ec])] {
        assert!(good(key), "{key}");
    }
    for key in [
        &ec.replace("P-256", "P-384"),
        &ec.replace("\"d\":\"d\",", ""),
        &ec.replace("\"a\"", "\"\""),
        &okp.replace("Ed25519", "X25519"),
        &set(&[]),
        &set(&[ec, &okp.replace("\"d\":\"d\",", "")]),
        &ec.replace('{', "{\"keys\":5,"),
        &format!("[{ec}]"),
    ] {
        assert!(!good(key), "{key}");
    }
}

#[test]
fn a_short_operator_key_is_refused_and_not_repeated() {
    let variables = r#"{"UPSTREAM":"https://a.example","OPERATOR_KEY":"hunter2"}"#;
    let mistake = Config::parse(variables, &bindings()).unwrap_err();
    assert_eq!(mistake.field, "OPERATOR_KEY");
    assert!(!mistake.to_string().contains("hunter2"));
}

#[test]
fn a_missing_binding_is_named() {
    let variables = format!("{{\"OPERATOR_KEY\":\"{KEY}\",\"UPSTREAM\":\"https://a.example\"}}");
    let mistake = Config::parse(&variables, &["RECORDS".to_owned()]).unwrap_err();
    assert_eq!(mistake.field, "LEDGER");
}

#[test]
fn lists_may_come_as_json_text_and_http_only_in_development() {
    let config = parse(
        r#""UPSTREAM":"http://localhost:3000/","DEVELOPMENT":"true","WORKSPACES":"[\"a\",\"b\"]""#,
    );
    let config = config.unwrap();
    assert_eq!(
        config.upstream,
        Upstream::Url("http://localhost:3000".to_owned())
    );
    assert!(config.workspaces_at("x.example", false).eq(["a", "b"]));
}

#[test]
fn a_workspace_with_hosts_is_there_alone_and_nowhere_else() {
    let config = parse(
        r#""UPSTREAM":"https://a.example","EMBED_HOST":"*.embed.example",
           "WORKSPACES":["a","b",{"name":"c","hosts":["c.example","c.test"]}]"#,
    );
    let config = config.unwrap();
    let at = |host| config.workspaces_at(host, false).collect::<Vec<_>>();
    assert_eq!(at("gate.example"), ["a", "b"]);
    assert_eq!(at("c.example"), ["c"]);
    assert_eq!(at("c.test"), ["c"]);
    assert_eq!(at("abcdefghijklmnop.embed.example"), ["a", "b", "c"]);
    assert_eq!(config.home(), "a");
    for workspaces in [
        r#"[{"name":"a"},"a"]"#,
        r#"[{"name":"a","hosts":["x.y"]},{"name":"b","hosts":["x.y"]}]"#,
        r#"[{"name":"a","hosts":["https://x.y"]}]"#,
        r#"[{"name":"a","hosts":[""]}]"#,
        r#"[{"name":"a","host":[]}]"#,
        r#"[{"hosts":["x.y"]}]"#,
    ] {
        let variables = format!("\"UPSTREAM\":\"https://a.example\",\"WORKSPACES\":{workspaces}");
        assert_eq!(parse(&variables).unwrap_err().field, "WORKSPACES");
    }
}

#[test]
fn the_package_needs_hosts_and_keys_for_embeds_and_nothing_else() {
    let keys = "k1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let whole = |apps: &str, host: &str| {
        format!("{{\"SESSION_KEYS\":\"{keys}\",\"EMBED_HOST\":\"{host}\",\"APPS\":{apps}}}")
    };
    let app = "[{\"id\":\"jobs\"}]";
    assert!(Config::of_package("{}").is_ok());
    assert!(Config::of_package(&whole(app, "*.embed.example.net")).is_ok());
    for (options, field) in [
        (whole(app, "embed.example.net"), "EMBED_HOST"),
        (whole(app, ""), "EMBED_HOST"),
        (whole("[{\"id\":\"a b\"}]", "*.e.example"), "APPS[0].id"),
        (
            whole(
                "[{\"id\":\"a\",\"upstream\":\"https://a.example\"}]",
                "*.e.example",
            ),
            "APPS",
        ),
        (format!("{{\"APPS\":{app}}}"), "SESSION_KEYS"),
        (
            "{\"UPSTREAM\":\"https://a.example\"}".to_owned(),
            "UPSTREAM",
        ),
        ("{\"OPERATOR_KEY\":\"x\"}".to_owned(), "OPERATOR_KEY"),
    ] {
        let mistake = Config::of_package(&options).unwrap_err();
        assert_eq!(mistake.field, field, "{options}");
    }
}
