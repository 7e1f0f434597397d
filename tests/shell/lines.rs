//! A verdict as the shell reads its lines: what `readVerdict` of `src/worker/core.js` does.

/// What the lines say.
#[derive(Debug, PartialEq, Eq)]
pub enum Lines {
    Allow(Forwarded),
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    Read(Vec<String>),
    Ask {
        class: String,
        name: String,
        command: String,
        budgets: Vec<(String, String)>,
    },
    Identify(String),
    Report,
    Asset(String),
    Manage,
}

/// How a request is forwarded.
#[derive(Debug, PartialEq, Eq)]
pub struct Forwarded {
    pub url: String,
    pub service: String,
    pub cors: String,
    pub private: bool,
    pub hide_referrer: bool,
    pub rewrites: bool,
    pub remove: Vec<String>,
    pub set: Vec<(String, String)>,
    pub place: Option<String>,
}

impl Forwarded {
    /// The value that a header is set to.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.set.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

pub fn read(text: &str) -> Lines {
    let mut lines = text.split('\n');
    let first = lines.next().unwrap();
    let rest: Vec<_> = lines.map(str::to_owned).collect();
    match first {
        "allow" => Lines::Allow(read_forward(rest)),
        "answer" => {
            let (headers, body) = read_pairs(&rest[1..]);
            Lines::Answer {
                status: rest[0].parse().unwrap(),
                headers,
                body: body.join("\n"),
            }
        }
        "read" => Lines::Read(rest),
        "ask" => Lines::Ask {
            class: rest[0].clone(),
            name: rest[1].clone(),
            command: rest[2].clone(),
            budgets: pairs(&rest[3..]),
        },
        "identify" => Lines::Identify(rest.join("\n")),
        "asset" => Lines::Asset(rest.join("\n")),
        "report" => Lines::Report,
        "manage" => {
            assert!(rest.is_empty());
            Lines::Manage
        }
        other => panic!("no verdict: {other}"),
    }
}

fn read_forward(lines: Vec<String>) -> Forwarded {
    let [url, service, cors, flags, remove] = &lines[..5] else {
        panic!("too few lines: {lines:?}");
    };
    let remove = remove.split_terminator(',').map(str::to_owned).collect();
    let (set, place) = read_pairs(&lines[5..]);
    Forwarded {
        url: url.clone(),
        service: service.clone(),
        cors: cors.clone(),
        private: flags.contains('p'),
        hide_referrer: flags.contains('h'),
        rewrites: flags.contains('r'),
        remove,
        set,
        place: (!place[0].is_empty()).then(|| place.join("\n")),
    }
}

/// The pairs before an empty line, and the lines after it.
fn read_pairs(lines: &[String]) -> (Vec<(String, String)>, &[String]) {
    let ends = lines.iter().step_by(2).position(String::is_empty).unwrap() * 2;
    (pairs(&lines[..ends]), &lines[ends + 1..])
}

fn pairs(lines: &[String]) -> Vec<(String, String)> {
    let pairs = lines.chunks(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}
