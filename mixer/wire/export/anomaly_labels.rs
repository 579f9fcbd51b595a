//! The labels of anomalies beside an export: for each moment of its grid, the series of the hosts on which a fault is.
//!
//! A fault is on a host that shows it, or whose metrics follow levers that it moves. The host of the ground truth has none.

use std::io::{self, Write};

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::metric::promql::equal_matchers;
use promemu_core::plan::{HostPlan, Plan, RunFault};
use promemu_core::time::Time;
use promemu_core::timeline::{TruthRecord, TruthRecords, TruthSubject};

use super::target_labels::TargetLabels;

/// The first line.
const HEAD: &[u8] = b"timestamp,series,fault\n";

/// Writes a line of CSV for each moment of the grid, each host and each fault that is on it then: the moment in milliseconds since 1970, a
/// selector of the host's series, and the fault's id.
pub fn write_anomaly_labels(
    run: &Backfill,
    grid: &Grid,
    labels: TargetLabels,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let (plan, to) = (run.plan(), grid.to);
    let is_of_fault = |record: &TruthRecord<'_>| record.subject == TruthSubject::Fault;
    let records = TruthRecords::new(plan, run.course()).take_while(|record| record.begin <= to);
    let mut records = records.filter(is_of_fault).peekable();
    let marks: Vec<(&str, Vec<Mark>)> =
        plan.faults.iter().map(|fault| (&*fault.id, Mark::all(plan, fault, (grid.from, labels)))).collect();
    let mut active: Vec<TruthRecord<'_>> = Vec::new();
    out.write_all(HEAD)?;
    for moment in grid.iter() {
        active.retain(|record| record.end > moment);
        while let Some(record) = records.next_if(|record| record.begin <= moment) {
            active.extend((record.end > moment).then_some(record));
        }
        for record in &active {
            let marks = marks.iter().filter(|(id, _)| *id == record.id).flat_map(|(_, marks)| marks);
            for mark in marks.filter(|mark| (mark.from..mark.until).contains(&moment)) {
                writeln!(out, "{},{},{}", moment.unix_millis(), mark.selector, quoted(record.id))?;
            }
        }
    }
    Ok(())
}

/// A host on which a fault may be, while it lives.
struct Mark {
    /// The selector of its series, quoted.
    selector: String,
    from: Time,
    until: Time,
}

impl Mark {
    fn all(plan: &Plan, fault: &RunFault, (start, labels): (Time, TargetLabels)) -> Vec<Self> {
        let hosts = plan.hosts.iter().filter(|host| is_on(plan, fault, host));
        hosts
            .map(|host| {
                let own = host.labels.iter().filter(|(name, _)| *name != "job");
                let matchers = equal_matchers(own.chain(labels.of(plan, host)));
                let selector = quoted(&format!("{{{matchers}}}"));
                Self { selector, from: start + host.start_time, until: start + host.ends_after() }
            })
            .collect()
    }
}

/// `true` for a host that the fault is on while it is active.
fn is_on(plan: &Plan, fault: &RunFault, host: &HostPlan) -> bool {
    let part = host.run.as_deref();
    // The host of the ground truth has levers of its own.
    if part.is_some_and(|part| part.levers.len() > plan.levers.len()) {
        return false;
    }
    let is_meant = fault.hosts.as_ref().is_none_or(|hosts| hosts.matches(host));
    let is_moved = || part.is_some_and(|part| part.faults.iter().any(|known| known.id == fault.id));
    is_meant && (fault.kind.is_some() || !fault.changes.is_empty() && is_moved())
}

/// A field of CSV.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
