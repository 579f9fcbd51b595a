//! The workload of a pool.

use std::sync::Arc;

use super::metrics::DEFAULT_UPDATE_INTERVAL;
use super::resolver::Resolver;
use crate::config::template::{PoolTemplate, WorkloadTemplate};
use crate::plan::ModelPlan;
use crate::scenario::{Arguments, MetricContext, prepare_workload};

/// Parameters of a workload have no metric's range or default.
const NO_METRIC: MetricContext = MetricContext { range: None, default_value: 0.0 };

impl Resolver<'_> {
    /// The workload with its parameters and interval; the inner `None` is a pool without a workload.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    pub(super) fn workload(&mut self, template: &PoolTemplate) -> Option<Option<ModelPlan>> {
        let Some(WorkloadTemplate { span, workload, params }) = &template.workload else { return Some(None) };
        let mut arguments = Arguments::new(NO_METRIC);
        for (param, value) in params {
            let argument = self.argument(param, value, NO_METRIC)?;
            arguments.set(param.name, argument);
        }
        let prepared = prepare_workload(workload, &mut arguments);
        let prepared = prepared
            .map_err(|error| self.problems.error(*span, format!("{}: {error}", workload.name)))
            .ok()?;
        for event in &workload.emits {
            self.events.emit(event);
        }
        let interval =
            self.interval("update_interval", template.update_interval.as_ref(), DEFAULT_UPDATE_INTERVAL)?;
        Some(Some(ModelPlan { workload: Arc::new(prepared), interval }))
    }
}
