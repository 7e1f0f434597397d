//! The gate of embeds, natively.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod shell;

use gatepass::digest::Digest;
use gatepass::entrance::Entrance;
use gatepass::facts::Facts;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::lookup::{Found, Lookup, Reply};
use gatepass::management::Ticket;
use gatepass::place::Place;
use gatepass::record::{Embed, Record, State};
use gatepass::session::{Session, SessionKeys};
use gatepass::time::Time;
use gatepass::token::{self, Kind};
use gatepass::verdict::Verdict;
use shell::lines::Forwarded;
use shell::{NOW, Shell, headers};

const KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PORTAL: &str = "https://portal.example";
const FRAME: &str = "sec-fetch-dest:iframe\nsec-fetch-mode:navigate\nsec-fetch-site:cross-site";
const OWN: &str = "sec-fetch-dest:empty\nsec-fetch-mode:cors\nsec-fetch-site:same-origin";

fn shell(more: &str) -> Shell {
    Shell::with(&format!(
        "\"SESSION_KEYS\":\"{KEYS}\",\"APPS\":[{{\"id\":\"jobs\",\"name\":\"Jobs\"}},\
         {{\"id\":\"maps\",\"name\":\"Maps\"}}]{more}"
    ))
}

fn in_hosts() -> Shell {
    shell(",\"EMBED_HOST\":\"*.embed.example\"")
}

fn in_paths() -> Shell {
    shell("")
}

fn now() -> Time {
    Time::from_millis(NOW)
}

fn place() -> Place {
    Place::of("default", "ada", "jobs", "")
}

fn secret(fill: u8) -> String {
    token::generate(Kind::Embed, &Hint::of("default", "ada"), &[fill << 2; 64]).unwrap()
}

fn record() -> Record {
    Record {
        rev: 1,
        id: Id::generate(&Hint::of("default", "ada"), NOW, [1; 16]),
        workspace: "default".to_owned(),
        uid: "ada".to_owned(),
        email: String::new(),
        name: "portal".to_owned(),
        scopes: Vec::new().into(),
        apps: vec!["jobs".to_owned()],
        allowed_ips: [].into_iter().collect(),
        strict: false,
        state: State::Active,
        created: now(),
        expires: Some(now().plus(7_200)),
        embed: Some(Embed {
            allowed_origins: vec![PORTAL.to_owned()],
            session_minutes: 60,
            ..Embed::default()
        }),
    }
}

fn with(change: impl FnOnce(&mut Record, &mut Embed)) -> Record {
    let mut record = record();
    let mut embed = record.embed.take().unwrap();
    change(&mut record, &mut embed);
    record.embed = Some(embed);
    record
}

fn session() -> Session {
    Session {
        id: Id::generate(&Hint::of("default", "ada"), NOW, [2; 16]),
        workspace: "default".to_owned(),
        uid: "ada".to_owned(),
        app: "jobs".to_owned(),
        place: place(),
        digest: Digest::of(&secret(1)),
        issued: now(),
        expires: now().plus(3_600),
    }
}

fn cookie(session: &Session) -> String {
    let keys = SessionKeys::parse(KEYS).unwrap();
    format!(
        "cookie:{}={}",
        place().cookie(),
        session.seal(&keys).unwrap()
    )
}

fn origin() -> String {
    format!("https://{}.embed.example", place().as_str())
}

fn entry(headers: &str) -> String {
    let secret = secret(1);
    format!(
        "GET\n{}/embed-apps/jobs?personal-access-token={secret}\n{headers}",
        origin()
    )
}

/// A request in the place; `rest` has method and path.
fn visit(rest: &str, headers: &str) -> String {
    let (method, path) = rest.split_once(' ').unwrap();
    format!(
        "{method}\n{}{path}\n{}\n{headers}",
        origin(),
        cookie(&session())
    )
}

fn entrance(shell: &mut Shell, request: &str) -> Entrance {
    match shell.ask(request) {
        Verdict::Manage { ticket } => match *ticket {
            Ticket::Enter(entrance) => *entrance,
            other => panic!("{other:?}"),
        },
        other => panic!("no entrance: {other:?}"),
    }
}

/// The code and the status of a refusal that a frame shows.
fn shown(shell: &mut Shell, request: &str) -> (u16, String) {
    let answer = shell.refused(request);
    let (_, rest) = answer.body.split_once("data-code=\"").unwrap_or_default();
    let (code, _) = rest.split_once('"').unwrap_or_default();
    (answer.status, code.to_owned())
}

fn allowed(shell: &mut Shell, request: &str) -> Forwarded {
    shell.forwarded(request)
}

#[test]
fn a_frame_enters_with_its_token() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &record());
    let entrance = entrance(&mut shell, &entry(FRAME));
    assert_eq!(entrance.spot.place, place());
    assert_eq!(entrance.spot.origins, [PORTAL]);
    assert_eq!((entrance.renew, entrance.query), (false, None));
}

#[test]
fn what_is_no_frames_navigation_does_not_spend_a_single_use_token() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &with(|_, embed| embed.single_use = true));
    for headers in [
        "",
        "sec-fetch-dest:document\nsec-fetch-mode:navigate\nsec-fetch-site:none",
        "sec-fetch-dest:empty\nsec-fetch-mode:cors\nsec-fetch-site:cross-site",
        "sec-fetch-dest:iframe\nsec-fetch-mode:no-cors\nsec-fetch-site:cross-site",
        "sec-fetch-dest:embed\nsec-fetch-mode:navigate\nsec-fetch-site:cross-site",
        "sec-fetch-mode:navigate",
        &format!("{FRAME}\nsec-purpose:prefetch;prerender"),
        &format!("{FRAME}\npurpose:prefetch"),
    ] {
        assert_eq!(shell.refused(&entry(headers)).status, 400, "{headers}");
    }
    let head = entry(FRAME).replacen("GET", "HEAD", 1);
    assert_eq!(shell.refused(&head).status, 400);
    entrance(&mut shell, &entry(FRAME));
}

#[test]
fn a_token_for_tabs_opens_in_a_tab_and_one_for_many_uses_without_metadata() {
    let tab = "sec-fetch-dest:document\nsec-fetch-mode:navigate\nsec-fetch-site:cross-site";
    let mut shell = in_hosts();
    shell.store(&secret(1), &with(|_, embed| embed.top_level = true));
    entrance(&mut shell, &entry(tab));
    entrance(&mut shell, &entry(""));
}

#[test]
fn an_entry_is_refused_by_its_code() {
    type Change = fn(&mut Record, &mut Embed);
    let cases: [(Change, u16, &str); 6] = [
        (|record, _| record.state = State::Used, 401, "token_used"),
        (
            |record, _| record.state = State::Revoked,
            401,
            "token_revoked",
        ),
        (
            |record, _| record.state = State::Disabled,
            401,
            "token_disabled",
        ),
        (
            |record, _| record.expires = Some(now()),
            401,
            "token_expired",
        ),
        (
            |record, _| record.apps = vec!["maps".to_owned()],
            403,
            "app_mismatch",
        ),
        (
            |record, _| record.workspace = "other".to_owned(),
            401,
            "token_unknown",
        ),
    ];
    for (change, status, code) in cases {
        let mut shell = in_hosts();
        shell.store(&secret(1), &with(change));
        assert_eq!(shown(&mut shell, &entry(FRAME)), (status, code.to_owned()));
    }
}

#[test]
fn a_page_that_may_not_frame_the_place_spends_nothing() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &with(|_, embed| embed.single_use = true));
    let framed = |referer: &str| entry(&format!("{FRAME}\nreferer:{referer}"));
    for referer in [
        "https://evil.example/",
        "https://portal.example.evil.example/",
        "x",
        "",
    ] {
        let refused = shown(&mut shell, &framed(referer));
        assert_eq!(refused, (403, "origin_not_allowed".to_owned()), "{referer}");
    }
    entrance(&mut shell, &framed("https://portal.example/customers/7"));
    entrance(&mut shell, &framed(&format!("{}/", origin())));
}

#[test]
fn an_entry_elsewhere_is_421_and_spends_nothing() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &record());
    let other = Place::of("default", "ben", "jobs", "");
    for host in [
        "gate.example",
        "x.embed.example",
        &format!("{}.embed.example", other.as_str()),
        &format!("a.{}.embed.example", place().as_str()),
    ] {
        let (_, target) = origin()
            .split_once("://")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let request = entry(FRAME).replacen(&target, host, 1);
        assert_eq!(shell.refused(&request).status, 421, "{host}");
    }
}

#[test]
fn a_session_opens_its_place_and_nothing_is_awaited_when_the_record_is_at_hand() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &record());
    let forward = allowed(&mut shell, &visit("POST /api?gp-opened=1&a=1", OWN));
    assert_eq!(forward.url, "https://app.example/base/api?a=1");
    assert_eq!(forward.header("gatepass-user"), Some("ada"));
    assert_eq!(forward.header("gatepass-app"), Some("jobs"));
    assert!(forward.remove.contains(&"cookie".to_owned()));
    allowed(&mut shell, &visit("GET /", FRAME));
    assert!(shell.reads.is_empty() && shell.questions.is_empty());
}

#[test]
fn the_secret_of_the_upstream_is_for_no_other() {
    for (own, sent) in [
        ("", Some("Bearer s")),
        (",\"upstream\":\"https://maps.example\"", None),
    ] {
        let mut shell = Shell::with(&format!(
            "\"SESSION_KEYS\":\"{KEYS}\",\"EMBED_HOST\":\"*.embed.example\",\
             \"UPSTREAM_AUTHORIZATION\":\"Bearer s\",\
             \"APPS\":[{{\"id\":\"jobs\",\"name\":\"Jobs\"{own}}}]"
        ));
        shell.store(&secret(1), &record());
        let forward = allowed(&mut shell, &visit("GET /", FRAME));
        assert_eq!(forward.header("authorization"), sent);
    }
}

#[test]
fn a_session_ends_with_its_token_its_time_and_its_kill() {
    type Change = fn(&mut Record, &mut Embed);
    let cases: [(Change, &str); 9] = [
        (|record, _| record.state = State::Revoked, "token_revoked"),
        (|record, _| record.state = State::Disabled, "token_disabled"),
        (|record, _| record.expires = Some(now()), "session_ended"),
        (
            |_, embed| embed.killed.push((session().id, now().plus(3_600))),
            "session_ended",
        ),
        (
            |_, embed| embed.sessions_from = Some(session().id.time()),
            "session_ended",
        ),
        (|_, embed| embed.label = "other".to_owned(), "session_ended"),
        (|record, _| record.uid = "ben".to_owned(), "session_ended"),
        (
            |record, _| record.apps = vec!["maps".to_owned()],
            "session_ended",
        ),
        (
            |_, embed| embed.sessions_until = Some(now()),
            "session_ended",
        ),
    ];
    for (change, code) in cases {
        let mut shell = in_hosts();
        shell.store(&secret(1), &with(change));
        assert_eq!(
            shown(&mut shell, &visit("GET /", FRAME)),
            (401, code.to_owned())
        );
    }
    for state in [State::Active, State::Used] {
        let mut shell = in_hosts();
        shell.store(&secret(1), &with(|record, _| record.state = state));
        allowed(&mut shell, &visit("GET /", FRAME));
        shell.now_ms += 3_600_000;
        assert_eq!(shown(&mut shell, &visit("GET /", FRAME)).1, "session_ended");
    }
}

#[test]
fn only_the_place_itself_acts_in_it() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &record());
    let own = format!("origin:{}", origin());
    for (rest, headers) in [
        ("GET /", FRAME),
        ("GET /x", OWN),
        ("POST /x", OWN),
        ("POST /x", own.as_str()),
        ("GET /ws", &format!("{own}\nupgrade:")),
        ("POST /x", &format!("{own}\nsec-fetch-site:same-origin")),
        ("POST /x", "sec-fetch-site:same-origin\norigin:null"),
    ] {
        allowed(&mut shell, &visit(rest, headers));
    }
    for (rest, headers) in [
        ("GET /x", ""),
        ("POST /x", FRAME),
        (
            "GET /x",
            "sec-fetch-site:cross-site\nsec-fetch-mode:no-cors\nsec-fetch-dest:image",
        ),
        (
            "GET /x",
            "sec-fetch-site:same-site\nsec-fetch-mode:cors\nsec-fetch-dest:empty",
        ),
        (
            "GET /x",
            "sec-fetch-site:none\nsec-fetch-mode:navigate\nsec-fetch-dest:document",
        ),
        (
            "GET /x",
            "sec-fetch-site:cross-site\nsec-fetch-mode:navigate\nsec-fetch-dest:object",
        ),
        (
            "POST /x",
            "sec-fetch-site:same-origin\norigin:https://evil.example",
        ),
        ("POST /x", "sec-fetch-site:cross-site\norigin:null"),
        ("POST /x", "origin:null"),
        (
            "GET /ws",
            "upgrade:\norigin:null\nsec-fetch-site:same-origin",
        ),
        ("GET /ws", "upgrade:\nsec-fetch-site:same-origin"),
        ("GET /ws", "upgrade:\norigin:https://evil.example"),
        (
            "OPTIONS /x",
            "origin:https://evil.example\naccess-control-request-method:POST",
        ),
    ] {
        assert_eq!(
            shell.refused(&visit(rest, headers)).status,
            403,
            "{rest} {headers}"
        );
    }
}

#[test]
fn a_service_worker_cannot_have_the_entry_in_its_scope() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &record());
    for (rest, header, status) in [
        ("GET /sw.js", "service-worker:script", 403),
        ("GET /sw.js", "sec-fetch-dest:serviceworker", 403),
        ("GET /", "service-worker:script", 403),
    ] {
        let headers = format!("sec-fetch-site:same-origin\n{header}");
        assert_eq!(shell.refused(&visit(rest, &headers)).status, status);
    }
    let headers = "sec-fetch-site:same-origin\nservice-worker:script";
    shell.forwarded(&visit("GET /app/sw.js", headers));
}

#[test]
fn a_reply_about_one_session_never_speaks_for_another() {
    let mut shell = in_hosts();
    let revoked = with(|record, embed| {
        record.state = State::Revoked;
        embed.label = String::new();
    });
    shell.store(&secret(1), &revoked);
    shell.store(&secret(2), &with(|record, _| record.strict = true));
    let request = visit("GET /", FRAME);
    let facts = Facts::parse(&request).unwrap();
    let about = Lookup::Lookup {
        digest: Digest::of(&secret(2)),
        session: None,
    };
    let found = Found {
        record: Some(Some(record().to_json())),
        settings: None,
    };
    let reply = Reply {
        name: format!("l/{}", Hint::of("default", "ada").as_str()),
        question: about.to_json(),
        found,
    };
    let verdict = shell.gate.check(&facts, Some(&reply), NOW);
    assert!(matches!(verdict, Verdict::Read { .. }), "{verdict:?}");
    assert_eq!(shown(&mut shell, &request).1, "token_revoked");
}

#[test]
fn where_the_ledger_is_asked_it_is_told_which_session_wants_in() {
    let mut shell = in_hosts();
    let strict = with(|record, _| record.strict = true);
    let killed = with(|_, embed| embed.killed.push((session().id, now().plus(3_600))));
    shell.store(&secret(1), &strict);
    for (answer, code) in [(&strict, None), (&killed, Some("session_ended"))] {
        shell
            .ledger
            .insert(Digest::of(&secret(1)), answer.to_json());
        let request = visit("GET /", FRAME);
        match code {
            None => drop(allowed(&mut shell, &request)),
            Some(code) => assert_eq!(shown(&mut shell, &request), (401, code.to_owned())),
        }
        let of_ledger = shell
            .questions
            .iter()
            .filter(|asked| asked.class == "LEDGER");
        let asked: Vec<_> = of_ledger.map(|asked| &*asked.command).collect();
        let about = Lookup::Lookup {
            digest: Digest::of(&secret(1)),
            session: Some(session().id),
        };
        assert_eq!(asked, [about.to_json()]);
    }
}

#[test]
fn without_a_cookie_a_frame_is_told_why_and_by_whom_it_may_be_framed() {
    let mut shell = in_hosts();
    let json = format!("{{\"app\":\"jobs\",\"or\":[\"{PORTAL}\"]}}");
    shell.kv.insert(format!("p/{}", place().as_str()), json);
    for (path, code) in [("/?gp-opened=1", "cookies_blocked"), ("/", "session_ended")] {
        let request = format!("GET\n{}{path}\n{FRAME}", origin());
        assert_eq!(shown(&mut shell, &request).1, code);
        let answer = shell.refused(&request);
        let policy = headers(&answer, "content-security-policy")[0];
        assert!(policy.ends_with("frame-ancestors 'self' https://portal.example"));
    }
    let request = format!("GET\n{}/api\n{OWN}", origin());
    assert_eq!(shell.code(&request), (401, "session_ended".to_owned()));
}

#[test]
fn an_idle_session_is_renewed_when_a_quarter_of_its_time_is_gone() {
    let mut shell = in_hosts();
    shell.store(&secret(1), &with(|_, embed| embed.idle_minutes = Some(20)));
    let renewed = |shell: &mut Shell| {
        let packed = shell.forwarded(&visit("GET /", FRAME)).place.unwrap();
        packed.contains("Max-Age=1200")
    };
    shell.now_ms += 299_000;
    assert!(!renewed(&mut shell));
    shell.now_ms += 1_000;
    assert!(renewed(&mut shell));
}

#[test]
fn a_path_place_keeps_its_prefix_from_the_app() {
    let mut shell = in_paths();
    shell.store(&secret(1), &record());
    let prefix = format!("/embed-apps/jobs/~{}", place().as_str());
    let ask = |path: &str, headers: &str| {
        format!(
            "GET\nhttps://gate.example{path}\n{}\n{headers}",
            cookie(&session())
        )
    };
    let forward = allowed(&mut shell, &ask(&format!("{prefix}/x/y"), OWN));
    assert_eq!(forward.url, "https://app.example/base/x/y");
    assert_eq!(forward.header("x-forwarded-prefix"), Some(prefix.as_str()));
    assert!(forward.rewrites);
    let moved = shell.refused(&ask(&format!("{prefix}?a=1"), FRAME));
    assert_eq!(headers(&moved, "location"), [format!("{prefix}/?a=1")]);
    for path in ["/..%2fadmin", "/%252e%252e/admin", "/x/..;/y"] {
        let request = ask(&format!("{prefix}{path}"), OWN);
        assert_eq!(shell.code(&request).0, 400, "{path}");
    }
    let other_app = prefix.replacen("jobs", "maps", 1);
    assert_eq!(
        shell.code(&ask(&format!("{other_app}/"), OWN)).1,
        "session_ended"
    );
    assert_eq!(shell.code(&ask("/api/v1/jobs/", OWN)).1, "token_missing");
}

#[test]
fn the_oldest_of_sixteen_places_makes_room() {
    let keys = SessionKeys::parse(KEYS).unwrap();
    let mut shell = in_paths();
    shell.store(&secret(1), &record());
    let cookies: Vec<_> = (0_u64..16)
        .map(|n| {
            let place = Place::of("default", "ada", "jobs", &format!("{n}"));
            let issued = Time::from_seconds(now().seconds() - n);
            let other = Session {
                place: place.clone(),
                issued,
                ..session()
            };
            format!("{}={}", place.cookie(), other.seal(&keys).unwrap())
        })
        .collect();
    let enter = |cookies: &[String]| {
        let secret = secret(1);
        format!(
            "GET\nhttps://gate.example/embed-apps/jobs?personal-access-token={secret}\n{FRAME}\n\
             cookie:{}",
            cookies.join("; ")
        )
    };
    assert!(
        entrance(&mut shell, &enter(&cookies[..15]))
            .forget
            .is_empty()
    );
    let oldest = Place::of("default", "ada", "jobs", "15").cookie();
    assert_eq!(entrance(&mut shell, &enter(&cookies)).forget, [oldest]);
}
