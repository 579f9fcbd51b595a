//! Labels of hosts and metrics, checked against the reserved ones.

use indexmap::IndexSet;

use super::resolver::Resolver;
use crate::config::template::LabelTemplate;
use crate::naming::{NAME_BYTES_MAX, is_label_name};

/// Names of labels that others have already.
pub(super) type LabelNames<'n> = IndexSet<&'n str>;

/// Identity labels: they identify the host of a series, unless `identity_labels` is false.
const IDENTITY_LABELS: [&str; 3] = ["name", "host", "address"];

impl Resolver<'_> {
    /// Labels set by promemu, the Pushgateway or Prometheus; for a host, those of all its metrics.
    pub(super) fn reserved_labels(&self, has_buckets: bool) -> Vec<&'static str> {
        let identity = IDENTITY_LABELS.iter().filter(|_| self.has_identity);
        ["job"].iter().chain(identity).chain(["le"].iter().filter(|_| has_buckets)).copied().collect()
    }

    /// The labels' values, with their names checked.
    pub(super) fn labels(
        &mut self,
        templates: &[LabelTemplate],
        reserved: &[&str],
        of_host: &LabelNames<'_>,
    ) -> Option<Vec<(String, String)>> {
        self.check_label_names(templates, reserved, of_host);
        let labels = templates.iter().map(|label| {
            let value = self.text(&format!("label {:?}", label.name), &label.value)?;
            Some((label.name.clone(), value))
        });
        labels.collect()
    }

    /// Adds errors about labels with invalid names.
    pub(super) fn check_label_names(
        &mut self,
        templates: &[LabelTemplate],
        reserved: &[&str],
        of_host: &LabelNames<'_>,
    ) {
        for label in templates {
            let name = &label.name;
            let problem = if reserved.contains(&name.as_str()) {
                format!("label {name:?} is set by promemu itself; choose another name")
            } else if of_host.contains(name.as_str()) {
                let owner = if self.member_labels.contains(name.as_str()) { "pool" } else { "host" };
                format!("label {name:?} is one of its {owner}'s already; choose another name")
            } else if name.len() > NAME_BYTES_MAX {
                format!("a label's name has {NAME_BYTES_MAX} bytes at most")
            } else if !is_label_name(name) {
                format!(
                    "label name {name:?} is not allowed; use letters, digits and _, not beginning with a digit or __"
                )
            } else {
                continue;
            };
            self.problems.error(label.name_span, problem);
        }
    }
}
