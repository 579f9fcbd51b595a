//! Expressions and scripts in configs, on an embedded engine (rhai) with limits.
//!
//! An [`Expression`] is compiled once and evaluated with named values when a plan is made. A [`Formula`] runs at
//! every update: its config-time names are bound beforehand. A [`TextFormula`] is evaluated for each new member
//! of a pool. No `eval`, module, file, clock or sleep is reachable, and operations, depth and sizes are limited
//! ([`engine`]).

mod compiled;
mod context;
mod cost;
mod engine;
mod formula;
mod functions;
mod hint;
mod host_storage;
mod lower;
mod names;
mod storage;
#[cfg(test)]
mod tests;
mod text;
mod uses;
mod value;

pub use compiled::{CompileError, Expression};
pub use context::{EvalContext, EventRef};
pub use formula::Formula;
pub use functions::is_function;
pub use names::Names;
pub use storage::Storage;
pub use text::{Format, MemberContext, Piece, TextFormula};
pub use value::{Value, finite};
