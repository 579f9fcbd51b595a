//! Configs on top of others.

use super::*;

fn names(plan: &Plan) -> Vec<&str> {
    plan.hosts.iter().map(|host| &*host.name).collect()
}

fn metrics(plan: &Plan, host: usize) -> Vec<&str> {
    plan.hosts[host].shape.metrics.iter().map(|metric| &*metric.name).collect()
}

/// The plan of the file `top.ron`, beside these others.
fn on_top(top: &str, others: &[(&str, &str)], arguments: &[(&str, &str)]) -> Result<Plan, String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in others.iter().chain([&("top", top)]) {
        std::fs::write(dir.path().join(format!("{name}.ron")), text).unwrap();
    }
    let file = ConfigFile::read(&dir.path().join("top.ron")).unwrap().within(&ConfigDirs::new(None));
    let loaded = plan_with(&file, arguments).map(|loaded| loaded.plan);
    loaded.map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

#[test]
fn a_config_stands_on_top_of_another_one() {
    let base = r#"Config(
        args: { "size": Arg(default: 2, max: 5), "job": Arg(default: "base") }, default_job_name: "{job}", levers: { "load": 1, "heat": 2 },
        faults: [Fault(id: "old", at: "1m", lasts: "1m", set: { "load": 3 })], include: ["sets"],
        hosts: [Host(repeat: Repeat(var: "i", from: 1, to: "{size}"), name: "h-{i}", metric_sets: ["own", "shared"])],
        metric_sets: { "own": [Metric(name: "m"), Metric(name: "n", default_value: "{extra}")] })"#;
    let sets = r#"Include(metric_sets: { "shared": [Metric(name: "s")], "more": [Metric(name: "t")] })"#;
    let middle =
        r#"Config(extends: "base", args: { "extra": 7, "size": 3 }, levers: { "heat": 9, "cold": 4 })"#;
    let others = [("base", base), ("sets", sets), ("middle", middle)];
    let top = r#"Config(extends: "middle", hosts: [Host(name: "top", job_name: "t", metric_sets: ["more"])], faults: [])"#;
    let plan = on_top(top, &others, &[]).unwrap();
    assert_eq!(names(&plan), ["h-1", "h-2", "h-3", "top"]);
    assert_eq!((metrics(&plan, 0), metrics(&plan, 3)), (vec!["m", "n", "s"], vec!["t"]));
    assert_eq!((&*plan.config, plan.faults.len()), ("top", 0));
    let levers: Vec<(&str, f64)> = plan.levers.iter().map(|lever| (&*lever.name, lever.default)).collect();
    assert_eq!(levers, [("load", 1.0), ("heat", 9.0), ("cold", 4.0)]);
    let plan = on_top(r#"Config(extends: "middle.ron")"#, &others, &[("size", "1"), ("job", "j")]).unwrap();
    assert_eq!((names(&plan), plan.faults.len()), (vec!["h-1"], 1));
    // Bounds of the base hold, and each error is where it is written.
    let error = on_top(r#"Config(extends: "middle")"#, &others, &[("size", "6")]).unwrap_err();
    assert!(error.contains("at most 5"), "{error}");
    let broken = [("base", base.replace("name: \"m\"", "nmae: \"m\"")), ("sets", sets.to_owned())];
    let broken = broken.each_ref().map(|(name, text)| (*name, text.as_str()));
    let error =
        on_top(r#"Config(extends: "base", args: { "extra": 1 }, hsots: [])"#, &broken, &[]).unwrap_err();
    assert!(
        error.contains("base.ron:5:39: ") && error.contains("top.ron:1:47: Config has no field \"hsots\""),
        "{error}"
    );
}

#[test]
fn verdicts_that_several_configs_share_are_in_a_set_of_the_one_that_they_extend() {
    let base = r#"Config(hosts: [Host(name: "h", metrics: [Metric(name: "m")])],
        verdict_sets: { "after": [holds(query: "a"), holds(query: "b")], "before": [holds(query: "c")] },
        verdicts: ["after", holds(query: "only here")])"#;
    let queries = |top: &str| {
        let plan = on_top(top, &[("base", base)], &[])?;
        let queries = plan.verdicts.iter().map(|verdict| match &verdict.verdict {
            Verdict::Holds { query } => query.clone(),
            other => panic!("{other:?}"),
        });
        Ok::<Vec<String>, String>(queries.collect())
    };
    assert_eq!(queries(r#"Config(extends: "base")"#).unwrap(), ["a", "b", "only here"]);
    let own = r#"Config(extends: "base", verdict_sets: { "after": [holds(query: "x")], "new": [holds(query: "y")] },
        verdicts: ["before", holds(query: "own"), "new", "after"])"#;
    assert_eq!(queries(own).unwrap(), ["c", "own", "y", "x"]);
    for (verdicts, said) in [
        (r#"["befor"]"#, "unknown verdict set \"befor\"; did you mean \"before\"?"),
        (r#"["after", "after"]"#, "verdict set \"after\" is there already; name it once"),
        (r#"[], verdict_sets: { "s": holds(query: "q") }"#, "verdict set \"s\" takes a list of verdicts"),
        (r#"[], verdict_sets: { "s": [hold(query: "q")] }"#, "unknown verdict \"hold\""),
        (r#"[], verdict_sets: { "s": ["after"] }"#, "expected a verdict"),
    ] {
        let error = queries(&format!("Config(extends: \"base\", verdicts: {verdicts})")).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_config_extends_one_that_is_there_and_not_itself() {
    let error = |extends: &str, others: &[(&str, &str)]| {
        on_top(&format!("Config(extends: {extends}, hosts: [])"), others, &[]).unwrap_err()
    };
    let not_found = error("\"none\"", &[]);
    assert!(not_found.starts_with("top.ron:1:17: ") && not_found.contains("none"), "{not_found}");
    let around = [("a", "Config(extends: \"b\")"), ("b", "Config(extends: \"a\")")];
    assert!(error("\"a\"", &around).contains("b.ron:1:17: a extends itself"), "{}", error("\"a\"", &around));
    assert!(error("\"a\"", &[("a", "Include()")]).contains("a is Include(…)"));
    // A file of the same name as a built-in config stands on that one.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("incident.ron");
    std::fs::write(&path, r#"Config(extends: "incident", args: { "apis_count": 1 })"#).unwrap();
    let file = ConfigFile::read(&path).unwrap().within(&ConfigDirs::new(None));
    assert_eq!(names(&plan_with(&file, &[]).unwrap().plan), ["incident-control", "api-01", "db-1"]);
}
