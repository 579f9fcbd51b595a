//! Dynamics models from the recording of a known system: fitted, run with a lever, validated, and damaged.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fitting::done;
use crate::processes::{promemu_command, series, value};

const BEGIN: &str = "2026-01-05T00:00:00Z";

/// A level that an action is worth 6 in a step, and 30 in the end; `cycles` are the times at which it is on.
fn system(cycles: usize) -> String {
    let mut faults = String::new();
    let mut at = 60;
    for n in 0..cycles {
        let (on, off) = (25 + n * 37 % 90, 25 + n * 53 % 100);
        writeln!(faults, "Fault(id: \"load {n}\", at: \"{at}s\", lasts: \"{on}s\", set: {{ \"load\": 1 }}),")
            .unwrap();
        at += on + off;
    }
    format!(
        "Config(default_job_name: \"shop\", identity_labels: false, levers: {{ \"load\": 0 }}, faults: [{faults}], hosts: [
            Host(name: \"web\", interval: \"5s\", ttl: inf, labels: {{ \"instance\": \"web:80\" }}, metrics: [
                Metric(name: \"level\", update_interval: \"5s\", decimals: 4, default_value: 50,
                    scenario: script(source: \"10 + 0.8 * value + 6 * run.load + random(-1, 1)\")),
                Metric(name: \"gets_total\", metric_type: counter, update_interval: \"5s\",
                    scenario: script(source: \"round(50 + 40 * run.load + random(-5, 5))\")),
            ])])"
    )
}

/// Exports the system, and records it with its actions.
fn recorded(dir: &Path, cycles: usize) -> String {
    recorded_from(dir, &cycles.to_string(), &system(cycles), BEGIN)
}

fn recorded_from(dir: &Path, name: &str, system: &str, from: &str) -> String {
    let path = |kind: &str| dir.join(format!("{kind}-{name}")).to_str().unwrap().to_owned();
    let [config, data, truth, recording] = ["system", "data", "truth", "recording"].map(path);
    let config = format!("{config}.ron");
    fs::write(&config, system).unwrap();
    let range = ["--seed", "4", "--from", from, "--for", "50m", "--step", "5s", "--format", "blocks"];
    done(&[&["export", &config, "--out", &data, "--truth", &truth], &range[..]].concat());
    done(&["record", "--blocks", &data, "--out", &recording]);
    done(&["record", "action", "--truth-file", &truth, "--out", &recording]);
    recording
}

fn plugins() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("libpromemu_dynamics_plugin.{}", std::env::consts::DLL_EXTENSION);
    let built = std::env::current_exe().unwrap().with_file_name(&name);
    fs::copy(built, folder.path().join(name)).unwrap();
    folder
}

/// The exit code of a command, and what it said.
fn told(args: &[&str]) -> (Option<i32>, String) {
    let output = promemu_command(args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Fits a small model twice, and returns the recording and the file.
fn fitted(dir: &Path) -> [String; 2] {
    let recording = recorded(dir, 20);
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let [numbers, model, page] = ["small.ron", "shop.promemu-model", "fit.html"].map(path);
    fs::write(&numbers, "(members: 1, units: 4, stages: [(horizon: 1, updates: 20)])").unwrap();
    let fit = ["fit", "--dynamics", &recording, "--out", &model, "--hyperparameters", &numbers];
    let said = done(&[&fit[..], &["--html", &page]].concat());
    assert!(said.contains("2 metrics by 1 role") && said.contains("lever load"), "{said}");
    assert!(fs::read_to_string(&page).unwrap().contains("Training"));
    assert!(!Path::new(&format!("{model}.checkpoints")).exists());
    let first = fs::read(&model).unwrap();
    let (code, said) = told(&[&fit[..], &["--force", "--assemble"]].concat());
    assert!(code == Some(2) && said.contains("member 1 of 1 is not trained"), "{said}");
    done(&[&fit[..], &["--force", "--member", "1/1", "--threads", "1"]].concat());
    done(&[&fit[..], &["--force", "--assemble"]].concat());
    assert!(
        first == fs::read(&model).unwrap(),
        "the same bytes by a process of its own, on another number of threads"
    );
    [recording, model]
}

#[test]
fn a_model_of_a_recording_runs_with_a_lever_that_acts_as_its_action_did() {
    let (dir, plugins) = (tempfile::tempdir().unwrap(), plugins());
    let [_, model] = fitted(dir.path());
    let of_plugins = ["--plugins-dir", plugins.path().to_str().unwrap()];
    let range = ["--from", BEGIN, "--for", "10m", "--step", "5s"];
    let exported = |config: &str, args: &[&str]| {
        done(&[&["export", config], args, &of_plugins[..], &range[..]].concat())
    };
    let of_model = format!("model={model}");
    let one = exported("learned", &[&of_model, "--seed", "3"]);
    assert_eq!(series(&one, "level"), series(&exported("learned", &[&of_model, "--seed", "3"]), "level"));
    assert_ne!(series(&one, "level"), series(&exported("learned", &[&of_model, "--seed", "4"]), "level"));
    assert!(
        series(&one, "level").iter().all(|line| line.contains("instance=\"web:80\",job=\"shop\"")),
        "{one}"
    );
    let mean = |page: &str| {
        let values: Vec<f64> = series(page, "level").iter().map(|line| sample(line)).collect();
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
    };
    let own = dir.path().join("own.ron").to_str().unwrap().to_owned();
    let workload = format!("dynamics(model: {model:?}, host: \"web:80\")");
    fs::write(&own, format!("Config(levers: {{ \"lever_load\": 1 }}, hosts: [Host(name: \"web\", interval: \"5s\", ttl: inf, pools: [Pool(workload: {workload}, update_interval: \"5s\")])])")).unwrap();
    let loaded = exported(&own, &["--seed", "3"]);
    assert!(
        (mean(&one) - 50.0).abs() < 4.0 && (mean(&loaded) - 80.0).abs() < 6.0,
        "{} {}",
        mean(&one),
        mean(&loaded)
    );

    let mut damaged = fs::read(&model).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&model, damaged).unwrap();
    // Without a model there is nothing to check, which is no error where all configs are checked.
    let (code, said) = told(&[&["check", "learned"], &of_plugins[..]].concat());
    assert!(code == Some(2) && said.contains("argument \"model\" must be given"), "{said}");
    let (code, said) = told(&[&["check", "--all"], &of_plugins[..]].concat());
    assert!(code == Some(0), "{said}");

    let (code, said) = told(&[&["check", "learned", &of_model], &of_plugins[..]].concat());
    assert!(code == Some(2) && said.contains("is damaged: its content does not have the checksum"), "{said}");
}

#[test]
fn a_validation_scores_forecasts_and_measures_the_effect_of_an_action() {
    let dir = tempfile::tempdir().unwrap();
    let [recording, model] = fitted(dir.path());
    let report = dir.path().join("report.json").to_str().unwrap().to_owned();
    done(&["validate", &model, &recording, "--json", &report]);
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    let error = |predictor: &str| {
        let is_of = |score: &&Value| {
            score["predictor"] == predictor && score["metric"].is_null() && score["horizon"] == 15
        };
        report["roles"][0].as_array().unwrap().iter().find(is_of).unwrap()["nrmse"].as_f64().unwrap()
    };
    assert!(error("model") < 0.6 * error("persistence"), "{report}");
    assert!(error("model, actions of another time") > 1.5 * error("model"), "{report}");
    let effects = report["effects"].as_array().unwrap();
    let level = effects.iter().find(|effect| effect["metric"] == "level").unwrap();
    let after_15 = level["responses"][2]["mean"].as_f64().unwrap();
    assert!((after_15 - 29.0).abs() < 3.0, "{level}");
    // A new level follows from the old one and the action, which the rate of gets follows, too.
    let inputs = report["importance"].as_array().unwrap();
    let action = inputs.iter().find(|own| own["input"].as_str().unwrap().starts_with("action lever load"));
    let action = action.unwrap_or_else(|| panic!("{report}"));
    let figure = |name: &str| action[name].as_f64().unwrap();
    assert!(figure("error_without") > 1.5 * figure("error"), "{report}");
    fs::write(&model, b"no model").unwrap();
    let (code, said) = told(&["validate", &model, &recording]);
    assert!(code == Some(2) && said.contains("is no file of promemu"), "{said}");
}

/// The value of a sample of an export, before its time.
fn sample(line: &str) -> f64 {
    value(line.rsplit_once(' ').unwrap().0)
}

#[test]
fn an_action_that_changes_too_seldom_and_flags_of_configs_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let recording = recorded(dir.path(), 2);
    let model = dir.path().join("shop.promemu-model");
    let model = model.to_str().unwrap();
    let (code, said) = told(&["fit", "--dynamics", &recording, "--out", model]);
    assert!(
        code == Some(2)
            && said.contains("lever load is left out: it changes 4 times, and 8 are needed; record 2 more"),
        "{said}"
    );
    let (code, said) = told(&["fit", "--dynamics", &recording, "--out", "shop.ron"]);
    assert!(code == Some(2) && said.contains("shop.ron must end with .promemu-model"), "{said}");
    let (code, said) = told(&["validate", model, &recording, "--promql"]);
    assert!(code == Some(2) && said.contains("--promql is for configs"), "{said}");
}

#[test]
fn a_model_in_a_folder_learns_from_a_later_recording_and_can_be_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let [_, model] = fitted(dir.path());
    let later = system(20).replace("10 + 0.8", "12 + 0.8");
    let later = recorded_from(dir.path(), "later", &later, "2026-01-06T00:00:00Z");
    let folder = dir.path().join("models").to_str().unwrap().to_owned();
    let said = done(&["models", "add", &folder, &model]);
    assert!(said.contains("version 1 is added, and current"), "{said}");
    let learned = done(&["models", "learn", &folder, &later, "--json", "-"]);
    let learned: Value = serde_json::from_str(&learned).unwrap();
    assert_eq!((&learned["from_version"], &learned["version"]), (&1.into(), &2.into()), "{learned}");
    let error = |of: &str| learned["last_errors"][of].as_f64().unwrap();
    assert!(error("model") < 0.7 * error("first"), "{learned}");
    let changes = learned["events"].as_array().unwrap();
    assert!(changes.iter().any(|event| event["change"] == "promoted"), "{learned}");

    let said = done(&["models", "compare", &folder, "--recording", &later]);
    let at_15 = |version: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(version)).unwrap();
        line.split_whitespace().last().unwrap().parse::<f64>().unwrap()
    };
    assert!(at_15("2") < 0.8 * at_15("1"), "{said}");

    let said = done(&["models", "rollback", &folder]);
    assert!(said.contains("version 1 is current again"), "{said}");
    let current = Path::new(&folder).join("current.promemu-model");
    assert_eq!(fs::read(&current).unwrap(), fs::read(&model).unwrap());
    assert!(told(&["models", "rollback", &folder]).1.contains("had no other current model before"));
    done(&["models", "promote", &folder, "2"]);
    let said = done(&["models", "list", &folder]);
    assert!(said.lines().any(|line| line.starts_with("* 2") && line.contains("(promoted)")), "{said}");
    // Rows that it has learned from are not learned again.
    let again = done(&["models", "learn", &folder, &later]);
    assert!(again.contains("0 rows learned") && again.contains("version 2 stays"), "{again}");
    assert!(told(&["models", "promote", &folder, "7"]).1.contains("version 7 cannot be read"));
    assert!(told(&["models", "list", &model]).1.contains("promemu models add makes one"));
}
