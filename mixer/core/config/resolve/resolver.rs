//! The state of a resolution: names in scope, the parts of the plan so far, and the problems.
//!
//! The other files of this folder each add the methods for one part of a config.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::events::Events;
use super::labels::LabelNames;
use super::storage::StorageUse;
use crate::config::template::ConfigTemplate;
use crate::config::value::{FromValue, Scalar};
use crate::error::{Problems, SourceSpan};
use crate::expression::Names;
use crate::naming::{NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::plan::{HostPlan, LeverPlan};
use crate::series::Family;
use crate::time::Span;

/// A text of this length is not among the long ones, which are counted.
const SHORT_TEXT_BYTES: usize = 4 << 10;
/// Maximum length of all long texts of a config together. An expression may repeat one for each of many metrics.
const LONG_TEXTS_BYTES_MAX: usize = 64 << 20;

pub(super) const SHORTEST_INTERVAL: Span = Span::from_nanos(1_000_000);

#[expect(clippy::struct_excessive_bools, reason = "each is of one part of a config")]
pub(super) struct Resolver<'a> {
    pub(super) template: &'a ConfigTemplate,
    pub(super) names: Names,
    pub(super) problems: &'a mut Problems,
    pub(super) levers: Vec<LeverPlan>,
    /// The value of each lever while nothing moves it.
    pub(super) lever_defaults: Vec<f64>,
    pub(super) families: IndexMap<Arc<str>, KnownFamily>,
    pub(super) jobs: IndexMap<Arc<str>, Vec<u32>>,
    pub(super) hosts: Vec<Arc<HostPlan>>,
    pub(super) host_names: IndexSet<Arc<str>>,
    pub(super) series: usize,
    pub(super) series_max: usize,
    /// Number of repetitions without items so far.
    pub(super) empty_repeats: usize,
    /// Estimated memory of the hosts so far, and of their shapes.
    pub(super) memory: usize,
    pub(super) memory_max: usize,
    /// `true` if faults are checked and then left out.
    pub(super) no_faults: bool,
    /// Length of the long texts so far.
    pub(super) text_bytes: usize,
    /// Variables of the current host's repetitions.
    pub(super) host_vars: Vec<String>,
    /// `true` if the current host's series have identity labels.
    pub(super) has_identity: bool,
    /// Hosts without identity labels, with their places.
    pub(super) bare_hosts: Vec<(u32, SourceSpan)>,
    /// Set if a value depends on the host; a shape with such a value is not shared.
    pub(super) shape_varies: bool,
    /// Set if a formula of the current host reads a lever.
    pub(super) reads_levers: bool,
    /// Metrics that the current metric's formulas read.
    pub(super) links: IndexSet<String>,
    /// Storage that the current metric uses.
    pub(super) stored: StorageUse,
    /// Names in the `storage` of the current host.
    pub(super) host_keys: IndexSet<&'a str>,
    /// Label names of the current pool.
    pub(super) member_labels: LabelNames<'a>,
    /// Value ranges of the current host's or pool's metrics, for relays.
    pub(super) ranges: IndexMap<String, (f64, f64)>,
    pub(super) events: Events,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        template: &'a ConfigTemplate,
        names: Names,
        problems: &'a mut Problems,
        (series_max, memory_max): (usize, usize),
    ) -> Self {
        Self {
            template,
            names,
            problems,
            levers: Vec::new(),
            lever_defaults: Vec::new(),
            families: IndexMap::new(),
            jobs: IndexMap::new(),
            hosts: Vec::new(),
            host_names: IndexSet::new(),
            series: 0,
            series_max,
            empty_repeats: 0,
            memory: 0,
            memory_max,
            no_faults: false,
            text_bytes: 0,
            host_vars: Vec::new(),
            has_identity: true,
            bare_hosts: Vec::new(),
            shape_varies: false,
            reads_levers: false,
            links: IndexSet::new(),
            stored: StorageUse::default(),
            host_keys: IndexSet::new(),
            member_labels: LabelNames::new(),
            ranges: IndexMap::new(),
            events: Events::default(),
        }
    }
}

impl Resolver<'_> {
    /// Sets `shape_varies` if one of these names differs between hosts of one template.
    pub(super) fn note_names<'n>(&mut self, mut names: impl Iterator<Item = &'n str>) {
        let vars = &self.host_vars;
        self.shape_varies |= names.any(|name| {
            matches!(name, "name" | "host" | "address" | "labels") || vars.iter().any(|var| var == name)
        });
    }

    /// A field's value; `None` after an error, which is among the problems.
    pub(super) fn value<T: FromValue>(&mut self, field: &str, scalar: &Scalar<T>) -> Option<T> {
        self.note_names(scalar.names());
        let outcome = scalar.evaluate(&self.names);
        let value =
            outcome.map_err(|error| self.problems.error(scalar.span, format!("{field}: {error}"))).ok()?;
        let bytes = value.text_bytes();
        if bytes > SHORT_TEXT_BYTES {
            self.text_bytes += bytes;
            if self.text_bytes > LONG_TEXTS_BYTES_MAX {
                let max = LONG_TEXTS_BYTES_MAX >> 20;
                let message = format!(
                    "{field}: the long texts of the config take more than {max} MiB; make them shorter, or lower a count"
                );
                self.problems.error(scalar.span, message);
                return None;
            }
        }
        Some(value)
    }

    /// A name, as [`Self::value`]: it is not too long.
    pub(super) fn name(&mut self, field: &str, scalar: &Scalar<String>) -> Option<String> {
        self.short_text(field, scalar, NAME_BYTES_MAX)
    }

    /// A text that others are sent or shown, as [`Self::value`]: it is not too long.
    pub(super) fn text(&mut self, field: &str, scalar: &Scalar<String>) -> Option<String> {
        self.short_text(field, scalar, TEXT_BYTES_MAX)
    }

    fn short_text(&mut self, field: &str, scalar: &Scalar<String>, bytes_max: usize) -> Option<String> {
        let text = self.value(field, scalar)?;
        if text.len() <= bytes_max {
            return Some(text);
        }
        self.problems.error(scalar.span, format!("{field} has {bytes_max} bytes at most"));
        None
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

    /// An interval: not so short that it keeps a core busy, and not endless.
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

/// A family, and the place where it is described.
pub(super) struct KnownFamily {
    pub(super) family: Family,
    pub(super) is_described: bool,
    pub(super) span: SourceSpan,
}
