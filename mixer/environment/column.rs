//! Columns of observations, from the cells of a system.

use std::sync::Arc;

use promemu_core::event::HostId;
use promemu_core::metric::{ABSENT, Kind, histogram_quantile, is_absent};
use promemu_core::plan::{HostPlan, HostSelection, HostShape, MetricPlan, Plan};

use crate::error::EnvironmentError;
use crate::spec::{COLUMNS_MAX, ObserveSpec, ReadAs};

/// A column of an observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name, which columns of other hosts may share.
    pub name: String,
    /// Its host; the target for a lever; empty for the whole system.
    pub host: String,
    /// The values that are 0 and 1.
    pub range: Option<(f64, f64)>,
    /// The number that is made of its cells.
    pub meaning: Meaning,
    /// The origin of its cells.
    pub source: Source,
    /// Its first cell among those of all columns.
    pub offset: usize,
    /// Number of its cells.
    pub width: usize,
}

/// The number that is made of a column's cells.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// The first cell.
    Value,
    /// The increase of the sum of the first cells, for each second.
    Rate {
        /// Number of cells that are summed.
        of: usize,
    },
    /// The mean of a step's observations; the last cell is their sum.
    Mean {
        /// Number of cells that are counts.
        counts: usize,
    },
    /// A quantile of a step's observations.
    Quantile {
        /// The quantile.
        q: f64,
        /// The bounds of the buckets.
        bounds: Arc<[f64]>,
    },
}

/// The origin of a column's cells.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Cells of a world, which are summed.
    Cells {
        /// The host.
        host: HostId,
        /// The places on the host.
        places: Vec<Place>,
        /// Labels that members must have.
        labels: Vec<(String, String)>,
    },
    /// A metric of a learned host.
    Learned {
        /// The number of the host.
        host: usize,
        /// Its column.
        column: usize,
    },
    /// A lever, by its handle.
    Handle(usize),
}

/// A metric on a host: of the host itself, or of the members of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The pool and its number of slots.
    pub pool: Option<(usize, usize)>,
    /// The first cell.
    pub offset: usize,
}

impl Column {
    /// Its number from its cells now and a step before; [`ABSENT`] if there is none.
    #[must_use]
    pub fn number(&self, cells: &[f64], before: &[f64], step_secs: f64) -> f64 {
        let range = self.offset..self.offset + self.width;
        let (now, before) = (&cells[range.clone()], &before[range]);
        if is_absent(now[0]) {
            return ABSENT;
        }
        if self.meaning == Meaning::Value {
            return now[0];
        }
        if is_absent(before[0]) {
            return ABSENT;
        }
        // A total that has been reset begins anew.
        let increase =
            |cell: usize| if now[cell] < before[cell] { now[cell] } else { now[cell] - before[cell] };
        let found = match &self.meaning {
            Meaning::Value => now[0],
            Meaning::Rate { of } => (0..*of).map(increase).sum::<f64>() / step_secs,
            Meaning::Mean { counts } => {
                let count: f64 = (0..*counts).map(increase).sum();
                increase(self.width - 1) / count
            }
            Meaning::Quantile { q, bounds } => {
                let counts: Vec<f64> = (0..=bounds.len()).map(increase).collect();
                histogram_quantile(*q, bounds, &counts)
            }
        };
        if found.is_finite() { found } else { ABSENT }
    }

    /// A number scaled to 0..1.
    #[must_use]
    pub fn scaled(&self, number: f64) -> f64 {
        match self.range {
            Some((low, high)) => ((number - low) / (high - low)).clamp(0.0, 1.0),
            None => 0.5 + 0.5 * number / (1.0 + number.abs()),
        }
    }

    /// The number that a scaled one stands for, as far as it is within the range.
    #[must_use]
    pub fn unscaled(&self, scaled: f64) -> f64 {
        if let Some((low, high)) = self.range {
            return low + scaled * (high - low);
        }
        let half = 2.0 * scaled - 1.0;
        half / (1.0 - half.abs()).max(1e-9)
    }

    /// The name with the host.
    #[must_use]
    pub fn label(&self) -> String {
        if self.host.is_empty() { self.name.clone() } else { format!("{}@{}", self.name, self.host) }
    }
}

/// The columns of a metric, one for each host of a plan that has it.
pub fn of_metric(plan: &Plan, spec: &ObserveSpec, columns: &mut Vec<Column>) -> Result<(), EnvironmentError> {
    let wrong = |why: String| EnvironmentError::Spec(why);
    let metric = spec.metric.as_deref().unwrap_or_default();
    let hosts = spec.hosts.as_deref().map(HostSelection::parse).transpose().map_err(wrong)?;
    let before = columns.len();
    for (id, host) in (0..).zip(&plan.hosts) {
        if hosts.as_ref().is_some_and(|hosts| !hosts.matches(host)) {
            continue;
        }
        if let Some(column) = of_host(plan, (id, host), metric, spec)? {
            columns.push(column);
        }
    }
    if columns.len() == before {
        let name = spec.shown_name();
        return Err(wrong(format!(
            "column {name:?} has no series; no host has metric {metric:?} with its labels"
        )));
    }
    if columns.len() > COLUMNS_MAX {
        let why = format!("more than {COLUMNS_MAX} columns are observed; name fewer metrics, or fewer hosts");
        return Err(wrong(why));
    }
    Ok(())
}

fn of_host(
    plan: &Plan,
    (id, host): (HostId, &HostPlan),
    metric: &str,
    spec: &ObserveSpec,
) -> Result<Option<Column>, EnvironmentError> {
    let has = |labels: &dyn Fn(&str) -> Option<String>, of_pool: bool| {
        spec.labels.iter().all(|(name, value)| labels(name).map_or(of_pool, |found| found == *value))
    };
    let mut places = Vec::new();
    let mut layout = None;
    let mut take = |pool: Option<(usize, usize)>, shape: &HostShape| {
        for own in shape.metrics.iter().filter(|own| *own.name == *metric) {
            let labels =
                |name: &str| own.labels.get(name).or_else(|| host.labels.get(name)).map(str::to_owned);
            if has(&labels, pool.is_some()) {
                layout.get_or_insert_with(|| described(plan, own, spec));
                places.push(Place { pool, offset: own.offset });
            }
        }
    };
    take(None, &host.shape);
    for (n, pool) in host.shape.pools.iter().enumerate() {
        take(Some((n, host.members_max(pool))), &pool.shape);
    }
    let Some(layout) = layout else { return Ok(None) };
    let (meaning, width) = layout?;
    let labels = spec.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let source = Source::Cells { host: id, places, labels };
    let (name, host) = (spec.shown_name().to_owned(), host.name.to_string());
    Ok(Some(Column { name, host, range: spec.range, meaning, source, offset: 0, width }))
}

/// The number that is made of a metric, and the number of its cells.
fn described(
    plan: &Plan,
    metric: &MetricPlan,
    spec: &ObserveSpec,
) -> Result<(Meaning, usize), EnvironmentError> {
    let grows = plan.families[metric.family].metric_type.grows();
    let refuse = |what: &str| {
        let name = spec.shown_name();
        Err(EnvironmentError::Spec(format!(
            "column {name:?} is {what}; choose another `as`, or another metric"
        )))
    };
    match &metric.cells.layout().kind {
        Kind::Value => match spec.read {
            ReadAs::Rate => Ok((Meaning::Rate { of: 1 }, 1)),
            ReadAs::Default if grows => Ok((Meaning::Rate { of: 1 }, 1)),
            ReadAs::Default | ReadAs::Value => Ok((Meaning::Value, 1)),
            ReadAs::Mean | ReadAs::Quantile(_) => refuse("no histogram"),
        },
        Kind::Histogram { bounds } => {
            let counts = bounds.len() + 1;
            let meaning = match spec.read {
                ReadAs::Default | ReadAs::Mean => Meaning::Mean { counts },
                ReadAs::Rate => Meaning::Rate { of: counts },
                ReadAs::Quantile(q) => Meaning::Quantile { q, bounds: Arc::clone(bounds) },
                ReadAs::Value => return refuse("a histogram, which has no value"),
            };
            Ok((meaning, counts + 1))
        }
        Kind::Summary { .. } => match spec.read {
            ReadAs::Rate => Ok((Meaning::Rate { of: 1 }, 2)),
            ReadAs::Default | ReadAs::Mean => Ok((Meaning::Mean { counts: 1 }, 2)),
            _ => refuse("a summary, which has a rate and a mean"),
        },
        Kind::StateSet { .. } => Ok((Meaning::Value, 1)),
        Kind::NativeHistogram(_) => refuse("a native histogram, which is not observed"),
    }
}

/// Sets the offsets of columns, and returns the number of cells of all.
pub fn lay_out(columns: &mut [Column]) -> usize {
    let mut end = 0;
    for column in columns {
        column.offset = end;
        end += column.width;
    }
    end
}
