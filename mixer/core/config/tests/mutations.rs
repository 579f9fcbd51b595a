//! Damaged configs: each gives an error or a plan, never a panic, a hang or full memory.

use std::path::PathBuf;

use super::*;
use crate::rng::{Rng, Seed};

/// Loads a text with small limits and renders its errors; `true` if it has none.
fn survives(text: &str) -> bool {
    let options = LoadOptions { series_max: 20_000, ..LoadOptions::starting_at(START) };
    match ConfigFile::from_text("mutated", text).plan(&options) {
        Ok(loaded) => {
            assert!(loaded.plan.series_count() <= options.series_max);
            true
        }
        Err(error) => {
            let said = error.to_string();
            // A damaged config may be valid and still not fit an included file.
            let place = said.strip_prefix("warning: ").unwrap_or(&said);
            let files = ["mutated.ron", "node_sets.ron", "processes_realistic.ron"];
            assert!(files.iter().any(|file| place.starts_with(file)), "{said}");
            assert!(said.len() < 1_000_000, "{} bytes are said", said.len());
            false
        }
    }
}

fn shipped_text(name: &str) -> String {
    bring_plugins();
    shipped::find(name).unwrap().to_owned()
}

/// The nearest character boundary in the text.
fn place(text: &str, rng: &mut Rng) -> usize {
    let at = usize::try_from(rng.below(text.len() as u64)).unwrap();
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap()
}

/// Begin and end of the word, number or quoted text at a place.
fn token_at(text: &str, at: usize) -> (usize, usize) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '.');
    let start = text[..at].rfind(|c| !is_part(c)).map_or(0, |before| before + 1);
    let start = (start..=at).find(|at| text.is_char_boundary(*at)).unwrap();
    let end = text[at..].find(|c| !is_part(c)).map_or(text.len(), |len| at + len);
    (start, end)
}

/// One way of damaging a text, by number.
fn damaged(text: &str, way: usize, rng: &mut Rng) -> String {
    let at = place(text, rng);
    let (start, end) = token_at(text, at);
    let (before, token, after) = (&text[..start], &text[start..end], &text[end..]);
    let other = [
        "\"text\"",
        "5",
        "-1.5e300",
        "NaN",
        "[1, 2]",
        "(0, 1)",
        "true",
        "{ \"a\": 1 }",
        "\"{\"",
        "\"{1 +}\"",
        "\"inf\"",
        "()",
    ];
    match way {
        // A line is dropped, with its field.
        0 => {
            let line = text[..at].rfind('\n').map_or(0, |before| before + 1);
            let end = text[at..].find('\n').map_or(text.len(), |len| at + len);
            format!("{}{}", &text[..line], &text[end..])
        }
        // A value gets another type.
        1 => format!("{before}{}{after}", other[usize::try_from(rng.below(12)).unwrap()]),
        // A name is misspelt.
        2 => format!("{before}{}x{after}", token.get(1..).unwrap_or("")),
        // The file ends early.
        3 => text[..at].to_owned(),
        // A bracket too many, or a quote.
        4 => format!(
            "{}{}{}",
            &text[..at],
            ["(", ")", "[", "]", "{", "}", "\"", ","][usize::try_from(rng.below(8)).unwrap()],
            &text[at..]
        ),
        // Something comes twice.
        5 => format!("{before}{token}{token}{after}"),
        // Deep nesting.
        6 => format!(
            "{before}{}{token}{after}",
            ["[", "(", "{", "sum(of: ["][usize::try_from(rng.below(4)).unwrap()].repeat(10_000)
        ),
        // A long text.
        7 => format!(
            "{before}\"{}\"{after}",
            ["x", "{", "é", "\\n"][usize::try_from(rng.below(4)).unwrap()].repeat(100_000)
        ),
        // A huge number.
        _ => format!("{before}{}{after}", "9".repeat(1 + usize::try_from(rng.below(400)).unwrap())),
    }
}

#[test]
fn hundreds_of_damaged_configs_cause_no_panic() {
    let names: Vec<&str> = shipped::SHIPPED.iter().map(|(name, _)| *name).collect();
    let mut rng = Seed::new(20_261_121).rng();
    let (mut refused, mut count) = (0, 0);
    for round in 0..60 {
        let text = shipped_text(names[round % names.len()]);
        for way in 0..9 {
            count += 1;
            refused += usize::from(!survives(&damaged(&text, way, &mut rng)));
        }
    }
    assert!(count >= 300 && refused > count / 2, "{refused} of {count} were refused");
}

#[test]
fn long_and_undecodable_texts_are_refused() {
    let text = shipped_text("single_host_load");
    let long = "x".repeat(10_000_000);
    for damaged in [
        text.replacen("description: \"", &format!("description: \"{long}"), 1),
        text.replacen("hosts:", &format!("{long}:"), 1),
        format!("// {long}\nConfig(hosts: 5)"),
    ] {
        survives(&damaged);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latin.ron");
    std::fs::write(&path, b"Config(description: \"gr\xfc\xdfe\")").unwrap();
    let error = ConfigFile::read(&path).unwrap_err();
    assert!(error.to_string().contains("check that it is a readable text file"), "{error}");
}

#[test]
fn inputs_found_by_fuzzing_cause_no_panic() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        survives(&String::from_utf8_lossy(&bytes));
        count += 1;
    }
    assert!(count > 0, "the corpus is there");
}
