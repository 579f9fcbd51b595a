//! Counts of everything so far, by user: those with names first, then the others of each kind.

use serde::{Deserialize, Serialize};

use crate::settings::{ERROR_TYPES, Settings, TOKEN_TYPES};

/// Totals since the start. A user is its row; the others of a kind are one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Totals {
    models: usize,
    tools: usize,
    sessions: Vec<u64>,
    commits: Vec<u64>,
    tokens: Vec<u64>,
    done: Vec<u64>,
    errors: Vec<u64>,
}

impl Totals {
    /// Nothing, for so many users.
    pub(crate) fn new(users: usize, settings: &Settings) -> Self {
        let (models, tools) = (settings.models.len(), settings.tools.len());
        Self {
            models,
            tools,
            sessions: vec![0; users],
            commits: vec![0; users],
            tokens: vec![0; users * models * TOKEN_TYPES.len()],
            done: vec![0; users * tools],
            errors: vec![0; users * tools * ERROR_TYPES.len()],
        }
    }

    /// Sessions that a user has begun.
    pub(crate) fn sessions(&mut self, user: usize) -> &mut u64 {
        &mut self.sessions[user]
    }

    /// Commits of a user.
    pub(crate) fn commits(&mut self, user: usize) -> &mut u64 {
        &mut self.commits[user]
    }

    /// Tokens of a user, by model and type.
    pub(crate) fn tokens(&mut self, user: usize, model: usize, of: usize) -> &mut u64 {
        &mut self.tokens[(user * self.models + model) * TOKEN_TYPES.len() + of]
    }

    /// Uses of a tool without an error.
    pub(crate) fn done(&mut self, user: usize, tool: usize) -> &mut u64 {
        &mut self.done[user * self.tools + tool]
    }

    /// Uses of a tool with an error of a type.
    pub(crate) fn errors(&mut self, user: usize, tool: usize, of: usize) -> &mut u64 {
        &mut self.errors[(user * self.tools + tool) * ERROR_TYPES.len() + of]
    }
}
