use super::*;
use crate::config::{Author, ConfigDirs, ConfigFile};

const SET: &str = r#"Include(metric_sets: { "set": [Metric(name: "x")] })"#;

fn including(name: &str) -> String {
    format!("Config(include: [{name:?}], hosts: [Host(name: \"a\", metric_sets: [\"set\"], metrics: [])])")
}

#[test]
fn a_client_includes_by_name_from_the_configs_folders_and_never_by_a_path() {
    let (configs, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&configs, &elsewhere] {
        std::fs::write(dir.path().join("sets.ron"), SET).unwrap();
    }
    let dirs = ConfigDirs::new(Some(configs.path().to_owned()));
    let path = elsewhere.path().join("sets.ron.ron").display().to_string();
    std::fs::write(&path, SET).unwrap();
    let load = |author: Author, name: &str| {
        let file = ConfigFile::from_text("posted", &including(name)).by(author).within(&dirs);
        file.plan(&LoadOptions::starting_at(START)).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(load(Author::Client, "sets"), Ok(()));
    assert_eq!(load(Author::Operator, &path), Ok(()));
    let below = format!("../{}/sets", elsewhere.path().file_name().unwrap().display());
    for named in [&path, &below, "./sets", "a/../sets", "/dev/zero"] {
        let refused = load(Author::Client, named).unwrap_err();
        assert!(refused.contains("is a path; what a client sends names files"), "{named}: {refused}");
    }
    assert!(load(Author::Client, ".hidden").is_err());
}

#[test]
fn a_file_of_a_parameter_that_a_client_names_is_in_the_configs_folders() {
    bring_plugins();
    let (configs, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let profile = "Profile(programs: [])";
    for dir in [&configs, &elsewhere] {
        std::fs::write(dir.path().join("shop.ron"), profile).unwrap();
    }
    let dirs = ConfigDirs::new(Some(configs.path().to_owned()));
    let text = |profile: &str| {
        format!(
            "Config(args: {{ \"profile\": Arg(default: \"none.ron\") }}, hosts: [Host(name: \"a\", pools: [Pool(name: \"p\", workload: processes(profile: {profile:?}))])])"
        )
    };
    let path = elsewhere.path().join("shop.ron").display().to_string();
    let load = |text: &str, author: Author, argument: Option<&str>| {
        let mut options = LoadOptions { author: Author::Client, ..LoadOptions::starting_at(START) };
        let argument = argument.map(|argument| ("profile".to_owned(), Value::from(argument)));
        options.arguments.extend(argument);
        let file = ConfigFile::from_text("posted", text).by(author).within(&dirs);
        file.plan(&options).map(drop).map_or_else(|error| error.to_string(), |()| String::new())
    };
    let is_refused = |said: String| said.contains("is a path; what a client sends names files");
    assert!(is_refused(load(&text(&path), Author::Client, None)));
    assert!(is_refused(load(&text("{profile}"), Author::Operator, Some(&path))));
    assert!(!is_refused(load(&text("shop.ron"), Author::Client, None)));
    assert!(!is_refused(load(&text(&path), Author::Operator, None)));
    assert!(load(&text("missing.ron"), Author::Client, None).contains("is in none of the configs folders"));
}
