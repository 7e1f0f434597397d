//! Every input that `fuzz/corpus` keeps, given to its oracle once more.

use gatepass_oracles::ORACLES;
use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

#[test]
fn nothing_that_was_found_is_found_again() {
    for (name, oracle) in ORACLES {
        let inputs = entries(&corpus().join(name));
        assert!(!inputs.is_empty(), "there is no corpus of {name}");
        for input in inputs {
            println!("{}", input.path().display());
            oracle(&fs::read(input.path()).unwrap());
        }
    }
}

#[test]
fn each_target_has_a_corpus_and_each_corpus_a_target() {
    let oracles: BTreeSet<_> = ORACLES.map(|(name, _)| name.to_owned()).into();
    let corpora: BTreeSet<_> = entries(&corpus()).iter().map(name).collect();
    let targets = entries(&corpus().with_file_name("fuzz_targets"));
    let targets: BTreeSet<_> = targets.iter().map(name).collect();
    assert_eq!(corpora, oracles);
    assert_eq!(targets, oracles);
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("corpus")
}

fn entries(folder: &Path) -> Vec<DirEntry> {
    fs::read_dir(folder).unwrap().map(Result::unwrap).collect()
}

fn name(entry: &DirEntry) -> String {
    let name = entry.file_name().into_string().unwrap();
    name.trim_end_matches(".rs").to_owned()
}
