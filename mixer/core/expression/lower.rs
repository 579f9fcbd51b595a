//! Lowered formulas: numbers, operators and functions as a tree that costs nanoseconds.
//!
//! All else is left to the engine; a property test holds both equal.

use indexmap::IndexMap;
use rhai::{AST, Dynamic, Expr, ImmutableString, Stmt};

use super::context::EvalContext;
use super::functions::{BINARY, Binary, DRAWS, Draw, UNARY, Unary, clamp, noise_ends};
use super::names::Names;
use super::value::Value;

const OPERATORS: [(&str, Binary); 5] =
    [("+", |a, b| a + b), ("-", |a, b| a - b), ("*", |a, b| a * b), ("/", |a, b| a / b), ("%", |a, b| a % b)];

#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(f64),
    Value,
    T,
    Dt,
    Now,
    Link(usize),
    Lever(usize),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<(Node, Node)>),
    Clamp(Box<(Node, Node, Node)>),
    Noise(Box<Node>),
    Draw(Draw, Box<(Node, Node)>),
}

impl Node {
    pub(super) fn evaluate(&self, context: &mut EvalContext<'_>) -> f64 {
        match self {
            Self::Constant(number) => *number,
            Self::Value => context.value,
            Self::T => context.t_secs,
            Self::Dt => context.dt_secs,
            Self::Now => context.now_secs,
            Self::Link(at) => context.links[*at],
            Self::Lever(at) => context.levers[*at],
            Self::Unary(function, a) => function(a.evaluate(context)),
            Self::Binary(function, operands) => {
                let a = operands.0.evaluate(context);
                function(a, operands.1.evaluate(context))
            }
            Self::Clamp(operands) => {
                let (a, b) = (operands.0.evaluate(context), operands.1.evaluate(context));
                clamp(a, b, operands.2.evaluate(context))
            }
            Self::Noise(amplitude) => {
                let (low, high) = noise_ends(amplitude.evaluate(context));
                context.rng.uniform(low, high)
            }
            Self::Draw(draw, operands) => {
                let (a, b) = (operands.0.evaluate(context), operands.1.evaluate(context));
                draw(context.rng, a, b)
            }
        }
    }
}

/// A lowered expression. `whole` is set if the engine would calculate it in whole numbers: two of those must
/// not meet in a lowered operator, since the engine divides and overflows differently there.
struct Lowered {
    node: Node,
    whole: bool,
}

impl Lowered {
    const fn broken(node: Node) -> Self {
        Self { node, whole: false }
    }
}

/// The tree; `None` if a part of the expression cannot be lowered.
pub(super) fn lower(
    ast: &AST,
    names: &Names,
    links: &IndexMap<String, usize>,
    levers: &IndexMap<String, usize>,
) -> Option<Node> {
    let lowering = Lowering { names, links, levers };
    let lowered = match ast.statements() {
        [Stmt::Expr(expr)] => lowering.expr(expr),
        [Stmt::FnCall(call, _)] => lowering.call(&call.name, &call.args),
        _ => None,
    };
    lowered.map(|lowered| lowered.node)
}

struct Lowering<'a> {
    names: &'a Names,
    links: &'a IndexMap<String, usize>,
    levers: &'a IndexMap<String, usize>,
}

impl Lowering<'_> {
    fn expr(&self, expr: &Expr) -> Option<Lowered> {
        match expr {
            Expr::FloatConstant(number, _) => Some(Lowered::broken(Node::Constant(**number))),
            Expr::IntegerConstant(number, _) => {
                Some(Lowered { node: Node::Constant(Value::Int(*number).number()?), whole: true })
            }
            Expr::Variable(variable, ..) => self.variable(variable.1.as_str()),
            Expr::Dot(pair, ..) => match (&pair.lhs, &pair.rhs) {
                (Expr::Variable(variable, ..), Expr::Property(property, _)) => {
                    self.field(variable.1.as_str(), property.2.as_str())
                }
                _ => None,
            },
            Expr::FnCall(call, _) => self.call(&call.name, &call.args),
            _ => None,
        }
    }

    fn variable(&self, name: &str) -> Option<Lowered> {
        let node = match name {
            "value" => Node::Value,
            "t" => Node::T,
            "dt" => Node::Dt,
            "now" => Node::Now,
            _ => return constant(self.names.get(name)?),
        };
        Some(Lowered::broken(node))
    }

    fn field(&self, name: &str, field: &str) -> Option<Lowered> {
        if name == "links" {
            let at = *self.links.get(field)?;
            return Some(Lowered::broken(Node::Link(at)));
        }
        if name == "run" {
            let at = *self.levers.get(field)?;
            return Some(Lowered::broken(Node::Lever(at)));
        }
        constant(self.names.get(name)?.as_map_ref().ok()?.get(field)?)
    }

    fn call(&self, name: &ImmutableString, args: &[Expr]) -> Option<Lowered> {
        let args: Vec<Lowered> = args.iter().map(|arg| self.expr(arg)).collect::<Option<_>>()?;
        let all_whole = args.iter().all(|arg| arg.whole);
        let mut args = args.into_iter().map(|arg| arg.node);
        match args.len() {
            1 => self.call_with_one(name, args.next()?, all_whole),
            2 => {
                let operands = Box::new((args.next()?, args.next()?));
                if let Some(draw) = find(&DRAWS, name) {
                    return Some(Lowered::broken(Node::Draw(draw, operands)));
                }
                let function = match find(&OPERATORS, name) {
                    Some(_) if all_whole => return None,
                    Some(operator) => operator,
                    None => find(&BINARY, name)?,
                };
                Some(Lowered::broken(Node::Binary(function, operands)))
            }
            3 if name == "clamp" => {
                Some(Lowered::broken(Node::Clamp(Box::new((args.next()?, args.next()?, args.next()?)))))
            }
            _ => None,
        }
    }

    fn call_with_one(&self, name: &str, arg: Node, whole: bool) -> Option<Lowered> {
        match name {
            // Whole numbers have no -0.
            "-" if whole => Some(Lowered { node: Node::Unary(|a| 0.0 - a, Box::new(arg)), whole }),
            "-" => Some(Lowered { node: Node::Unary(|a| -a, Box::new(arg)), whole }),
            "noise" => Some(Lowered::broken(Node::Noise(Box::new(arg)))),
            "percent_of_range" => {
                let (low, high) = self.names.range?;
                let width = Node::Constant(high - low);
                let scaled = binary(|a, b| a * b, width, arg);
                let share = binary(|a, b| a / b, scaled, Node::Constant(100.0));
                Some(Lowered::broken(binary(|a, b| a + b, Node::Constant(low), share)))
            }
            _ => Some(Lowered::broken(Node::Unary(find(&UNARY, name)?, Box::new(arg)))),
        }
    }
}

fn binary(function: Binary, a: Node, b: Node) -> Node {
    Node::Binary(function, Box::new((a, b)))
}

fn find<F: Copy>(table: &[(&str, F)], name: &str) -> Option<F> {
    table.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

fn constant(value: &Dynamic) -> Option<Lowered> {
    let number = Value::from_dynamic(value.clone()).ok()?.number()?;
    Some(Lowered { node: Node::Constant(number), whole: value.is_int() })
}
