//! The check that what a metric reads from its own storage is set by itself, not by another metric or its host.

use indexmap::{IndexMap, IndexSet};

use super::resolver::Resolver;
use crate::config::template::FormulaTemplate;
use crate::error::SourceSpan;

/// The storage that the formulas and scripts of one metric use.
#[derive(Debug, Default)]
pub(super) struct StorageUse {
    /// Keys, and the first place of each.
    used: IndexMap<String, SourceSpan>,
    set: IndexSet<String>,
    /// `true` if keys are calculated, so that it is not known which ones are set.
    is_unknown: bool,
}

impl StorageUse {
    /// Adds what one formula or script uses.
    pub(super) fn note(&mut self, template: &FormulaTemplate) {
        let expression = &template.expression;
        self.is_unknown |= expression.uses_whole_storage();
        self.set.extend(expression.stores().iter().cloned());
        for key in expression.stored_keys() {
            if !self.used.contains_key(key) {
                self.used.insert(key.to_owned(), template.span_of("storage"));
            }
        }
    }
}

impl Resolver<'_> {
    /// Forgets the links and the storage of the metric before.
    pub(super) fn forget_uses(&mut self) {
        self.links.clear();
        self.stored = StorageUse::default();
    }

    /// Refuses keys of the metric's storage that it never sets, and warns of keys that the host's storage has, too.
    pub(super) fn check_storage(&mut self) {
        let StorageUse { used, set, is_unknown } = std::mem::take(&mut self.stored);
        for (key, span) in used {
            let is_hosts = self.host_keys.contains(key.as_str());
            if !is_unknown && !set.contains(&key) {
                let whose =
                    if is_hosts { "; the host's is" } else { "; for a value of another metric write" };
                let message = format!(
                    "the metric never sets storage.{key}, which is its own{whose} host.storage.{key}"
                );
                self.problems.error(span, message);
            } else if is_hosts {
                let message = format!(
                    "storage.{key} is the metric's own and begins empty; the host's is host.storage.{key}"
                );
                self.problems.warning(span, message);
            }
        }
    }

    /// Refuses `storage` where there is no metric that it could belong to.
    pub(super) fn refuse_storage(&mut self, template: &FormulaTemplate, what: &str) -> Option<()> {
        if template.expression.uses_storage() {
            let message = format!("storage is a metric's own, and {what} has none; write host.storage");
            self.problems.error(template.span_of("storage"), message);
            return None;
        }
        Some(())
    }
}
