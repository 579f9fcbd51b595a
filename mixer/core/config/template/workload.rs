//! Workloads of plugins in a template, with the labels and metrics of their pools.

use super::scenario::{ParamTemplate, named, read_params};
use crate::config::tree::{Field, Node, NodeKind};
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::Value;
use crate::plugin::{self, WorkloadDecl};
use crate::scenario::{self, Param};

/// Workloads of the plugins that ship with promemu and must be built; each with its plugin's name.
const SHIPPED: [(&str, &str); 2] = [("processes", "processes"), ("processes_hostmetrics", "processes")];

#[derive(Debug)]
pub(in crate::config) struct WorkloadTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) workload: &'static WorkloadDecl,
    pub(in crate::config) params: Vec<(&'static Param, ParamTemplate)>,
}

impl WorkloadTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, fields) = named(node, "a workload, as in processes(process_count: 60)", problems)?;
        let Some(workload) = plugin::workload(&name) else {
            if let Some((_, plugin)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
                let message = format!(
                    "workload {name:?} is in the plugin {plugin}, which is missing; build it with ./manage.sh plugins, \
                     or name its folder with --plugins-dir"
                );
                problems.needs_plugin(span, message);
                return None;
            }
            let workloads = plugin::workloads();
            let names: Vec<&str> = workloads.iter().map(|workload| workload.name.as_str()).collect();
            problems.error(span, format!("unknown workload {name:?}{}", suggestion(&name, &names)));
            return None;
        };
        let params = scenario::workload_params(workload);
        let params = read_params(&workload.name, params, span, fields, problems)?;
        Some(Self { span, workload, params })
    }

    /// Its labels as a config would write them, different in each slot.
    pub(super) fn labels(&self) -> Vec<(Node, Node)> {
        let label = |name: &String| (self.text(name), self.text("{slot}"));
        self.workload.labels.iter().map(label).collect()
    }

    /// Its metrics as a config would write them.
    pub(super) fn metrics(&self) -> Vec<Node> {
        let families = self.workload.families.iter();
        let metric = families.map(|family| {
            let kind = if family.is_counter { "counter" } else { "gauge" };
            let mut fields =
                vec![self.field("name", self.text(&family.name)), self.field("metric_type", self.text(kind))];
            if !family.help.is_empty() {
                // A plugin's help text has no expressions.
                let help = family.help.replace('{', "{{").replace('}', "}}");
                fields.push(self.field("description", self.text(&help)));
            }
            if !family.labels.is_empty() {
                let labels = family.labels.iter();
                let labels = labels.map(|(name, value)| (self.text(name), self.text(value))).collect();
                fields.push(self.field("labels", self.node(NodeKind::Map(labels))));
            }
            self.node(NodeKind::Struct(Some("Metric".to_owned()), fields))
        });
        metric.collect()
    }

    fn field(&self, name: &str, value: Node) -> Field {
        Field { name: name.to_owned(), name_span: self.span, value }
    }

    fn text(&self, text: &str) -> Node {
        self.node(NodeKind::Scalar(Value::Text(text.to_owned())))
    }

    fn node(&self, kind: NodeKind) -> Node {
        Node { span: self.span, ..Node::nowhere(kind) }
    }
}
