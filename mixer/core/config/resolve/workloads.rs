//! The pools of a model: one for each table that it describes, with the table's labels and metrics.

use std::sync::Arc;

use super::host_series::HostSeries;
use super::labels::LabelNames;
use super::metric_fields::DEFAULT_UPDATE_INTERVAL;
use super::resolver::Resolver;
use crate::config::template::{PoolTemplate, WorkloadTemplate};
use crate::config::value::Scalar;
use crate::error::SourceSpan;
use crate::event::Subscription;
use crate::expression::TextFormula;
use crate::metric::{
    Accumulate, Aggregation, Cells, Kind, Layout, MetricType, NativeLayout, Rounding, StateIndexes,
};
use crate::naming::is_label_name;
use crate::plan::{
    Action, HostShape, Listener, MetricPlan, ModelPlan, PoolPlan, PoolSize, ReusePolicy, Schedule,
};
use crate::plugin::{ConfiguredModel, FamilyDecl, FamilyKind, TableDecl};
use crate::scenario::{MetricContext, ScenarioPlan, prepare_model};
use crate::series::LabelBlock;
use crate::time::Span;

/// Parameters of a model have no metric's range or default.
const NO_METRIC: MetricContext =
    MetricContext { range: None, default_value: 0.0, shows_value: true, update_interval: Span::ZERO };
/// As many buckets as native histograms of configs have.
const NATIVE_BUCKETS_MAX: usize = 160;
/// 2^-128, as in `client_golang`.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

impl Resolver<'_> {
    /// The pools of a model's tables, with the listeners for its events.
    pub(super) fn model_pools(
        &mut self,
        pool: &PoolTemplate,
        template: &WorkloadTemplate,
        host_labels: &LabelNames<'_>,
        (host, series): (&HostShape, &HostSeries),
        listeners: &mut Vec<Listener>,
    ) -> Option<Vec<PoolPlan>> {
        let model = Arc::new(self.model(template)?);
        let interval =
            self.interval("update_interval", pool.update_interval.as_ref(), DEFAULT_UPDATE_INTERVAL)?;
        let name = self.pool_name(pool, &model.model().name, series)?;
        let mut pools = Vec::with_capacity(model.tables().len());
        for (index, table) in model.tables().iter().enumerate() {
            let shape = self.table_shape(table, pool.span, host_labels, host)?;
            let labels = self.row_labels(table)?;
            self.refuse_mixing(pool, &labels, &shape, series)?;
            pools.push(PoolPlan {
                name: if index == 0 { Arc::clone(&name) } else { format!("{name}/{}", table.name).into() },
                shape: Arc::new(shape),
                model: Some(ModelPlan { model: Arc::clone(&model), table: index, interval }),
                labels,
                max: table.rows_max,
                count: PoolSize::All,
                lifetime: (Span::FOREVER, Span::FOREVER),
                pause: (Span::ZERO, Span::ZERO),
                reuse: ReusePolicy::New,
                replace_every: None,
                replace_share: 1.0,
            });
        }
        let heard = pools.first().and_then(|pool| pool.model.as_ref());
        let action = || Action::NotifyMembers(host.pools.len());
        let notify = |subscription: Subscription| Listener { subscription, action: action(), when: None };
        listeners.extend(heard.into_iter().flat_map(ModelPlan::subscriptions).map(notify));
        Some(pools)
    }

    /// The model with its parameters.
    fn model(&mut self, template: &WorkloadTemplate) -> Option<ConfiguredModel> {
        let WorkloadTemplate { span, workload: declared, params } = template;
        let mut arguments = self.arguments(params, NO_METRIC)?;
        match prepare_model(declared, &mut arguments) {
            Ok(prepared) => {
                for event in &declared.emits {
                    self.events.emit(event);
                }
                Some(prepared)
            }
            Err(error) => {
                let refusals = arguments.take_refusals();
                if refusals.is_empty() {
                    self.problems.error(*span, format!("{}: {error}", declared.name));
                }
                self.refuse_params(&declared.name, *span, params, &refusals);
                None
            }
        }
    }

    /// Names of a row's labels. Their texts come from the model; for checks each row has another one.
    fn row_labels(&mut self, table: &TableDecl) -> Option<Vec<(String, TextFormula)>> {
        let slot = Scalar::<String>::text("{slot}").ok()?.pieces();
        let text = TextFormula::bind(slot, &self.names);
        Some(table.labels.iter().map(|name| (name.clone(), text.clone())).collect())
    }

    /// The metrics of a table's row.
    fn table_shape(
        &mut self,
        table: &TableDecl,
        span: SourceSpan,
        host_labels: &LabelNames<'_>,
        host: &HostShape,
    ) -> Option<HostShape> {
        let schedule = Schedule {
            start_time: Span::ZERO,
            duration: Span::FOREVER,
            update_interval: DEFAULT_UPDATE_INTERVAL,
        };
        let mut shape = HostShape {
            schedules: vec![schedule],
            scheduled: vec![Vec::new()],
            storage: host.storage.clone(),
            ..HostShape::default()
        };
        let mut indexes = StateIndexes::default();
        for family in &table.families {
            shape.push(self.table_metric(table, family, span, host_labels)?, &mut indexes);
        }
        Some(shape)
    }

    fn table_metric(
        &mut self,
        table: &TableDecl,
        family: &FamilyDecl,
        span: SourceSpan,
        host_labels: &LabelNames<'_>,
    ) -> Option<MetricPlan> {
        let name: Arc<str> = family.name.as_str().into();
        let (metric_type, cells) = cells_of(&family.kind);
        let described = (!family.help.is_empty()).then(|| family.help.clone());
        let index = self.described_family(&name, metric_type, (described, &family.unit), span)?;
        let has_buckets = matches!(metric_type, MetricType::Histogram | MetricType::NativeHistogram);
        let mut reserved = self.reserved_labels(has_buckets);
        if metric_type == MetricType::StateSet {
            reserved.push(&name);
        }
        let own = table.labels.iter().chain(family.labels.iter().map(|(label, _)| label));
        for label in own.map(String::as_str) {
            let problem = if reserved.contains(&label) {
                "is set by promemu itself"
            } else if host_labels.contains(label) {
                "is one of its host's already"
            } else if !is_label_name(label) {
                "is not allowed; use letters, digits and _"
            } else {
                continue;
            };
            self.problems.error(span, format!("label {label:?} of table {} {problem}", table.name));
            return None;
        }
        Some(MetricPlan {
            family: index,
            cells,
            offset: 0,
            value_range: (f64::NEG_INFINITY, f64::INFINITY),
            default_value: 0.0,
            rounding: if family.is_rounded { Rounding::to_decimals(2) } else { Rounding::NONE },
            schedule: 0,
            labels: LabelBlock::new(family.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            scenario: ScenarioPlan::default(),
            source: None,
            links: Vec::new(),
            when: None,
            observations: None,
            spread: None,
            name,
        })
    }
}

/// The cells of a metric, and its type.
fn cells_of(kind: &FamilyKind) -> (MetricType, Cells) {
    let range = (f64::MIN, f64::MAX);
    let observations = Aggregation::Observations { range, recent: None };
    let (metric_type, kind, aggregation) = match kind {
        FamilyKind::Gauge => (MetricType::Gauge, Kind::Value, Aggregation::Gauge),
        FamilyKind::Counter => {
            let total = Aggregation::Counter { accumulate: Accumulate::PerUpdate, index: 0 };
            (MetricType::Counter, Kind::Value, total)
        }
        FamilyKind::Histogram(bounds) => {
            (MetricType::Histogram, Kind::Histogram { bounds: bounds.as_slice().into() }, observations)
        }
        FamilyKind::NativeHistogram(schema) => {
            let layout = NativeLayout::for_range(*schema, ZERO_THRESHOLD, NATIVE_BUCKETS_MAX, range);
            (MetricType::NativeHistogram, Kind::NativeHistogram(layout), observations)
        }
        FamilyKind::Info => (MetricType::Info, Kind::Value, Aggregation::Info),
        FamilyKind::StateSet(states) => {
            let states = states.iter().map(|state| Arc::from(state.as_str())).collect();
            (MetricType::StateSet, Kind::StateSet { states }, Aggregation::State)
        }
    };
    (metric_type, Cells::new(Layout::plain(kind), aggregation))
}
