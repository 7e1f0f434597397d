//! Changes of what is expected: what was asked for, and how it was answered.

use super::super::Change;
use super::super::life::{Life, Standing};
use super::super::reference::Reference;
use super::super::world::SETTINGS;
use super::Trial;
use crate::policy::Policy;

impl Trial {
    /// Makes a change by the operator, and notes what was answered.
    pub(super) fn change(&mut self, change: Change, isolate: usize) {
        let Reference {
            tokens, sessions, ..
        } = &self.reference;
        let token = |n: usize| tokens[n % tokens.len()].id.as_str();
        let session = |n: usize| sessions[n % sessions.len()].id.as_str();
        let (method, path, body) = match change {
            Change::Rename(n) => {
                let name = format!("{{\"name\":\"{}\"}}", self.world.now);
                ("PATCH", format!("/tokens/{}", token(n)), name)
            }
            Change::Enable(n, enabled) => {
                let body = format!("{{\"enabled\":{enabled}}}");
                ("PATCH", format!("/tokens/{}", token(n)), body)
            }
            Change::Rotate(n, grace) => {
                // Of one whose answer is lost nobody could tell when it ends.
                let grace = if self.world.crash.is_some() { 0 } else { grace };
                let body = format!("{{\"graceSeconds\":{grace}}}");
                ("POST", format!("/tokens/{}/rotate", token(n)), body)
            }
            Change::Revoke(n) => ("DELETE", format!("/tokens/{}", token(n)), String::new()),
            Change::KillSession(n) => {
                ("DELETE", format!("/sessions/{}", session(n)), String::new())
            }
            Change::KillOfToken(n) => {
                let path = format!("/sessions?token={}", token(n));
                ("DELETE", path, String::new())
            }
            Change::KillOfUser => ("DELETE", "/sessions?user=ada".into(), String::new()),
            Change::KillAll => ("DELETE", "/sessions?all=true".into(), String::new()),
            Change::Authentication(on) => {
                let creation = self.reference.creation.standing() == Standing::Open;
                ("PUT", "/settings".into(), settings(on, creation))
            }
            Change::Creation(on) => {
                let authentication = self.reference.authentication.standing() == Standing::Open;
                ("PUT", "/settings".into(), settings(authentication, on))
            }
        };
        let Some((status, answer)) = self.call(isolate, method, &path, &body) else {
            self.note(change, Standing::Unsure, None);
            return;
        };
        // What is revoked or replaced takes no further change; and without creation none is rotated.
        let known = [200, 201, 204, 403, 404, 409];
        assert!(known.contains(&status), "{change:?}: {status} {answer}");
        if status >= 300 {
            return;
        }
        self.note(change, Standing::Shut, Some(isolate));
        if let Change::Rotate(n, _) = change {
            let n = n % self.reference.tokens.len();
            self.add_token(&answer, self.reference.tokens[n].parent, Some(n));
        }
    }

    /// Notes a change. `outcome`: how what it shuts stands after it.
    fn note(&mut self, change: Change, outcome: Standing, by: Option<usize>) {
        let now = self.world.now;
        let count = self.reference.tokens.len();
        let if_on = |on: bool| if on { Standing::Open } else { Standing::Shut };
        let lost = outcome == Standing::Unsure;
        match change {
            Change::Rename(_) => {}
            Change::Enable(n, on) => {
                let standing = if lost { outcome } else { if_on(on) };
                self.note_token(n % count, standing, by);
            }
            Change::Rotate(n, grace) => {
                let fact = self.fact_of(n % count);
                let token = &mut self.reference.tokens[n % count];
                if grace == 0 || lost {
                    token.entry.note(outcome, now, fact, by);
                } else {
                    let mut life = Life::begin(Standing::Open, now, fact.clone());
                    life.note(Standing::Shut, now, fact, by);
                    token.grace = Some((now + grace * 1000, life));
                }
            }
            Change::Revoke(n) => {
                for n in self.reference.family(n % count) {
                    self.note_token(n, outcome, by);
                }
            }
            Change::KillSession(n) => {
                let n = n % self.reference.sessions.len();
                self.note_session(n, outcome, by);
            }
            Change::KillOfToken(n) => {
                for session in 0..self.reference.sessions.len() {
                    if self.reference.sessions[session].token == n % count {
                        self.note_session(session, outcome, by);
                    }
                }
            }
            Change::KillOfUser => {
                (0..self.reference.sessions.len()).for_each(|n| self.note_session(n, outcome, by));
            }
            Change::KillAll => {
                let fact = self.world.fact(SETTINGS);
                for session in &mut self.reference.sessions {
                    session.life.note_end(outcome, now, fact.clone(), None);
                }
                self.reference.killed_all = Some((now, fact));
            }
            Change::Authentication(on) | Change::Creation(on) => {
                let fact = self.world.fact(SETTINGS);
                let standing = if lost { outcome } else { if_on(on) };
                let set = match change {
                    Change::Authentication(_) => &mut self.reference.authentication,
                    _ => &mut self.reference.creation,
                };
                set.note(standing, now, fact, None);
            }
        }
    }

    fn note_token(&mut self, n: usize, standing: Standing, by: Option<usize>) {
        let (fact, now) = (self.fact_of(n), self.world.now);
        let token = &mut self.reference.tokens[n];
        token.entry.note(standing, now, fact.clone(), by);
        token.going_on.note(standing, now, fact, by);
    }

    fn note_session(&mut self, n: usize, standing: Standing, by: Option<usize>) {
        let token = self.reference.sessions[n].token;
        let goes_on = self.reference.tokens[token].going_on.standing() == Standing::Open;
        let (fact, now, by) = (self.fact_of(token), self.world.now, by.filter(|_| goes_on));
        let life = &mut self.reference.sessions[n].life;
        life.note_end(standing, now, fact, by);
    }

    /// Asks how those things stand of which an answer was lost.
    pub(super) fn look_up(&mut self) {
        for n in 0..self.reference.tokens.len() {
            let path = format!("/tokens/{}", self.reference.tokens[n].id);
            let (_, token) = self.call(0, "GET", &path, "").unwrap();
            let state = token["state"].as_str().unwrap();
            let (opens, goes_on) = (state == "active", ["active", "used"].contains(&state));
            let fact = self.fact_of(n);
            let (token, now) = (&mut self.reference.tokens[n], self.world.now);
            token.entry.settle(opens, now, fact.clone());
            token.going_on.settle(goes_on, now, fact);
        }
        let (_, live) = self
            .call(0, "GET", "/sessions?user=ada&limit=100", "")
            .unwrap();
        let live = live["result"].as_array().unwrap().clone();
        for n in 0..self.reference.sessions.len() {
            let session = &self.reference.sessions[n];
            let lives = live.iter().any(|live| live["id"] == session.id.as_str());
            let (fact, now) = (self.fact_of(session.token), self.world.now);
            self.reference.sessions[n].life.settle(lives, now, fact);
        }
        let (_, set) = self.call(0, "GET", "/settings", "").unwrap();
        let (fact, now) = (self.world.fact(SETTINGS), self.world.now);
        let on = |name: &str| set[name].as_bool().unwrap();
        let reference = &mut self.reference;
        let (authentication, creation) = (on("authentication"), on("creation"));
        reference
            .authentication
            .settle(authentication, now, fact.clone());
        reference.creation.settle(creation, now, fact);
    }
}

/// The body that sets a workspace's settings.
fn settings(authentication: bool, creation: bool) -> String {
    let policy = Policy {
        authentication,
        creation,
        ..Policy::default()
    };
    policy.to_json()
}
