//! The config with all hosts of a model.

use promemu_dynamics::actions::Action;
use promemu_dynamics::file::Model;
use promemu_plugin::{ConfigBuilder, Param, Params, Refused};

use crate::model_file;

/// The hosts of a model, each as it was at the recording's end, with a lever for each action.
#[derive(Debug)]
pub struct Learned;

impl ConfigBuilder for Learned {
    const NAME: &'static str = "learned";
    const SUMMARY: &'static str = "hosts that a dynamics model has learned, with levers for its actions";
    const ARGS: &'static [Param] = &[
        Param::text("model", "", "the model file, as promemu fit --dynamics writes it"),
        Param::duration("hosts_ttl", "inf", "life of the hosts"),
    ];

    fn build(args: &Params<'_>) -> Result<String, Refused> {
        let model = model_file::read(args)?;
        let seconds = args.seconds("hosts_ttl");
        let ttl = if seconds.is_finite() { format!("\"{seconds}s\"") } else { "inf".to_owned() };
        Ok(text(&model, args.text("model"), &ttl))
    }
}

fn text(model: &Model, path: &str, ttl: &str) -> String {
    let mut text = String::from(
        "Config(\n    description: \"hosts of a dynamics model\",\n    identity_labels: false,\n    levers: {\n",
    );
    let hosts = || model.roles.iter().flat_map(|model| &model.role.hosts);
    let mut levers: Vec<(String, &Action)> = Vec::new();
    for action in &model.actions {
        for host in hosts() {
            let lever = action.lever_of(&host.name);
            if levers.iter().all(|(own, _)| *own != lever) {
                levers.push((lever, action));
            }
        }
    }
    let put =
        |text: &mut String, line: std::fmt::Arguments<'_>| text.extend([line.to_string(), "\n".to_owned()]);
    for (lever, action) in &levers {
        let Action { low, high, .. } = action;
        put(&mut text, format_args!("        // From {low} to {high}.\n        {}: 0,", quoted(lever)));
    }
    text.push_str("    },\n    hosts: [\n");
    let step = model.step_secs;
    for host in hosts() {
        let labels: Vec<String> =
            host.labels.iter().map(|(name, value)| format!("{}: {}", quoted(name), quoted(value))).collect();
        let [name, job, file] = [&*host.name, &*host.job, path].map(quoted);
        put(
            &mut text,
            format_args!(
                "        Host(name: {name}, job_name: {job}, interval: \"{step}s\", ttl: {ttl}, labels: {{ {} }}, pools: [\n            \
                 Pool(workload: dynamics(model: {file}, host: {name}), update_interval: \"{step}s\"),\n        ]),",
                labels.join(", ")
            ),
        );
    }
    text.push_str("    ],\n)\n");
    text
}

/// A text as a string of a config, in which braces are expressions.
fn quoted(text: &str) -> String {
    format!("{:?}", text.replace('{', "{{").replace('}', "}}"))
}
