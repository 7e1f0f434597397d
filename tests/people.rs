//! Who makes a management request: people by their identity provider or a sign-in, and
//! what else the gate lets through without a token of its own.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod shell;

use gatepass::actor::Actor;
use gatepass::digest::Digest;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::management::{Request, Ticket};
use gatepass::record::{Record, State};
use gatepass::scope::Scope;
use gatepass::time::Time;
use gatepass::token::{self, Kind};
use gatepass::verdict::Verdict;
use shell::{NOW, OPERATOR_KEY, Shell, headers};

const IDENTITY: &str = r#""IDENTITY":{"issuer":"https://id.example","audience":"gate",
    "jwks":"https://id.example/keys","header":"X-Identity",
    "claims":{"workspace":"org"}},"WORKSPACES":["default","acme"]"#;
const JWT: &str = "aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl";
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ADA: &str = r#"{"sub":"ada","org":"acme","email":"ada@example.com","email_verified":true}"#;
const ROOT: &str = r#"{"sub":"root","org":"acme","roles":["admin"]}"#;

fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method}\nhttps://gate.example{path}\n{headers}")
}

fn by(claims: &str) -> String {
    format!("x-identity:{JWT}\n@identity:{claims}")
}

fn asked(shell: &mut Shell, request: &str) -> Request {
    match shell.ask(request) {
        Verdict::Manage { ticket } => match *ticket {
            Ticket::Manage(request) => request,
            other => panic!("{other:?}"),
        },
        other => panic!("not let through: {other:?}"),
    }
}

fn secret() -> String {
    token::generate(Kind::Pat, &Hint::of("default", "ben"), &[7; 64]).unwrap()
}

fn record(scopes: &[&str]) -> Record {
    Record {
        rev: 1,
        id: Id::generate(&Hint::of("default", "ben"), NOW, [1; 16]),
        workspace: "default".to_owned(),
        uid: "ben".to_owned(),
        email: String::new(),
        name: "a test's".to_owned(),
        scopes: scopes
            .iter()
            .map(|scope| Scope::parse(scope).unwrap())
            .collect::<Vec<_>>()
            .into(),
        apps: vec!["jobs".to_owned()],
        allowed_ips: Default::default(),
        strict: false,
        state: State::Active,
        created: Time::from_millis(NOW),
        expires: None,
        embed: None,
    }
}

#[test]
fn a_jwt_is_checked_before_anything_of_it_counts() {
    let mut shell = Shell::with(IDENTITY);
    let unchecked = request("GET", "/gatepass/api/tokens", &format!("x-identity:{JWT}"));
    let expected = Verdict::Identify {
        jwt: JWT.to_owned(),
    };
    assert_eq!(shell.ask(&unchecked), expected);
    let checked = request("GET", "/gatepass/api/tokens", &by(ADA));
    let Actor::User(user) = asked(&mut shell, &checked).actor else {
        panic!("nobody");
    };
    assert_eq!(
        (user.workspace.as_str(), user.uid.as_str()),
        ("acme", "ada")
    );
    assert!(!user.admin);
}

#[test]
fn an_identity_opens_gatepass_and_never_the_upstream() {
    let mut shell = Shell::with(IDENTITY);
    let upstream = request("GET", "/api/v1/jobs", &by(ROOT));
    assert_eq!(shell.code(&upstream), (401, "token_missing".to_owned()));
}

#[test]
fn an_upstream_gets_no_jwt_that_it_could_use_here() {
    let ask = format!("authorization:Bearer {}", secret());
    let mut by_header = Shell::with(IDENTITY);
    by_header.store(&secret(), &record(&["jobs:read"]));
    let both = request("GET", "/api/v1/jobs", &format!("{ask}\n{}", by(ROOT)));
    let forwarded = by_header.forwarded(&both);
    assert!(forwarded.remove.contains(&"x-identity".to_owned()));
    let cookie = IDENTITY.replace("\"header\":\"X-Identity\"", "\"cookie\":\"id\"");
    let mut by_cookie = Shell::with(&cookie);
    by_cookie.store(&secret(), &record(&["jobs:read"]));
    for (sent, left) in [
        (format!("a=1; id={JWT}; b=2"), Some("a=1; b=2")),
        (format!("id={JWT}"), None),
        ("a=1".to_owned(), None),
    ] {
        let asked = request("GET", "/api/v1/jobs", &format!("{ask}\ncookie:{sent}"));
        let forwarded = by_cookie.forwarded(&asked);
        assert_eq!(forwarded.header("cookie"), left, "{sent}");
        let removed = forwarded.remove.contains(&"cookie".to_owned());
        assert_eq!(removed, sent.starts_with("id="), "{sent}");
    }
}

#[test]
fn no_page_of_another_site_acts_for_who_is_signed_in() {
    let mut shell = Shell::with(IDENTITY);
    for (method, path) in [
        ("GET", "/gatepass/api/tokens"),
        ("POST", "/gatepass/api/tokens"),
        ("DELETE", "/gatepass/api/sessions?all=true"),
        ("GET", "/api/v1/auth/getPersonalAccessTokens"),
    ] {
        for from in [
            "sec-fetch-site:cross-site",
            "sec-fetch-site:same-site",
            "origin:https://evil.example",
        ] {
            let request = request(method, path, &format!("{}\n{from}", by(ROOT)));
            assert_eq!(
                shell.code(&request),
                (403, "cross_site".to_owned()),
                "{path} {from}"
            );
        }
    }
}

#[test]
fn where_there_is_a_host_for_people_they_are_signed_in_there_alone() {
    let own = format!("{IDENTITY},\"MANAGEMENT_HOST\":\"manage.example\"");
    let mut shell = Shell::with(&own);
    shell.store(&secret(), &record(&["jobs:read", "tokens"]));
    let path = "/gatepass/api/tokens";
    let at =
        |host: &str, path: &str, headers: &str| format!("GET\nhttps://{host}{path}\n{headers}");
    asked(&mut shell, &at("manage.example", path, &by(ROOT)));
    let elsewhere = at("gate.example", path, &by(ROOT));
    assert_eq!(shell.code(&elsewhere), (401, "token_missing".to_owned()));
    let token = format!("authorization:Bearer {}", secret());
    asked(&mut shell, &at("gate.example", path, &token));
    let upstream = at("manage.example", "/api/v1/jobs", &token);
    assert_eq!(shell.code(&upstream).0, 404);
    let mut shell = Shell::with("\"MANAGEMENT_HOST\":\"manage.example\"");
    let cookie = &format!("cookie:__Host-gatepass={SECRET}");
    asked(&mut shell, &at("manage.example", path, cookie));
    assert_eq!(shell.code(&at("gate.example", path, cookie)).0, 401);
}

#[test]
fn the_tokens_page_is_where_people_are_signed_in() {
    let mut shell = Shell::new();
    let file = |path| Verdict::Asset { path };
    let page = |host: &str, path: &str| format!("GET\nhttps://{host}/gatepass{path}\n");
    for path in ["/", "/icon.svg", "/page.css", "/page.js"] {
        assert_eq!(shell.ask(&page("gate.example", path)), file(path));
    }
    assert_eq!(shell.refused(&page("gate.example", "")).status, 308);
    let mut shell = Shell::with("\"MANAGEMENT_HOST\":\"manage.example\"");
    assert_eq!(shell.ask(&page("manage.example", "/")), file("/"));
    for path in ["", "/"] {
        let moved = shell.refused(&page("gate.example:8443", path));
        assert_eq!(moved.status, 307);
        let location = headers(&moved, "location");
        assert_eq!(location, ["https://manage.example/gatepass/"]);
    }
    let elsewhere = page("gate.example", "/page.js");
    assert_eq!(shell.refused(&elsewhere).status, 404);
    for embeds in ["*.gate.example", "embed.gate.example"] {
        let mut shell = Shell::with(&format!("\"EMBED_HOST\":\"{embeds}\""));
        for path in ["", "/", "/page.js"] {
            let request = page("embed.gate.example", path);
            assert!(
                [404, 421].contains(&shell.refused(&request).status),
                "{path}"
            );
        }
    }
}

#[test]
fn only_an_admin_governs_and_only_its_own_workspace() {
    let mut shell = Shell::with(IDENTITY);
    let put = |claims: &str| request("PUT", "/gatepass/api/settings", &by(claims));
    assert_eq!(
        shell.code(&put(ADA)),
        (403, "scope_insufficient".to_owned())
    );
    assert!(asked(&mut shell, &put(ROOT)).actor.is_admin());
    for path in [
        "/gatepass/api/tokens?workspace=default",
        "/gatepass/api/tokens?workspace=acme&workspace=default",
        "/gatepass/api/tokens?workspace=nowhere",
    ] {
        let request = request("GET", path, &by(ROOT));
        assert_eq!(
            shell.code(&request),
            (400, "invalid_field".to_owned()),
            "{path}"
        );
    }
    let elsewhere = by(&ROOT.replace("acme", "nowhere"));
    let request = request("GET", "/gatepass/api/tokens", &elsewhere);
    assert_eq!(shell.code(&request), (400, "invalid_field".to_owned()));
}

#[test]
fn claims_that_name_nobody_are_refused() {
    let mut shell = Shell::with(IDENTITY);
    for claims in [
        r#"{"sub":"","org":"acme"}"#,
        r#"{"sub":"ada"}"#,
        r#"{"sub":"ada","org":"acme","email":"a@x.example","email_verified":false}"#,
        "null",
    ] {
        let request = request("GET", "/gatepass/api/tokens", &by(claims));
        assert_eq!(
            shell.code(&request),
            (401, "token_malformed".to_owned()),
            "{claims}"
        );
    }
}

#[test]
fn a_token_beside_an_identity_is_what_counts() {
    let mut shell = Shell::with(IDENTITY);
    shell.store(&secret(), &record(&["tokens"]));
    let both = format!("{}\nauthorization:Bearer {}", by(ROOT), secret());
    let request = request("GET", "/gatepass/api/tokens", &both);
    assert!(matches!(asked(&mut shell, &request).actor, Actor::Pat(_)));
}

#[test]
fn a_sign_in_stands_for_the_operator_key_where_there_is_no_identity_provider() {
    let cookie = &format!("cookie:a=1; __Host-gatepass={SECRET}");
    let path = "/gatepass/api/tokens";
    let mut shell = Shell::new();
    let actor = asked(&mut shell, &request("GET", path, cookie)).actor;
    // It ends with the key that it stands for.
    let digest = Digest::of(&[SECRET, &Digest::of(OPERATOR_KEY).to_hex()].concat());
    assert!(matches!(actor, Actor::Operator { sign_in: Some(found), .. } if found == digest));
    for refused in [
        format!("{cookie}\nsec-fetch-site:same-site"),
        format!("{cookie}\norigin:https://evil.example"),
    ] {
        let request = request("POST", path, &refused);
        assert_eq!(shell.code(&request), (403, "cross_site".to_owned()));
    }
    let twice = format!("{cookie}; __Host-gatepass={SECRET}");
    assert_eq!(shell.code(&request("GET", path, &twice)).0, 401);
    assert_eq!(shell.code(&request("GET", "/api/v1/jobs", cookie)).0, 401);
    let mut other = Shell::with(IDENTITY);
    assert_eq!(other.code(&request("GET", path, cookie)).0, 401);
}

#[test]
fn who_shows_no_credential_is_told_how_people_sign_in() {
    let path = "/gatepass/api/sign-in";
    for (variables, way) in [("", "operatorKey"), (IDENTITY, "provider")] {
        let mut shell = Shell::with(variables);
        for (method, cookie) in [
            ("GET", ""),
            ("HEAD", ""),
            ("GET", "cookie:__Host-gatepass=0"),
        ] {
            let told = shell.refused(&request(method, path, cookie));
            let body =
                format!("{{\"user\":null,\"workspace\":null,\"role\":null,\"signIn\":\"{way}\"}}");
            assert_eq!((told.status, told.body), (200, body), "{method} {cookie}");
        }
        for method in ["POST", "DELETE"] {
            let expected = (401, "token_missing".to_owned());
            assert_eq!(shell.code(&request(method, path, "")), expected);
        }
        let refused = request("GET", path, "authorization:Bearer pat_x");
        assert_eq!(shell.code(&refused), (401, "token_malformed".to_owned()));
    }
}

#[test]
fn another_worker_is_told_what_a_token_is_good_for() {
    let mut shell = Shell::new();
    shell.store(&secret(), &record(&["odata"]));
    let ask = |more: &str| {
        let token = secret();
        format!("@verify\nhttps://gatepass/\nauthorization:Bearer {token}\n{more}")
    };
    let answer = shell.refused(&ask("@scopes:odata\n@app:jobs"));
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.starts_with("{\"active\":true,") && answer.body.contains("\"sub\":\"ben\"")
    );
    let scope = ask("@scopes:odata jobs:write");
    assert_eq!(shell.code(&scope), (403, "scope_insufficient".to_owned()));
    assert_eq!(
        shell.code(&ask("@app:maps")),
        (403, "app_mismatch".to_owned())
    );
    let mut empty = Shell::new();
    assert_eq!(empty.code(&ask("")), (401, "token_unknown".to_owned()));
}

#[test]
fn a_report_of_leaked_tokens_waits_for_its_signature() {
    let path = "/gatepass/leaks/github";
    let mut off = Shell::new();
    assert_eq!(off.code(&request("POST", path, "")).0, 404);
    let mut shell = Shell::with(r#""LEAK_KEYS_URL":"https://keys.example/""#);
    assert_eq!(shell.refused(&request("GET", path, "")).status, 405);
    assert_eq!(shell.ask(&request("POST", path, "")), Verdict::Report);
    let signed = shell.ask(&request("POST", path, "@signed:github"));
    assert!(matches!(signed, Verdict::Manage { ticket } if matches!(*ticket, Ticket::Report(_))));
}

#[test]
fn a_refusal_of_a_known_token_says_whose_it_is_to_the_shell_alone() {
    let mut shell = Shell::new();
    shell.store(&secret(), &record(&[]));
    let known = record(&[]).id.as_str().to_owned();
    let request = |token: &str| {
        request(
            "GET",
            "/api/v1/jobs",
            &format!("authorization:Bearer {token}"),
        )
    };
    let answer = shell.refused(&request(&secret()));
    assert_eq!(
        headers(&answer, "@refused"),
        [format!("{known} scope_insufficient")]
    );
    let unknown = token::generate(Kind::Pat, &Hint::of("default", "ben"), &[8; 64]).unwrap();
    assert!(headers(&shell.refused(&request(&unknown)), "@refused").is_empty());
}

#[test]
fn a_token_is_good_at_its_workspaces_hosts_alone() {
    let hosts = r#""WORKSPACES":["default",{"name":"acme","hosts":["acme.example"]}]"#;
    let mut shell = Shell::with(hosts);
    shell.store(&secret(), &record(&["jobs:read"]));
    let at = |host: &str| {
        let token = secret();
        format!("GET\nhttps://{host}/api/v1/jobs\nauthorization:Bearer {token}")
    };
    assert!(matches!(shell.ask(&at("gate.example")), Verdict::Allow(_)));
    assert_eq!(
        shell.code(&at("acme.example")),
        (401, "token_unknown".to_owned())
    );
    let operator = format!("authorization:Basic {OPERATOR_KEY}");
    let manage = |host: &str, query: &str| {
        format!("GET\nhttps://{host}/gatepass/api/tokens{query}\n{operator}")
    };
    let workspace =
        |shell: &mut Shell, request: &str| asked(shell, request).actor.workspace().to_owned();
    assert_eq!(
        workspace(&mut shell, &manage("gate.example", "")),
        "default"
    );
    assert_eq!(workspace(&mut shell, &manage("acme.example", "")), "acme");
    for (host, other) in [("gate.example", "acme"), ("acme.example", "default")] {
        let request = manage(host, &format!("?workspace={other}"));
        assert_eq!(
            shell.code(&request),
            (400, "invalid_field".to_owned()),
            "{host}"
        );
    }
}

#[test]
fn no_embed_is_at_the_host_for_people() {
    let mut shell = Shell::with(
        r#""APPS":[{"id":"jobs","name":"Jobs"}],"MANAGEMENT_HOST":"manage.example",
           "SESSION_KEYS":"k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=""#,
    );
    for path in ["/embed-apps/jobs", "/embed-apps/jobs/~abcdefghijklmnop/"] {
        let mut status = |host: &str| {
            shell
                .refused(&format!("GET\nhttps://{host}{path}\n"))
                .status
        };
        assert_eq!(status("manage.example"), 421, "{path}");
        assert_eq!(status("gate.example"), 401, "{path}");
    }
}
