//! Hosts without identity labels.

use super::*;

fn hosts(hosts: &str) -> String {
    format!("Config(identity_labels: false, hosts: [{hosts}])")
}

#[test]
fn series_of_a_host_without_identity_labels_have_its_own_labels_only() {
    let text = hosts(
        r#"Host(name: "a", labels: { "instance": "web:9100", "name": "mine" }, metrics: [Metric(name: "m", labels: { "host": "h" })]),
           Host(name: "b", identity_labels: true, metrics: [Metric(name: "m")])"#,
    );
    let plan = plan_of(&text, &[]).unwrap().plan;
    let labels = |host: usize| plan.hosts[host].labels.iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!((labels(0), labels(1)), (vec!["instance", "name"], vec!["name", "host", "address"]));
    let text = text.replace("identity_labels: false", "identity_labels: true");
    insta::assert_snapshot!(error_of(&text, &[]), @r#"
    test.ron:1:89: label "name" is set by promemu itself; choose another name
    test.ron:1:145: label "host" is set by promemu itself; choose another name
    "#);
}

#[test]
fn equal_series_of_two_hosts_without_identity_labels_are_refused() {
    let one = r#"Host(name: "a", labels: { "x": "1", "y": "2" }, metrics: [Metric(name: "m"), Metric(name: "n", labels: { "z": "3" })])"#;
    let equal = [
        r#"Host(name: "b", labels: { "y": "2", "x": "1" }, metrics: [Metric(name: "m")])"#,
        r#"Host(name: "b", labels: { "x": "1" }, metrics: [Metric(name: "m", labels: { "y": "2" })])"#,
        r#"Host(name: "b", labels: { "x": "1", "y": "2", "w": "" }, metrics: [Metric(name: "n", labels: { "z": "3" })])"#,
    ];
    for other in equal {
        assert!(
            error_of(&hosts(&format!("{one}, {other}")), &[]).contains("both have the series"),
            "{other}"
        );
    }
    insta::assert_snapshot!(error_of(&hosts(&format!("{one}, {}", equal[1])), &[]), @r#"test.ron:1:160: hosts "a" and "b" both have the series m{x="1",y="2"}; without identity labels give them labels that differ"#);
    let different = [
        r#"Host(name: "b", labels: { "x": "1", "y": "2" }, metrics: [Metric(name: "o")])"#,
        r#"Host(name: "b", labels: { "x": "2", "y": "1" }, metrics: [Metric(name: "m")])"#,
        r#"Host(name: "b", job_name: "other", labels: { "x": "1", "y": "2" }, metrics: [Metric(name: "m")])"#,
    ];
    for other in different {
        assert!(plan_of(&hosts(&format!("{one}, {other}")), &[]).is_ok(), "{other}");
    }
}

#[test]
fn a_host_with_identity_labels_can_have_the_series_of_one_without() {
    let with = r#"Host(name: "a", identity_labels: true, host: "h", metrics: [Metric(name: "m")])"#;
    let text = |address: &str| {
        hosts(&format!(
            r#"{with}, Host(name: "b", labels: {{ "name": "a", "host": "h", "address": "{address}" }}, metrics: [Metric(name: "m")])"#
        ))
    };
    let plan = plan_of(&text("other"), &[]).unwrap().plan;
    let address = plan.hosts[0].labels.get("address").unwrap();
    assert!(plan_of(&text(address), &[]).is_err());
}

#[test]
fn pools_of_hosts_without_identity_labels_need_labels_that_differ() {
    let text = |host_labels: &str, id: &str| {
        hosts(&format!(
            r#"Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{{i}}", labels: {{ {host_labels} }}, pools: [Pool(count: 2, labels: {{ "id": "{id}" }}, metrics: [Metric(name: "m")])])"#
        ))
    };
    for same in ["{slot}", "{sequence()}", "{zipf(100, 1)}-{slot}"] {
        assert!(error_of(&text("", same), &[]).contains("may have the same series"), "{same}");
    }
    insta::assert_snapshot!(error_of(&text("", "{slot}"), &[]), @r#"test.ron:1:40: pools of hosts "h-1" and "h-2" may have the same series; without identity labels give them labels that differ, as with {name} or {uuid()}"#);
    for different in ["{name}-{slot}", "{uuid()}", "{i}-{slot}"] {
        assert!(plan_of(&text("", different), &[]).is_ok(), "{different}");
    }
    assert!(plan_of(&text(r#""zone": "z{i}""#, "{slot}"), &[]).is_ok());
}
