//! Groups of many counters: the series are summed by the label that says most about what is counted, as by `code`.

use indexmap::IndexSet;
use promemu_core::plan::Plan;
use promemu_run::handle::TELLING;

use super::chart::Curve;
use super::selection::{SelectedFamily, SelectedSeries};

/// So many series are told apart without groups; so many groups are, too.
const TOLD_APART_MAX: usize = 8;

/// The groups of a family's series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Groups {
    /// The label whose values are the groups.
    pub(super) label: &'static str,
    /// `true` if values such as 404 are in groups such as 4xx.
    is_by_class: bool,
}

impl Groups {
    /// The groups of a family; `None` if its series are few, or no label says more than the others.
    pub(super) fn of(plan: &Plan, family: &SelectedFamily) -> Option<Self> {
        if family.series.len() <= TOLD_APART_MAX {
            return None;
        }
        TELLING.into_iter().find_map(|label| {
            let values = family.series.iter().map(|series| series.metric(plan).labels.get(label));
            let values: IndexSet<&str> = values.collect::<Option<_>>()?;
            let is_by_class = values.len() > TOLD_APART_MAX && values.iter().all(|value| is_code(value));
            let groups = Self { label, is_by_class };
            let names: IndexSet<String> = values.iter().map(|value| groups.name_of(value)).collect();
            (2..=TOLD_APART_MAX).contains(&names.len()).then_some(groups)
        })
    }

    /// Adds the curve of a series to that of its group.
    pub(super) fn add(self, plan: &Plan, series: SelectedSeries, curve: Curve, curves: &mut Vec<Curve>) {
        let label = self.name_of(series.metric(plan).labels.get(self.label).unwrap_or_default());
        let Some(known) = curves.iter_mut().find(|known| known.label == label) else {
            curves.push(Curve { label, ..curve });
            return;
        };
        for (sum, value) in known.values.iter_mut().zip(curve.values) {
            *sum = match (sum.is_nan(), value.is_nan()) {
                (true, _) => value,
                (false, true) => *sum,
                (false, false) => *sum + value,
            };
        }
    }

    fn name_of(self, value: &str) -> String {
        if self.is_by_class { format!("{}xx", &value[..1]) } else { value.to_owned() }
    }
}

/// `true` for a code as of HTTP: three digits.
fn is_code(value: &str) -> bool {
    value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit())
}
