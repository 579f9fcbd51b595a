//! Expressions in configs, on the embedded engine (rhai), boxed in.
//!
//! An [`Expression`] is compiled once and evaluated with named values when a plan is made. A [`Formula`]
//! is an expression that runs with every update: its config-time names are bound beforehand, and if only
//! numbers, operators and the functions below are left, it is lowered to a tree that costs nanoseconds;
//! else the engine interprets it. There is no `eval`, no module, no file, no clock and no sleep, and
//! operations, depth and sizes are limited.

use std::sync::{Arc, LazyLock};

use rhai::packages::{CorePackage, Package};
use rhai::{AST, ASTNode, Dynamic, Engine, Expr, ImmutableString, Scope, Stmt};

/// A value in a config, or the result of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
}

impl Value {
    /// The value as a number, if it is one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "whole numbers in configs are taken as floats gladly")]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    fn from_dynamic(value: Dynamic) -> Result<Self, String> {
        if let Ok(bool) = value.as_bool() {
            return Ok(Self::Bool(bool));
        }
        if let Ok(int) = value.as_int() {
            return Ok(Self::Int(int));
        }
        if let Ok(float) = value.as_float() {
            return Ok(Self::Float(float));
        }
        let type_name = value.type_name();
        value.into_string().map(Self::Text).map_err(|_| format!("gives a {type_name}, not a number or text"))
    }
}

impl From<Value> for Dynamic {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(bool) => bool.into(),
            Value::Int(int) => int.into(),
            Value::Float(float) => float.into(),
            Value::Text(text) => text.into(),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(bool) => bool.fmt(f),
            Self::Int(int) => int.fmt(f),
            Self::Float(float) => float.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The values that names stand for while a plan is made.
#[derive(Clone, Debug, Default)]
pub struct Names {
    scope: Scope<'static>,
}

impl Names {
    /// Lets `name` stand for `value`; a later value hides an earlier one.
    pub fn set(&mut self, name: &str, value: Value) {
        self.scope.push_constant_dynamic(name, value.into());
    }

    /// A place to [`Self::rewind`] to.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.scope.len()
    }

    /// Forgets what was set since the mark.
    pub fn rewind(&mut self, mark: usize) {
        self.scope.rewind(mark);
    }

    /// Whether the name stands for something.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.scope.contains(name)
    }

    /// The names, each once.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scope.iter().map(|(name, _, _)| name.to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn value(&self, name: &str) -> Option<Value> {
        Value::from_dynamic(self.scope.get(name)?.clone()).ok()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.number()
    }
}

/// What a formula sees at each update, in the order of [`INPUTS`].
pub type Inputs = [f64; 2];

/// The names of a formula's [`Inputs`]: the value (the metric's own, or its source's for a relay), and the
/// seconds since the metric's start.
pub const INPUTS: [&str; 2] = ["value", "t"];

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
    ast: Arc<AST>,
    names: Vec<String>,
}

impl Expression {
    /// Compiles; an error says what is wrong.
    pub fn compile(text: &str) -> Result<Self, String> {
        let ast = ENGINE.compile_expression(text).map_err(|error| {
            let at = error.position().position().map_or(String::new(), |at| format!(" (at character {at})"));
            format!("{}{at}", error.err_type())
        })?;
        let mut names: Vec<String> = Vec::new();
        ast.walk(&mut |nodes: &[ASTNode<'_>]| {
            if let Some(ASTNode::Expr(Expr::Variable(variable, ..))) = nodes.last() {
                names.push(variable.1.to_string());
            }
            true
        });
        names.sort();
        names.dedup();
        Ok(Self { source: text.into(), ast: Arc::new(ast), names })
    }

    /// The names it needs, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Evaluates with these names.
    pub fn evaluate(&self, names: &Names) -> Result<Value, String> {
        let mut scope = names.scope.clone();
        let result = ENGINE.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        Value::from_dynamic(result.map_err(|error| error.to_string())?)
    }

    /// Binds the config-time names; what is left are [`INPUTS`].
    #[must_use]
    pub fn bind(&self, names: &Names) -> Formula {
        let lowered = match self.ast.statements() {
            [Stmt::Expr(expr)] => lower(expr, names),
            [Stmt::FnCall(call, _)] => lower_call(&call.name, &call.args, names),
            _ => None,
        }
        .map(|lowered| lowered.node);
        let body = lowered.map_or_else(
            || Body::Interpreted { ast: Arc::clone(&self.ast), scope: Arc::new(names.scope.clone()) },
            |node| Body::Lowered(Arc::new(node)),
        );
        let bound = self.names.iter().filter_map(|name| Some((name.clone(), names.value(name)?)));
        Formula(body, Arc::new(Origin { source: Arc::clone(&self.source), bound: bound.collect() }))
    }
}

/// An expression that runs with every update. Cheap to share.
#[derive(Clone, Debug)]
pub struct Formula(Body, Arc<Origin>);

/// What a formula was made of.
#[derive(Debug, PartialEq)]
struct Origin {
    source: Arc<str>,
    bound: Vec<(String, Value)>,
}

/// Formulas are equal if their texts are, and what the names in them stood for.
impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

#[derive(Clone, Debug)]
enum Body {
    Lowered(Arc<Node>),
    Interpreted { ast: Arc<AST>, scope: Arc<Scope<'static>> },
}

impl Formula {
    /// The number it gives for these inputs; an error says what went wrong.
    pub fn evaluate(&self, inputs: &Inputs) -> Result<f64, String> {
        match &self.0 {
            Body::Lowered(node) => Ok(node.evaluate(inputs)),
            Body::Interpreted { ast, scope } => {
                let mut scope = (**scope).clone();
                for (name, value) in INPUTS.iter().zip(inputs) {
                    scope.push_constant(*name, *value);
                }
                let result = ENGINE.eval_ast_with_scope::<Dynamic>(&mut scope, ast);
                let value = Value::from_dynamic(result.map_err(|error| error.to_string())?)?;
                value.number().ok_or_else(|| format!("gives {value}, not a number"))
            }
        }
    }
}

type Unary = fn(f64) -> f64;
type Binary = fn(f64, f64) -> f64;

// The functions that expressions have beside the engine's operators. The lowered tree and the engine share
// these tables, so that they agree; libm gives the same bits on every machine.
const UNARY: [(&str, Unary); 9] = [
    ("abs", libm::fabs),
    ("floor", libm::floor),
    ("ceil", libm::ceil),
    ("round", libm::round),
    ("sqrt", libm::sqrt),
    ("exp", libm::exp),
    ("ln", libm::log),
    ("sin", libm::sin),
    ("cos", libm::cos),
];
const BINARY: [(&str, Binary); 3] = [("min", f64::min), ("max", f64::max), ("pow", libm::pow)];
const OPERATORS: [(&str, Binary); 5] =
    [("+", |a, b| a + b), ("-", |a, b| a - b), ("*", |a, b| a * b), ("/", |a, b| a / b), ("%", |a, b| a % b)];

#[derive(Clone, Debug)]
enum Node {
    Constant(f64),
    Input(u8),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<(Node, Node)>),
    Clamp(Box<(Node, Node, Node)>),
}

impl Node {
    fn evaluate(&self, inputs: &Inputs) -> f64 {
        match self {
            Self::Constant(number) => *number,
            Self::Input(index) => inputs[usize::from(*index)],
            Self::Unary(function, a) => function(a.evaluate(inputs)),
            Self::Binary(function, operands) => {
                function(operands.0.evaluate(inputs), operands.1.evaluate(inputs))
            }
            Self::Clamp(operands) => {
                clamp(operands.0.evaluate(inputs), operands.1.evaluate(inputs), operands.2.evaluate(inputs))
            }
        }
    }
}

fn clamp(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}

/// A lowered expression, and whether the engine would calculate it in whole numbers: two of those must
/// not meet in a lowered operator, since the engine divides and overflows differently there.
struct Lowered {
    node: Node,
    whole: bool,
}

fn lower(expr: &Expr, names: &Names) -> Option<Lowered> {
    match expr {
        Expr::FloatConstant(number, _) => Some(Lowered { node: Node::Constant(**number), whole: false }),
        Expr::IntegerConstant(number, _) => {
            let number = Value::Int(*number).number()?;
            Some(Lowered { node: Node::Constant(number), whole: true })
        }
        Expr::Variable(variable, ..) => {
            let name = variable.1.as_str();
            if let Some(index) = INPUTS.iter().position(|input| *input == name) {
                return Some(Lowered { node: Node::Input(u8::try_from(index).ok()?), whole: false });
            }
            let whole = names.scope.get(name).is_some_and(Dynamic::is_int);
            Some(Lowered { node: Node::Constant(names.number(name)?), whole })
        }
        Expr::FnCall(call, _) => lower_call(&call.name, &call.args, names),
        _ => None,
    }
}

fn lower_call(name: &ImmutableString, args: &[Expr], names: &Names) -> Option<Lowered> {
    let mut lowered: Vec<Lowered> = args.iter().map(|arg| lower(arg, names)).collect::<Option<_>>()?;
    let all_whole = lowered.iter().all(|l| l.whole);
    let find = |table: &[(&str, Binary)]| table.iter().find(|(n, _)| *n == name.as_str()).map(|(_, f)| *f);
    let node = match lowered.len() {
        1 if name == "-" => Node::Unary(|a| -a, Box::new(lowered.pop()?.node)),
        1 => {
            let function = UNARY.iter().find(|(n, _)| *n == name.as_str())?.1;
            return Some(Lowered {
                node: Node::Unary(function, Box::new(lowered.pop()?.node)),
                whole: false,
            });
        }
        2 => {
            let (function, is_operator) = match find(&OPERATORS) {
                Some(operator) => (operator, true),
                None => (find(&BINARY)?, false),
            };
            if is_operator && all_whole {
                return None;
            }
            let (b, a) = (lowered.pop()?, lowered.pop()?);
            return Some(Lowered { node: Node::Binary(function, Box::new((a.node, b.node))), whole: false });
        }
        3 if name == "clamp" => {
            let (c, b, a) = (lowered.pop()?, lowered.pop()?, lowered.pop()?);
            return Some(Lowered { node: Node::Clamp(Box::new((a.node, b.node, c.node))), whole: false });
        }
        _ => return None,
    };
    Some(Lowered { node, whole: all_whole })
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = Engine::new_raw();
    engine.register_global_module(CorePackage::new().as_shared_module());
    engine
        .set_max_operations(100_000)
        .set_max_expr_depths(64, 32)
        .set_max_call_levels(16)
        .set_max_variables(256)
        .set_max_functions(0)
        .set_max_modules(0)
        .set_max_string_size(64 * 1024)
        .set_max_array_size(10_000)
        .set_max_map_size(1_000)
        .disable_symbol("eval")
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    engine.register_fn("sleep", |_: i64| {}).register_fn("sleep", |_: f64| {});
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
    engine.register_fn("clamp", |a: Dynamic, b: Dynamic, c: Dynamic| -> Dynamic {
        match [a, b, c].map(|value| Value::from_dynamic(value).ok().and_then(|v| v.number())) {
            [Some(a), Some(b), Some(c)] => clamp(a, b, c).into(),
            _ => Dynamic::UNIT,
        }
    });
    engine
});

#[expect(clippy::cast_precision_loss, reason = "functions take whole numbers as floats")]
const fn float(int: i64) -> f64 {
    int as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.set("limit", Value::Int(16));
        names.set("share", Value::Float(0.5));
        names.set("mode", Value::Text("fast".into()));
        names
    }

    fn interpreted(formula: &Expression, names: &Names) -> Formula {
        let body = Body::Interpreted { ast: Arc::clone(&formula.ast), scope: Arc::new(names.scope.clone()) };
        Formula(body, formula.bind(names).1)
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
    }

    #[test]
    fn arithmetic_formulas_are_lowered_and_others_interpreted() {
        let bind = |text: &str| Expression::compile(text).unwrap().bind(&names());
        for text in [
            "value / limit * 100",
            "-value + t",
            "clamp(value, 0, 100)",
            "min(value, 2) % 3.5",
            "sqrt(value)",
        ] {
            assert!(matches!(bind(text).0, Body::Lowered(_)), "{text}");
        }
        for text in ["value * (limit / 3)", "if value > 3 { 1 } else { 0 }", "limit / 3 + value"] {
            assert!(matches!(bind(text).0, Body::Interpreted { .. }), "{text}");
        }
    }

    #[test]
    fn formulas_are_equal_if_their_texts_and_names_are() {
        let bind = |text: &str, names: &Names| Expression::compile(text).unwrap().bind(names);
        let mut others = names();
        others.set("limit", Value::Int(17));
        for text in ["value * limit", "if value > limit { 1 } else { 0 }"] {
            assert_eq!(bind(text, &names()), bind(text, &names()));
            assert_ne!(bind(text, &names()), bind(text, &others));
            assert_ne!(bind(text, &names()), bind("value * share", &names()));
        }
        assert_eq!(bind("value * share", &names()), bind("value * share", &others));
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
            let outcome = Expression::compile(text).and_then(|e| e.evaluate(&names()));
            assert!(outcome.is_err(), "{text:.40}: {outcome:?}");
        }
    }

    fn formula_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("value".to_owned()),
            Just("t".to_owned()),
            Just("share".to_owned()),
            Just("limit".to_owned()),
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
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(a, b, c)| format!("clamp({a}, {b}, {c})")),
                inner.prop_map(|a| format!("-({a})")),
            ]
        })
    }

    proptest! {
        #[test]
        fn lowered_formulas_give_what_the_engine_gives(text in formula_text(), value in -1e6..1e6f64, t in 0.0..1e6f64) {
            let names = names();
            let expression = Expression::compile(&text).unwrap();
            let bound = expression.bind(&names);
            if matches!(bound.0, Body::Lowered(_)) {
                let lowered = bound.evaluate(&[value, t]).unwrap();
                let reference = interpreted(&expression, &names).evaluate(&[value, t]);
                prop_assert!(reference.is_ok(), "{text}: {reference:?}");
                let reference = reference.unwrap_or_default();
                prop_assert!(lowered.to_bits() == reference.to_bits() || lowered.is_nan() && reference.is_nan(),
                    "{text}: {lowered} and {reference}");
            }
        }
    }
}
