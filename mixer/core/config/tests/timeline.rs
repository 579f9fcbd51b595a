//! Timelines: what is refused, with its place.

use super::*;
use crate::event::{MIXER_SOURCE, PHASE_STARTED};
use crate::fault::Course;
use crate::rng::Seed;
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
    assert_eq!(next_run_edge(&plan, &Course::new(START, Seed::new(1)), START + Span::from_secs(1)), at);
    let edges = run_edges_at(&plan, &Course::new(START, Seed::new(1)), at);
    let edges: Vec<_> = edges.iter().map(|edge| (&*edge.event, edge.subject.as_deref())).collect();
    let expected = [
        ("fault_finished", Some("f")),
        ("phase_finished", Some("a")),
        ("phase_started", Some("b")),
        ("fault_started", Some("g")),
        ("go", None),
    ];
    assert_eq!(edges, expected);
    let ends = run_edges_at(&plan, &Course::new(START, Seed::new(1)), at + Span::from_secs(5));
    let events: Vec<&str> = ends.iter().map(|edge| &*edge.event).collect();
    assert_eq!(events, ["fault_finished", "phase_finished", "turn_finished"]);
}

#[test]
fn a_skip_out_of_the_last_phase_ends_it_but_not_the_turn() {
    let timeline = r#"phases: [Phase(name: "a", lasts: 5), Phase(name: "b", lasts: 5)], repeat: 2"#;
    let plan = plan_of(&text(timeline, ""), &[]).unwrap().plan;
    let secs = |secs: u64| START + Span::from_secs(secs);
    let mut course = Course::new(START, Seed::new(1));
    // From the last phase back to the begin of the turn, and from the first phase to the last one.
    let skips = [(7, 0), (9, 5)];
    for (from, age) in skips {
        assert!(course.skip(secs(from), secs(from - age)));
    }
    let mut told = Vec::new();
    let mut at = START;
    loop {
        at = next_run_edge(&plan, &course, at);
        if at == crate::time::Time::NEVER {
            break;
        }
        let ends = run_edges_at(&plan, &course, at);
        let ends = ends.into_iter().filter(|edge| edge.event.ends_with("_finished"));
        told.extend(ends.map(|edge| (at.since(START).as_secs_f64(), edge.event.to_string())));
    }
    let [phase, turn] = ["phase_finished", "turn_finished"].map(str::to_owned);
    let expected = [(5.0, &phase), (7.0, &phase), (9.0, &phase), (14.0, &phase), (14.0, &turn)];
    let rest = [(19.0, &phase), (24.0, &phase), (24.0, &turn)];
    let expected: Vec<_> = expected.into_iter().chain(rest).map(|(at, event)| (at, event.clone())).collect();
    assert_eq!(told, expected);
}

#[test]
fn jitter_delays_each_begin_by_the_seed_within_its_phase() {
    let timeline = r#"phases: [Phase(name: "a", lasts: 10), Phase(name: "b", lasts: 60)], repeat: 3, faults: [
        Fault(id: "f", during: "b", at: 5, lasts: 4, every: 20, jitter: 10, set: { "load": 2 })]"#;
    let faults = r#"faults: [Fault(id: "g", at: 5, lasts: 4, jitter: "1m", set: { "load": 3 })],"#;
    let plan = plan_of(&text(timeline, faults), &[]).unwrap().plan;
    let begins = |seed: u64, fault: usize| {
        let course = Course::new(START, Seed::new(seed));
        let next = |at: &crate::time::Time| {
            let next = course.next_begin(plan.faults[fault].timed(), *at);
            (next != crate::time::Time::NEVER).then_some(next)
        };
        let begins = std::iter::successors(next(&START), next).map(|at| at.since(START).as_secs_f64());
        begins.collect::<Vec<f64>>()
    };
    let (f, g) = plan.faults.iter().enumerate().fold(
        (0, 0),
        |(f, g), (n, fault)| {
            if &*fault.id == "f" { (n, g) } else { (f, n) }
        },
    );
    let seeded = begins(1, f);
    assert_eq!(seeded.len(), 9, "{seeded:?}");
    for (n, begin) in seeded.iter().enumerate() {
        let planned = f64::from(u32::try_from(n / 3 * 70 + 15 + n % 3 * 20).unwrap());
        assert!((planned..=planned + 10.0).contains(begin), "{n}: {begin} of {planned}");
    }
    let delays: Vec<f64> = seeded.iter().map(|begin| (begin - 15.0) % 70.0 % 20.0).collect();
    assert!(delays.iter().any(|delay| (delay - delays[0]).abs() > 1.0), "each has its own: {delays:?}");
    assert_eq!(begins(1, f), seeded);
    assert_ne!(begins(2, f), seeded);
    assert!((5.0..=65.0).contains(&begins(1, g)[0]) && begins(1, g) != begins(2, g));
    for (wrong, expected) in [
        (("jitter: 10", "jitter: 16"), "lasts and jitter together must be shorter than every"),
        (
            ("every: 20, jitter: 10", "jitter: 55"),
            "the fault begins at 1m of phase \"b\" with its jitter, which lasts 1m",
        ),
        (
            ("every: 20, jitter: 10", "jitter: 53"),
            "the fault ends with its jitter 2s after phase \"b\", which lasts 1m",
        ),
        (("jitter: 10", "jitter: \"inf\""), "jitter must not be endless"),
        (
            ("at: 5, lasts: 4, every: 20, jitter: 10", "on: \"x\", jitter: 3"),
            "a fault takes either on or jitter",
        ),
    ] {
        let timeline = if wrong.0.starts_with("at") {
            timeline.replace("during: \"b\", ", "")
        } else {
            timeline.to_owned()
        };
        let error = said(&timeline.replace(wrong.0, wrong.1), faults);
        assert!(error.contains(expected), "{error}");
    }
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
