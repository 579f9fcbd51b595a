//! `promemu validate MODEL RECORDING`: forecasts of a dynamics model, and the effects of its actions.

use std::path::Path;
use std::process::ExitCode;

use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_dynamics::file::Model;
use promemu_learn::{ActionEffect, Disagreement, DynamicsValidation, Importance, validate_dynamics};
use promemu_wire::recording::Recording;
use serde_json::json;
use tracing::warn;

use crate::args::ValidateArgs;
use crate::dynamics_report::{METRIC_COLUMNS, PREDICTOR_COLUMNS, metrics, predictors, score_json};
use crate::fit::told;
use crate::html_escape::escaped;
use crate::progress_bar::ProgressSteps;
use crate::report_file::{self, is_printed};
use crate::report_page::{END, head, section};
use crate::table::{self, table, whole};
use crate::{model_file, stdout};

/// Paths of a forecast.
const PATHS: usize = 100;
/// Inputs that the text shows.
const INPUTS_SHOWN: usize = 12;
const IMPORTANCE_COLUMNS: [&str; 4] = ["nRMSE AT 1", "WITHOUT IT", "MOST FOR", "INPUT"];
const DISAGREEMENT_COLUMNS: [&str; 3] = ["SPREAD AT 15", "FURTHEST NETWORK", "METRIC"];
const EFFECT_COLUMNS: [&str; 5] = ["AFTER 1", "AFTER 5", "AFTER 15, WITH ITS 90 %", "ACTION", "METRIC"];

/// Scores a model on a recording, and prints and writes the report.
pub(super) fn validate(args: &ValidateArgs, seed: u64) -> Result<ExitCode, Error> {
    let of_configs = [
        ("--match", !args.selectors.is_empty()),
        ("--promql", args.promql),
        ("--rules", !args.rules.is_empty()),
        ("--budget", !args.budget.is_empty()),
        ("--junit", args.junit.is_some()),
    ];
    if let Some((flag, _)) = of_configs.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Error::Usage(format!(
            "{flag} is for configs, and {} is a model; leave it out",
            args.config
        )));
    }
    let path = Path::new(&args.config);
    let model = model_file::read(path)?;
    let recording = Recording::open(&args.recording).map_err(|error| Error::Usage(error.to_string()))?;
    let bar = ProgressSteps::new();
    let outcome = validate_dynamics(&recording, &model, PATHS, seed, |of, done, all| bar.show(of, done, all));
    bar.clear();
    let found = outcome.map_err(told)?;
    for (role, _) in model.roles.iter().zip(&found.roles).filter(|(_, scores)| scores.is_empty()) {
        let hosts: Vec<&str> = role.role.hosts.iter().map(|host| &*host.name).collect();
        warn!(hosts = hosts.join(", "), "the recording has no host with the metrics of these");
    }
    let report = Report { args, model: &model, found: &found };
    if ![&args.json, &args.html].into_iter().any(|path| is_printed(path.as_ref())) {
        stdout::print(report.text().as_bytes())?;
    }
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &report.json())?;
    }
    if let Some(path) = &args.html {
        report_file::write(path, "--html", &report.html())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A validation with its circumstances.
struct Report<'r> {
    args: &'r ValidateArgs,
    model: &'r Model,
    found: &'r DynamicsValidation,
}

impl Report<'_> {
    fn heading(&self) -> String {
        let share = 100.0 * self.found.share;
        format!(
            "{} against {}: {}, the last {share:.0} % of the recording; weights {}",
            self.args.config,
            self.args.recording.display(),
            plural(self.found.hosts, "host", "hosts"),
            self.model.weights_hash()
        )
    }

    fn text(&self) -> String {
        let width = table::width();
        let mut text = table::paragraph(&self.heading(), 0, width);
        let mut put = |rows: String| {
            text.push('\n');
            text.push_str(&rows);
        };
        for (n, scores) in self.found.roles.iter().enumerate().filter(|(_, scores)| !scores.is_empty()) {
            put(table(PREDICTOR_COLUMNS.map(whole), predictors(scores), 0, width));
            put(table(METRIC_COLUMNS.map(whole), metrics(self.model, n, scores), 0, width));
        }
        let legend = "nRMSE, CRPS: less is better, 1 is a deviation of the metric; IN 90 %: 0.9 is best";
        put(table::paragraph(legend, 0, width));
        if !self.found.effects.is_empty() {
            put(table(EFFECT_COLUMNS.map(whole), effects(&self.found.effects), 0, width));
        }
        let shown: Vec<[String; 4]> = inputs(&self.found.importance).into_iter().take(INPUTS_SHOWN).collect();
        put(table(IMPORTANCE_COLUMNS.map(whole), shown, 0, width));
        if !self.found.disagreement.is_empty() {
            put(table(DISAGREEMENT_COLUMNS.map(whole), apart(&self.found.disagreement), 0, width));
        }
        text
    }

    fn html(&self) -> String {
        let mut page = head(&escaped(&self.heading()));
        page.extend(["<h1>", &escaped(&self.heading()), "</h1>\n"]);
        for (n, scores) in self.found.roles.iter().enumerate() {
            page.push_str(&section(
                &format!("Forecasts of role {n}"),
                PREDICTOR_COLUMNS,
                &predictors(scores),
            ));
            let rows = metrics(self.model, n, scores);
            page.push_str(&section(&format!("Metrics of role {n}"), METRIC_COLUMNS, &rows));
        }
        page.push_str(&section("Effects of actions", EFFECT_COLUMNS, &effects(&self.found.effects)));
        page.push_str(&section("Importance of inputs", IMPORTANCE_COLUMNS, &inputs(&self.found.importance)));
        let apart = apart(&self.found.disagreement);
        page.push_str(&section("Disagreement of networks", DISAGREEMENT_COLUMNS, &apart));
        page.push_str(END);
        page
    }

    fn json(&self) -> String {
        let effect = |effect: &ActionEffect| {
            let response = |(horizon, [mean, low, high]): &(usize, [f64; 3])| json!({ "horizon": horizon, "mean": mean, "low": low, "high": high });
            json!({
                "action": effect.action,
                "metric": effect.metric,
                "deviation": effect.deviation,
                "responses": effect.responses.iter().map(response).collect::<Vec<_>>(),
            })
        };
        let importance = |own: &Importance| {
            json!({
                "role": own.role,
                "input": own.input,
                "error": own.error,
                "error_without": own.error_without,
                "metric": own.metric,
                "metric_growth": own.metric_growth,
            })
        };
        let disagreement = |own: &Disagreement| json!({ "metric": own.metric, "spread": own.spread, "member": own.member, "apart": own.apart });
        let roles = self.found.roles.iter();
        let report = json!({
            "model": self.args.config,
            "recording": self.args.recording.display().to_string(),
            "weights": self.model.weights_hash(),
            "schema": self.model.schema_hash(),
            "step_secs": self.model.step_secs,
            "hosts": self.found.hosts,
            "share": self.found.share,
            "roles": roles.map(|scores| scores.iter().map(score_json).collect::<Vec<_>>()).collect::<Vec<_>>(),
            "effects": self.found.effects.iter().map(effect).collect::<Vec<_>>(),
            "importance": self.found.importance.iter().map(importance).collect::<Vec<_>>(),
            "disagreement": self.found.disagreement.iter().map(disagreement).collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }
}

/// Rows of inputs.
fn inputs(importance: &[Importance]) -> Vec<[String; 4]> {
    let row = |own: &Importance| {
        let most = format!("{} ({:+.3})", own.metric, own.metric_growth);
        [format!("{:.3}", own.error), format!("{:.3}", own.error_without), most, own.input.clone()]
    };
    importance.iter().map(row).collect()
}

/// Rows of metrics of which networks make different things.
fn apart(disagreement: &[Disagreement]) -> Vec<[String; 3]> {
    let row = |own: &Disagreement| {
        [format!("{:.3}", own.spread), format!("{} ({:.3})", own.member, own.apart), own.metric.clone()]
    };
    disagreement.iter().map(row).collect()
}

/// Rows of effects.
fn effects(effects: &[ActionEffect]) -> Vec<[String; 5]> {
    let row = |effect: &ActionEffect| {
        let at = |place: usize| effect.responses.get(place).map_or([0.0; 3], |(_, response)| *response);
        let [first, fifth, last] = [at(0), at(1), at(2)];
        let interval = format!("{} ({} to {})", signed(last[0]), signed(last[1]), signed(last[2]));
        [signed(first[0]), signed(fifth[0]), interval, effect.action.clone(), effect.metric.clone()]
    };
    effects.iter().map(row).collect()
}

/// A difference with its sign and four digits.
fn signed(difference: f64) -> String {
    let size = difference.abs();
    match size {
        _ if size < 5e-5 => format!("{difference:+.1e}"),
        _ if size < 1.0 => format!("{difference:+.4}"),
        _ => format!("{difference:+.2}"),
    }
}
