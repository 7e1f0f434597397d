//! What the run is asked to do.

/// The options of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Checks in the day.
    pub checks: u64,
    /// Tokens that are used in the day.
    pub tokens: u64,
    /// Data centres.
    pub data_centres: u64,
    /// What all random numbers follow from.
    pub seed: u64,
    /// Tokens that are revoked in the day.
    pub revocations: u64,
}

/// What `--help` prints.
pub const HELP: &str = "\
Usage: cargo run --release --example scale -- [OPTIONS]

Simulates a day of checks, with the gate's own code in every isolate and a model of KV,
and prints where records came from, what the day costs, and for how long revoked tokens
still worked.

  --checks N         checks in the day (default 1000000000)
  --tokens N         tokens that are used (default 10000000)
  --data-centres N   data centres (default 100)
  --revocations N    tokens that are revoked in the day (default 1000)
  --seed N           another seed, another day (default 1)
  --help             this text";

impl Options {
    /// Reads the arguments; `Ok(None)`: help is asked for.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            checks: 1_000_000_000,
            tokens: 10_000_000,
            data_centres: 100,
            seed: 1,
            revocations: 1_000,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let (place, range) = match name.as_str() {
                "--help" => return Ok(None),
                "--checks" => (&mut options.checks, 1..=MOST),
                "--tokens" => (&mut options.tokens, 1..=MOST),
                "--data-centres" => (&mut options.data_centres, 1..=1_000),
                "--seed" => (&mut options.seed, 0..=u64::MAX),
                "--revocations" => (&mut options.revocations, 1..=100_000),
                _ => return Err(format!("there is no option {name:?}; try --help")),
            };
            let value = arguments.next();
            let number = value.and_then(|text| text.replace('_', "").parse().ok());
            *place = number
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    let (least, most) = range.into_inner();
                    format!("{name} needs a whole number from {least} to {most}")
                })?;
        }
        if options.tokens > options.checks {
            return Err("each of the tokens is used: there must be as many checks".to_owned());
        }
        Ok(Some(options))
    }
}

const MOST: u64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Option<Options>, String> {
        Options::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_number_stands_behind_its_name() {
        let options = parse("--tokens 2_000 --seed 7").unwrap().unwrap();
        assert_eq!((options.tokens, options.seed), (2_000, 7));
        assert_eq!(parse("--seed 7 --help"), Ok(None));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for arguments in [
            "--token 1",
            "--tokens",
            "--tokens x",
            "--data-centres 0",
            "--checks 9",
        ] {
            assert!(parse(arguments).is_err(), "{arguments}");
        }
    }
}
