//! Timelines: what is refused, with its place.

use super::*;
use crate::event::{MIXER_SOURCE, PHASE_STARTED};
use crate::fault::Course;
use crate::timeline::{next_run_edge, run_edges_at};

/// A config with this timeline, and these fields.
fn text(timeline: &str, fields: &str) -> String {
    format!(
        "Config(levers: {{ \"load\": 1 }}, {fields}\ntimeline: Timeline({timeline}),\nhosts: [Host(name: \"web-1\", metrics: [Metric(name: \"m\", scenario: script(source: \"run.load\"))])])"
    )
}

fn said(timeline: &str, fields: &str) -> String {
    plan_of(&text(timeline, fields), &[])
        .map_or_else(|error| error.to_string(), |loaded| loaded.warnings.join("\n"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of wrong timelines")]
fn phases_and_their_faults_are_checked_with_their_places() {
    for (timeline, expected) in [
        ("", "test.ron:2:11: the timeline has no phases; add phases"),
        (
            "phases: [Phase(name: \"a\", lasts: 0)]",
            "test.ron:2:53: a phase must last 1ms or longer, but lasts is 0s",
        ),
        ("phases: [Phase(lasts: 5)]", "test.ron:2:29: Phase needs a field \"name\""),
        ("phases: [Phase(name: \"\", lasts: 5)]", "a phase's name must not be empty"),
        (
            "phases: [Phase(name: \"a\", lasts: 5), Phase(name: \"a\", lasts: 5)]",
            "test.ron:2:69: two phases are called \"a\"",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: \"inf\"), Phase(name: \"b\", lasts: 5)]",
            "a phase without an end must be the last one",
        ),
        ("phases: [Phase(name: \"a\", lasts: \"inf\")], repeat: 2", "repeat needs phases with an end"),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], repeat: 0",
            "repeat must be 1 or more, or forever, but is 0",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5, set: { \"laod\": 1 })]",
            "unknown lever \"laod\"; did you mean \"load\"?",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5, sets: { \"load\": 1 })]",
            "Phase has no field \"sets\"; did you mean \"set\"?",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5, events: [(5, \"go\")])]",
            "the event comes 5s after the begin of phase \"a\", which lasts 5s",
        ),
        ("phases: [Phase(name: \"a\", lasts: 5, events: [\"go\"])]", "an event of a phase is a pair"),
        (
            "phases: [Phase(name: \"a\", lasts: 5, events: [(1, \"run_started\")])]",
            "\"run_started\" is no event of a phase",
        ),
        ("stabilization: 5, testing: 5", "the timeline needs recovery, too"),
        (
            "stabilization: 5, phases: [Phase(name: \"a\", lasts: 5)]",
            "the timeline has phases, and those of the short form",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", during: \"b\", set: { \"load\": 1 })]",
            "unknown phase \"b\"; expected a",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", at: 6, set: { \"load\": 1 })]",
            "test.ron:2:86: the fault begins at 6s of the timeline, which lasts 5s",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5), Phase(name: \"b\", lasts: 9)], faults: [Fault(id: \"f\", during: \"a\", at: 2, lasts: 4, set: { \"load\": 1 })]",
            "the fault ends 1s after phase \"a\", which lasts 5s; shorten lasts, or begin earlier",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", on: \"go\", at: 1, set: { \"load\": 1 })]",
            "test.ron:2:96: a fault takes either on or at; write two faults for both",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", on: [\"go\"], during: \"a\", set: { \"load\": 1 })]",
            "a fault takes either on or during",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", on: \"@web-1\", set: { \"load\": 1 })]",
            "on must name an event",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5, events: [(1, \"deploy\")])], faults: [Fault(id: \"f\", on: \"deplyo\", set: { \"load\": 1 })]",
            "event \"deplyo\" is never emitted; did you mean \"deploy\"?",
        ),
        (
            "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", set: { \"load\": 1 }, truth: Truth(alert: \"A\"))]",
            "Truth has no field \"alert\"; did you mean \"alerts\"?",
        ),
    ] {
        let said = said(timeline, "");
        assert!(said.contains(expected), "{timeline}: {said}");
    }
    let fields = "faults: [Fault(id: \"f\", set: { \"load\": 2 })],";
    let twice =
        "phases: [Phase(name: \"a\", lasts: 5)], faults: [Fault(id: \"f\", at: 1, set: { \"load\": 1 })]";
    assert!(said(twice, fields).contains("two faults are called \"f\""));
    let during = "Config(levers: { \"load\": 1 }, faults: [Fault(id: \"f\", during: \"a\", set: { \"load\": 1 })], hosts: [Host(name: \"w\", metrics: [Metric(name: \"m\")])])";
    assert!(error_of(during, &[]).contains("unknown phase \"a\"; the config has no timeline"));
    assert_eq!(said("phases: [Phase(name: \"a\", lasts: 5)]", ""), "");
}

#[test]
fn phases_take_arguments() {
    let text = text(
        "phases: [Phase(name: \"a\", lasts: \"{quiet}\"), Phase(name: \"b\", lasts: \"{2 * quiet}\")], repeat: \"{n}\"",
        "args: { \"quiet\": Arg(default: \"3m\"), \"n\": Arg(default: 2) },",
    );
    let timeline = plan_of(&text, &[("quiet", "1m")]).unwrap().plan.timeline;
    assert_eq!((timeline.length, timeline.repeat), (Span::from_secs(180), 2));
}

#[test]
fn the_twin_without_faults_has_the_same_phases_and_hosts() {
    let timeline =
        r#"phases: [Phase(name: "a", lasts: 5)], faults: [Fault(id: "f", at: 1, kind: host_down)]"#;
    let text = text(timeline, "faults: [Fault(id: \"g\", set: { \"load\": 2 })],");
    let text = text.replace(
        "Host(",
        "Host(faults: [gap(on: \"go\", lasts: 5)], listen_events: { \"go\": emit(\"went\") }, ",
    );
    let twin = LoadOptions { no_faults: true, ..LoadOptions::starting_at(START) };
    let plan = ConfigFile::from_text("test", &text).plan(&twin).unwrap().plan;
    let whole = plan_of(&text, &[]).unwrap().plan;
    assert_eq!((whole.faults.len(), whole.hosts[0].faults().count()), (2, 2));
    assert_eq!((plan.faults.len(), plan.hosts[0].faults().count()), (0, 0));
    assert_eq!(plan.hosts[0].shape.listeners.len(), 1, "other listeners stay");
    assert_eq!(plan.timeline, whole.timeline);
    assert_eq!(plan.hosts.len(), whole.hosts.len());
    let wrong = text.replace("at: 1", "at: 6");
    assert!(ConfigFile::from_text("test", &wrong).plan(&twin).is_err(), "faults are checked all the same");
}

#[test]
fn edges_come_in_their_order_at_one_moment() {
    let timeline = r#"phases: [Phase(name: "a", lasts: 5), Phase(name: "b", lasts: 5, events: [(0, "go")])], faults: [
        Fault(id: "f", at: 1, lasts: 4, set: { "load": 2 }), Fault(id: "g", during: "b", set: { "load": 3 })]"#;
    let plan = plan_of(&text(timeline, ""), &[]).unwrap().plan;
    let at = START + Span::from_secs(5);
    assert_eq!(next_run_edge(&plan, &Course::new(START), START + Span::from_secs(1)), at);
    let edges = run_edges_at(&plan, &Course::new(START), at);
    let edges: Vec<_> = edges.iter().map(|edge| (&*edge.event, edge.subject.as_deref())).collect();
    let expected = [
        ("fault_finished", Some("f")),
        ("phase_finished", Some("a")),
        ("phase_started", Some("b")),
        ("fault_started", Some("g")),
        ("go", None),
    ];
    assert_eq!(edges, expected);
    let ends = run_edges_at(&plan, &Course::new(START), at + Span::from_secs(5));
    assert_eq!(ends.len(), 2, "an end of a fault and of a phase: {ends:?}");
}

#[test]
fn events_of_phases_are_known() {
    let listening = "listen_events: { \"phase_stated\": emit(\"x\"), \"deplay\": emit(\"y\") }, ";
    let text = text("phases: [Phase(name: \"a\", lasts: 5, events: [(1, \"deploy\")])]", "")
        .replace("Host(", &format!("Host({listening}"));
    let warnings = plan_of(&text, &[]).unwrap().warnings.join("\n");
    assert!(warnings.contains(&format!("did you mean {PHASE_STARTED:?}?")), "{warnings}");
    assert!(warnings.contains("did you mean \"deploy\"?"), "{warnings}");
    let from =
        text.replace("phase_stated", &format!("phase_started@{MIXER_SOURCE}")).replace("deplay", "deploy");
    assert_eq!(plan_of(&from, &[]).unwrap().warnings, Vec::<String>::new());
}
