//! Compiled expressions and scripts, and the names, links and events in them.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rhai::{AST, Dynamic, ParseError, Position, Scope};

use super::engine::{self, ENGINE};
use super::formula::Formula;
use super::functions::unknown_function;
use super::hint;
use super::host_storage::{VARIABLE, WRITTEN, as_variable, is_in_name};
use super::names::Names;
use super::uses::Uses;
use super::value::Value;
use crate::error::suggestion;

/// A compiled expression, or a compiled script of several statements.
#[derive(Clone, Debug)]
pub struct Expression {
    pub(super) source: Arc<str>,
    pub(super) ast: Arc<AST>,
    /// Names that it needs from outside.
    pub(super) names: Vec<String>,
    /// `names`, and those that it declares itself: a hidden outer name may be read before the declaration.
    pub(super) all_names: Vec<String>,
    pub(super) fields: Vec<(String, String)>,
    /// Names that are read as a whole, not by a field that is written behind them.
    whole: Box<[String]>,
    pub(super) emits: Vec<Option<String>>,
    pub(super) reads_host_storage: bool,
    /// Keys that it sets in its metric's storage.
    stores: Vec<String>,
    /// `true` if it may change stored values without an assignment.
    pub(super) calls_on_storage: bool,
    /// `true` if it uses its metric's storage as a whole, or with calculated keys.
    uses_whole_storage: bool,
    /// `None` if there is none, as nearly always: expressions are kept in large numbers.
    mistakes: Option<Box<Mistakes>>,
}

/// The parts of an expression that cannot work, each with its byte offset in the text.
#[derive(Clone, Debug)]
struct Mistakes {
    /// Names from outside that it assigns to although they are constant.
    written: Vec<(String, usize)>,
    /// Functions that it calls and that do not exist.
    unknown_calls: Vec<(String, usize)>,
}

impl Expression {
    /// Compiles an expression.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        let ast =
            ENGINE.compile_expression(as_variable(text)).map_err(|error| CompileError::new(&error, text))?;
        Self::of(text, ast)
    }

    /// Compiles a script: statements with variables, conditions and loops. The last value is the result.
    pub fn compile_script(text: &str) -> Result<Self, CompileError> {
        let ast = ENGINE.compile(as_variable(text)).map_err(|error| CompileError::new(&error, text))?;
        Self::of(text, ast)
    }

    fn of(text: &str, ast: AST) -> Result<Self, CompileError> {
        let Uses { mut names, mut fields, declared, emits, stores, calls_on_storage, written, calls } =
            Uses::of(&ast);
        let whole = read_as_a_whole(&names, &fields);
        let declared: IndexSet<String> = declared.into_iter().collect();
        for (word, message) in [
            ("links", "links is written with a metric's name behind it, as in links.cpu_usage_percent"),
            ("run", "run is written with a lever's name behind it, as in run.load"),
        ] {
            let is_declared = word == "run" && declared.contains(word);
            if !is_declared && whole.iter().any(|name| name == word) {
                let at = text.find(word).unwrap_or(0);
                return Err(CompileError { at, message: message.to_owned() });
            }
        }
        let stored = names.iter().filter(|name| *name == "storage").count();
        let uses_whole_storage = stored > fields.iter().filter(|(name, _)| name == "storage").count();
        let reads_host_storage = names.iter().any(|name| name == VARIABLE);
        names.retain(|name| name != VARIABLE);
        names.sort();
        names.dedup();
        let all_names = names.clone();
        names.retain(|name| !declared.contains(name));
        fields.dedup();
        let is_constant = |(name, _): &(String, Position)| name != "storage" && names.contains(name);
        let written = written.into_iter().filter(is_constant);
        let written: Vec<_> = written.map(|(name, position)| (name, offset_of(position, text))).collect();
        let unknown_calls =
            calls.into_iter().filter(|(name, values, _)| !engine::has_function(name, *values));
        let unknown_calls: Vec<_> =
            unknown_calls.map(|(name, _, position)| (name, offset_of(position, text))).collect();
        let has_mistakes = !written.is_empty() || !unknown_calls.is_empty();
        let mistakes = has_mistakes.then(|| Box::new(Mistakes { written, unknown_calls }));
        let (source, ast) = (text.into(), Arc::new(ast));
        Ok(Self {
            source,
            ast,
            names,
            all_names,
            fields,
            whole,
            emits,
            reads_host_storage,
            stores,
            calls_on_storage,
            uses_whole_storage,
            mistakes,
        })
    }

    /// Byte offset of a whole word's first occurrence in the text.
    #[must_use]
    pub fn place_of(&self, word: &str) -> Option<usize> {
        let is_whole = |at: &usize| {
            !self.source[..*at].ends_with(is_in_name)
                && !self.source[at + word.len()..].starts_with(is_in_name)
        };
        self.source.match_indices(word).map(|(at, _)| at).find(is_whole)
    }

    /// Names that it needs, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// `true` if it calls a random function or `sequence`, so that each evaluation may give another result.
    #[must_use]
    pub fn draws(&self) -> bool {
        let functions = ["uuid", "hex", "zipf", "pick", "sequence", "random", "normal", "noise"];
        functions.iter().any(|function| self.place_of(function).is_some())
    }

    /// `true` if it reads what only a running formula has, as `value` or `host.storage`.
    #[must_use]
    pub fn reads_the_run(&self) -> bool {
        self.reads_host_storage || self.names.iter().any(|name| Formula::NAMES.contains(&name.as_str()))
    }

    /// `true` if it reads or writes its metric's storage.
    #[must_use]
    pub fn uses_storage(&self) -> bool {
        self.names.iter().any(|name| name == "storage")
    }

    /// `true` if it uses its metric's storage as a whole, or with calculated keys.
    #[must_use]
    pub const fn uses_whole_storage(&self) -> bool {
        self.uses_whole_storage
    }

    /// Keys that it reads or writes in its metric's storage.
    pub fn stored_keys(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().filter(|(name, _)| name == "storage" && self.uses_storage());
        fields.map(|(_, field)| field.as_str())
    }

    /// Keys that it sets in its metric's storage.
    #[must_use]
    pub fn stores(&self) -> &[String] {
        &self.stores
    }

    /// Metrics that it reads by `links.NAME`.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|(name, _)| name == "links").map(|(_, field)| field.as_str())
    }

    /// Levers that it reads by `run.NAME`.
    pub fn levers(&self) -> impl Iterator<Item = &str> {
        // A script may have a variable of its own called `run`.
        let reads = self.names.iter().any(|name| name == "run");
        let fields = self.fields.iter().filter(move |(name, _)| reads && name == "run");
        fields.map(|(_, field)| field.as_str())
    }

    /// The first assignment to a constant: its byte offset in the text, the constant's name, and a message about it.
    #[must_use]
    pub fn refused_write(&self) -> Option<(usize, &str, String)> {
        let (name, at) = self.mistakes.as_ref()?.written.first()?;
        let message = match name.as_str() {
            "run" => {
                "a script reads levers and cannot move them; move one by an action, as in lever(\"load\", 3)"
                    .to_owned()
            }
            "value" => {
                "a script cannot assign to value; its last expression is the metric's new value".to_owned()
            }
            _ => format!(
                "a script cannot assign to {name}, which comes from outside; copy it to a variable of its own, as in let mine = {name}"
            ),
        };
        Some((*at, name, message))
    }

    /// The first call of a function that does not exist: its byte offset in the text, the name, and a message about it.
    #[must_use]
    pub fn unknown_call(&self) -> Option<(usize, &str, String)> {
        let (name, at) = self.mistakes.as_ref()?.unknown_calls.first()?;
        Some((*at, name, unknown_function(name)))
    }

    /// Events that it may emit; `None` for a calculated name.
    #[must_use]
    pub fn emits(&self) -> &[Option<String>] {
        &self.emits
    }

    /// The result with these names. Errors are text for a problem.
    pub fn evaluate(&self, names: &Names) -> Result<Value, String> {
        if let Some((_, complaint)) = self.unknown_name(names, &[]) {
            return Err(complaint);
        }
        let mut scope = self.scope(names);
        let result = engine::evaluate(&mut scope, &self.ast);
        Value::from_dynamic(result.map_err(engine::text_of)?)
    }

    /// The values of the names that it reads. Of names with fields only those that it reads are copied.
    pub(super) fn scope(&self, names: &Names) -> Scope<'static> {
        let mut scope = Scope::new();
        for name in &self.all_names {
            if let Some(value) = names.get(name) {
                scope.push_constant_dynamic(name.as_str(), self.read_part(name, value));
            }
        }
        scope
    }

    fn read_part(&self, name: &str, value: &Dynamic) -> Dynamic {
        match value.as_map_ref() {
            Ok(map) if self.whole.binary_search_by(|whole| whole.as_str().cmp(name)).is_err() => {
                let fields = self.fields.iter().filter(|(of, _)| of == name);
                let read = fields
                    .filter_map(|(_, field)| Some((field.as_str().into(), map.get(field.as_str())?.clone())));
                read.collect::<rhai::Map>().into()
            }
            _ => value.clone(),
        }
    }

    /// The first unknown name or field, and a message about it; names in `also` are known, too.
    #[must_use]
    pub fn unknown_name(&self, scope: &Names, also: &[&str]) -> Option<(String, String)> {
        if self.reads_host_storage && also.is_empty() {
            let message =
                format!("{WRITTEN} changes during the run; it is for formulas and scripts, not for fields");
            return Some((WRITTEN.to_owned(), message));
        }
        let is_known = |name: &String| scope.contains(name) || also.contains(&name.as_str());
        if let Some(unknown) = self.names.iter().find(|name| !is_known(name)) {
            let own = scope.known().into_iter().filter(|name| !also.contains(&name.as_str()));
            let known: Vec<String> = also.iter().map(|name| (*name).to_owned()).chain(own).collect();
            let message = if unknown == "run" {
                "run.NAME, a lever, changes during the run; it is for formulas and scripts, not for fields"
                    .to_owned()
            } else if ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(unknown)) {
                format!("unknown name {unknown:?} in an expression; write {}", unknown.to_ascii_lowercase())
            } else if scope.levers.contains(unknown.as_str()) && also.contains(&"run") {
                format!("unknown name {unknown:?} in an expression; write run.{unknown} for the lever")
            } else if let Some(meant) = hint::of_name(unknown) {
                format!("unknown name {unknown:?} in an expression; {meant}")
            } else {
                format!("unknown name {unknown:?} in an expression{}", suggestion(unknown, &known))
            };
            return Some((unknown.clone(), message));
        }
        self.unknown_lever(scope).or_else(|| self.unknown_field(scope))
    }

    fn unknown_lever(&self, scope: &Names) -> Option<(String, String)> {
        let known = &scope.levers;
        let unknown = self.levers().find(|lever| !known.contains(*lever))?;
        let hint = if known.is_empty() {
            "; the config has no levers: add levers: { \"NAME\": 1.0 }".to_owned()
        } else {
            suggestion(unknown, &known.iter().collect::<Vec<_>>())
        };
        Some((unknown.to_owned(), format!("unknown lever {unknown:?}{hint}")))
    }

    fn unknown_field(&self, scope: &Names) -> Option<(String, String)> {
        self.fields.iter().find_map(|(name, field)| {
            let map = scope.get(name)?.as_map_ref().ok()?;
            if map.contains_key(field.as_str()) {
                return None;
            }
            let known: Vec<&str> = map.keys().map(AsRef::as_ref).collect();
            Some((field.clone(), unknown_field(name, field, &known)))
        })
    }
}

/// The names that are read more often than with a field behind them, sorted.
fn read_as_a_whole(names: &[String], fields: &[(String, String)]) -> Box<[String]> {
    let mut bare: IndexMap<&str, usize> = IndexMap::new();
    for name in names {
        *bare.entry(name).or_default() += 1;
    }
    for (name, _) in fields {
        if let Some(count) = bare.get_mut(name.as_str()) {
            *count = count.saturating_sub(1);
        }
    }
    bare.sort_unstable_keys();
    bare.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name.to_owned()).collect()
}

fn unknown_field(name: &str, field: &str, known: &[&str]) -> String {
    // Fields of metrics, which are there if the value_range has such an end.
    if matches!(field, "low" | "high") {
        let whose = if name == "source" { "the source metric's" } else { "the metric's" };
        return format!("{name}.{field} needs {whose} value_range with a {field} end, as in (0, 100)");
    }
    let ends: &[&str] = if matches!(name, "metric" | "source") { &["low", "high"] } else { &[] };
    let known: Vec<&str> = known.iter().chain(ends).copied().collect();
    format!("unknown name \"{name}.{field}\" in an expression{}", suggestion(field, &known))
}

/// An error in an expression's syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Byte offset in the text.
    pub at: usize,
    /// Text for a problem.
    pub message: String,
}

impl CompileError {
    fn new(error: &ParseError, text: &str) -> Self {
        let message = without_controls(&error.err_type().to_string());
        let message = message.replace("Script is incomplete", "it ends too early").replace(VARIABLE, WRITTEN);
        let at = offset_of(error.position(), text);
        if let Some(message) = hint::of_syntax(&message, text, at) {
            return Self { at, message };
        }
        let mut chars = message.chars();
        let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
        Self { at, message: format!("{first}{}", chars.as_str()) }
    }
}

/// A message that quotes a text, with the control characters of that escaped.
fn without_controls(message: &str) -> String {
    let escaped = |c: char| c.escape_default().to_string();
    message.chars().map(|c| if c.is_control() { escaped(c) } else { c.to_string() }).collect()
}

/// The byte offset of a position in the text.
fn offset_of(position: Position, text: &str) -> usize {
    let line = position.line().unwrap_or(1).saturating_sub(1);
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text[line_start..].split('\n').next().unwrap_or("");
    let column = position.position().unwrap_or(1).saturating_sub(1);
    line_start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}
