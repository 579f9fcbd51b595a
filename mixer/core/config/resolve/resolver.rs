//! The state of a resolution: names in scope, the parts of the plan so far, and the problems.
//!
//! The other files of this folder each add the methods for one part of a config.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::events::Events;
use crate::config::template::ConfigTemplate;
use crate::config::value::{FromValue, Scalar};
use crate::error::{Problems, SourceSpan};
use crate::expression::Names;
use crate::plan::HostPlan;
use crate::series::Family;
use crate::time::Span;

pub(super) const SHORTEST_INTERVAL: Span = Span::from_nanos(1_000_000);

pub(super) struct Resolver<'a> {
    pub(super) template: &'a ConfigTemplate,
    pub(super) names: Names,
    pub(super) problems: &'a mut Problems,
    pub(super) families: IndexMap<Arc<str>, KnownFamily>,
    pub(super) jobs: IndexMap<Arc<str>, Vec<u32>>,
    pub(super) hosts: Vec<Arc<HostPlan>>,
    pub(super) host_names: IndexSet<Arc<str>>,
    pub(super) series: usize,
    pub(super) series_max: usize,
    /// The names of the repetitions that the present host comes from.
    pub(super) host_vars: Vec<String>,
    /// Whether the present host's series have the labels that tell hosts apart.
    pub(super) has_identity: bool,
    /// The hosts whose series do not, and where they are written.
    pub(super) bare_hosts: Vec<(u32, SourceSpan)>,
    /// Set where a value depends on its host; a shape with such a value cannot be shared with other hosts.
    pub(super) shape_varies: bool,
    /// The metrics that the present metric's formulas read.
    pub(super) links: Vec<String>,
    /// The labels of the present slot.
    pub(super) member_labels: Vec<&'a str>,
    pub(super) events: Events,
}

impl Resolver<'_> {
    /// Notes whether one of these names differs from host to host of one template.
    pub(super) fn note_names<'n>(&mut self, mut names: impl Iterator<Item = &'n str>) {
        let vars = &self.host_vars;
        self.shape_varies |= names.any(|name| {
            matches!(name, "name" | "host" | "address" | "labels") || vars.iter().any(|var| var == name)
        });
    }

    /// A field's value; an error goes to the problems and gives `None`.
    pub(super) fn value<T: FromValue>(&mut self, field: &str, scalar: &Scalar<T>) -> Option<T> {
        self.note_names(scalar.names());
        let outcome = scalar.evaluate(&self.names);
        outcome.map_err(|error| self.problems.error(scalar.span, format!("{field}: {error}"))).ok()
    }

    pub(super) fn optional<T: FromValue>(
        &mut self,
        field: &str,
        scalar: Option<&Scalar<T>>,
        default: T,
    ) -> Option<T> {
        match scalar {
            Some(scalar) => self.value(field, scalar),
            None => Some(default),
        }
    }

    /// An interval that something is done at: not so short that it would keep a core busy, and not endless.
    pub(super) fn interval(
        &mut self,
        field: &str,
        scalar: Option<&Scalar<Span>>,
        default: Span,
    ) -> Option<Span> {
        let span = self.optional(field, scalar, default)?;
        if (SHORTEST_INTERVAL..Span::FOREVER).contains(&span) {
            return Some(span);
        }
        let place = scalar.map_or_else(SourceSpan::default, |scalar| scalar.span);
        self.problems.error(place, format!("{field} must be 1ms or longer and not endless, but is {span}"));
        None
    }
}

/// A family, and where it was first seen.
pub(super) struct KnownFamily {
    pub(super) family: Family,
    pub(super) is_described: bool,
    /// Some of its series have a created time.
    pub(super) has_created: bool,
    pub(super) span: SourceSpan,
}
