//! The inputs of the fuzz targets, those found by fuzzing included, on every run of the tests.

use std::path::Path;

use proptest::prelude::*;

#[path = "fuzz/inputs/config.rs"]
mod config;
#[path = "fuzz/inputs/exposition.rs"]
mod exposition;
#[path = "fuzz/inputs/script.rs"]
mod script;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is there");
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
