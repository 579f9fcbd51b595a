//! The workload of a pool.

use std::sync::Arc;

use super::metrics::DEFAULT_UPDATE_INTERVAL;
use super::resolver::Resolver;
use crate::config::template::{PoolTemplate, WorkloadTemplate};
use crate::plan::ModelPlan;
use crate::scenario::{MetricContext, prepare_workload};

/// Parameters of a workload have no metric's range or default.
const NO_METRIC: MetricContext = MetricContext { range: None, default_value: 0.0, shows_value: true };

impl Resolver<'_> {
    /// The workload with its parameters and interval; the inner `None` is a pool without a workload.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    pub(super) fn workload(&mut self, template: &PoolTemplate) -> Option<Option<ModelPlan>> {
        let Some(WorkloadTemplate { span, workload, params }) = &template.workload else { return Some(None) };
        let mut arguments = self.arguments(params, NO_METRIC)?;
        let prepared = match prepare_workload(workload, &mut arguments) {
            Ok(prepared) => prepared,
            Err(error) => {
                let refusals = arguments.take_refusals();
                if refusals.is_empty() {
                    self.problems.error(*span, format!("{}: {error}", workload.name));
                }
                self.refuse_params(&workload.name, *span, params, &refusals);
                return None;
            }
        };
        for event in &workload.emits {
            self.events.emit(event);
        }
        let interval =
            self.interval("update_interval", template.update_interval.as_ref(), DEFAULT_UPDATE_INTERVAL)?;
        Some(Some(ModelPlan { workload: Arc::new(prepared), interval }))
    }
}
