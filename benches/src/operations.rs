//! The operations that are timed and whose instructions are counted.

use crate::{
    APP, check, embed, gate, pat, program, sealed, secret, session_keys, teach, verdict, visitor,
};
use gatepass::digest::Digest;
use gatepass::facts::Facts;
use gatepass::problem::Problem;
use gatepass::record::Record;
use gatepass::session::Session;
use gatepass::token::{Kind, Token};
use gatepass::verdict::Verdict;
use serde_json::json;
use std::hint::black_box;

/// The whole check that a program's request usually takes.
pub const WARM_CHECK: &str = "warm PAT check";

/// The part of it that no care can save.
pub const DIGEST: &str = "SHA-256 of a token";

/// Something to be measured, again and again.
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Does it once.
    pub run: Box<dyn FnMut()>,
}

impl Operation {
    fn new<T>(name: &'static str, mut run: impl FnMut() -> T + 'static) -> Self {
        let run = Box::new(move || drop(black_box(run())));
        Self { name, run }
    }
}

/// All of them: the parts, then whole checks.
pub fn all() -> Vec<Operation> {
    let token = secret(Kind::Pat, 1);
    let garbage = format!("{}0", &token[..token.len() - 1]);
    assert!(Token::parse(&token).is_ok() && Token::parse(&garbage).is_err());
    let record = pat(&["jobs:read"]);
    let (json, sealed, keys) = (record.to_json(), sealed(APP, &token), session_keys());
    let request = program("/api/v1/jobs/?page=1", &token);

    let mut warm = gate(json!({}));
    teach(&mut warm, &token, &record);
    let allowed = verdict(&mut warm, &request);
    assert!(matches!(allowed, Verdict::Allow(_)), "{allowed:?}");
    let config = warm.config();
    let refusal = Verdict::Answer(Problem::unknown_token().answer());
    let (refused, public) = (
        program("/api/v1/jobs/?page=1", &garbage),
        program("/public/hello", "of.another.system"),
    );
    for (request, opens) in [(&refused, false), (&public, true)] {
        let decided = verdict(&mut warm, request);
        assert_eq!(matches!(decided, Verdict::Allow(_)), opens, "{decided:?}");
    }
    let visit = visitor(APP, &secret(Kind::Embed, 2));
    let mut place = gate(json!({}));
    let embed = embed(vec![APP.to_owned()], 0);
    teach(&mut place, &secret(Kind::Embed, 2), &embed);
    let seen = verdict(&mut place, &visit);
    assert!(matches!(seen, Verdict::Allow(_)), "{seen:?}");

    let (hashed, facts) = (token.clone(), request.clone());
    let (mut garbage, mut open) = (gate(json!({})), gate(json!({})));
    vec![
        Operation::new("token parse", move || {
            Token::parse(black_box(&token)).is_ok()
        }),
        Operation::new(DIGEST, move || Digest::of(black_box(&hashed))),
        Operation::new("facts parse", move || {
            Facts::parse(black_box(&facts)).is_some()
        }),
        Operation::new("route find", move || {
            let found = config.routes.find("GET", black_box("/api/v1/jobs/"));
            found.is_ok_and(|rule| rule.public)
        }),
        Operation::new("record parse", move || Record::parse(black_box(&json))),
        Operation::new("session open", move || {
            Session::open(black_box(&sealed), &keys)
        }),
        Operation::new("refusal to text", move || {
            black_box(&refusal).clone().into_text()
        }),
        Operation::new("garbage token", move || {
            check(&mut garbage, black_box(&refused))
        }),
        Operation::new("public route", move || check(&mut open, black_box(&public))),
        Operation::new(WARM_CHECK, move || check(&mut warm, black_box(&request))),
        Operation::new("embed session check", move || {
            check(&mut place, black_box(&visit))
        }),
    ]
}
