//! Models and generators of plugins in a template, under the word `workload`.

use super::scenario::{ParamTemplate, named, read_params};
use crate::config::tree::Node;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::plugin::{self, ModelDecl};
use crate::scenario::{self, Param};

/// Workloads of the plugins that ship with promemu and must be built; each with its plugin's name.
const SHIPPED: [(&str, &str); 5] = [
    ("dynamics", "dynamics"),
    ("memcached_load", "memcached"),
    ("population", "population"),
    ("processes", "processes"),
    ("processes_hostmetrics", "processes"),
];

#[derive(Debug)]
pub(in crate::config) struct WorkloadTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) workload: &'static ModelDecl,
    pub(in crate::config) params: Vec<(&'static Param, ParamTemplate)>,
}

impl WorkloadTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, fields) = named(node, "a workload, as in processes(process_count: 60)", problems)?;
        let Some(workload) = plugin::model(&name) else {
            if let Some((_, plugin)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
                let message = format!(
                    "workload {name:?} is in the plugin {plugin}, which is missing; build it with ./manage.sh plugins, \
                     or name its folder with --plugins-dir"
                );
                problems.needs_more(span, message);
                return None;
            }
            let workloads = plugin::models();
            let names: Vec<&str> = workloads.iter().map(|workload| workload.name.as_str()).collect();
            problems.error(span, format!("unknown workload {name:?}{}", suggestion(&name, &names)));
            return None;
        };
        let params = scenario::model_params(workload);
        let params = read_params(&workload.name, params, span, fields, problems)?;
        Some(Self { span, workload, params })
    }
}
