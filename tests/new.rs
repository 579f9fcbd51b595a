//! `promemu new`: a config that runs, in the right place, whole or not at all.

use std::path::Path;
use std::process::Output;

use crate::processes::promemu_command;

/// Runs promemu in a folder. Standard input is no terminal, so it asks no questions.
fn run(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    promemu_command(args).current_dir(folder).envs(variables.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Checks a config, and returns its size.
fn check(folder: &Path, config: &str) -> String {
    let output = run(folder, &["check", config], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("warning"), "{}", text(&output.stdout));
    text(&output.stdout)
}

#[test]
fn a_new_config_is_in_the_right_folder_and_its_commands_work() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["new", "shop"], &[]);
    insta::assert_snapshot!(text(&output.stdout), @"
    shop.ron is written: 3 hosts with 3 metrics. Next:

      promemu check shop.ron           # show its size
      promemu run shop.ron --once      # print the first values of all series
      promemu plot shop.ron --for 15m  # draw them, with an incident at minute 5
      promemu run shop.ron --embedded  # serve the metrics for a scrape
    ");
    assert_eq!((output.status.code(), names(dir.path())), (Some(0), vec!["shop.ron".to_owned()]));
    assert!(check(dir.path(), "shop.ron").starts_with("shop.ron: 1 job, 3 hosts, 3 families, "));

    std::fs::create_dir(dir.path().join("configs")).unwrap();
    let output = run(dir.path(), &["new", "shop"], &[]);
    assert!(text(&output.stdout).contains("promemu check shop  "), "{}", text(&output.stdout));
    assert_eq!(names(&dir.path().join("configs")), ["shop.ron"]);
    check(dir.path(), "shop");

    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().display().to_string();
    let output = run(dir.path(), &["new", "till", "--configs-dir", &folder], &[]);
    assert!(text(&output.stdout).starts_with(&format!("{folder}/till.ron is written: ")));
    check(dir.path(), &format!("{folder}/till.ron"));
    assert_eq!(names(&dir.path().join("configs")), ["shop.ron"]);
}

#[test]
fn flags_and_variables_set_the_contents() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["new", "shop", "--hosts", "2", "--metric", "load:gauge", "--metric", "sales_total:counter"];
    let args = [&args[..], &["--job", "till-{started_at}", "--description", "a \"shop\""]].concat();
    assert_eq!(run(dir.path(), &args, &[]).status.code(), Some(0));
    assert!(check(dir.path(), "shop.ron").starts_with("shop.ron: 1 job, 2 hosts, 2 families, 4 series"));
    let output = run(dir.path(), &["--config", "shop.ron", "--once"], &[]);
    let once = text(&output.stdout);
    assert!(once.contains("load{name=\"shop-01\"") && once.contains("job=\"till-2"), "{once}");

    let variables = [
        ("PME_NEW_HOSTS", "4"),
        ("PME_NEW_METRIC", "load{zone_of=\"a|b\"}:gauge  wait_seconds:histogram"),
        ("PME_NEW_TTL", "1h"),
        ("PME_NEW_JOB", "till"),
        ("PME_NEW_DESCRIPTION", "from variables"),
        ("PME_NEW_FORCE", "true"),
    ];
    assert_eq!(run(dir.path(), &["new", "shop"], &variables).status.code(), Some(0));
    assert!(check(dir.path(), "shop.ron").starts_with("shop.ron: 1 job, 4 hosts, 2 families, "));
    let written = std::fs::read_to_string(dir.path().join("shop.ron")).unwrap();
    assert!(
        written.contains("default_job_name: \"till\"")
            && written.contains("\"ttl\": Arg(default: \"1h\"")
            && written.contains("[\"a\", \"b\"]")
            && written.contains("\"from variables\"")
    );
    assert_eq!(run(dir.path(), &["new", "shop", "--hosts", "1"], &variables).status.code(), Some(0));
    assert!(check(dir.path(), "shop.ron").contains(" 1 host, "), "a flag overrides its variable");
}

#[test]
fn after_mistakes_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 8] = [
        (&["../shop"], "config name \"../shop\" is not allowed"),
        (&["shop.ron"], "config name \"shop.ron\" is not allowed"),
        (&["shop", "--hosts", "0"], "--hosts or PME_NEW_HOSTS: give a number from 1 on"),
        (&["shop", "--hosts", "4000000000"], "more than 5000000"),
        (&["shop", "--metric", "load"], "--metric or PME_NEW_METRIC: \"load\" is not NAME:TYPE"),
        (&["shop", "--metric", "sales:counter"], "write sales_total:counter"),
        (&["shop", "--metric", "9lives:gauge"], "metric name \"9lives\" is not allowed"),
        (&["shop", "--job", ""], "a job's name must not be empty"),
    ];
    for (args, message) in cases {
        let output = run(dir.path(), &[&["new"], args].concat(), &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(message), "{args:?}: {said}");
    }
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

#[test]
fn an_existing_file_is_replaced_only_with_force() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.ron");
    std::fs::write(&file, "mine").unwrap();
    let output = run(dir.path(), &["new", "shop"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("shop.ron exists; choose another name, or replace it with --force")
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(run(dir.path(), &["new", "shop", "--force"], &[]).status.code(), Some(0));
    check(dir.path(), "shop.ron");
    assert_eq!(names(dir.path()), ["shop.ron"]);
}
