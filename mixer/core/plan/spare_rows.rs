//! Rows of a job's store for the hosts that a run adds.
//!
//! Rows are made for hosts of one kind, at first for one and then for as many as there are, so that the store gets few
//! more columns. A host that is removed leaves its rows to the next one of its kind. The rows of planned hosts stay theirs.

use std::ops::Range;
use std::sync::Arc;

use super::host::{HostPlan, HostSetup};
use super::metric::MetricPlan;
use super::run::Plan;
use super::shape::HostShape;
use crate::series::{Column, Family, SeriesStore};

/// The spare rows of one job.
#[derive(Debug, Default)]
pub struct SpareRows {
    /// There are no more than the job has shapes; those of equal shapes differ in their pools' size.
    kinds: Vec<RowsOfKind>,
}

/// All rows that were made for one kind of hosts.
#[derive(Debug)]
struct RowsOfKind {
    shape: Arc<HostShape>,
    growth_max: usize,
    /// Number of hosts that rows were made for.
    made: usize,
    free: Vec<HostRows>,
}

/// The rows of one host.
#[derive(Debug)]
struct HostRows {
    row: usize,
    pools: Vec<Range<usize>>,
}

impl SpareRows {
    /// Gives a host of this plan rows in its job's store. The job has another host of its shape, so that the store has its
    /// families. Returns the host's row.
    pub fn add_host(&mut self, host: &HostPlan, plan: &Plan, store: &mut SeriesStore) -> usize {
        let kind = self.kind(host);
        if kind.free.is_empty() {
            let hosts = kind.made.max(1);
            kind.made += hosts;
            append(host, hosts, &plan.families, store, &mut kind.free);
        }
        // There is always one now.
        let rows = kind.free.pop().unwrap_or_else(|| HostRows { row: store.rows(), pools: Vec::new() });
        store.add_host(rows.row, &host.name, &host.labels, rows.pools);
        rows.row
    }

    /// Takes back the rows of a host that has ended, unless they are its own for good.
    pub fn remove_host(&mut self, host: &HostPlan, row: usize, store: &mut SeriesStore) {
        if store.is_added(row) {
            let pools = store.remove_added_host(row);
            self.kind(host).free.push(HostRows { row, pools });
        }
    }

    fn kind(&mut self, host: &HostPlan) -> &mut RowsOfKind {
        let HostSetup { shape, growth_max, .. } = &*host.setup;
        let is_same = |kind: &RowsOfKind| Arc::ptr_eq(&kind.shape, shape) && kind.growth_max == *growth_max;
        let index = self.kinds.iter().position(is_same).unwrap_or(self.kinds.len());
        if index == self.kinds.len() {
            let (shape, growth_max) = (Arc::clone(shape), *growth_max);
            self.kinds.push(RowsOfKind { shape, growth_max, made: 0, free: Vec::new() });
        }
        &mut self.kinds[index]
    }
}

/// Appends the rows of this number of hosts: first their own, then those of each pool. The first ones are the last of
/// `free`.
fn append(
    host: &HostPlan,
    hosts: usize,
    families: &[Family],
    store: &mut SeriesStore,
    free: &mut Vec<HostRows>,
) {
    let first_row = store.rows();
    append_shape(&host.shape, hosts, families, store);
    let mut pools = Vec::with_capacity(host.shape.pools.len());
    for pool in &host.shape.pools {
        let count = host.members_max(pool);
        pools.push((store.rows(), count));
        append_shape(&pool.shape, hosts * count, families, store);
    }
    for index in (0..hosts).rev() {
        let range = |(first, count): &(usize, usize)| first + index * count..first + (index + 1) * count;
        free.push(HostRows { row: first_row + index, pools: pools.iter().map(range).collect() });
    }
}

fn append_shape(shape: &HostShape, rows: usize, families: &[Family], store: &mut SeriesStore) {
    if rows == 0 {
        return;
    }
    let first_row = store.rows();
    let column = |metric: &MetricPlan| {
        let name = &families[metric.family].name;
        let family = store.families().position(|family| family.name == *name)?;
        let (offset, labels) = (metric.offset, metric.labels.clone());
        let layout = Arc::clone(metric.cells.layout());
        Some(Column { family, first_row, rows, offset, labels, layout })
    };
    let columns: Vec<Column> = shape.metrics.iter().filter_map(column).collect();
    store.append(rows, shape.width, columns);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::metric::is_absent;
    use crate::time::Time;

    fn plan() -> Plan {
        let text = r#"Config(hosts: [
            Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", metrics: [Metric(name: "load")],
                pools: [Pool(count: 3, labels: { "id": "{slot}" }, metrics: [Metric(name: "age")])]),
            Host(name: "other", metrics: [Metric(name: "more"), Metric(name: "load")]),
        ])"#;
        let file = ConfigFile::from_text("test", text);
        file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).unwrap().plan
    }

    #[test]
    fn rows_of_a_removed_host_go_to_the_next_one_of_its_kind() {
        let plan = plan();
        let (mut store, mut spare) = (plan.store(&plan.jobs[0]), SpareRows::default());
        let planned = store.rows();
        let host =
            |name: &str, like: usize| HostPlan { name: name.into(), ..HostPlan::clone(&plan.hosts[like]) };
        let mut add = |store: &mut SeriesStore, host: &HostPlan| {
            let row = spare.add_host(host, &plan, store);
            store.report(row, &vec![1.0; host.shape.width]);
            for member in store.pool_rows(row).iter().cloned().flatten().collect::<Vec<_>>() {
                store.report(member, &[2.0]);
            }
            row
        };
        let hosts = [host("a", 0), host("b", 0), host("c", 0), host("d", 2)];
        let rows = hosts.each_ref().map(|host| add(&mut store, host));
        assert_eq!(rows[0], planned);
        assert_eq!(
            store.pool_rows(rows[0]).iter().cloned().flatten().collect::<Vec<_>>(),
            (planned + 1..planned + 4).collect::<Vec<_>>()
        );
        assert_eq!((store.rows_present(), store.series_count()), (4, 3 * 4 + 2));
        assert_eq!(store.added_hosts().row("b"), Some(rows[1]));
        let layout = store.layout_version();
        spare.remove_host(&hosts[1], rows[1], &mut store);
        assert_eq!((store.rows_present(), store.series_count()), (3, 2 * 4 + 2));
        assert!(is_absent(store.row(rows[1])[0]) && store.added_hosts().row("b").is_none());
        // One more than were made at once: the rows that are left, and those of the removed host.
        let again = [host("e", 0), host("f", 0)].map(|host| spare.add_host(&host, &plan, &mut store));
        assert!(again.contains(&rows[1]));
        assert_eq!(store.layout_version(), layout, "no row was made");
        let names: Vec<_> = again.iter().filter_map(|row| store.added_hosts().name(*row)).collect();
        assert_eq!(names, [&"e".into(), &"f".into()]);
    }

    #[test]
    fn rows_of_planned_hosts_stay_theirs() {
        let plan = plan();
        let (mut store, mut spare) = (plan.store(&plan.jobs[0]), SpareRows::default());
        spare.remove_host(&plan.hosts[0], 0, &mut store);
        let new = HostPlan { name: "new".into(), ..HostPlan::clone(&plan.hosts[0]) };
        let row = spare.add_host(&new, &plan, &mut store);
        assert!(store.is_added(row));
    }
}
