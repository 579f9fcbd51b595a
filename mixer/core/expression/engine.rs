//! The embedded engine (rhai): its limits, and the functions that it is given.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use rhai::packages::{CorePackage, Package};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Position, Scope};

use super::cost;
use super::functions::{BINARY, DRAWS, UNARY, clamp, is_function, noise_ends, unknown_function};
use super::host_storage::{VARIABLE, WRITTEN};
use super::value::Value;
use crate::event::{EVENT_DATA_BYTES_MAX, data_bytes};
use crate::interrupt::is_interrupted;
use crate::naming::NAME_BYTES_MAX;
use crate::number::Shown;
use crate::rng::Rng;

/// The context of functions in a running formula.
pub(super) struct CallContext {
    pub(super) rng: Rng,
    pub(super) range: Option<(f64, f64)>,
    /// Emitted events; `None` where `emit` is not allowed.
    pub(super) emitted: Option<Vec<(Arc<str>, serde_json::Value)>>,
    /// Number of members in the pool so far; `None` outside of members' labels.
    pub(super) sequence: Option<u64>,
}

/// Number of operations after which a script looks if its run has ended.
const OPERATIONS_UNWATCHED: u64 = 256;

/// Maximum number of events in one run of a script.
const EMITTED_MAX: usize = 100;

thread_local! {
    /// Set while a formula runs on this thread.
    static CALL: RefCell<Option<CallContext>> = const { RefCell::new(None) };
}

/// Runs `work` with a context, and returns the context as `work` left it.
pub(super) fn with_call<R>(call: CallContext, work: impl FnOnce() -> R) -> (R, Option<CallContext>) {
    CALL.replace(Some(call));
    let outcome = work();
    (outcome, CALL.take())
}

type CallResult<T> = Result<T, Box<EvalAltResult>>;

fn in_call<R>(function: &str, work: impl FnOnce(&mut CallContext) -> CallResult<R>) -> CallResult<R> {
    CALL.with_borrow_mut(|call| match call {
        Some(call) => work(call),
        None => Err(format!("{function} works in formulas and scripts only, not in fields").into()),
    })
}

/// The error's text, without the engine's own positions, which mean nothing in a config.
#[expect(clippy::boxed_local, reason = "the engine boxes its errors")]
pub(super) fn text_of(mut error: Box<EvalAltResult>) -> String {
    error.clear_position();
    let text = match &*error {
        EvalAltResult::ErrorRuntime(message, _) => message.to_string(),
        EvalAltResult::ErrorFunctionNotFound(call, _) => unknown_function(call),
        EvalAltResult::ErrorTerminated(..) => {
            EvalAltResult::ErrorTooManyOperations(Position::NONE).to_string()
        }
        other => other.to_string().replace(VARIABLE, WRITTEN),
    };
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", chars.as_str())
}

/// `true` if there is a function of this name for so many values of some types. The engine tells it by calls only.
pub(super) fn has_function(name: &str, values: usize) -> bool {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    if is_function(name) || values > NAMES.len() {
        return true;
    }
    let call = format!("{name}({})", NAMES[..values].join(", "));
    let Ok(ast) = ENGINE.compile_expression(call) else { return true };
    let samples = samples();
    let missing = format!("{name} (");
    (0..samples.len().pow(u32::try_from(values).unwrap_or(0))).any(|number| {
        let mut scope = Scope::new();
        let mut rest = number;
        for name in &NAMES[..values] {
            scope.push_dynamic(*name, samples[rest % samples.len()].clone());
            rest /= samples.len();
        }
        let outcome = evaluate(&mut scope, &ast);
        !matches!(outcome.map_err(|error| *error), Err(EvalAltResult::ErrorFunctionNotFound(call, _)) if call.starts_with(&missing))
    })
}

/// A value of each type that a function may take.
fn samples() -> [Dynamic; 9] {
    [
        1_i64.into(),
        1.0_f64.into(),
        "a".into(),
        Dynamic::from_array(vec![1_i64.into()]),
        rhai::Map::new().into(),
        true.into(),
        'a'.into(),
        Dynamic::from(0_i64..1),
        Dynamic::from(0_i64..=1),
    ]
}

pub(super) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = Engine::new_raw();
    engine.register_global_module(CorePackage::new().as_shared_module());
    engine.register_global_module(rhai::packages::BasicArrayPackage::new().as_shared_module());
    engine.register_global_module(rhai::packages::BasicMapPackage::new().as_shared_module());
    limit(&mut engine);
    register_arithmetic(&mut engine);
    register_draws(&mut engine);
    register_generators(&mut engine);
    engine
});

fn limit(engine: &mut Engine) {
    engine
        .set_max_operations(100_000)
        .set_max_expr_depths(64, 32)
        .set_max_call_levels(16)
        .set_max_variables(256)
        .set_max_functions(0)
        .set_max_modules(0)
        .set_max_string_size(64 * 1024)
        .set_max_array_size(1_000)
        .set_max_map_size(1_000)
        .disable_symbol("eval")
        .disable_symbol("Fn")
        .on_progress(|operations| {
            let is_over = operations % OPERATIONS_UNWATCHED == 0 && is_interrupted();
            (is_over || !cost::operate(operations)).then_some(Dynamic::UNIT)
        })
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    charge_variables(engine);
    engine.register_fn("sleep", |_: i64| {}).register_fn("sleep", |_: f64| {});
}

/// Has each read of a variable cost the size of its value.
#[expect(deprecated, reason = "it is marked as one that may change, and the engine's version is fixed")]
fn charge_variables(engine: &mut Engine) {
    engine.on_var(|name, _, context| {
        if cost::read(context.scope().get(name)) {
            return Ok(None);
        }
        Err(EvalAltResult::ErrorTooManyOperations(Position::NONE).into())
    });
}

/// Runs a compiled expression or script with these variables.
pub(super) fn evaluate(scope: &mut Scope<'_>, ast: &AST) -> CallResult<Dynamic> {
    cost::begin();
    let outcome = ENGINE.eval_ast_with_scope(scope, ast);
    cost::end();
    outcome
}

fn register_arithmetic(engine: &mut Engine) {
    for (name, function) in UNARY {
        engine.register_fn(name, function);
        engine.register_fn(name, move |a: i64| function(float(a)));
    }
    for (name, function) in BINARY {
        engine.register_fn(name, function);
        engine.register_fn(name, move |a: i64, b: f64| function(float(a), b));
        engine.register_fn(name, move |a: f64, b: i64| function(a, float(b)));
        engine.register_fn(name, move |a: i64, b: i64| function(float(a), float(b)));
    }
    engine.register_fn("+", |text: &str, b: i64| format!("{text}{b}"));
    engine.register_fn("+", |text: &str, b: f64| format!("{text}{}", Shown(b)));
    engine.register_fn("+", |text: &str, b: bool| format!("{text}{b}"));
    engine.register_fn("int", |a: i64| a);
    engine.register_fn("int", whole);
    engine.register_fn("clamp", |a: Dynamic, b: Dynamic, c: Dynamic| -> CallResult<f64> {
        Ok(clamp(number(a, "clamp")?, number(b, "clamp")?, number(c, "clamp")?))
    });
    engine.register_fn("percent_of_range", |percent: Dynamic| -> CallResult<f64> {
        let percent = number(percent, "percent_of_range")?;
        in_call("percent_of_range", |call| {
            let (low, high) = call.range.ok_or("percent_of_range needs the metric's value_range")?;
            Ok(low + (high - low) * percent / 100.0)
        })
    });
}

fn register_draws(engine: &mut Engine) {
    engine.register_fn("noise", |amplitude: Dynamic| -> CallResult<f64> {
        let (low, high) = noise_ends(number(amplitude, "noise")?);
        in_call("noise", |call| Ok(call.rng.uniform(low, high)))
    });
    for (name, draw) in DRAWS {
        engine.register_fn(name, move |a: Dynamic, b: Dynamic| -> CallResult<f64> {
            let (a, b) = (number(a, name)?, number(b, name)?);
            in_call(name, |call| Ok(draw(&mut call.rng, a, b)))
        });
    }
    engine.register_fn("emit", |event: &str| emit(event, serde_json::Value::Null));
    engine.register_fn("emit", |event: &str, data: Dynamic| emit(event, to_json(data, 0)?));
}

/// Maximum number of digits of `hex`.
const DIGITS_MAX: i64 = 64;

/// Functions that make labels of high cardinality.
fn register_generators(engine: &mut Engine) {
    engine.register_fn("uuid", || in_call("uuid", |call| Ok(uuid(&mut call.rng))));
    engine.register_fn("hex", |digits: i64| -> CallResult<String> {
        if !(1..=DIGITS_MAX).contains(&digits) {
            return Err(format!("hex takes a number of digits from 1 to {DIGITS_MAX}").into());
        }
        in_call("hex", |call| {
            Ok((0..digits).map(|_| char::from(b"0123456789abcdef"[digit(&mut call.rng)])).collect())
        })
    });
    engine.register_fn("pick", |items: rhai::Array| -> CallResult<Dynamic> {
        in_call("pick", |call| {
            let at = call.rng.below(items.len() as u64);
            let item = usize::try_from(at).ok().and_then(|at| items.get(at));
            item.cloned().ok_or_else(|| "pick takes a list that is not empty".into())
        })
    });
    engine.register_fn("zipf", |count: Dynamic, exponent: Dynamic| -> CallResult<i64> {
        let (count, exponent) = (number(count, "zipf")?, number(exponent, "zipf")?);
        if !(1.0..=1e9).contains(&count) || !(0.0..=100.0).contains(&exponent) {
            return Err("zipf takes a number of items, up to 1e9, and an exponent from 0 to 100".into());
        }
        in_call("zipf", |call| whole(call.rng.zipf(libm::floor(count), exponent)))
    });
    engine.register_fn("sequence", || {
        in_call("sequence", |call| {
            let sequence = call.sequence.ok_or("sequence is for the labels of pools")?;
            Ok(i64::try_from(sequence).unwrap_or(i64::MAX))
        })
    });
}

fn digit(rng: &mut Rng) -> usize {
    usize::try_from(rng.below(16)).unwrap_or(0)
}

/// Version 4 (<https://www.rfc-editor.org/rfc/rfc9562#section-5.4>).
fn uuid(rng: &mut Rng) -> String {
    let (high, low) = (rng.next_u64(), rng.next_u64());
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

fn emit(event: &str, data: serde_json::Value) -> CallResult<()> {
    in_call("emit", |call| {
        let emitted = call.emitted.as_mut().ok_or("emit works in scripts only")?;
        if emitted.len() >= EMITTED_MAX {
            return Err(format!("a script emits {EMITTED_MAX} events at most").into());
        }
        if event.len() > NAME_BYTES_MAX {
            return Err(format!("an event's name has {NAME_BYTES_MAX} bytes at most").into());
        }
        if data_bytes(&data) > EVENT_DATA_BYTES_MAX {
            return Err(format!(
                "an event has {EVENT_DATA_BYTES_MAX} bytes of data at most, 32 for each value"
            )
            .into());
        }
        emitted.push((event.into(), data));
        Ok(())
    })
}

/// The number rounded towards 0, for indices.
fn whole(number: f64) -> CallResult<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it is small enough, as checked")]
    if number.abs() < 9e15 { Ok(number as i64) } else { Err("int takes numbers below 9e15".into()) }
}

fn number(value: Dynamic, function: &str) -> CallResult<f64> {
    let number = Value::from_dynamic(value).ok().and_then(|value| value.number());
    number.ok_or_else(|| format!("{function} takes numbers").into())
}

#[expect(clippy::cast_precision_loss, reason = "functions take whole numbers as floats")]
const fn float(int: i64) -> f64 {
    int as f64
}

/// An event's data for an expression.
pub(super) fn from_json(value: &serde_json::Value) -> Dynamic {
    match value {
        serde_json::Value::Null => Dynamic::UNIT,
        serde_json::Value::Bool(bool) => (*bool).into(),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or_else(|| number.as_f64().unwrap_or(f64::NAN).into(), Into::into)
        }
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(items) => Dynamic::from_array(items.iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => {
            let map: rhai::Map =
                fields.iter().map(|(key, value)| (key.as_str().into(), from_json(value))).collect();
            map.into()
        }
    }
}

/// Maximum nesting of an event's data.
const NESTING_MAX: usize = 32;

/// The data of a script's event. A value without a JSON form is null.
fn to_json(value: Dynamic, depth: usize) -> CallResult<serde_json::Value> {
    if depth > NESTING_MAX {
        return Err(format!("an event's data is nested {NESTING_MAX} deep at most").into());
    }
    if let Some(map) = value.read_lock::<rhai::Map>() {
        let field = |(key, value): (&rhai::Identifier, &Dynamic)| {
            Ok((key.to_string(), to_json(value.clone(), depth + 1)?))
        };
        return map.iter().map(field).collect::<CallResult<_>>().map(serde_json::Value::Object);
    }
    if let Some(items) = value.read_lock::<rhai::Array>() {
        let items = items.iter().map(|item| to_json(item.clone(), depth + 1));
        return items.collect::<CallResult<_>>().map(serde_json::Value::Array);
    }
    Ok(match Value::from_dynamic(value) {
        Ok(Value::Bool(bool)) => bool.into(),
        Ok(Value::Int(int)) => int.into(),
        Ok(Value::Float(float)) => float.into(),
        Ok(Value::Text(text)) => text.into(),
        Ok(Value::List(_)) | Err(_) => serde_json::Value::Null,
    })
}
