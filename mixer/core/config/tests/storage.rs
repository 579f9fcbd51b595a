//! Storage of scripts: a metric's own, and the host's.

use super::*;

/// The problems of a config whose host has a storage with `n`, these fields, and a metric with this script.
fn said(script: &str, fields: &str) -> String {
    let metric = format!("Metric(name: \"a\", scenario: script(source: {script:?}))");
    let text = format!(
        "Config(hosts: [Host(name: \"web-1\", storage: {{ \"n\": 1 }}, metrics: [{metric}], {fields})])"
    );
    plan_of(&text, &[]).map_or_else(|error| error.to_string(), |loaded| loaded.warnings.join("\n"))
}

#[test]
fn storage_that_only_the_host_or_another_metric_sets_is_refused_with_a_hint() {
    for script in ["storage.n += 1; storage.n", "storage.n", "storage.x ?? 0", "storage[\"x\"] + 1"] {
        let said = said(script, "");
        let has_hint = said.contains("the metric never sets storage.") && said.contains("host.storage.");
        assert!(has_hint, "{script}: {said}");
    }
    assert!(said("storage.n = 1; storage.n", "").contains("begins empty; the host's is host.storage.n"));
    for script in [
        "host.storage.n += 1; host.storage.n",
        "storage.k = 1; storage.k",
        "storage[\"k\"] = 1; storage.k",
        "let k = \"k\"; storage[k] = 1; storage.k",
        "host .storage.n + host.len()",
    ] {
        assert_eq!(said(script, ""), "", "{script}");
    }
}

#[test]
fn initial_storage_beyond_what_scripts_may_store_is_refused() {
    let load = |storage: &str| {
        let text = format!(
            "Config(hosts: [Host(name: \"a\", storage: {{ {storage} }}, metrics: [Metric(name: \"x\")])])"
        );
        plan_of(&text, &[]).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let text = |bytes: usize| format!("\"n\": {:?}", "x".repeat(bytes));
    let many = |count: usize| (0..count).map(|i| format!("\"n{i:04}\": 1")).collect::<Vec<_>>().join(", ");
    for storage in [text(65_600), many(1_500)] {
        let error = load(&storage);
        assert!(
            error.contains("the storage of a host takes") && error.contains("more than 65536; store less"),
            "{error}"
        );
    }
    for storage in [text(65_000), many(1_400), String::new()] {
        assert_eq!(load(&storage), "");
    }
}

#[test]
fn storage_is_refused_where_no_metric_has_it() {
    let action = said("1.0", "listen_events: { \"run_started\": when(\"storage.n > 1\", emit(\"a\")) }");
    assert!(action.contains("an action's condition has none; write host.storage"), "{action}");
    let count = said(
        "1.0",
        "pools: [Pool(name: \"p\", count: \"storage.n\", max: 5, labels: { \"p\": \"{slot}\" }, metrics: [Metric(name: \"b\")])]",
    );
    assert!(count.contains("a pool's count has none; write host.storage"), "{count}");
    let field = said("1.0", "ttl: \"{host.storage.n}\"");
    assert!(field.contains("host.storage changes during the run"), "{field}");
}
