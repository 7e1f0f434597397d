//! The pages that Gatepass itself shows in a frame: what is wrong, in plain
//! words, and the blank one that watches a session.
//!
//! Their script and style are files of the assets. The script tells the host
//! page the code, by `postMessage` to the origins that may frame the place and to
//! no other.

use crate::answer::Answer;
use crate::challenge::Challenge;
use crate::problem::{Code, Problem};

/// An error page.
pub fn refusal(problem: &Problem, audience: &[String]) -> Answer {
    let (title, text) = words(problem);
    let button = match problem.code {
        Code::CookiesBlocked => {
            "<button type=\"button\" id=\"open-tab\" hidden>Open in a new tab</button>"
        }
        _ => "",
    };
    let html = [
        "<!doctype html><html lang=\"en\" data-code=\"",
        problem.code.name(),
        "\" data-origins=\"",
        &audience.join(" "),
        HEAD,
        title,
        "</title><link rel=\"stylesheet\" href=\"",
        STYLE,
        "\"></head><body><main><h1>",
        title,
        "</h1><p>",
        text,
        "</p>",
        button,
        "</main><script src=\"",
        REFUSAL,
        "\"></script></body></html>",
    ];
    let policy = policy("style-src 'self';", audience);
    let answer = problem.status_headers(page(problem.status, policy, html.concat()));
    match problem.status {
        401 => answer.header("www-authenticate", Challenge::Missing.bearer()),
        _ => answer,
    }
}

/// The blank page of a session that is good, for a hidden frame. `url` is where
/// the place begins, `expires_in` the seconds that are left.
pub fn watch(place: &str, url: &str, expires_in: u64, audience: &[String]) -> Answer {
    let html = [
        "<!doctype html><html lang=\"en\" data-place=\"",
        place,
        "\" data-url=\"",
        url,
        "\" data-expires-in=\"",
        &expires_in.to_string(),
        "\" data-origins=\"",
        &audience.join(" "),
        HEAD,
        "Session</title></head><body><main><h1>Session</h1></main><script src=\"",
        WATCH,
        "\"></script></body></html>",
    ];
    page(200, policy("connect-src 'self';", audience), html.concat())
}

/// The `frame-ancestors` directive for these origins (CSP3 §6.4.2).
pub fn frame_ancestors(audience: &[String]) -> String {
    let mut directive = "frame-ancestors 'self'".to_owned();
    for origin in audience {
        directive.push(' ');
        directive.push_str(origin);
    }
    directive
}

fn page(status: u16, policy: String, html: String) -> Answer {
    let mut answer = framed(Answer::empty(status), policy)
        .header("content-type", "text/html; charset=utf-8")
        .header("cross-origin-embedder-policy", "require-corp");
    answer.body = html;
    answer
}

/// An answer that may come to a frame, under another policy than that of all
/// others. A host page under COEP checks each redirect too. Whatever told the
/// browser to report URLs of this host (Network Error Logging §4.1) is undone.
pub fn framed(mut answer: Answer, policy: String) -> Answer {
    answer = answer
        .header("cross-origin-resource-policy", "cross-origin")
        .header("nel", "{\"report_to\":\"none\",\"max_age\":0}");
    let named = |header: &&mut (&str, _)| header.0 == "content-security-policy";
    if let Some((_, value)) = answer.headers.iter_mut().find(named) {
        *value = policy.into();
    }
    answer
}

fn policy(more: &str, audience: &[String]) -> String {
    [
        "default-src 'none'; script-src 'self'; ",
        more,
        " form-action 'none'; base-uri 'none'; ",
        &frame_ancestors(audience),
    ]
    .concat()
}

/// What a page says, for a person who knows nothing of tokens.
fn words(problem: &Problem) -> (&'static str, &'static str) {
    match problem.code {
        Code::CookiesBlocked => (
            "Your browser blocks this app",
            "It did not keep the cookie that the app needs inside this page. If the app was open \
             here before, its session may only have ended: reload the page around it. Otherwise \
             allow cookies for it, or open it in a tab of its own.",
        ),
        Code::SessionEnded => (
            "This session has ended",
            "Reload the page around this one to go on.",
        ),
        Code::TokenUsed => (
            "This link was already used",
            "It opens the app only once. Reload the page around this one to get a new link.",
        ),
        Code::TokenExpired => (
            "This link has expired",
            "Reload the page around this one to get a new link.",
        ),
        Code::TokenRevoked | Code::TokenDisabled | Code::AuthenticationDisabled => (
            "Access was withdrawn",
            "Whoever gave you access to this app has ended it. Please ask them.",
        ),
        Code::AddressNotAllowed => (
            "Not from this network",
            "The app may not be opened from the network that you are in.",
        ),
        Code::OriginNotAllowed => (
            "Not inside this page",
            "The app may not be shown here. Whoever runs the page around this one can have it \
             allowed.",
        ),
        Code::InvalidRequest if problem.status != 421 => (
            "This cannot be opened like this",
            "The link is made to be shown inside another page. Open that page instead.",
        ),
        Code::UpstreamUnavailable => ("The app does not answer", "Please try again in a moment."),
        Code::RateLimited | Code::StoreUnavailable => (
            "Please try again in a moment",
            "The app could not be opened just now.",
        ),
        Code::CrossSite => (
            "Another site asked for this",
            "For your safety it was not carried out. Go on from within the app.",
        ),
        _ => (
            "This link does not work",
            "It is incomplete, or made for something else. Reload the page around this one, or \
             ask whoever runs that page.",
        ),
    }
}

const HEAD: &str = "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
                    content=\"width=device-width, initial-scale=1\"><title>";
const STYLE: &str = "/gatepass/embed/page.css";
const REFUSAL: &str = "/gatepass/embed/refusal.js";
const WATCH: &str = "/gatepass/embed/watch.js";

#[cfg(test)]
mod tests {
    use super::*;

    fn audience() -> Vec<String> {
        vec![
            "https://portal.example".to_owned(),
            "https://b.example".to_owned(),
        ]
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
        let found = answer.headers.iter().filter(|(header, _)| *header == name);
        let values: Vec<_> = found.map(|(_, value)| value.as_ref()).collect();
        assert_eq!(values.len(), 1, "{name}");
        values[0]
    }

    #[test]
    fn a_page_may_be_framed_by_its_audience_alone() {
        let problem = Problem::new(401, Code::SessionEnded, "the session has ended");
        let answer = refusal(&problem, &audience());
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';"));
        assert!(
            policy.ends_with("frame-ancestors 'self' https://portal.example https://b.example")
        );
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("data-code=\"session_ended\""));
        assert!(
            answer
                .body
                .contains("data-origins=\"https://portal.example https://b.example\"")
        );
        let nobody = refusal(&problem, &[]);
        assert!(header(&nobody, "content-security-policy").ends_with("frame-ancestors 'self'"));
    }

    #[test]
    fn only_a_page_about_cookies_offers_a_tab() {
        for (code, offers) in [(Code::CookiesBlocked, true), (Code::TokenUsed, false)] {
            let body = refusal(&Problem::new(403, code, "x"), &[]).body;
            assert_eq!(body.contains("id=\"open-tab\""), offers);
        }
    }
}
