//! Expressions, formulas and scripts.

use proptest::prelude::*;

use super::*;
use crate::rng::{Rng, Seed};

fn names() -> Names {
    let mut names = Names::default();
    names.set("limit", Value::Int(16));
    names.set("share", Value::Float(0.5));
    names.set("mode", Value::Text("fast".into()));
    names.set_fields("metric", [("high", Value::Int(30))]);
    names.set_range(Some((10.0, 30.0)));
    names
}

/// Evaluates with these numbers; returns the result and the random stream after it.
fn evaluate(formula: &Formula, value: f64, t_secs: f64) -> (Result<f64, String>, Rng) {
    let mut rng = Seed::new(3).rng();
    let mut context = EvalContext {
        value,
        t_secs,
        dt_secs: 2.5,
        now_secs: 1e9,
        event: None,
        links: &[7.25],
        levers: &[],
        metric: Some(0),
        rng: &mut rng,
        storage: &mut Storage::default(),
    };
    (formula.evaluate(&mut context), rng)
}

/// A script is always interpreted.
fn interpreted(expression: &Expression, names: &Names) -> Formula {
    expression.bind_script(names, &mut indexmap::IndexSet::new())
}

#[test]
fn expressions_are_evaluated_with_their_names() {
    let evaluate = |text: &str| Expression::compile(text).unwrap().evaluate(&names());
    assert_eq!(evaluate("limit * 2"), Ok(Value::Int(32)));
    assert_eq!(evaluate("limit * share"), Ok(Value::Float(8.0)));
    assert_eq!(evaluate("if mode == \"fast\" { 1 } else { 2 }"), Ok(Value::Int(1)));
    assert_eq!(evaluate("clamp(limit, 0, 10)"), Ok(Value::Float(10.0)));
    assert_eq!(evaluate("\"w-\" + mode"), Ok(Value::Text("w-fast".into())));
    assert!(evaluate("nobody").unwrap_err().contains("nobody"));
    let error = Expression::compile("\"n\"\0 + 1").unwrap_err();
    assert!(error.message.contains("\\u{0}") && !error.message.contains('\0'), "{}", error.message);
}

#[test]
fn arithmetic_formulas_are_lowered_and_others_interpreted() {
    let bind = |text: &str| Expression::compile(text).unwrap().bind(&names(), &mut indexmap::IndexSet::new());
    for text in [
        "value / limit * 100",
        "-value + t",
        "clamp(value, 0, 100)",
        "min(value, 2) % 3.5",
        "sqrt(value)",
        "links.cpu * dt + noise(2) + metric.high",
        "percent_of_range(value)",
    ] {
        assert!(bind(text).is_lowered(), "{text}");
    }
    for text in ["value * (limit / 3)", "if value > 3 { 1 } else { 0 }", "limit / 3 + value"] {
        assert!(!bind(text).is_lowered(), "{text}");
    }
}

#[test]
fn hostile_expressions_end_with_an_error() {
    for text in [
        "eval(\"1\")",
        "import \"x\" as y; 1",
        "loop { }",
        "fn f(x) { f(x) } f(1)",
        "blob(2000000000)",
        "\"x\".pad(2000000000, \"y\")",
        &"(".repeat(5000),
        &"1+".repeat(5000),
    ] {
        let outcome = Expression::compile(text).map_err(|e| e.message).and_then(|e| e.evaluate(&names()));
        assert!(outcome.is_err(), "{text:.40}: {outcome:?}");
    }
}

fn formula_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("value".to_owned()),
        Just("t".to_owned()),
        Just("share".to_owned()),
        Just("limit".to_owned()),
        Just("dt".to_owned()),
        Just("links.cpu".to_owned()),
        Just("metric.high".to_owned()),
        (0.0..100.0f64).prop_map(|n| format!("{n:?}")),
        (0..50u8).prop_map(|n| n.to_string()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")],
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (prop_oneof![Just("abs"), Just("floor"), Just("sqrt"), Just("sin")], inner.clone())
                .prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("max({a}, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("normal({a}, {b})")),
            inner.clone().prop_map(|a| format!("noise({a})")),
            inner.clone().prop_map(|a| format!("percent_of_range({a})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("clamp({a}, {b}, {c})")),
            inner.prop_map(|a| format!("-({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn lowered_formulas_equal_the_engines(text in formula_text(), value in -1e6..1e6f64, t in 0.0..1e6f64) {
        let names = names();
        let expression = Expression::compile(&text).unwrap();
        let bound = expression.bind(&names, &mut indexmap::IndexSet::new());
        if bound.is_lowered() {
            let (lowered, rng) = evaluate(&bound, value, t);
            let (reference, reference_rng) = evaluate(&interpreted(&expression, &names), value, t);
            prop_assert!(rng == reference_rng, "{text} draws another number of times");
            prop_assert_eq!(lowered.map(f64::to_bits), reference.map(f64::to_bits), "{}", text);
        }
    }
}

#[test]
fn a_script_keeps_state_hears_events_and_emits() {
    let text = r#"
        if event.name == "boost" { storage.factor = event.data.by; emit("boosted", #{ at: t }) }
        let total = 0.0;
        for i in 1..=3 { total += i }
        if total > 5.0 { value * (storage.factor ?? 1.0) } else { () }
    "#;
    let script = Expression::compile_script(text).unwrap();
    assert_eq!(script.names(), ["event", "storage", "t", "value"]);
    assert_eq!(script.emits(), [Some("boosted".to_owned())]);
    let script = script.bind_script(&names(), &mut indexmap::IndexSet::new());
    let (mut storage, mut rng, mut emitted) = (Storage::default(), Seed::new(1).rng(), Vec::new());
    let data = serde_json::json!({ "by": 4 });
    let boost = EventRef { name: "boost", source: "web-1", data: &data };
    for (event, expected) in [(None, 5.0), (Some(boost), 20.0), (None, 20.0)] {
        let (storage, rng) = (&mut storage, &mut rng);
        let mut context = EvalContext {
            value: 5.0,
            t_secs: 9.0,
            dt_secs: 1.0,
            now_secs: 0.0,
            event,
            links: &[],
            levers: &[],
            metric: Some(0),
            rng,
            storage,
        };
        assert_eq!(script.run(&mut context, &mut emitted), Ok(Some(expected)));
    }
    assert_eq!(emitted, [("boosted".into(), serde_json::json!({ "at": 9.0 }))]);
}

#[test]
fn a_failing_script_keeps_its_storage() {
    let script = Expression::compile_script(
        "storage.n = (storage.n ?? 0) + 1; if storage.n > 1 { throw \"enough\" }; storage.n",
    );
    let script = script.unwrap().bind_script(&names(), &mut indexmap::IndexSet::new());
    let (mut storage, mut rng) = (Storage::default(), Seed::new(1).rng());
    let mut run = || {
        let (storage, rng) = (&mut storage, &mut rng);
        let mut context = EvalContext {
            value: 0.0,
            t_secs: 0.0,
            dt_secs: 0.0,
            now_secs: 0.0,
            event: None,
            links: &[],
            levers: &[],
            metric: Some(0),
            rng,
            storage,
        };
        script.run(&mut context, &mut Vec::new())
    };
    assert_eq!(run(), Ok(Some(1.0)));
    assert_eq!(run(), Err("enough".to_owned()));
    assert_eq!(run(), Err("enough".to_owned()));
}

#[test]
fn the_storage_of_a_host_is_bounded_in_bytes_and_a_write_beyond_fails_and_is_undone() {
    let (mut storage, mut rng) = (Storage::new([("list", Value::Int(0))]), Seed::new(1).rng());
    let mut run = |metric: usize, formula: &Formula| {
        let (storage, rng, metric) = (&mut storage, &mut rng, Some(metric));
        let (event, links, levers, value) = (None, &[][..], &[][..], 0.0);
        let (t_secs, dt_secs, now_secs) = (0.0, 0.0, 0.0);
        let mut context =
            EvalContext { value, t_secs, dt_secs, now_secs, event, links, levers, metric, rng, storage };
        formula.run(&mut context, &mut Vec::new())
    };
    let script = |text: &str| interpreted(&Expression::compile_script(text).unwrap(), &names());
    let formula =
        |text: &str| Expression::compile(text).unwrap().bind(&names(), &mut indexmap::IndexSet::new());
    let is_beyond = |outcome: &Result<Option<f64>, String>| {
        outcome.as_ref().is_err_and(|error| error.contains("more than 65536; store less"))
    };
    let text = "let s = \"0123456789\"; for i in 0..10 { s += s; }";
    // Six texts of 10 240 bytes fit, of the host and of three metrics together.
    for (metric, place) in [
        (0, "host.storage.a"),
        (0, "storage.a"),
        (1, "storage.a"),
        (1, "storage[\"b\" + 1]"),
        (0, "host.storage.b"),
        (3, "storage.c"),
    ] {
        assert_eq!(run(metric, &script(&format!("{text} {place} = s; 1"))), Ok(Some(1.0)), "{place}");
    }
    assert_eq!(run(1, &script("host.storage.list = []; 1")), Ok(Some(1.0)));
    for (metric, write) in [
        (0, "host.storage[\"k\" + 7] = s; storage.n = 1;"),
        (2, "storage.a = #{ x: [s, 1] };"),
        (1, "storage.a += s;"),
        (0, "storage.a = []; for i in 0..1000 { storage.a.push(i); } host.storage.list.push(s);"),
    ] {
        let write = script(&format!("{text} {write} 1"));
        let twice = [run(metric, &write), run(metric, &write)];
        assert!(is_beyond(&twice[0]) && twice[0] == twice[1], "{twice:?}");
    }
    assert_eq!(run(1, &script("if storage.a == storage.b1 { 5 } else { 6 }")), Ok(Some(5.0)));
    assert_eq!(run(0, &script("host.storage.len()")), Ok(Some(3.0)), "what went beyond is not there");
    // A method in a formula changes what is stored, too.
    let push = formula("host.storage.list.push(`0123456789012345678901234567890123456789`) ?? 1");
    let pushed = (0..1_000).map_while(|_| run(0, &push).ok()).count();
    assert!(pushed < 400 && is_beyond(&run(0, &push)), "{pushed} times, {:?}", run(0, &push));
    // There is room again when something is removed.
    assert_eq!(run(1, &script("storage.remove(\"a\"); 1")), Ok(Some(1.0)));
    assert_eq!(run(0, &push), Ok(Some(1.0)));
}

#[test]
fn hostile_scripts_end_with_an_error() {
    for text in [
        "loop { }",
        "let x = []; loop { x.push(1) }",
        "let s = \"x\"; loop { s += s }",
        "storage.a = []; loop { storage.a.push(storage.a) }",
        "fn f(x) { f(x) } f(1)",
        "let f = |x| x; f.call(1)",
        "eval(\"1\")",
        "import \"x\" as y;",
        "value.x.y",
        "throw 5",
        "emit(\"a\", 1, 2)",
        "storage = 5; 1",
        "Fn(\"emit\").call(\"a\")",
        "let a = []; for i in 0..9900 { a = [a] } emit(\"x\", a); 1",
        "for i in 0..200 { emit(\"a\") }",
    ] {
        let outcome = Expression::compile_script(text).map_err(|e| e.message);
        let outcome = outcome.and_then(|e| {
            let formula = interpreted(&e, &names());
            let (mut storage, mut rng) = (Storage::default(), Seed::new(1).rng());
            let (storage, rng) = (&mut storage, &mut rng);
            let mut context = EvalContext {
                value: 0.0,
                t_secs: 0.0,
                dt_secs: 0.0,
                now_secs: 0.0,
                event: None,
                links: &[],
                levers: &[],
                metric: Some(0),
                rng,
                storage,
            };
            formula.run(&mut context, &mut Vec::new())
        });
        assert!(outcome.is_err(), "{text}: {outcome:?}");
    }
}

#[test]
fn syntax_errors_have_a_place() {
    let error = Expression::compile("value +\n  )").unwrap_err();
    assert_eq!(error.at, 10, "{error:?}");
    assert!(Expression::compile("links").is_err());
    assert!(Expression::compile("links[t]").is_err());
    assert!(Expression::compile("links[\"cpu\"] + links.mem").is_ok());
}

#[test]
fn formulas_are_equal_if_they_behave_equally() {
    let bind = |text: &str, names: &Names| {
        Expression::compile(text).unwrap().bind(names, &mut indexmap::IndexSet::new())
    };
    let mut other = names();
    other.set("limit", Value::Int(17));
    assert_eq!(bind("value * share", &names()), bind("value * share", &other));
    assert_ne!(bind("value * limit", &names()), bind("value * limit", &other));
}

#[test]
fn a_name_that_is_declared_hides_an_outer_one_from_there_on() {
    let script =
        Expression::compile_script("let limit = limit + 1; let dt = max(dt, 9.0); limit + dt").unwrap();
    assert_eq!(script.names(), Vec::<String>::new());
    let script = script.bind_script(&names(), &mut indexmap::IndexSet::new());
    assert!(script.uses_dt());
    assert_eq!(evaluate(&script, 0.0, 0.0).0, Ok(26.0));
}

#[test]
fn an_event_emitted_as_a_method_is_noticed() {
    assert_eq!(Expression::compile_script("\"go\".emit()").unwrap().emits(), [None]);
}

/// Runs a script; gives its outcome, and the number that it has left in `storage.n`.
fn run(script: &str) -> (Result<Option<f64>, String>, f64) {
    let bind = |text: &str| {
        Expression::compile_script(text).unwrap().bind_script(&names(), &mut indexmap::IndexSet::new())
    };
    let mut storage = Storage::default();
    let mut with_storage = |formula: &Formula| {
        let mut rng = Seed::new(3).rng();
        let mut context = EvalContext {
            value: 0.0,
            t_secs: 0.0,
            dt_secs: 0.0,
            now_secs: 1e9,
            event: None,
            links: &[],
            levers: &[],
            metric: Some(0),
            rng: &mut rng,
            storage: &mut storage,
        };
        formula.run(&mut context, &mut Vec::new())
    };
    let outcome = with_storage(&bind(script));
    (outcome, with_storage(&bind("storage.n ?? 0")).unwrap().unwrap())
}

#[test]
fn a_script_that_works_on_large_values_ends_after_few_steps_at_the_same_one_each_time() {
    let (list, text) =
        ("let a = []; a.pad(1000, 1.0);", "let s = \"0123456789\"; for i in 0..12 { s += s; }");
    let map = "let m = #{}; for i in 0..500 { m[\"k\" + i] = i; }";
    for (begin, step) in [
        (list, "if a == a { 1 }"),
        (list, "a.index_of(2.0)"),
        (list, "a.extract(0).extract(0).extract(0).extract(0).extract(0).extract(0).extract(0).len()"),
        ("let a = []; a.pad(900, 1.0); let b = [a];", "b == b"),
        (text, "s[7] = 'y';"),
        (map, "let n = m; n.k1 = 2;"),
    ] {
        let script = format!("{begin} storage.n = 0; while true {{ storage.n += 1; {step} }}");
        let (outcome, steps) = run(&script);
        assert_eq!(outcome, Err("too many operations".to_owned()), "{step}");
        assert!((1.0..4_000.0).contains(&steps), "{step}: {steps} steps");
        if begin != list {
            assert_eq!(run(&script).1.to_bits(), steps.to_bits(), "{step}");
        }
    }
}

#[test]
fn a_script_goes_through_a_list_of_a_thousand_items() {
    let list = "let a = []; a.pad(1000, 1.0); let sum = 0.0;";
    for step in [
        "for x in a { sum += x; }",
        "for i in 0..1000 { sum += a[i]; }",
        "storage.a = a; for x in storage.a { sum += x; }",
    ] {
        assert_eq!(run(&format!("{list} {step} sum")).0, Ok(Some(1000.0)), "{step}");
    }
}
