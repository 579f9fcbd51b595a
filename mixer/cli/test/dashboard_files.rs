//! The dashboards of a test: those that its verdicts name, and those of the command line.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::plan::{Scope, Verdict, VerdictPlan};
use promemu_core::text_file;
use promemu_wire::grafana_dashboard::GrafanaDashboard;

/// Largest file of a dashboard.
const BYTES_MAX: u64 = 64 << 20;

/// Reads the dashboards, by the names that they have in verdicts. Those of `flags` become verdicts, too.
///
/// # Errors
///
/// A file cannot be read, or is no dashboard.
pub(super) fn read(
    verdicts: &mut Vec<VerdictPlan>,
    config: Option<&Path>,
    flags: &[PathBuf],
) -> Result<IndexMap<String, GrafanaDashboard>, Error> {
    let folder = config.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
    let mut dashboards = IndexMap::new();
    for verdict in &*verdicts {
        let Verdict::Panels { dashboard: name, .. } = &verdict.verdict else { continue };
        if !dashboards.contains_key(name) {
            dashboards.insert(name.clone(), read_one(&folder.join(name), "the verdict panels")?);
        }
    }
    for path in flags {
        let dashboard = read_one(path, "--dashboard or PME_TEST_DASHBOARD")?;
        let name = path.display().to_string();
        // The same name means a file beside the config in a verdict, and one of the working folder here.
        let name = match dashboards.get(&name) {
            Some(known) if *known != dashboard => format!("./{name}"),
            _ => name,
        };
        let verdict = Verdict::Panels { dashboard: name.clone(), may_be_empty: Vec::new() };
        verdicts.push(VerdictPlan { verdict, scope: Scope::Run });
        dashboards.insert(name, dashboard);
    }
    Ok(dashboards)
}

fn read_one(path: &Path, by: &str) -> Result<GrafanaDashboard, Error> {
    let shown = path.display();
    let text = text_file::read(path, BYTES_MAX)
        .map_err(|source| Error::Usage(format!("{by}: {shown} cannot be read: {source}")))?;
    GrafanaDashboard::read(&text).map_err(|why| Error::Usage(format!("{by}: {shown}: {why}")))
}
