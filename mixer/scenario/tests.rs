//! Scenarios by their behaviour: what each does, and that none leaves its bounds.

use proptest::prelude::*;

use super::*;
use crate::clock::Span;
use crate::expression::{Expression, Names};
use crate::rng::{Rng, Seed};

const START: Time = Time::from_unix_secs(1_000);

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

fn plan(name: &str, range: Option<(f64, f64)>, given: Vec<(&str, Argument)>) -> ScenarioPlan {
    let mut arguments = Arguments::new(range);
    for (name, argument) in given {
        arguments.set(name, argument);
    }
    (kind(name).build)(&mut arguments).unwrap()
}

/// A metric that is driven by hand.
struct Bench {
    running: Running,
    value: f64,
    rng: Rng,
    effects: Effects,
    storage: Storage,
    at_secs: f64,
}

impl Bench {
    fn new(plan: &ScenarioPlan, value: f64) -> Self {
        let (effects, storage, rng) = (Effects::default(), Storage::default(), Seed::new(7).rng());
        Self { running: plan.start(value), value, rng, effects, storage, at_secs: 0.0 }
    }

    fn update(&mut self, at_secs: f64, event: Option<&str>) -> f64 {
        let now = START + Span::from_secs_f64(at_secs).unwrap();
        let data = serde_json::Value::Null;
        let event = event.map(|name| Event {
            name: name.into(),
            source: "other".into(),
            data,
            time: now,
            sequence: 0,
            hops: 0,
        });
        let mut tick = Tick {
            now,
            t_secs: at_secs,
            dt_secs: at_secs - self.at_secs,
            links: &[],
            storage: &mut self.storage,
            value: self.value,
            source_value: self.value,
            event: event.as_ref(),
            host_name: "own",
            rng: &mut self.rng,
            effects: &mut self.effects,
        };
        if let Some(value) = self.running.update(&mut tick).unwrap() {
            self.value = value;
        }
        self.at_secs = at_secs;
        self.value
    }

    fn run(&mut self, times: impl IntoIterator<Item = f64>) -> Vec<f64> {
        times.into_iter().map(|at| self.update(at, None)).collect()
    }
}

fn every_10_secs(count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(|n| f64::from(n) * 10.0)
}

fn formula(text: &str) -> crate::expression::Formula {
    Expression::compile(text).unwrap().bind(&Names::default(), &mut Vec::new())
}

fn span(secs: u64) -> Argument {
    Argument::Span(Span::from_secs(secs))
}

#[test]
fn do_nothing_keeps_the_value() {
    assert_eq!(Bench::new(&plan("do_nothing", None, vec![]), 4.5).run(every_10_secs(3)), [4.5; 3]);
}

#[test]
fn time_duration_counts_from_its_first_update() {
    assert_eq!(
        Bench::new(&plan("time_duration", None, vec![]), 9.0).run([3.0, 13.0, 23.5]),
        [0.0, 10.0, 20.5]
    );
}

#[test]
fn sine_wave_goes_through_its_quarters() {
    let values = Bench::new(&plan("sine_wave", None, vec![]), 0.0).run([0.0, 75.0, 150.0, 225.0, 300.0]);
    for (value, expected) in values.iter().zip([50.0, 100.0, 50.0, 0.0, 50.0]) {
        assert!((value - expected).abs() < 1e-9, "{values:?}");
    }
}

#[test]
fn update_by_trend_accumulates_or_jitters() {
    let trend = |trend: &str, range| {
        let given =
            vec![("trend", Argument::Text(trend.into())), ("step_range", Argument::Range((1.0, 5.0)))];
        Bench::new(&plan("update_by_trend", Some(range), given), 50.0).run(every_10_secs(5))
    };
    let up = trend("up", (0.0, 1000.0));
    assert!(up.windows(2).all(|w| (1.0..=5.0).contains(&(w[1] - w[0]))), "{up:?}");
    let down = trend("down", (0.0, 1000.0));
    assert!(down.windows(2).all(|w| (1.0..=5.0).contains(&(w[0] - w[1]))), "{down:?}");
    let hold = trend("hold", (0.0, 1000.0));
    assert!(hold.iter().all(|v| (1.0..=5.0).contains(&(v - 50.0).abs())), "{hold:?}");
    assert_eq!(trend("up", (0.0, 51.0)).last(), Some(&51.0), "the sum stays in the range");
}

#[test]
fn variety_selection_starts_at_the_first_and_follows_its_weights() {
    let given = |p: f64| {
        vec![
            ("values", Argument::Numbers(vec![1.0, 2.0, 3.0])),
            ("varieties", Argument::Numbers(vec![1.0, 3.0, 0.0])),
            ("change_probability", Argument::Number(p)),
        ]
    };
    assert_eq!(
        Bench::new(&plan("variety_selection", None, given(0.0)), 9.0).run(every_10_secs(50)),
        [1.0; 50]
    );
    let values = Bench::new(&plan("variety_selection", None, given(1.0)), 9.0).run(every_10_secs(4000));
    assert_eq!(values[0].to_bits(), 1.0f64.to_bits());
    let twos = values.iter().filter(|v| **v > 1.5).count();
    assert!((2850..3150).contains(&twos), "about three of four: {twos}");
    assert!(!values.contains(&3.0), "a weight of 0 is never drawn");
}

#[test]
fn feature_toggle_changes_at_its_times_and_says_so() {
    let given = vec![("start_time", span(60)), ("duration", span(90)), ("interval", span(30))];
    let mut bench = Bench::new(&plan("feature_toggle", None, given), 0.0);
    let mut log = Vec::new();
    let (mut at, mut wake) = (0.0, f64::INFINITY);
    while at < 400.0 {
        let value = bench.update(at, None);
        for emission in bench.effects.emitted.drain(..) {
            log.push(format!("{at}: {} {value}", emission.event));
        }
        wake = bench.effects.wakes.pop().map_or(wake, |wake| wake.since(START).as_secs_f64());
        at = if wake > at { wake.min(at + 25.0) } else { at + 25.0 };
    }
    assert_eq!(
        log,
        [
            "60: feature_on 1",
            "150: feature_off 0",
            "180: feature_on 1",
            "270: feature_off 0",
            "300: feature_on 1",
            "390: feature_off 0"
        ]
    );
}

#[test]
fn feature_toggle_that_slept_through_cycles_is_where_it_should_be() {
    let given = vec![("start_time", span(60)), ("duration", span(90)), ("interval", span(30))];
    let mut bench = Bench::new(&plan("feature_toggle", None, given), 0.0);
    bench.update(0.0, None);
    assert_eq!(bench.run([60.0 + 120.0 * 1e6 + 100.0, 60.0 + 120.0 * 1e6 + 121.0]), [0.0, 1.0]);
}

#[test]
fn feature_toggle_without_an_end_stays_on() {
    let given = vec![("start_time", span(5)), ("duration", Argument::Span(Span::FOREVER))];
    let mut bench = Bench::new(&plan("feature_toggle", None, given), 0.0);
    assert_eq!(bench.run([0.0, 5.0, 6.0, 1e6]), [0.0, 1.0, 1.0, 1.0]);
}

#[test]
fn calc_by_event_changes_only_on_its_events() {
    let formulas = vec![
        (Subscription::parse("up"), formula("value + 1")),
        (Subscription::parse("zero@own"), formula("0")),
    ];
    let mut bench =
        Bench::new(&plan("calc_by_event", None, vec![("events_config", Argument::Formulas(formulas))]), 5.0);
    assert_eq!(bench.update(0.0, None).to_bits(), 5.0f64.to_bits());
    assert_eq!(bench.update(1.0, Some("up")).to_bits(), 6.0f64.to_bits());
    assert_eq!(bench.update(2.0, Some("zero")).to_bits(), 6.0f64.to_bits(), "that was not its own");
    assert_eq!(bench.update(3.0, Some("other")).to_bits(), 6.0f64.to_bits());
}

#[test]
fn relay_calculates_from_its_source() {
    let given = vec![
        ("source_metric_name", Argument::Text("m".into())),
        ("calc_function", Argument::Formula(formula("value * 100 + t"))),
    ];
    let plan = plan("relay_to_other_metric", None, given);
    assert_eq!(plan.source_metric(), Some("m"));
    assert_eq!(Bench::new(&plan, 2.0).run([5.0]), [205.0]);
}

#[test]
fn switching_lasts_for_its_duration_and_starts_from_the_present_value() {
    let walk = |trend: &str| {
        let given =
            vec![("trend", Argument::Text(trend.into())), ("step_range", Argument::Range((10.0, 10.0)))];
        plan("update_by_trend", Some((0.0, 1000.0)), given)
    };
    let case = |event, scenario, duration: Option<u64>| Case {
        subscription: Subscription::parse(event),
        scenario,
        duration: duration.map(Span::from_secs),
        when: None,
    };
    let cases = vec![
        case("peak", Some(walk("up")), None),
        case("end", Some(walk("down")), Some(15)),
        case("calm", None, None),
    ];
    let mut bench = Bench::new(
        &plan("switch_scenario_by_events", None, vec![("events_config", Argument::Cases(cases))]),
        100.0,
    );
    assert_eq!(bench.run([0.0]), [100.0]);
    assert_eq!((bench.update(5.0, Some("peak")), bench.update(10.0, None)), (110.0, 120.0));
    assert_eq!((bench.update(15.0, Some("end")), bench.update(20.0, None)), (110.0, 100.0));
    assert_eq!(bench.effects.wakes, [START + Span::from_secs(30)]);
    assert_eq!(bench.run([30.0, 40.0]), [100.0, 100.0], "back to the default");
    assert_eq!((bench.update(50.0, Some("peak")), bench.update(55.0, Some("calm"))), (110.0, 110.0));
}

#[test]
fn a_load_peak_rises_stays_and_falls() {
    for (name, rise, fall) in
        [("load_peak_cpu", 0.0, 20.0), ("load_peak_memory", 30.0, 35.0), ("load_peak_disk", 60.0, 60.0)]
    {
        let mut bench = Bench::new(&plan(name, Some((0.0, 100.0)), vec![]), 10.0);
        assert!(bench.run(every_10_secs(5)).iter().all(|v| (5.0..=25.0).contains(v)), "{name} idles");
        let first = bench.update(50.0, Some("load_peak_start"));
        assert_eq!(first > 75.0, rise == 0.0, "{name}: {first}");
        let mut last = first;
        for n in 1..=10 {
            last = bench.update(50.0 + rise * f64::from(n) / 10.0, None);
        }
        assert!((75.0..=100.0).contains(&last), "{name} is at its plateau: {last}");
        let end = bench.update(200.0, Some("load_peak_end"));
        assert!(end > 60.0, "{name} has just begun to fall: {end}");
        let half = bench.update(200.0 + fall / 2.0, None);
        assert!(half < end && half > 25.0 * 0.75, "{name}: {half}");
        assert!((5.0..=25.0).contains(&bench.update(200.0 + fall, None)), "{name} idles again");
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let refused = |name: &str, given: Vec<(&str, Argument)>| {
        let mut arguments = Arguments::new(Some((0.0, 1.0)));
        for (name, argument) in given {
            arguments.set(name, argument);
        }
        (kind(name).build)(&mut arguments).unwrap_err()
    };
    let number = Argument::Number;
    assert!(refused("sine_wave", vec![("period", span(0))]).contains("period"));
    assert!(refused("random_walk", vec![("step", number(-1.0))]).contains("step"));
    assert!(refused("feature_toggle", vec![("interval", span(0))]).contains("interval"));
    assert!(refused("variety_selection", vec![("values", Argument::Numbers(vec![]))]).contains("values"));
    let negative = Argument::Range((-1.0, 2.0));
    assert!(refused("update_by_trend", vec![("step_range", negative)]).contains("step_range"));
    assert!(refused("calc_by_event", vec![]).contains("events_config"));
    assert!(refused("switch_scenario_by_events", vec![]).contains("events_config"));
}

/// The section Scenarios of the config reference.
fn reference_page() -> String {
    let mut lines = vec![String::new()];
    for kind in KINDS {
        lines.extend([
            format!("### {}", kind.name),
            String::new(),
            format!("{}.", kind.summary),
            String::new(),
        ]);
        if !kind.params.is_empty() {
            lines.extend(
                ["| parameter | takes | default | meaning |", "| --- | --- | --- | --- |"].map(String::from),
            );
            lines.extend(kind.params.iter().map(|param| {
                let default = if param.default.is_empty() { "must be given" } else { param.default };
                format!("| `{}` | {} | {default} | {} |", param.name, param.kind.describe(), param.help)
            }));
            lines.push(String::new());
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_config_reference_says_what_the_table_of_kinds_says() {
    const HINT: &str = "run it once with PROMEMU_UPDATE_DOCS=1 to write the page anew";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- scenarios: begin -->\n").unwrap();
    let (section, after) = rest.split_once("<!-- scenarios: end -->").unwrap();
    let page = reference_page();
    if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
        let text = format!("{before}<!-- scenarios: begin -->\n{page}<!-- scenarios: end -->{after}");
        std::fs::write(&path, text).unwrap();
    } else {
        assert_eq!(section, page, "{HINT}");
    }
}

#[test]
fn a_running_scenario_is_small() {
    assert!(size_of::<Running>() <= 32, "{} bytes, and there is one per series", size_of::<Running>());
}

proptest! {
    #[test]
    fn values_stay_in_the_range(low in -1e6..1e6f64, width in 0.0..1e6f64, start in 0.0..1.0f64, seed: u64, events in prop::collection::vec(0..3u8, 60)) {
        let range = (low, low + width);
        let slack = width * 1e-9 + low.abs() * 1e-9;
        for name in ["random_in_range", "random_walk", "load_peak_cpu", "load_peak_memory", "load_peak_disk"] {
            let mut bench = Bench::new(&plan(name, Some(range), vec![]), low + width * start);
            bench.rng = Seed::new(seed).rng();
            for (at, event) in every_10_secs(60).zip(&events) {
                let event = [None, Some("load_peak_start"), Some("load_peak_end")][usize::from(*event)];
                let value = bench.update(at, event);
                prop_assert!(value >= range.0 - slack && value <= range.1 + slack, "{name}: {value} in {range:?}");
            }
        }
    }

    #[test]
    fn a_walk_with_huge_steps_is_still_reflected(step in 0.0..1e9f64, bias in -1e9..1e9f64, seed: u64) {
        let given = vec![("step", Argument::Number(step)), ("bias", Argument::Number(bias))];
        let mut bench = Bench::new(&plan("random_walk", Some((-3.0, 5.0)), given), 0.0);
        bench.rng = Seed::new(seed).rng();
        prop_assert!(bench.run(every_10_secs(30)).iter().all(|v| (-3.0..=5.0).contains(v)));
    }

    #[test]
    fn a_sine_stays_within_its_amplitude(period in 1..100_000u64, amplitude in 0.0..1e6f64, offset in -1e6..1e6f64, phase in -10.0..10.0f64) {
        let given = vec![("period", span(period)), ("amplitude", Argument::Number(amplitude)), ("offset", Argument::Number(offset)), ("phase_offset", Argument::Number(phase))];
        let values = Bench::new(&plan("sine_wave", None, given), 0.0).run(every_10_secs(50));
        prop_assert!(values.iter().all(|v| (v - offset).abs() <= amplitude * (1.0 + 1e-9) + 1e-6));
    }
}
