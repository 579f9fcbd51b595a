//! The lineage of an output: events of `OpenLineage` 2.0.2 (<https://openlineage.io/docs/spec/object-model>), one on each line.

use std::path::Path;

use promemu_core::time::Time;
use promemu_run::clock::wall_now;
use promemu_wire::digest::key;
use promemu_wire::prepared::PreparedManifest;
use serde_json::{Value, json};

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const FACETS: &str = "https://openlineage.io/spec/facets";
const PRODUCER: &str = concat!("urn:promemu:", env!("CARGO_PKG_VERSION"));

/// A run that makes an output.
#[derive(Debug)]
pub(super) struct Lineage<'a> {
    pub(super) begin: Time,
    pub(super) pipeline: &'a Path,
    pub(super) recording: &'a Path,
    pub(super) out: &'a Path,
}

impl Lineage<'_> {
    /// The begin of the run, and its end.
    pub(super) fn events(&self, manifest: &PreparedManifest) -> Vec<String> {
        let run_id = run_id(self.begin, &manifest.pipeline.sha256);
        let events = [("START", self.begin), ("COMPLETE", wall_now())];
        events.map(|(kind, at)| self.event(manifest, kind, at, &run_id).to_string()).into()
    }

    fn event(&self, manifest: &PreparedManifest, kind: &str, at: Time, run_id: &str) -> Value {
        let rows: u64 = manifest.parts.iter().map(|part| part.file.rows).sum();
        let bytes: u64 = manifest.parts.iter().map(|part| part.file.bytes).sum();
        let version = key(manifest.parts.iter().map(|part| &part.file.sha256));
        let is_over = kind == "COMPLETE";
        let mut output = json!({ "namespace": "file", "name": absolute(self.out) });
        if is_over {
            output["facets"] = json!({ "version": version_facet(&version) });
            let mut statistics = facet("1-0-0", "OutputStatisticsOutputDatasetFacet");
            statistics["rowCount"] = rows.into();
            statistics["size"] = bytes.into();
            output["outputFacets"] = json!({ "outputStatistics": statistics });
        }
        let mut engine = facet("1-1-0", "ProcessingEngineRunFacet");
        engine["name"] = "promemu".into();
        engine["version"] = env!("CARGO_PKG_VERSION").into();
        let mut code = facet("1-0-0", "SourceCodeLocationJobFacet");
        code["type"] = "file".into();
        code["url"] = format!("file://{}", absolute(self.pipeline)).into();
        code["version"] = format!("{} sha256:{}", manifest.pipeline.version, manifest.pipeline.sha256).into();
        json!({
            "eventType": kind,
            "eventTime": at.rfc3339(),
            "run": { "runId": run_id, "facets": { "processing_engine": engine } },
            "job": {
                "namespace": "promemu",
                "name": manifest.pipeline.name,
                "facets": { "sourceCodeLocation": code },
            },
            "inputs": [{
                "namespace": "file",
                "name": absolute(self.recording),
                "facets": { "version": version_facet(&manifest.inputs_sha256) },
            }],
            "outputs": [output],
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
        })
    }
}

fn facet(version: &str, name: &str) -> Value {
    json!({ "_producer": PRODUCER, "_schemaURL": format!("{FACETS}/{version}/{name}.json#/$defs/{name}") })
}

fn version_facet(version: &str) -> Value {
    let mut facet = facet("1-0-0", "DatasetVersionDatasetFacet");
    facet["datasetVersion"] = version.into();
    facet
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// A UUID (RFC 9562, version 8) that no other run has.
fn run_id(begin: Time, pipeline: &str) -> String {
    let random = promemu_core::rng::random_seed().to_string();
    let hash = key([begin.unix_nanos().to_string(), random, pipeline.to_owned()]);
    let part = |from: usize, to: usize| &hash[from..to];
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
