//! The samples of a config's runs, as a Prometheus would store them.

use std::io;
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::time::Span;
use promemu_learn::EmulatedRun;
use promemu_wire::block_reader::Block;
use promemu_wire::export::{BlockSpec, Progress, Sampling, TargetLabels};
use promemu_wire::samples::SampleValue;

/// Maximum length of a block.
const LENGTH_MAX: Span = Span::from_secs(24 * 3_600);

/// The samples of a run with a seed.
pub(super) fn emulated(plan: &Arc<Plan>, seed: u64, grid: &Grid) -> Result<EmulatedRun, Error> {
    let failed = |source: io::Error| Error::System {
        what: "the samples of a run cannot be written to the folder of temporary files".to_owned(),
        source,
    };
    let folder = TemporaryFolder::new().map_err(failed)?;
    let run = Backfill::new(Arc::clone(plan), seed, grid.from, grid.to)?;
    let progress = Progress::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let sampling = Sampling {
        run: &run,
        grid: *grid,
        labels: TargetLabels::Scraped,
        threads,
        keeps_hosts: false,
        progress: &progress,
    };
    let data = folder.path();
    let spec = BlockSpec { sampling, data, length_max: LENGTH_MAX, may_overlap: false, begin: &|_| {} };
    spec.write().map_err(failed)?;
    let mut series = EmulatedRun::new();
    for block in Block::all(data).map_err(failed)? {
        let take = &mut |name: &_, samples: Vec<(i64, SampleValue)>| {
            let floats = samples.into_iter().filter_map(|(at, value)| match value {
                SampleValue::Float(value) if value.is_finite() => Some((at, value)),
                _ => None,
            });
            match series.get_mut(name) {
                Some(own) => own.extend(floats),
                None => drop(series.insert(name.clone(), floats.collect())),
            }
            Ok(())
        };
        block.for_each(&|_| true, take).map_err(failed)?;
    }
    series.retain(|_, floats| !floats.is_empty());
    Ok(series)
}
