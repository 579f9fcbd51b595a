//! Expressions and scripts in configs, on the embedded engine (rhai), boxed in.
//!
//! An [`Expression`] is compiled once and evaluated with named values when a plan is made. A [`Formula`]
//! is one that runs with every update: its config-time names are bound beforehand. There is no `eval`, no
//! module, no file, no clock and no sleep, and operations, depth and sizes are limited ([`engine`]).

mod engine;
mod formula;
mod lower;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use rhai::{AST, ASTNode, Dynamic, Expr, ParseError, Scope, Stmt};

use crate::error::suggestion;
use engine::ENGINE;
pub use formula::{EvalContext, EventRef, Formula, Storage};
pub use text::{Format, MemberContext, Piece, TextFormula};

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
    /// Several values.
    List(Vec<Value>),
}

impl Value {
    /// The value as a number, if it is one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "whole numbers in configs are taken as floats gladly")]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            Self::Bool(_) | Self::Text(_) | Self::List(_) => None,
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
        if value.is_array() {
            let items = value.into_array().unwrap_or_default().into_iter();
            return items.map(Self::from_dynamic).collect::<Result<_, _>>().map(Self::List);
        }
        let type_name = if value.is_unit() { "nothing" } else { value.type_name() };
        let refusal = format!("gives {type_name}, not a number or text");
        value.into_string().map(Self::Text).map_err(|_| refusal)
    }
}

impl From<Value> for Dynamic {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(bool) => bool.into(),
            Value::Int(int) => int.into(),
            Value::Float(float) => float.into(),
            Value::Text(text) => text.into(),
            Value::List(items) => Self::from_array(items.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(bool) => bool.fmt(f),
            Self::Int(int) => int.fmt(f),
            Self::Float(float) => float.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if n == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// The values that names stand for while a plan is made.
#[derive(Clone, Debug, Default)]
pub struct Names {
    scope: Scope<'static>,
    range: Option<(f64, f64)>,
}

impl Names {
    /// Lets `name` stand for `value`; a later value hides an earlier one.
    pub fn set(&mut self, name: &str, value: Value) {
        self.scope.push_constant_dynamic(name, value.into());
    }

    /// Lets `name.field` stand for the field's value.
    pub fn set_fields<'a>(&mut self, name: &str, fields: impl IntoIterator<Item = (&'a str, Value)>) {
        let map: rhai::Map = fields.into_iter().map(|(field, value)| (field.into(), value.into())).collect();
        self.scope.push_constant_dynamic(name, map.into());
    }

    /// Lets `percent_of_range` be about this range.
    pub const fn set_range(&mut self, range: Option<(f64, f64)>) {
        self.range = range;
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

    /// The first name or field that stands for nothing, and what is wrong with it; `also` are names that are
    /// known beside these.
    #[must_use]
    pub fn complaint(&self, expression: &Expression, also: &[&str]) -> Option<(String, String)> {
        let is_known = |name: &String| self.contains(name) || also.contains(&name.as_str());
        if let Some(unknown) = expression.names.iter().find(|name| !is_known(name)) {
            let own = self.known().into_iter().filter(|name| !also.contains(&name.as_str()));
            let known: Vec<String> = also.iter().map(|name| (*name).to_owned()).chain(own).collect();
            let message = format!("unknown name {unknown:?} in an expression{}", suggestion(unknown, &known));
            return Some((unknown.clone(), message));
        }
        expression.fields.iter().find_map(|(name, field)| {
            let map = self.scope.get(name)?.as_map_ref().ok()?;
            let known: Vec<&str> = map.keys().map(AsRef::as_ref).collect();
            (!known.contains(&field.as_str())).then(|| {
                let hint = suggestion(field, &known);
                (field.clone(), format!("unknown name \"{name}.{field}\" in an expression{hint}"))
            })
        })
    }
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Where in the text, in bytes.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl CompileError {
    fn new(error: &ParseError, text: &str) -> Self {
        let position = error.position();
        let line = position.line().unwrap_or(1).saturating_sub(1);
        let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let rest = text[line_start..].split('\n').next().unwrap_or("");
        let column = position.position().unwrap_or(1).saturating_sub(1);
        let in_line = rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
        let message = error.err_type().to_string();
        let message = message.replace("Script is incomplete", "it ends too early");
        let mut chars = message.chars();
        let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
        Self { at: line_start + in_line, message: format!("{first}{}", chars.as_str()) }
    }
}

/// A compiled expression, or a script of several statements.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
    ast: Arc<AST>,
    /// The names that it needs.
    names: Vec<String>,
    /// These, and those that it declares itself: what such a one hides may still be needed before.
    all_names: Vec<String>,
    fields: Vec<(String, String)>,
    emits: Vec<Option<String>>,
}

impl Expression {
    /// Compiles an expression.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        let ast = ENGINE.compile_expression(text).map_err(|error| CompileError::new(&error, text))?;
        Self::of(text, ast)
    }

    /// Compiles a script: statements with variables, conditions and loops; its last value counts.
    pub fn compile_script(text: &str) -> Result<Self, CompileError> {
        let ast = ENGINE.compile(text).map_err(|error| CompileError::new(&error, text))?;
        Self::of(text, ast)
    }

    fn of(text: &str, ast: AST) -> Result<Self, CompileError> {
        let mut found = Found::default();
        ast.walk(&mut |nodes: &[ASTNode<'_>]| {
            if let Some(node) = nodes.last() {
                found.note(node);
            }
            true
        });
        let Found { mut names, mut fields, declared, emits } = found;
        let links = names.iter().filter(|name| *name == "links").count();
        if links > fields.iter().filter(|(name, _)| name == "links").count() {
            let at = text.find("links").unwrap_or(0);
            let message = "links is written with a metric's name behind it, as in links.cpu_usage_percent";
            return Err(CompileError { at, message: message.to_owned() });
        }
        names.sort();
        names.dedup();
        let all_names = names.clone();
        names.retain(|name| !declared.contains(name));
        fields.dedup();
        Ok(Self { source: text.into(), ast: Arc::new(ast), names, all_names, fields, emits })
    }

    /// Where in its text a word stands first, in bytes.
    #[must_use]
    pub fn place_of(&self, word: &str) -> Option<usize> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let is_whole = |at: &usize| {
            !self.source[..*at].ends_with(is_part) && !self.source[at + word.len()..].starts_with(is_part)
        };
        self.source.match_indices(word).map(|(at, _)| at).find(is_whole)
    }

    /// The names it needs, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it may give something else each time: it calls one of these functions.
    #[must_use]
    pub fn draws(&self) -> bool {
        let functions = ["uuid", "hex", "zipf", "pick", "sequence", "random", "normal", "noise"];
        functions.iter().any(|function| self.place_of(function).is_some())
    }

    /// The metrics that it reads by `links.NAME`.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|(name, _)| name == "links").map(|(_, field)| field.as_str())
    }

    /// The events that it may emit; `None` for one whose name is calculated.
    #[must_use]
    pub fn emits(&self) -> &[Option<String>] {
        &self.emits
    }

    /// Evaluates with these names.
    pub fn evaluate(&self, names: &Names) -> Result<Value, String> {
        if let Some((_, complaint)) = names.complaint(self, &[]) {
            return Err(complaint);
        }
        let mut scope = Scope::new();
        for name in &self.all_names {
            if let Some(value) = names.scope.get(name) {
                scope.push_constant_dynamic(name.as_str(), value.clone());
            }
        }
        let result = ENGINE.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        Value::from_dynamic(result.map_err(engine::text_of)?)
    }
}

/// What a walk through an expression has found.
#[derive(Default)]
struct Found {
    names: Vec<String>,
    declared: Vec<String>,
    fields: Vec<(String, String)>,
    emits: Vec<Option<String>>,
}

impl Found {
    fn note(&mut self, node: &ASTNode<'_>) {
        match node {
            ASTNode::Expr(Expr::Variable(variable, ..)) => self.names.push(variable.1.to_string()),
            ASTNode::Expr(Expr::Dot(pair, ..)) => {
                let property = match &pair.rhs {
                    Expr::Dot(inner, ..) | Expr::Index(inner, ..) => &inner.lhs,
                    other => other,
                };
                if let (Expr::Variable(variable, ..), Expr::Property(property, _)) = (&pair.lhs, property) {
                    self.fields.push((variable.1.to_string(), property.2.to_string()));
                }
            }
            ASTNode::Expr(Expr::Index(pair, ..)) => {
                if let (Expr::Variable(variable, ..), Expr::StringConstant(key, _)) = (&pair.lhs, &pair.rhs) {
                    self.fields.push((variable.1.to_string(), key.to_string()));
                }
            }
            ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))
                if call.name == "emit" =>
            {
                let name = call.args.first();
                self.emits.push(match name {
                    Some(Expr::StringConstant(name, _)) => Some(name.to_string()),
                    _ => None,
                });
            }
            // As a method of its name, which may be calculated.
            ASTNode::Expr(Expr::MethodCall(call, _)) if call.name == "emit" => self.emits.push(None),
            ASTNode::Stmt(Stmt::Var(declaration, ..)) => self.declared.push(declaration.0.name.to_string()),
            ASTNode::Stmt(Stmt::For(parts, _)) => {
                self.declared.push(parts.0.name.to_string());
                self.declared.extend(parts.1.as_ref().map(|counter| counter.name.to_string()));
            }
            ASTNode::Stmt(Stmt::TryCatch(parts, _)) => {
                if let Expr::Variable(variable, ..) = &parts.expr {
                    self.declared.push(variable.1.to_string());
                }
            }
            _ => {}
        }
    }
}
