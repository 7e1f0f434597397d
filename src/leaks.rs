//! Tokens that leaked, as GitHub's secret scanning reports them to partners.
//!
//! `POST /gatepass/leaks/github` with `[{token, type, url, source}, …]`, signed. The
//! shell checks the signature before anything of it is read here. Each reported token
//! that is one is revoked with all that it made, whatever its workspace, and each
//! report is answered with whether it was true.

use crate::answer::Answer;
use crate::asker::{Asker, Source, Who};
use crate::conversation::{Conversation, Stop, misunderstood};
use crate::digest::Digest;
use crate::fields::Fields;
use crate::json::{self, Object};
use crate::ledger::{Changed, Command, Reply, Task};
use crate::problem::{Code, Problem};
use crate::raw;
use crate::token::Token;
use base64ct::{Base64, Encoding};

/// A signed report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Where it came from.
    pub source: Source,
}

impl Report {
    /// Revokes what is reported.
    pub(crate) fn carry_out(
        &self,
        conversation: &Conversation<'_>,
        changed: &mut Vec<Changed>,
    ) -> Result<Answer, Stop> {
        let body = conversation.inputs.body.unwrap_or_default();
        let reports = raw::list(body);
        let reports = reports.filter(|reports| reports.len() <= MAX_REPORTS);
        let Some(reports) = reports else {
            return Err(Problem::invalid_request(LIST).into());
        };
        let mut told = Vec::new();
        for report in reports {
            let mut fields = Fields::of_object(report.get());
            let token = fields.take_text("token", "text").unwrap_or_default();
            let kind = fields.take_text("type", "text").unwrap_or_default();
            let is_true = match Token::parse(&token) {
                Ok(parsed) => self.revoke(conversation, &parsed, changed)?,
                Err(_) => false,
            };
            let label = if is_true {
                "true_positive"
            } else {
                "false_positive"
            };
            let mut json = Object::default();
            json.text("token_hash", &hash(&token));
            json.text("token_type", &kind);
            json.text("label", label);
            told.push(json.finish());
        }
        Ok(Answer::json(200, json::list(told.into_iter())))
    }

    /// Revokes a token, if it is one; answers whether it is.
    fn revoke(
        &self,
        conversation: &Conversation<'_>,
        token: &Token<'_>,
        changed: &mut Vec<Changed>,
    ) -> Result<bool, Stop> {
        let hint = token.hint();
        let command = Command {
            asker: Asker {
                workspace: String::new(),
                who: Who::Scanner,
                source: self.source.clone(),
            },
            task: Task::Leaked {
                digest: Digest::of(token.secret()),
            },
        };
        match conversation.ask_ledger(&hint, &command) {
            Ok(Reply::Changed { changed: more, .. }) => {
                changed.extend(more);
                Ok(true)
            }
            Ok(_) => Err(misunderstood().into()),
            Err(Stop::Refused(problem)) if problem.code == Code::TokenUnknown => Ok(false),
            Err(stop) => Err(stop),
        }
    }
}

/// The SHA-256 of a reported text in base64, by which GitHub knows it.
fn hash(text: &str) -> String {
    Base64::encode_string(Digest::of(text).as_bytes())
}

/// Where reports go.
pub const PATH: &str = "/gatepass/leaks/github";

/// How many tokens a report may have.
const MAX_REPORTS: usize = 1_000;
const LIST: &str = "the body must be a list of at most 1000 reports";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::conversation::{Entropy, Inputs};
    use crate::entry::tests::{NOW, entry};
    use crate::hint::Hint;
    use crate::token::{self, Kind};
    use crate::wire;

    fn config() -> Config {
        let bindings = ["RECORDS", "LEDGER", "DIRECTORY", "LOOKUPS_BY_ADDRESS"];
        let bindings = bindings.into_iter().chain(["LOOKUPS_BY_LEDGER", "ASSETS"]);
        let bindings: Vec<_> = bindings.map(str::to_owned).collect();
        let key = "k".repeat(32);
        let variables =
            format!("{{\"OPERATOR_KEY\":\"{key}\",\"UPSTREAM\":\"https://a.example\"}}");
        Config::parse(&variables, &bindings).unwrap()
    }

    fn answered(body: &str, replies: &[Reply]) -> Result<(String, usize), Stop> {
        let replies: Vec<_> = replies.iter().map(wire::write).collect();
        let config = config();
        let conversation = Conversation::new(Inputs {
            config: &config,
            body: Some(body),
            entropy: &Entropy([0; 64], [0; 16]),
            replies: &replies,
            now_ms: NOW.seconds() * 1000,
        });
        let report = Report {
            source: Source::default(),
        };
        let mut changed = Vec::new();
        let answer = report.carry_out(&conversation, &mut changed)?;
        Ok((answer.body, changed.len()))
    }

    fn leaked() -> String {
        token::generate(Kind::Pat, &Hint::of("default", "ada"), &[1; 64]).unwrap()
    }

    #[test]
    fn each_report_is_answered_with_whether_it_was_true() {
        let token = leaked();
        let body = format!(
            "[{{\"token\":\"{token}\",\"type\":\"gatepass\",\"url\":\"https://x\"}},{{\"token\":\"nothing\"}}]"
        );
        assert!(matches!(answered(&body, &[]), Err(Stop::Ask(_))));
        let revoked = Reply::Changed {
            token: Box::new(entry("ada", 1)),
            changed: Vec::new(),
            repeated: false,
        };
        let (json, _) = answered(&body, &[revoked]).unwrap();
        let told: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(told[0]["label"], "true_positive");
        assert_eq!(told[0]["token_type"], "gatepass");
        assert_eq!(told[0]["token_hash"].as_str().unwrap().len(), 44);
        assert_eq!(told[1]["label"], "false_positive");
        assert!(!json.contains(&token));
        let unknown = Reply::Refused(Problem::unknown_token());
        let (json, _) = answered(&body, &[unknown]).unwrap();
        assert!(!json.contains("true_positive"));
    }

    #[test]
    fn what_is_no_list_of_reports_is_refused() {
        let many = format!("[{}]", vec!["{}"; 1_001].join(","));
        for body in ["", "{}", "1", &many] {
            assert!(
                matches!(answered(body, &[]), Err(Stop::Refused(_))),
                "{body}"
            );
        }
        assert_eq!(answered("[]", &[]).unwrap(), ("[]".to_owned(), 0));
        // One that cannot be read keeps no other from being revoked.
        let (json, _) = answered("[1,{},{\"token\":null}]", &[]).unwrap();
        assert_eq!(json.matches("false_positive").count(), 3);
    }
}
