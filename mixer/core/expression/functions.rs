//! The names of the functions that expressions have in addition to the engine's, and what those of numbers calculate.

use crate::error::suggestion;
use crate::rng::Rng;

pub(super) type Unary = fn(f64) -> f64;
pub(super) type Binary = fn(f64, f64) -> f64;
pub(super) type Draw = fn(&mut Rng, f64, f64) -> f64;

// Functions of expressions in addition to the engine's operators. The lowered tree and the engine share these
// tables, so that they agree; libm gives the same bits on every machine.
pub(super) const UNARY: [(&str, Unary); 10] = [
    ("abs", libm::fabs),
    ("floor", libm::floor),
    ("ceil", libm::ceil),
    ("round", libm::round),
    ("sqrt", libm::sqrt),
    ("exp", libm::exp),
    ("ln", libm::log),
    ("sin", libm::sin),
    ("cos", libm::cos),
    ("tan", libm::tan),
];
pub(super) const BINARY: [(&str, Binary); 3] = [("min", f64::min), ("max", f64::max), ("pow", libm::pow)];
pub(super) const DRAWS: [(&str, Draw); 2] =
    [("random", Rng::uniform), ("normal", |rng, mean, deviation| mean + deviation * rng.normal())];

/// Functions outside of these tables, for suggestions.
const OTHERS: [&str; 10] =
    ["int", "clamp", "percent_of_range", "noise", "emit", "uuid", "hex", "pick", "zipf", "sequence"];

/// The bounds of `noise(a)`.
pub(super) const fn noise_ends(amplitude: f64) -> (f64, f64) {
    (-amplitude, amplitude)
}

pub(super) fn clamp(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}

/// The names of the functions that expressions have in addition to the engine's.
fn functions() -> impl Iterator<Item = &'static str> {
    let tables = UNARY.map(|(name, _)| name).into_iter().chain(BINARY.map(|(name, _)| name));
    tables.chain(DRAWS.map(|(name, _)| name)).chain(OTHERS)
}

/// `true` for the name of a function of expressions.
#[must_use]
pub fn is_function(name: &str) -> bool {
    functions().any(|known| known == name)
}

/// The message for a call such as `sinn (i64)`.
pub(super) fn unknown_function(call: &str) -> String {
    let name = call.split(' ').next().unwrap_or(call);
    if is_function(name) {
        return format!("function {name} does not take these arguments: {call}");
    }
    let operators = [("^", "pow(a, b)"), ("not", "!")];
    if let Some((_, meant)) = operators.iter().find(|(operator, _)| *operator == name) {
        return format!("there is no operator {call}; write {meant}");
    }
    let named = [
        ("rand", "random(low, high)"),
        ("randint", "int(random(low, high))"),
        ("uniform", "random(low, high)"),
        ("log", "ln(x)"),
        ("gauss", "normal(mean, deviation)"),
    ];
    if let Some((_, meant)) = named.iter().find(|(other, _)| *other == name) {
        return format!("there is no function {call}; write {meant}");
    }
    format!("there is no function {call}{}", suggestion(name, &functions().collect::<Vec<_>>()))
}
