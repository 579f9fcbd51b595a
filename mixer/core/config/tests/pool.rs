//! Pools in configs.

use super::*;
use crate::plan::{PoolSize, ReusePolicy};

const METRICS: &str = r#"metrics: [Metric(name: "m")]"#;

fn config(pools: &str) -> String {
    format!(
        "Config(args: {{ \"n\": 7 }}, hosts: [Host(name: \"a\", labels: {{ \"zone\": \"z\" }}, metrics: [Metric(name: \"load\", labels: {{ \"id\": \"x\" }})], pools: [\n{pools}\n])])"
    )
}

#[test]
fn pools_are_resolved_with_their_sizes_and_times() {
    let text = config(
        r#"Pool(count: "{n * 2}", lifetime: "5m..10m", labels: { "id": "{uuid()}" }, metrics: [Metric(name: "m"), Metric(name: "h", metric_type: histogram, buckets: [1])]),
           Pool(repeat: Repeat(var: "i", from: 1, to: 2), name: "g-{i}", count: "links.load + n", max: "{n * 10}", replace: same, pause: 5, labels: { "id": "{slot}", "kind": "k{i}" }, metrics: [Metric(name: "m", labels: { "i": "{i}" })])"#,
    );
    let plan = plan_of(&text, &[]).unwrap().plan;
    let shape = &plan.hosts[0].shape;
    let pools = &shape.pools;
    assert_eq!(pools.iter().map(|pools| &*pools.name).collect::<Vec<_>>(), ["m", "g-1", "g-2"]);
    assert_eq!((pools[0].max, &pools[0].count), (14, &PoolSize::All));
    assert_eq!(pools[0].lifetime, (Span::from_secs(300), Span::from_secs(600)));
    assert_eq!((pools[0].reuse, pools[1].reuse), (ReusePolicy::New, ReusePolicy::Same));
    assert!(matches!(&pools[1].count, PoolSize::Formula(condition, _) if condition.links == [0]));
    assert_eq!((shape.series, shape.growth_max(), plan.series_count()), (1 + 14 * 5, 140, 1 + 14 * 5 + 140));
    assert_eq!(plan.job_families(&plan.jobs[0]), 3);
}

#[test]
fn invalid_pools_are_refused() {
    let wrong = [
        "Pool(labels: { \"id\": \"{slot}\" }, ..)",
        "Pool(count: 2, ..)",
        "Pool(count: 2, labels: { \"id\": \"same\" }, ..)",
        "Pool(count: 0, ..)",
        "Pool(count: -1, ..)",
        "Pool(count: \"t\", max: 0, labels: { \"id\": \"{slot}\" }, ..)",
        "Pool(count: 5, max: 4, labels: { \"id\": \"{slot}\" }, ..)",
        "Pool(count: \"t\", labels: { \"id\": \"{slot}\" }, ..)",
        "Pool(count: \"links.laod\", max: 9, labels: { \"id\": \"{slot}\" }, ..)",
        "Pool(count: 6000000, labels: { \"id\": \"{slot}\" }, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slto}\" }, ..)",
        "Pool(count: 2, labels: { \"id\": \"{pick([])}\" }, ..)",
        "Pool(count: 2, labels: { \"zone\": \"{slot}\" }, ..)",
        "Pool(count: 2, labels: { \"name\": \"{slot}\" }, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, metrics: [Metric(name: \"n\", labels: { \"id\": \"1\" })])",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, metrics: [Metric(name: \"load\")])",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, ..), Pool(name: \"b\", count: 2, labels: { \"id\": \"{uuid()}\" }, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, ..), Pool(count: 2, labels: { \"di\": \"{slot}\" }, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" })",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, lifetime: \"5m..inf\", ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, lifetime: 0, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, lifetime: 5, pause: \"inf\", ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, lifetime: 5, replace: smae, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, replace_share: 0.5, ..)",
        "Pool(count: 2, labels: { \"id\": \"{slot}\" }, replace_every: 5, replace_share: 1.5, ..)",
    ];
    let said = wrong.map(|pools| {
        error_of(&config(&pools.replace("..)", &format!("{METRICS})"))), &[]).replace("test.ron:2:", "")
    });
    insta::assert_snapshot!(said.join("\n"), @r#"
    1: Pool needs a field "count": the number of members
    1: Pool needs a label that differs from member to member, as in { "id": "{slot}" } or "{uuid()}"
    1: Pool needs a label that differs from member to member, as in { "id": "{slot}" } or "{uuid()}"
    13: count must be from 1 to 4294967295, but is 0
    13: count must be from 1 to 4294967295, but is -1
    23: max must be from 1 to 4294967295, but is 0
    21: max must not be below count, which is 5
    13: count is a formula, so Pool needs max: the maximum number of members
    13: the host has no metric "laod" to link; did you mean "load"?
    1: the config makes 6000001 series so far, more than 5000000; lower a count, or raise --max-series
    32: unknown name "slto" in an expression; did you mean "slot"?
    32: label "id": pick takes a list that is not empty
    26: label "zone" is one of its host's already; choose another name
    26: label "name" is set by promemu itself; choose another name
    82: label "id" is one of its pool's already; choose another name
    1: metric "load" is elsewhere on the host, too, with labels of the same names; give it a label that tells them apart
    75: metric "m" is elsewhere on the host, too, with labels of the same names; give it a label that tells them apart
    75: two pools of the host are called "m"; give one of them another name
    1: Pool needs metrics
    54: lifetime must be 1ms or longer, and a range must not end in inf, but is 5m..inf
    54: lifetime must be 1ms or longer, and a range must not end in inf, but is 0s
    64: pause must not be endless; for members without a successor write replace: false
    66: unknown replace "smae"; did you mean "same"?
    59: replace_share needs replace_every or replace_on
    77: replace_share must be above 0 and 1 at most, but is 1.5
    "#);
    let late =
        config(&format!("Pool(count: 1, {METRICS})")).replace("pools:", "faults: [late(by: 5)], pools:");
    insta::assert_snapshot!(error_of(&late, &[]), @"test.ron:1:140: late is for hosts without pools; give the pools a host of their own");
}

#[test]
fn the_old_word_slots_is_an_error_that_names_pools() {
    let text = config("Slots(count: 2, labels: { \"id\": \"{slot}\" })");
    insta::assert_snapshot!(error_of(&text.replace("pools:", "slots:"), &[]), @"test.ron:1:131: slots is called pools now; write pools: [Pool(…)]");
    insta::assert_snapshot!(error_of(&text, &[]), @"test.ron:2:1: Slots is called Pool now; write Pool(…)");
}

#[test]
fn fields_without_effect_are_warnings() {
    let pools = r#"Pool(count: 3, pause: "5s", replace: same, labels: { "pod": "{slot}" }, metrics: [Metric(name: "m")])"#;
    insta::assert_snapshot!(plan_of(&config(pools), &[]).unwrap().warnings.join("\n"), @"
    test.ron:2:23: pause does nothing without lifetime
    test.ron:2:38: replace does nothing without lifetime
    ");
}

#[test]
fn pools_of_one_name_may_share_metrics_if_a_label_tells_them_apart() {
    let text = config(&format!(
        "Pool(name: \"a\", count: 2, labels: {{ \"id\": \"{{slot}}\", \"kind\": \"a\" }}, {METRICS}), Pool(name: \"b\", count: 2, labels: {{ \"id\": \"{{slot}}\", \"kind\": \"b\" }}, {METRICS})"
    ));
    assert!(plan_of(&text, &[]).is_ok());
}

#[test]
fn equal_series_of_pools_are_refused_in_any_order() {
    let pools = |name: &str, labels: &str, metric: &str| {
        format!(
            "Pool(name: \"{name}\", count: 2, labels: {{ \"id\": \"{{slot}}\", {labels} }}, metrics: [Metric(name: \"m\", labels: {{ {metric} }})]),"
        )
    };
    let kind = |value: &str| format!("\"kind\": \"{value}\"");
    let drawn = "\"kind\": \"{pick([\\\"a\\\", \\\"b\\\"])}\"";
    let a = [pools("a", &kind("a"), ""), pools("a", "", &kind("a"))];
    let like_a = [pools("b", &kind("a"), ""), pools("b", "", &kind("a")), pools("b", drawn, "")];
    let unlike_a = [pools("b", &kind("b"), ""), pools("b", "", &kind("b")), pools("b", "", "")];
    for a in &a {
        for (others, is_good) in [(&like_a, false), (&unlike_a, true)] {
            for b in others {
                for text in [[a.as_str(), b], [b, a]] {
                    assert_eq!(plan_of(&config(&text.concat()), &[]).is_ok(), is_good, "{text:?}");
                }
            }
        }
    }
}

#[test]
fn hosts_share_the_shape_of_pools_whose_labels_have_their_names() {
    let text = format!(
        "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 3), name: \"h-{{i}}\", pools: [Pool(count: 2, labels: {{ \"id\": \"{{name}}-{{slot}}\" }}, {METRICS})])])"
    );
    let plan = plan_of(&text, &[]).unwrap().plan;
    assert!(std::sync::Arc::ptr_eq(&plan.hosts[0].shape, &plan.hosts[2].shape));
    let other = plan_of(&text.replace("{slot}", "{i}-{slot}"), &[]).unwrap().plan;
    assert!(!std::sync::Arc::ptr_eq(&other.hosts[0].shape, &other.hosts[2].shape));
}
