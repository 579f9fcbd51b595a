//! The inputs of the fuzz targets, those found by fuzzing included, on every run of the tests.

use std::collections::BTreeSet;
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
#[path = "fuzz/inputs/pages.rs"]
mod pages;
#[path = "fuzz/inputs/plugin.rs"]
pub(crate) mod plugin;
#[path = "fuzz/inputs/plugin_table.rs"]
mod plugin_table;
#[path = "fuzz/inputs/script.rs"]
mod script;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 6] = [
    ("config", config::check),
    ("script", script::check),
    ("exposition", exposition::check),
    ("api", api::check),
    ("answers", answers::check),
    ("plugin", plugin::check),
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
fn every_target_has_a_corpus_a_binary_and_a_place_in_the_script() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root.join("tests/fuzz").join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
    let script = std::fs::read_to_string(root.join("manage.sh")).unwrap();
    let (_, list) = script.split_once("targets=(").unwrap();
    let listed = list.split_once(')').unwrap().0.split(' ').map(str::to_owned).collect();
    assert_eq!(targets, listed);
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

#[test]
fn tables_and_calls_of_plugins_are_taken_or_refused() {
    replay("plugin", plugin::check);
}

#[test]
fn the_good_inputs_of_a_plugin_are_taken_and_shown() {
    let input = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/plugin").join(name))
            .unwrap()
    };
    plugin_table::check_table(&input("good-table")).unwrap();
    for name in ["table-bad-utf8", "table-twins", "table-huge-count", "table-odd-array", "table-deep"] {
        plugin_table::check_table(&input(name)).unwrap_err();
    }
    let page = plugin::played_model(&input("good-model")).unwrap();
    for (name, label, value) in [
        ("steps_total", "who=\"bob\"", "7"),
        ("waits_count", "who=\"bob\"", "3"),
        ("mood", "mood=\"good\"", "1"),
        ("people", "name=\"h\"", "1"),
    ] {
        let is_shown = |line: &str| {
            line.starts_with(&format!("{name}{{"))
                && line.contains(label)
                && line.ends_with(&format!(" {value}"))
        };
        assert!(page.lines().any(is_shown), "{name} is not in {page}");
    }
    assert!(
        plugin::played_value(&input("good-value")).unwrap().contains("\nv{"),
        "a scenario plays its lines"
    );
    assert!(
        plugin::played_config(&input("good-config")).unwrap().contains("\nm{"),
        "a config is what it writes"
    );
    let refusal = plugin::played_model(&input("model-refuses")).unwrap_err();
    assert!(refusal.contains("above 0"), "{refusal}");
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
