//! A recording that the config plays: its hosts, with the series that they had.

use std::path::Path;
use std::sync::Arc;

use super::resolver::{KnownFamily, Resolver};
use crate::config::template::ReplayTemplate;
use crate::error::SourceSpan;
use crate::metric::{Aggregation, Cells, Kind, Rounding, StateIndexes};
use crate::plan::{HostPlan, HostSetup, HostShape, MetricPlan, Schedule};
use crate::replay::{OpenedReplay, ReplayOpener, ReplayPlan, ReplaySeries, ReplayTable};
use crate::scenario::ScenarioPlan;
use crate::series::LabelBlock;
use crate::time::Span;

/// Nothing is updated but by rows of the recording.
const NO_UPDATES: Schedule =
    Schedule { start_time: Span::FOREVER, duration: Span::FOREVER, update_interval: Span::FOREVER };

impl Resolver<'_> {
    /// Adds the hosts of a recording.
    pub(super) fn replay(
        &mut self,
        template: &ReplayTemplate,
        opener: Option<&dyn ReplayOpener>,
    ) -> Option<()> {
        let span = template.recording.span;
        let folder = self.value("recording", &template.recording)?;
        let is_looped = self.optional("looped", template.is_looped.as_ref(), false)?;
        if folder.is_empty() {
            let message = "no recording is given; name its folder, as in promemu run replay recording=DIR";
            self.problems.needs_more(span, message);
            return None;
        }
        let outcome = match opener {
            None => Err("a recording is played by a config of the command line only".to_owned()),
            Some(opener) => opener.open(Path::new(&folder)),
        };
        let OpenedReplay { replay, left_out } = outcome.map_err(|why| self.problems.error(span, why)).ok()?;
        for what in left_out {
            self.problems.warning(span, what);
        }
        for (number, table) in replay.tables().iter().enumerate() {
            let plan = ReplayPlan { replay: Arc::clone(&replay), table: number, is_looped };
            self.replayed_host(table, plan, span)?;
        }
        Some(())
    }

    fn replayed_host(&mut self, table: &ReplayTable, plan: ReplayPlan, span: SourceSpan) -> Option<()> {
        let name: Arc<str> = table.name.as_str().into();
        if !self.host_names.insert(Arc::clone(&name)) {
            let message =
                format!("the recording has a host {name:?}, and so has the config; rename that one");
            self.problems.error(span, message);
            return None;
        }
        let ttl = if plan.is_looped { Span::FOREVER } else { plan.length() };
        let mut shape = HostShape {
            schedules: vec![NO_UPDATES],
            scheduled: vec![Vec::new()],
            replay: Some(Arc::new(plan)),
            ..HostShape::default()
        };
        for series in &table.series {
            let metric = self.replayed_metric(series, span)?;
            shape.push(metric, &mut StateIndexes::default());
        }
        self.series += shape.series;
        if self.series > self.series_max {
            self.refuse_series(span, self.series);
            return None;
        }
        let job = self.jobs.entry(table.job.as_str().into());
        let (job, hosts) = (job.index(), job.or_default());
        let id = u32::try_from(self.hosts.len()).ok()?;
        hosts.push(id);
        self.bare_hosts.push((id, span));
        let setup = HostSetup {
            job,
            interval: (table.interval, table.interval),
            growth_max: usize::MAX,
            run: None,
            event_share: None,
            shape: Arc::new(shape),
        };
        let labels = LabelBlock::new(pairs(&table.labels));
        let host = HostPlan { name, labels, start_time: Span::ZERO, ttl, setup: Arc::new(setup) };
        let bytes = host.host_bytes() + host.shape.shape_bytes();
        if !self.has_memory(span, bytes) {
            return None;
        }
        self.memory += bytes;
        self.hosts.push(Arc::new(host));
        Some(())
    }

    fn replayed_metric(&mut self, series: &ReplaySeries, span: SourceSpan) -> Option<MetricPlan> {
        let ReplaySeries { family, labels, layout } = series;
        let known = self.families.entry(Arc::clone(&family.name));
        let index = known.index();
        let known = known.or_insert_with(|| KnownFamily { family: family.clone(), is_described: true, span });
        if known.family.metric_type != family.metric_type {
            let (other, this) = (known.family.metric_type.name(), family.metric_type.name());
            let message =
                format!("metric {:?} is a {this} in the recording and a {other} elsewhere", family.name);
            self.problems.error(span, message);
            return None;
        }
        // Nothing is aggregated: the cells are those of the recording.
        let aggregation = match layout.kind {
            Kind::Value => Aggregation::Gauge,
            _ => Aggregation::Info,
        };
        Some(MetricPlan {
            name: Arc::clone(&family.name),
            family: index,
            cells: Cells::new(layout.clone(), aggregation),
            offset: 0,
            value_range: (f64::NEG_INFINITY, f64::INFINITY),
            default_value: 0.0,
            rounding: Rounding::NONE,
            schedule: 0,
            labels: LabelBlock::new(pairs(labels)),
            scenario: ScenarioPlan::default(),
            source: None,
            links: Vec::new(),
            when: None,
            observations: None,
            spread: None,
        })
    }
}

fn pairs(labels: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> + Clone {
    labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
