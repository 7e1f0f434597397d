//! How the gate says no: a problem, the challenges that go with it, and what
//! lets an allowed page read both.

use crate::answer::Answer;
use crate::challenge::{self, Challenge};
use crate::facts::Facts;
use crate::problem::Problem;
use crate::route::Routes;

/// The answer to a problem, with its challenges and, where the route lets a
/// page read answers, the header that lets it read this one.
pub fn refusal(
    facts: &Facts<'_>,
    routes: &Routes,
    problem: &Problem,
    challenge: Option<Challenge<'_>>,
) -> Answer {
    let mut answer = problem.answer();
    if let Some(challenge) = challenge {
        answer = answer.header("www-authenticate", challenge.bearer());
    }
    // Basic opens a dialog in browsers: only programs, and only at the app.
    if problem.status == 401 && facts.own_path().is_none() && !facts.from_browser() {
        answer = answer.header("www-authenticate", challenge::BASIC);
    }
    if let Some(origin) = facts.header("origin")
        && let Ok(rule) = routes.find(facts.method, facts.path)
        && rule.allows_origin(origin)
    {
        answer = answer
            .header("access-control-allow-origin", origin.to_owned())
            .header(
                "access-control-expose-headers",
                "www-authenticate, retry-after",
            )
            .header("vary", "Origin");
    }
    answer
}
