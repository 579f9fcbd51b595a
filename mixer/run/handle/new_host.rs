//! The plan of a host that is added to a run: it is like a host that the run has, its template.

use indexmap::IndexMap;

use promemu_core::naming::{is_label_name, made_up_address, made_up_host};
use promemu_core::plan::HostPlan;
use promemu_core::series::LabelBlock;
use promemu_core::time::Span;

use super::command_params::NewHost;
use super::error::{CommandError, LABEL_VALUE_BYTES_MAX, LABELS_MAX, NAME_BYTES_MAX};
use super::lookup::host_id;
use crate::fleet::Fleet;

/// The labels that promemu derives from a host's name.
const IDENTITY: [&str; 3] = ["name", "host", "address"];
/// The labels that Prometheus gives a meaning to.
const RESERVED: [&str; 4] = ["job", "instance", "le", "quantile"];

/// The plan of a new host that starts at once.
pub(super) fn new_host_plan(fleet: &Fleet, new: &NewHost) -> Result<HostPlan, CommandError> {
    let NewHost { name, template, labels, ttl, series_max, memory_max } = new;
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(CommandError::InvalidHostName);
    }
    if fleet.id_of(name).is_some() {
        return Err(CommandError::HostExists(name.clone()));
    }
    let template = fleet.host(host_id(fleet, template)?);
    if template.labels.get("name") != Some(&template.name) {
        return Err(CommandError::TemplateWithoutName { template: template.name.to_string() });
    }
    check_labels(&template, labels)?;
    let series = fleet.series_max().saturating_add(template.series_count());
    if series > *series_max {
        return Err(CommandError::TooManySeries { series, max: *series_max });
    }
    let host = HostPlan {
        name: name.as_str().into(),
        ttl: ttl.unwrap_or(template.ttl),
        start_time: Span::ZERO,
        labels: merged(&template.labels, name, labels),
        ..HostPlan::clone(&template)
    };
    let bytes = fleet.added_memory().saturating_add(host.host_bytes());
    if bytes > *memory_max {
        return Err(CommandError::TooMuchMemory { bytes, max: *memory_max });
    }
    Ok(host)
}

fn check_labels(template: &HostPlan, labels: &[(String, String)]) -> Result<(), CommandError> {
    if labels.len() > LABELS_MAX {
        return Err(CommandError::TooManyLabels);
    }
    let shape = &template.shape;
    for (label, value) in labels {
        let is_set_by_metric = shape.all_metrics().any(|metric| metric.labels.get(label).is_some())
            || shape.pools.iter().any(|pool| pool.labels.iter().any(|(name, _)| name == label));
        let is_taken = IDENTITY.contains(&label.as_str()) || RESERVED.contains(&label.as_str());
        if !is_label_name(label) || is_taken || is_set_by_metric {
            return Err(CommandError::LabelNotAllowed { label: label.clone() });
        }
        if value.len() > LABEL_VALUE_BYTES_MAX {
            return Err(CommandError::LabelTooLong { label: label.clone() });
        }
    }
    Ok(())
}

/// The template's labels for a host of this name, and the client's.
fn merged(template: &LabelBlock, name: &str, added: &[(String, String)]) -> LabelBlock {
    let (host, address) = (made_up_host(name), made_up_address(name));
    let mut labels: IndexMap<&str, &str> = template.iter().collect();
    for (label, value) in [("name", name), ("host", &host), ("address", &address)] {
        if let Some(known) = labels.get_mut(label) {
            *known = value;
        }
    }
    labels.extend(added.iter().map(|(label, value)| (label.as_str(), value.as_str())));
    LabelBlock::new(labels)
}
