//! The behaviour of each scenario, and the bounds that none leaves.

use proptest::prelude::*;

use super::*;
use crate::event::{Event, Subscription};
use crate::expression::{Expression, Names, Storage};
use crate::rng::{Rng, Seed};
use crate::time::{Span, Time};

const START: Time = Time::from_unix_secs(1_000);

fn kind(name: &str) -> &'static AnyKind {
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

fn plan(name: &str, range: Option<(f64, f64)>, params: Vec<(&str, Argument)>) -> ScenarioPlan {
    let mut arguments =
        Arguments::new(MetricContext { range, shows_value: true, ..MetricContext::default() });
    for (name, argument) in params {
        arguments.set(name, argument);
    }
    (kind(name).build)(&mut arguments).unwrap()
}

/// One metric whose updates a test makes.
struct Bench {
    plan: ScenarioPlan,
    running: RunningScenario,
    value: f64,
    rng: Rng,
    effects: SideEffects,
    storage: Storage,
    at_secs: f64,
}

impl Bench {
    fn new(plan: &ScenarioPlan, value: f64) -> Self {
        let (effects, storage, rng) = (SideEffects::default(), Storage::default(), Seed::new(7).rng());
        Self { plan: plan.clone(), running: plan.start(value), value, rng, effects, storage, at_secs: 0.0 }
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
        let mut context = UpdateContext {
            now,
            t_secs: at_secs,
            dt_secs: at_secs - self.at_secs,
            links: &[],
            levers: &[],
            lever_times: None,
            metric: 0,
            storage: &mut self.storage,
            value: self.value,
            source_value: self.value,
            event: event.as_ref(),
            host_name: "own",
            rng: &mut self.rng,
            effects: &mut self.effects,
        };
        if let Some(value) = self.plan.update(&mut self.running, &mut context).unwrap() {
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
    Expression::compile(text).unwrap().bind(&Names::default(), &mut indexmap::IndexSet::new())
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
        let params =
            vec![("trend", Argument::Text(trend.into())), ("step_range", Argument::Range((1.0, 5.0)))];
        Bench::new(&plan("update_by_trend", Some(range), params), 50.0).run(every_10_secs(5))
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
    let params = |p: f64| {
        vec![
            ("values", Argument::Numbers(vec![1.0, 2.0, 3.0])),
            ("varieties", Argument::Numbers(vec![1.0, 3.0, 0.0])),
            ("change_probability", Argument::Number(p)),
        ]
    };
    assert_eq!(
        Bench::new(&plan("variety_selection", None, params(0.0)), 9.0).run(every_10_secs(50)),
        [1.0; 50]
    );
    let values = Bench::new(&plan("variety_selection", None, params(1.0)), 9.0).run(every_10_secs(4000));
    assert_eq!(values[0].to_bits(), 1.0f64.to_bits());
    let twos = values.iter().filter(|v| **v > 1.5).count();
    assert!((2850..3150).contains(&twos), "about three of four: {twos}");
    assert!(!values.contains(&3.0), "a weight of 0 is never drawn");
}

#[test]
fn feature_toggle_changes_on_time_and_emits_an_event() {
    let params = vec![("start_time", span(60)), ("duration", span(90)), ("interval", span(30))];
    let mut bench = Bench::new(&plan("feature_toggle", None, params), 0.0);
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
fn feature_toggle_has_the_right_state_after_cycles_without_an_update() {
    let params = vec![("start_time", span(60)), ("duration", span(90)), ("interval", span(30))];
    let mut bench = Bench::new(&plan("feature_toggle", None, params), 0.0);
    bench.update(0.0, None);
    assert_eq!(bench.run([60.0 + 120.0 * 1e6 + 100.0, 60.0 + 120.0 * 1e6 + 121.0]), [0.0, 1.0]);
}

#[test]
fn feature_toggle_without_an_end_stays_on() {
    let params = vec![("start_time", span(5)), ("duration", Argument::Span(Span::FOREVER))];
    let mut bench = Bench::new(&plan("feature_toggle", None, params), 0.0);
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
    assert_eq!(bench.update(2.0, Some("zero")).to_bits(), 6.0f64.to_bits(), "the event is not its own");
    assert_eq!(bench.update(3.0, Some("other")).to_bits(), 6.0f64.to_bits());
}

#[test]
fn relay_calculates_from_its_source() {
    let params = vec![
        ("source_metric_name", Argument::Text("m".into())),
        ("calc_function", Argument::Formula(formula("value * 100 + t"))),
    ];
    let plan = plan("relay_to_other_metric", None, params);
    assert_eq!(plan.source_metric(), Some("m"));
    assert_eq!(Bench::new(&plan, 2.0).run([5.0]), [205.0]);
}

#[test]
fn switching_lasts_for_its_duration_and_starts_from_the_present_value() {
    let walk = |trend: &str| {
        let params =
            vec![("trend", Argument::Text(trend.into())), ("step_range", Argument::Range((10.0, 10.0)))];
        plan("update_by_trend", Some((0.0, 1000.0)), params)
    };
    let case = |event, scenario, duration: Option<u64>| Case {
        subscription: Subscription::parse(event),
        scenario,
        duration: duration.map(Span::from_secs),
        when: None,
    };
    let cases = vec![
        case("peak", Some(walk("up").into()), None),
        case("end", Some(walk("down").into()), Some(15)),
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
    assert_eq!((bench.update(50.0, Some("peak")), bench.update(55.0, Some("calm"))), (110.0, 100.0));
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

fn constant(value: f64) -> ScenarioPlan {
    plan("random_in_range", None, vec![("value_range", Argument::Range((value, value)))])
}

#[test]
fn brownian_noise_has_the_variance_of_its_formula_at_any_step() {
    let params = || {
        let numbers = [("base", 50.0), ("volatility", 2.0), ("reversion", 0.1)];
        numbers.map(|(name, number)| (name, Argument::Number(number))).to_vec()
    };
    for step_secs in [1.0, 10.0] {
        let mut bench = Bench::new(&plan("brownian", None, params()), 0.0);
        assert_eq!(bench.update(0.0, None).to_bits(), 50.0f64.to_bits(), "it begins at its base");
        let values = bench.run((1..20_000).map(|n| f64::from(n) * step_secs));
        let mean = values.iter().sum::<f64>() / 19_999.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 19_999.0;
        // volatility² / (2 · reversion)
        assert!(
            (mean - 50.0).abs() < 0.5 && (variance - 20.0).abs() < 2.0,
            "{step_secs} s: {mean} {variance}"
        );
    }
}

#[test]
fn brownian_noise_may_begin_at_the_value_that_is_there() {
    let number = |name, number| (name, Argument::Number(number));
    let params =
        vec![number("base", 50.0), number("volatility", 0.0), ("start", Argument::Text("value".into()))];
    let mut bench = Bench::new(&plan("brownian", None, params), 90.0);
    let half_secs = std::f64::consts::LN_2 / 0.01;
    assert!((bench.update(half_secs, None) - 70.0).abs() < 1e-9);
}

#[test]
fn a_cycle_goes_through_its_values_and_comes_back() {
    let values = vec![0.0, 10.0, 4.0, 4.0];
    let params = vec![("period", span(40)), ("values", Argument::Numbers(values))];
    let mut bench = Bench::new(&plan("cycle", None, params), 0.0);
    let found = bench.run([0.0, 5.0, 10.0, 20.0, 25.0, 35.0, 40.0, 4_005.0]);
    assert_eq!(found, [0.0, 5.0, 10.0, 4.0, 4.0, 2.0, 0.0, 5.0]);
}

#[test]
fn empirical_values_have_their_quantiles_and_their_correlation() {
    let quantiles = [0.0, 1.0, 2.0, 4.0, 20.0];
    for correlation in [0.0, 0.9, -0.5] {
        let params = vec![
            ("quantiles", Argument::Numbers(quantiles.to_vec())),
            ("correlation", Argument::Number(correlation)),
        ];
        let values = Bench::new(&plan("empirical", None, params), 0.0).run(every_10_secs(50_000));
        let share =
            |bound: f64| values.iter().map(|v| f64::from(u8::from(*v <= bound))).sum::<f64>() / 50_000.0;
        for (quantile, expected) in quantiles.iter().zip([0.0, 0.25, 0.5, 0.75, 1.0]) {
            assert!((share(*quantile) - expected).abs() < 0.025, "{correlation}: {quantile}");
        }
        let signs = values.iter().map(|v| f64::from(u8::from(*v > 2.0)) - 0.5).collect::<Vec<_>>();
        let found = signs.windows(2).map(|pair| pair[0] * pair[1] * 4.0).sum::<f64>() / 49_999.0;
        // The correlation of the signs of normal numbers.
        let expected = correlation.asin() * std::f64::consts::FRAC_2_PI;
        assert!((found - expected).abs() < 0.03, "{correlation}: {found}");
    }
}

#[test]
fn poisson_counts_have_their_rate_as_mean_and_variance_and_its_probabilities() {
    for rate in [0.0, 0.01, 0.7, 9.9, 10.0, 45.0, 1e6] {
        let params = vec![("rate", Argument::Number(rate))];
        let values = Bench::new(&plan("poisson", None, params), 0.0).run(every_10_secs(40_000));
        let mean = values.iter().sum::<f64>() / 40_000.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 40_000.0;
        assert!((mean - rate).abs() <= 5.0 * (rate / 40_000.0).sqrt(), "{rate}: {mean}");
        let error = rate * ((2.0 + 1.0 / rate.max(1e-9)) / 40_000.0).sqrt();
        assert!((variance - rate).abs() <= 5.0 * error, "{rate}: {variance}");
        assert!(values.iter().all(|v| *v >= 0.0 && v.fract() == 0.0), "{rate}: counts are whole");
        let k = rate.floor();
        let likely = (k * rate.max(1e-9).ln() - rate - libm::lgamma(k + 1.0)).exp();
        let is_k = |v: &f64| f64::from(u8::from(v.to_bits() == k.to_bits()));
        let found = values.iter().map(is_k).sum::<f64>() / 40_000.0;
        assert!(
            (found - likely).abs() <= 5.0 * (likely / 40_000.0).sqrt() + 1e-9,
            "{rate}: {found} {likely}"
        );
    }
}

#[test]
fn seasonal_follows_hours_and_weekdays_of_its_zone() {
    let mut hours = vec![1.0; 24];
    (hours[9], hours[10]) = (3.0, 5.0);
    let weekdays = vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5];
    let season = |zone: &str| {
        let params = vec![
            ("hours", Argument::Numbers(hours.clone())),
            ("weekdays", Argument::Numbers(weekdays.clone())),
            ("time_zone", Argument::Text(zone.into())),
            ("base", Argument::Number(10.0)),
        ];
        Bench::new(&plan("seasonal", None, params), 0.0)
    };
    // Monday 5 January 2026 at 9:00 in UTC, counted from the start at 1000 s.
    let monday_nine = 1_767_603_600.0 - 1_000.0;
    assert_eq!(
        season("UTC").run([monday_nine, monday_nine + 1800.0, monday_nine + 3600.0]),
        [30.0, 40.0, 50.0]
    );
    assert_eq!(season("UTC").run([monday_nine - 2.0 * 86_400.0]), [15.0], "a Saturday");
    assert_eq!(season("Europe/Berlin").run([monday_nine]), [50.0], "an hour later there");
}

#[test]
fn a_burst_comes_at_the_end_of_every_interval_and_asks_for_updates() {
    let params = vec![("interval", span(60)), ("duration", span(5)), ("intensity", Argument::Number(9.0))];
    let mut bench = Bench::new(&plan("burst", None, params), 0.0);
    assert_eq!(bench.run([0.0, 54.9, 55.0, 59.0, 60.0, 115.0]), [1.0, 1.0, 9.0, 9.0, 1.0, 9.0]);
    let wakes: Vec<f64> = bench.effects.wakes.iter().map(|wake| wake.since(START).as_secs_f64()).collect();
    assert_eq!(wakes, [55.0, 55.0, 60.0, 60.0, 115.0, 120.0]);
}

#[test]
fn scenarios_are_added_multiplied_clamped_and_delayed() {
    let parts =
        |values: &[f64]| Argument::Scenarios(values.iter().map(|value| constant(*value).into()).collect());
    let run = |name: &str, params| Bench::new(&plan(name, None, params), 1.0).run(every_10_secs(4));
    assert_eq!(run("sum", vec![("of", parts(&[2.0, 3.0, 4.0]))]), [9.0; 4]);
    assert_eq!(run("product", vec![("of", parts(&[2.0, 3.0, 4.0]))]), [24.0; 4]);
    let range = ("range", Argument::Range((0.0, 5.0)));
    assert_eq!(run("clamp", vec![("of", Argument::Scenario(constant(7.0).into())), range]), [5.0; 4]);
    let seconds = Argument::Scenario(plan("time_duration", None, vec![]).into());
    assert_eq!(run("delay", vec![("of", seconds), ("by", span(15))]), [1.0, 1.0, 0.0, 10.0]);
}

#[test]
fn parts_of_a_composition_have_values_of_their_own_and_listen_to_events() {
    let peak = plan("load_peak_cpu", Some((0.0, 100.0)), vec![]);
    let steps = vec![("trend", Argument::Text("up".into())), ("step_range", Argument::Range((1.0, 1.0)))];
    let climb = plan("update_by_trend", None, steps);
    let sum = plan(
        "sum",
        None,
        vec![("of", Argument::Scenarios([constant(1000.0), climb, peak].map(Into::into).into()))],
    );
    assert_eq!(sum.subscriptions().len(), 2);
    let mut bench = Bench::new(&sum, 0.0);
    let idle = bench.update(0.0, None);
    assert!((1006.0..=1026.0).contains(&idle), "{idle}");
    let peak = bench.update(10.0, Some("load_peak_start"));
    assert!((1077.0..=1102.0).contains(&peak), "{peak}");
}

#[test]
fn a_case_counts_only_when_its_condition_holds() {
    let case = Case {
        subscription: Subscription::parse("peak"),
        scenario: Some(constant(9.0).into()),
        duration: None,
        when: Some(formula("t > 5")),
    };
    let plan = plan("switch_scenario_by_events", None, vec![("events_config", Argument::Cases(vec![case]))]);
    let mut bench = Bench::new(&plan, 1.0);
    let values = (bench.update(3.0, Some("peak")), bench.update(6.0, Some("peak")), bench.update(9.0, None));
    assert_eq!(values, (1.0, 9.0, 9.0));
}

#[test]
fn a_script_runs_with_every_update_and_may_emit() {
    let source = "if event.name == \"boost\" { emit(\"boosted\", dt); value * 2 } else { () }";
    let formula = Expression::compile_script(source)
        .unwrap()
        .bind_script(&Names::default(), &mut indexmap::IndexSet::new());
    let script = Script { formula, emits: vec![Some("boosted".into())] };
    let plan = plan("script", None, vec![("source", Argument::Script(script))]);
    assert_eq!(plan.emits(), [EventDecl { event: Some("boosted".into()), source: None }]);
    let mut bench = Bench::new(&plan, 4.0);
    assert_eq!((bench.update(5.0, None), bench.update(15.0, Some("boost"))), (4.0, 8.0));
    let emitted = EmittedEvent { event: "boosted".into(), source: None, data: 10.0.into() };
    assert_eq!(bench.effects.emitted, [emitted]);
}

#[test]
fn invalid_parameters_are_refused() {
    let refused = |name: &str, params: Vec<(&str, Argument)>| {
        let mut arguments =
            Arguments::new(MetricContext { range: Some((0.0, 1.0)), ..MetricContext::default() });
        for (name, argument) in params {
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
    assert!(refused("brownian", vec![("reversion", number(-1.0))]).contains("reversion"));
    assert!(refused("poisson", vec![("rate", number(-1.0))]).contains("from 0 to 1e15, but is -1"));
    let numbers = |numbers: &[f64]| Argument::Numbers(numbers.to_vec());
    assert!(refused("cycle", vec![("values", numbers(&[1.0]))]).contains("at least 2 numbers"));
    assert!(refused("cycle", vec![("period", span(0))]).contains("period"));
    assert!(refused("empirical", vec![("quantiles", numbers(&[1.0]))]).contains("at least 2 numbers"));
    assert!(refused("empirical", vec![("quantiles", numbers(&[2.0, 1.0]))]).contains("2 comes before 1"));
    let params = vec![("quantiles", numbers(&[1.0, 2.0])), ("correlation", number(1.5))];
    assert!(refused("empirical", params).contains("from -1 to 1"));
    assert!(refused("burst", vec![("duration", span(0))]).contains("duration"));
    assert!(refused("sum", vec![("of", Argument::Scenarios(vec![]))]).contains("of"));
    assert!(
        refused("delay", vec![("of", Argument::Scenario(constant(1.0).into())), ("by", span(0))])
            .contains("by")
    );
    assert!(refused("calc_by_event", vec![]).contains("events_config"));
    assert!(refused("switch_scenario_by_events", vec![]).contains("events_config"));
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The generated part of the page on scenarios.
fn reference_page() -> String {
    let mut lines = vec![String::new()];
    for kind in KINDS {
        lines.extend([
            format!("## {}", kind.name),
            String::new(),
            format!("{}.", capitalised(kind.summary)),
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
fn the_reference_of_scenarios_equals_the_table_of_kinds() {
    const HINT: &str = "run it once with PROMEMU_UPDATE_DOCS=1 to regenerate the page";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
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
        let params = vec![("step", Argument::Number(step)), ("bias", Argument::Number(bias))];
        let mut bench = Bench::new(&plan("random_walk", Some((-3.0, 5.0)), params), 0.0);
        bench.rng = Seed::new(seed).rng();
        prop_assert!(bench.run(every_10_secs(30)).iter().all(|v| (-3.0..=5.0).contains(v)));
    }

    #[test]
    fn a_sine_stays_within_its_amplitude(period in 1..100_000u64, amplitude in 0.0..1e6f64, offset in -1e6..1e6f64, phase in -10.0..10.0f64) {
        let params = vec![("period", span(period)), ("amplitude", Argument::Number(amplitude)), ("offset", Argument::Number(offset)), ("phase_offset", Argument::Number(phase))];
        let values = Bench::new(&plan("sine_wave", None, params), 0.0).run(every_10_secs(50));
        prop_assert!(values.iter().all(|v| (v - offset).abs() <= amplitude * (1.0 + 1e-9) + 1e-6));
    }
}
