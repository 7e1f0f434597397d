//! The gate of programs, natively.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod shell;

use base64ct::{Base64, Encoding};
use gatepass::digest::Digest;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::record::{Record, State};
use gatepass::scope::Scope;
use gatepass::settings::Settings;
use gatepass::time::Time;
use gatepass::token::{self, Kind};
use gatepass::verdict::Verdict;
use shell::{NOW, OPERATOR_KEY, Shell, headers};

fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

fn secret(fill: u8) -> String {
    token::generate(Kind::Pat, &Hint::of("default", "ada"), &[fill << 2; 64]).unwrap()
}

fn record(scopes: &[&str]) -> Record {
    let scopes: Vec<_> = scopes
        .iter()
        .map(|name| Scope::parse(name).unwrap())
        .collect();
    Record {
        rev: 1,
        id: Id::generate(&Hint::of("default", "ada"), NOW, [1; 16]),
        workspace: "default".to_owned(),
        uid: "ada l\u{f6}".to_owned(),
        email: "ada@example.com".to_owned(),
        name: "test".to_owned(),
        scopes: scopes.into(),
        apps: Vec::new(),
        allowed_ips: [].into_iter().collect(),
        strict: false,
        state: State::Active,
        created: Time::from_millis(NOW),
        expires: Some(Time::from_millis(NOW).plus(3600)),
        embed: None,
    }
}

fn get(path: &str, secret: &str) -> String {
    format!(
        "GET\nhttps://gate.example{path}\nauthorization:Bearer {secret}\ncf-connecting-ip:192.0.2.1"
    )
}

#[test]
fn a_pat_is_read_from_kv_once_and_then_at_hand_for_five_seconds() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    shell
        .kv
        .insert("w/default".to_owned(), Settings::default().to_json());
    let request = get("/api/v1/jobs/?page=1", &secret(1));
    assert_eq!(
        shell.forwarded(&request).url,
        "https://app.example/base/api/v1/jobs/?page=1"
    );
    assert_eq!(shell.reads.len(), 2, "record and settings, in one go");
    shell.now_ms += 4_999;
    shell.forwarded(&request);
    assert!(shell.reads.is_empty() && shell.questions.is_empty());
    shell.now_ms += 1;
    shell.forwarded(&request);
    assert_eq!(shell.reads.len(), 2);
}

#[test]
fn the_upstream_learns_who_it_is_and_never_the_credential() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    let request = format!(
        "{}\ngatepass-user:\nGATEPASS_USER:\nx-forwarded-for:\nX_Original_Url:\nconnection:\naccept:\n\
         cookie:a=1; __Host-gp-x=y\nx-http-method-override:\nforwarded:",
        get("/api/v1/jobs/", &secret(1))
    );
    let forward = shell.forwarded(&request);
    assert_eq!(forward.header("gatepass-user"), Some("ada%20l%C3%B6"));
    assert_eq!(forward.header("gatepass-email"), Some("ada@example.com"));
    assert_eq!(forward.header("gatepass-workspace"), Some("default"));
    assert_eq!(forward.header("gatepass-scopes"), Some("jobs:read"));
    assert_eq!(forward.header("x-forwarded-for"), Some("192.0.2.1"));
    assert_eq!(forward.header("x-forwarded-host"), Some("gate.example"));
    assert_eq!(forward.header("x-forwarded-proto"), Some("https"));
    assert_eq!(forward.header("cookie"), Some("a=1"));
    for name in [
        "authorization",
        "gatepass-user",
        "GATEPASS_USER",
        "x-forwarded-for",
        "X_Original_Url",
        "connection",
        "x-http-method-override",
        "forwarded",
    ] {
        assert!(
            forward.remove.iter().any(|removed| removed == name),
            "{name}"
        );
    }
    assert!(!forward.remove.iter().any(|removed| removed == "accept"));
    assert!(!format!("{forward:?}").contains(&secret(1)));
    assert!(forward.private);
}

#[test]
fn a_public_route_lets_anybody_pass_but_no_token_of_ours() {
    let mut shell = Shell::new();
    let forward = shell.forwarded(&format!(
        "GET\nhttps://gate.example/public/hello\nauthorization:Bearer {}\nx-api-key:other\ngatepass-user:",
        secret(1)
    ));
    assert_eq!(forward.remove, ["authorization", "gatepass-user"]);
    assert!(!forward.private && forward.header("gatepass-user").is_none());
    assert!(shell.reads.is_empty());
    for ours in [
        format!("authorization:{OPERATOR_KEY}"),
        format!("authorization:Token {OPERATOR_KEY}"),
        format!("authorization:Foo {}", base64(secret(1).as_bytes())),
        format!(
            "authorization:Basic {0}, Basic {0}",
            base64(format!("u:{}", secret(1)).as_bytes())
        ),
        format!("x-api-key:{OPERATOR_KEY}"),
        format!("referer:https://gate.example/feed?key={}", secret(1)),
        format!("cookie:a={}", secret(1)),
        "gatepass.user:".to_owned(),
        "cf_connecting_ip:".to_owned(),
    ] {
        let forward = shell.forwarded(&format!("GET\nhttps://gate.example/public/hello\n{ours}"));
        assert_eq!(forward.remove.len(), 1, "{ours}");
    }
    let url = format!("GET\nhttps://gate.example/public/x?a=1&b={}", secret(1));
    assert!(shell.forwarded(&url).url.ends_with("/public/x?a=1"));
    let foreign = "GET\nhttps://gate.example/public/hello\nauthorization:Bearer of.another.system";
    assert!(shell.forwarded(foreign).remove.is_empty());
}

#[test]
fn upstream_authorization_replaces_any_other_on_public_routes_too() {
    let mut shell = Shell::with(r#""UPSTREAM_AUTHORIZATION":"Basic dXA6c3RyZWFt""#);
    let forward =
        shell.forwarded("GET\nhttps://gate.example/public/x\nauthorization:Bearer foreign");
    assert_eq!(forward.header("authorization"), Some("Basic dXA6c3RyZWFt"));
}

#[test]
fn a_token_in_the_query_opens_only_where_the_route_says_so_and_is_taken_out() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&[]));
    let url = format!("GET\nhttps://gate.example/feed?a=1&key={}&b=2", secret(1));
    assert_eq!(
        shell.forwarded(&url).url,
        "https://app.example/base/feed?a=1&b=2"
    );
    let url = format!("GET\nhttps://gate.example/other?key={}", secret(1));
    assert_eq!(shell.code(&url), (401, "token_missing".to_owned()));
}

#[test]
fn a_token_that_kv_does_not_have_yet_is_asked_of_the_ledger_within_budgets() {
    let mut shell = Shell::new();
    let json = record(&["jobs:read"]).to_json();
    shell.ledger.insert(Digest::of(&secret(1)), json);
    shell.forwarded(&get("/api/v1/jobs/", &secret(1)));
    let hint = Hint::of("default", "ada");
    let question = &shell.questions[0];
    assert_eq!(question.name, format!("l/{}", hint.as_str()));
    assert_eq!(
        question.budgets,
        [
            ("LOOKUPS_BY_ADDRESS", "192.0.2.1".to_owned()),
            ("LOOKUPS_BY_LEDGER", hint.as_str().to_owned())
        ]
    );
    shell.now_ms += 6_000;
    shell.forwarded(&get("/api/v1/jobs/", &secret(1)));
    assert!(shell.questions[0].budgets.is_empty(), "it is known by now");
}

#[test]
fn an_unknown_token_is_remembered_for_a_few_seconds() {
    let mut shell = Shell::new();
    let request = get("/api/v1/jobs/", &secret(1));
    assert_eq!(shell.code(&request), (401, "token_unknown".to_owned()));
    assert_eq!(shell.questions.len(), 1);
    assert_eq!(shell.code(&request), (401, "token_unknown".to_owned()));
    assert!(shell.questions.is_empty() && shell.reads.is_empty());
}

#[test]
fn a_token_of_another_workspace_takes_the_path_of_an_unknown_one() {
    let mut shell = Shell::new();
    let mut foreign = record(&["jobs:read"]);
    foreign.workspace = "other".to_owned();
    shell
        .ledger
        .insert(Digest::of(&secret(1)), foreign.to_json());
    let theirs = shell.refused(&get("/api/v1/jobs/", &secret(1)));
    let asked = (shell.reads.len(), shell.questions.clone());
    let unknown = shell.refused(&get("/api/v1/jobs/", &secret(2)));
    assert_eq!(theirs, unknown);
    assert_eq!(asked.1[0].budgets, shell.questions[0].budgets);
    assert_eq!(
        (asked.0, asked.1.len()),
        (shell.reads.len() + 1, shell.questions.len())
    );
}

#[test]
fn each_state_of_a_token_is_refused_by_its_code() {
    for (state, code) in [
        (State::Revoked, "token_revoked"),
        (State::Disabled, "token_disabled"),
        (State::Used, "token_used"),
    ] {
        let mut shell = Shell::new();
        let mut record = record(&["jobs:read"]);
        record.state = state;
        shell.store(&secret(1), &record);
        let answer = shell.refused(&get("/api/v1/jobs/", &secret(1)));
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains(code), "{}", answer.body);
        assert_eq!(
            headers(&answer, "www-authenticate"),
            [
                "Bearer realm=\"Gatepass\", error=\"invalid_token\"",
                "Basic realm=\"Gatepass\", charset=\"UTF-8\""
            ]
        );
    }
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    shell.now_ms += 3_600_000;
    assert_eq!(
        shell.code(&get("/api/v1/jobs/", &secret(1))),
        (401, "token_expired".to_owned())
    );
}

#[test]
fn rfc_6750_3_1_a_missing_scope_is_403_and_named() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    let request = get("/api/v1/jobs/", &secret(1)).replacen("GET", "POST", 1);
    let answer = shell.refused(&request);
    assert_eq!(answer.status, 403);
    assert_eq!(
        headers(&answer, "www-authenticate"),
        ["Bearer realm=\"Gatepass\", error=\"insufficient_scope\", scope=\"jobs:write\""]
    );
}

#[test]
fn rfc_6750_3_1_nothing_sent_is_401_without_an_error() {
    let mut shell = Shell::new();
    let answer = shell.refused("GET\nhttps://gate.example/api/v1/jobs/");
    assert_eq!(answer.status, 401);
    assert_eq!(
        headers(&answer, "www-authenticate"),
        [
            "Bearer realm=\"Gatepass\"",
            "Basic realm=\"Gatepass\", charset=\"UTF-8\""
        ]
    );
}

#[test]
fn browsers_and_gatepass_own_paths_are_not_invited_to_basic() {
    let mut shell = Shell::new();
    for request in [
        "GET\nhttps://gate.example/api/v1/jobs/\nsec-fetch-site:none",
        "GET\nhttps://gate.example/gatepass/api/tokens",
    ] {
        let answer = shell.refused(request);
        assert_eq!(answer.status, 401);
        assert_eq!(
            headers(&answer, "www-authenticate"),
            ["Bearer realm=\"Gatepass\""]
        );
    }
}

#[test]
fn an_address_that_is_not_listed_or_not_known_is_refused() {
    let mut shell = Shell::new();
    let mut record = record(&["jobs:read"]);
    record.allowed_ips = ["198.51.100.0/24".parse().unwrap()].into_iter().collect();
    shell.store(&secret(1), &record);
    let request = get("/api/v1/jobs/", &secret(1));
    assert_eq!(
        shell.code(&request),
        (403, "address_not_allowed".to_owned())
    );
    shell.forwarded(&request.replace("192.0.2.1", "198.51.100.9"));
    let spoofed = request.replace("cf-connecting-ip:192.0.2.1", "x-forwarded-for:198.51.100.9");
    assert_eq!(
        shell.code(&spoofed),
        (403, "address_not_allowed".to_owned())
    );
}

#[test]
fn a_revocation_is_never_undone_by_an_older_value_from_kv() {
    let mut shell = Shell::new();
    let mut revoked = record(&["jobs:read"]);
    shell.store(&secret(1), &revoked);
    let request = get("/api/v1/jobs/", &secret(1));
    shell.forwarded(&request);
    revoked.state = State::Revoked;
    revoked.rev = 2;
    shell
        .gate
        .learn_change(Digest::of(&secret(1)), revoked, shell.now_ms);
    for _ in 0..10 {
        assert_eq!(shell.code(&request), (401, "token_revoked".to_owned()));
        shell.now_ms += 6_000;
    }
}

#[test]
fn in_strict_mode_the_ledger_is_asked_each_time() {
    for per_token in [true, false] {
        let mut shell = Shell::with(if per_token {
            ""
        } else {
            r#""CONSISTENCY":"strict""#
        });
        let mut record = record(&["jobs:read"]);
        record.strict = per_token;
        shell.store(&secret(1), &record);
        shell
            .kv
            .insert("w/default".to_owned(), Settings::default().to_json());
        shell
            .ledger
            .insert(Digest::of(&secret(1)), record.to_json());
        let request = get("/api/v1/jobs/", &secret(1));
        for _ in 0..3 {
            shell.forwarded(&request);
            assert_eq!(shell.questions.len(), 1);
            assert!(shell.questions[0].budgets.is_empty());
        }
        record.state = State::Revoked;
        record.rev = 2;
        shell
            .ledger
            .insert(Digest::of(&secret(1)), record.to_json());
        assert_eq!(shell.code(&request), (401, "token_revoked".to_owned()));
    }
}

#[test]
fn the_workspaces_settings_come_from_kv_else_from_the_directory() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    let request = get("/api/v1/jobs/", &secret(1));
    shell.forwarded(&request);
    assert_eq!(shell.questions[0].name, "d/default");
    shell.now_ms += 6_000;
    shell.settings = "{\"v\":1,\"rev\":1,\"authentication\":false}".to_owned();
    assert_eq!(
        shell.code(&request),
        (403, "authentication_disabled".to_owned())
    );
    shell.now_ms += 6_000;
    shell
        .kv
        .insert("w/default".to_owned(), "{\"v\":1,\"rev\":2}".to_owned());
    shell.forwarded(&request);
    shell.now_ms += 6_000;
    shell
        .kv
        .insert("w/default".to_owned(), "{\"v\":9}".to_owned());
    assert_eq!(shell.code(&request), (503, "store_unavailable".to_owned()));
}

#[test]
fn a_malformed_record_never_opens() {
    let mut shell = Shell::new();
    for junk in ["", "{}", "null", "{\"v\":2}", "\u{0}"] {
        shell.now_ms += 6_000;
        shell.kv.insert(
            format!("t/{}", Digest::of(&secret(1)).to_hex()),
            junk.to_owned(),
        );
        assert_eq!(
            shell.code(&get("/api/v1/jobs/", &secret(1))),
            (503, "store_unavailable".to_owned())
        );
    }
}

#[test]
fn an_embed_token_does_not_open_the_api() {
    let mut shell = Shell::new();
    let embed = token::generate(Kind::Embed, &Hint::of("default", "ada"), &[1; 64]).unwrap();
    let request = get("/api/v1/jobs/", &embed);
    assert_eq!(shell.code(&request), (401, "kind_mismatch".to_owned()));
    assert!(shell.reads.is_empty());
}

#[test]
fn no_page_of_another_site_acts_by_credentials_that_the_browser_repeats() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    let basic = base64(format!("u:{}", secret(1)).as_bytes());
    let operator = base64(format!("u:{OPERATOR_KEY}").as_bytes());
    for (path, credential) in [
        ("/api/v1/jobs/", &basic),
        ("/gatepass/api/tokens", &operator),
    ] {
        let request = format!("GET\nhttps://gate.example{path}\nauthorization:Basic {credential}");
        for sign in [
            "sec-fetch-site:cross-site",
            "sec-fetch-site:same-site",
            "origin:https://evil.example",
            "origin:null",
        ] {
            let request = format!("{request}\n{sign}");
            assert_eq!(
                shell.code(&request),
                (403, "cross_site".to_owned()),
                "{path} {sign}"
            );
        }
        for sign in [
            "sec-fetch-site:none",
            "sec-fetch-site:same-origin",
            "origin:https://gate.example",
            "accept:",
        ] {
            let verdict = shell.ask(&format!("{request}\n{sign}"));
            assert!(
                matches!(verdict, Verdict::Allow(_) | Verdict::Manage { .. }),
                "{path} {sign}"
            );
        }
    }
    // Bearer is not ambient: a page must have been given the token.
    let bearer = format!(
        "{}\nsec-fetch-site:cross-site",
        get("/api/v1/jobs/", &secret(1))
    );
    shell.forwarded(&bearer);
}

#[test]
fn preflights_are_answered_from_the_routes_configuration_and_never_forwarded() {
    let mut shell = Shell::new();
    let preflight = |path: &str, origin: &str| {
        format!(
            "OPTIONS\nhttps://gate.example{path}\norigin:{origin}\naccess-control-request-method:GET"
        )
    };
    let answer = shell.refused(&preflight("/page/x", "https://page.example"));
    assert_eq!(answer.status, 204);
    assert_eq!(
        headers(&answer, "access-control-allow-origin"),
        ["https://page.example"]
    );
    for (path, origin) in [
        ("/page/x", "https://other.example"),
        ("/api/v1/x", "https://page.example"),
        ("/public/x", "null"),
    ] {
        let answer = shell.refused(&preflight(path, origin));
        assert_eq!(answer.status, 403, "{path}");
        assert!(headers(&answer, "access-control-allow-origin").is_empty());
    }
    let request = "GET\nhttps://gate.example/page/x\norigin:https://page.example";
    let answer = shell.refused(request);
    assert_eq!(
        headers(&answer, "access-control-allow-origin"),
        ["https://page.example"]
    );
}

#[test]
fn paths_that_can_be_read_in_two_ways_are_refused_before_anything_else() {
    let mut shell = Shell::new();
    for path in [
        "//admin",
        "/public/..%2fapi",
        "/PUBLIC/x",
        "/%70ublic/x",
        "/public;x/y",
    ] {
        let request = format!("GET\nhttps://gate.example{path}");
        assert_eq!(
            shell.code(&request),
            (400, "invalid_request".to_owned()),
            "{path}"
        );
    }
}

#[test]
fn the_management_api_needs_the_operator_key_or_the_scope_tokens() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&["jobs:read"]));
    shell.store(&secret(2), &record(&["tokens"]));
    let path = "/gatepass/api/tokens";
    assert_eq!(
        shell.code(&get(path, &secret(1))),
        (403, "scope_insufficient".to_owned())
    );
    assert!(matches!(
        shell.ask(&get(path, &secret(2))),
        Verdict::Manage { .. }
    ));
    assert!(matches!(
        shell.ask(&get("/gatepass/api/tokens/self", &secret(1))),
        Verdict::Manage { .. }
    ));
    for wrong in [
        "Basic wrong",
        "Basic dTp3cm9uZw==",
        "Bearer operator-key-operator-key-operator-key",
    ] {
        let request = format!("GET\nhttps://gate.example{path}\nauthorization:{wrong}");
        assert_eq!(shell.refused(&request).status, 401, "{wrong}");
    }
    let request = format!("GET\nhttps://gate.example{path}\nauthorization:Basic {OPERATOR_KEY}");
    assert!(matches!(shell.ask(&request), Verdict::Manage { .. }));
    let elsewhere = request.replacen("tokens", "tokens?workspace=other", 1);
    assert_eq!(shell.code(&elsewhere), (400, "invalid_field".to_owned()));
}

#[test]
fn compatible_paths_spelled_otherwise_do_not_reach_the_upstream() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&[]));
    for path in [
        "/API/v1/auth/generate-pat",
        "/api//v1/auth/generate-pat",
        "/api/v1/auth/generate%2Dpat",
        "/api/v1/auth/Delete-Pat",
        "/api/ext/users/Personal-Access-Token",
    ] {
        assert_eq!(shell.refused(&get(path, &secret(1))).status, 400, "{path}");
    }
    let mut off = Shell::with("\"COMPAT\":[]");
    off.store(&secret(1), &record(&["jobs:read"]));
    off.forwarded(&get("/api/ext/users/personal-access-token", &secret(1)));
    off.forwarded(&get("/api/v1/auth/generate-pat", &secret(1)));
}

#[test]
fn creation_can_be_switched_off() {
    let mut shell = Shell::new();
    shell.settings = "{\"v\":1,\"rev\":1,\"creation\":false}".to_owned();
    let request = format!(
        "POST\nhttps://gate.example/gatepass/api/tokens\nauthorization:Basic {OPERATOR_KEY}"
    );
    assert_eq!(shell.code(&request), (403, "creation_disabled".to_owned()));
}

#[test]
fn gatepass_own_paths_never_reach_the_upstream() {
    let mut shell = Shell::new();
    shell.store(&secret(1), &record(&[]));
    for path in ["/gatepass//", "/gatepass/x", "/embed-apps/jobs"] {
        assert_eq!(shell.refused(&get(path, &secret(1))).status, 404, "{path}");
    }
    assert_eq!(
        shell
            .refused("GET\nhttps://gate.example/gatepass/healthz")
            .status,
        200
    );
    shell.forwarded(&get("/gatepassed", &secret(1)));
}
