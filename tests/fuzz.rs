//! The inputs of the fuzz targets, those found by fuzzing included, on every run of the tests.

use std::path::Path;
use std::time::Instant;

use promemu_core::rng::{Rng, Seed};
use proptest::prelude::*;

#[path = "fuzz/inputs/answers.rs"]
mod answers;
#[path = "fuzz/inputs/api.rs"]
mod api;
#[path = "fuzz/inputs/config.rs"]
mod config;
#[path = "fuzz/inputs/exposition.rs"]
mod exposition;
#[path = "fuzz/inputs/script.rs"]
mod script;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 5] = [
    ("config", config::check),
    ("script", script::check),
    ("exposition", exposition::check),
    ("api", api::check),
    ("answers", answers::check),
];

/// The inputs of a target's corpus, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {target} is there");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn replay(target: &str, check: Check) {
    for input in corpus(target) {
        check(&input);
    }
}

/// An input made of two others: bytes are changed, left out, repeated, or come from the other one.
fn damaged(input: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=rng.below(4) {
        let index = |rng: &mut Rng, len: usize| usize::try_from(rng.below(len as u64 + 1)).unwrap();
        let (a, b) = (index(rng, bytes.len()), index(rng, bytes.len()));
        let (from, to) = (a.min(b), a.max(b));
        match rng.below(6) {
            0 => drop(bytes.drain(from..to)),
            1 => bytes.insert(a, u8::try_from(rng.below(256)).unwrap()),
            2 if from < to => bytes[from] ^= 1 << rng.below(8),
            3 if to - from < 4_096 => bytes.splice(to..to, bytes[from..to].to_vec()).for_each(drop),
            4 => {
                let (a, b) = (index(rng, other.len()), index(rng, other.len()));
                bytes.splice(from..from, other[a.min(b)..a.max(b)].iter().copied()).for_each(drop);
            }
            _ => {
                let number = [&b"0"[..], b"-1", b"1e308", b"99999999999999999999", b"inf", b"\0"];
                let chosen = number[index(rng, number.len() - 1)];
                bytes.splice(from..from, chosen.iter().copied()).for_each(drop);
            }
        }
    }
    bytes
}

/// A number of a variable, or the default.
fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Checks damaged inputs of the corpus: a few of each target, or for so many seconds.
#[expect(clippy::disallowed_methods, reason = "a time limit of the machine's clock")]
#[test]
fn damaged_inputs_of_all_targets_are_read_or_refused() {
    let seconds = variable("PROMEMU_FUZZ_SECS", 0);
    let mut rng = Seed::new(variable("PROMEMU_FUZZ_SEED", 1)).rng();
    for (target, check) in TARGETS {
        let corpus = corpus(target);
        let pick = |rng: &mut Rng| &corpus[usize::try_from(rng.below(corpus.len() as u64)).unwrap()];
        let (begin, mut count) = (Instant::now(), 0);
        while count < 20 || begin.elapsed().as_secs() < seconds {
            let input = damaged(pick(&mut rng), pick(&mut rng), &mut rng);
            let is_read = std::panic::catch_unwind(|| check(&input)).is_ok();
            assert!(is_read, "{target} breaks by this input: {:?}", String::from_utf8_lossy(&input));
            count += 1;
        }
        eprintln!("{target}: {count} damaged inputs");
    }
}

#[test]
fn the_loader_survives_its_corpus() {
    replay("config", config::check);
}

#[test]
fn scripts_and_formulas_stay_within_their_budgets() {
    replay("script", script::check);
}

#[test]
fn encoders_write_what_others_read() {
    replay("exposition", exposition::check);
}

#[test]
fn bodies_of_requests_are_read_and_carried_out() {
    replay("api", api::check);
}

#[test]
fn answers_of_servers_mean_no_more_than_the_request_had() {
    replay("answers", answers::check);
}

proptest! {
    #[test]
    fn any_value_with_any_labels_is_read_back(data in proptest::collection::vec(any::<u8>(), 0..64)) {
        exposition::check(&data);
    }

    #[test]
    fn any_text_is_a_script_or_an_error(text in "[a-z0-9 +*/%(){}\\[\\];,.\"=<>!|-]{0,40}") {
        script::check(text.as_bytes());
    }
}
