//! The longest run of a script: the time until its budget ends it, by the kind of its work.
//!
//! `cargo bench --bench scripts` prints the milliseconds of each kind. Docs promise less than about a tenth of a second.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench ends on an error, and prints its figures"
)]

use std::time::Instant;

use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::plan::Plan;
use promemu_core::preview::first_failures;
use promemu_core::time::Time;

const START: Time = Time::from_unix_secs(1_767_600_000);

/// A name, what a script begins with, and what it repeats until its budget ends it.
const KINDS: [(&str, &str, &str); 13] = [
    ("counting", "let n = 0;", "n += 1;"),
    ("mathematics", "let x = 1.5;", "x = sin(exp(ln(sqrt(abs(x) + 1.0))));"),
    ("random numbers", "let x = 0.0;", "x = zipf(1e9, 1.5) + normal(0, 1);"),
    ("comparing long lists", "let a = []; a.pad(1000, 1); let b = a;", "a == b;"),
    ("comparing lists of texts", "let a = []; a.pad(100, \"abcdefghijklmnop\"); let b = a;", "a == b;"),
    (
        "writing into a long text",
        "let s = \"abcdefghijklmnop\"; for i in 0..11 { s += s; }",
        "s[30000] = 'y';",
    ),
    ("joining texts", "let s = \"abcdefghijklmnop\"; for i in 0..11 { s += s; }", "let t = s + \"y\";"),
    (
        "growing a text",
        "let s = \"\"; let n = 0;",
        "n += 1; s += \"abcdefgh\"; if n % 8000 == 0 { s = \"\"; }",
    ),
    (
        "comparing long texts",
        "let s = \"abcdefghijklmnop\"; for i in 0..11 { s += s; } let t = s + \"\";",
        "s == t;",
    ),
    (
        "nested maps",
        "let m = #{}; for i in 0..30 { let k = #{}; for j in 0..30 { k[\"k\" + j] = j; } m[\"m\" + i] = k; }",
        "let c = m;",
    ),
    ("sorting", "let a = []; for i in 0..1000 { a.push((i * 7919) % 1009); }", "let b = a; b.sort();"),
    (
        "reversing and dividing lists",
        "let a = []; a.pad(1000, 1);",
        "a.reverse(); let b = a.extract(0..500);",
    ),
    ("emitting data", "let a = []; a.pad(1000, 1); for i in 0..99 { emit(\"x\", a); } let n = 0;", "n += 1;"),
];

fn plan(script: &str) -> Plan {
    let metric =
        format!("Metric(name: \"m\", update_interval: \"1h\", scenario: script(source: {script:?}))");
    let file =
        ConfigFile::from_text("scripts", &format!("Config(hosts: [Host(name: \"h\", metrics: [{metric}])])"));
    file.plan(&LoadOptions::starting_at(START)).expect("the config is good").plan
}

#[expect(clippy::disallowed_methods, reason = "a bench measures by the machine's clock")]
fn main() {
    for (name, begin, step) in KINDS {
        let plan = plan(&format!("{begin} while true {{ {step} }} value"));
        let mut longest = 0.0_f64;
        for seed in 0..5 {
            let before = Instant::now();
            let failures = first_failures(&plan, seed, START);
            longest = longest.max(before.elapsed().as_secs_f64() * 1e3);
            let is_spent = failures.iter().any(|failure| failure.ends_with("too many operations"));
            assert!(is_spent, "{name} ends otherwise: {failures:?}");
        }
        println!("{name:30} {longest:8.2} ms");
    }
}
