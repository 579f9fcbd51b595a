//! Scores of dynamics models in tables, for reports of their fit and of their validation.

use promemu_dynamics::file::Model;
use promemu_dynamics::schema::{Predictor, Score};
use serde_json::{Value, json};

/// Columns of the scores of predictors.
pub(crate) const PREDICTOR_COLUMNS: [&str; 5] = ["HORIZON", "PREDICTOR", "nRMSE", "CRPS", "IN 90 %"];
/// Columns of the scores of metrics.
pub(crate) const METRIC_COLUMNS: [&str; 6] = ["nRMSE AT 1", "AT 5", "AT 15", "IN 90 % AT 15", "BY", "METRIC"];
/// Horizons of the scores.
const HORIZONS: [usize; 3] = [1, 5, 15];
/// The name of the model among predictors.
const OWN: &str = "model";

/// The mean scores of each predictor, by horizon.
pub(crate) fn predictors(scores: &[Score]) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for horizon in HORIZONS {
        let own = scores.iter().filter(|score| score.metric.is_none() && score.horizon == horizon);
        rows.extend(own.enumerate().map(|(n, score)| {
            let name = if n == 0 { horizon.to_string() } else { String::new() };
            let [nrmse, crps, coverage] = [score.nrmse, score.crps, score.coverage].map(shown);
            [name, score.predictor.clone(), nrmse, crps, coverage]
        }));
    }
    rows
}

/// The scores of each metric that changes, with the part of the model that makes it.
pub(crate) fn metrics(model: &Model, role: usize, scores: &[Score]) -> Vec<[String; 6]> {
    let of = |column: &promemu_dynamics::schema::Column| {
        let name = column.shown();
        let at = |horizon: usize| {
            let is_own = |score: &&Score| {
                score.predictor == OWN && score.metric.as_ref() == Some(&name) && score.horizon == horizon
            };
            scores.iter().find(is_own)
        };
        let [first, fifth, last] = HORIZONS.map(at);
        let error = |score: Option<&Score>| score.map_or_else(|| "-".to_owned(), |score| shown(score.nrmse));
        let coverage = last.map_or_else(|| "-".to_owned(), |score| shown(score.coverage));
        let by = match column.by {
            Predictor::Persistence => "persistence",
            Predictor::Linear => "linear part",
            Predictor::Network => "network",
        };
        [error(first), error(fifth), error(last), coverage, by.to_owned(), name]
    };
    model.roles.get(role).map(|model| model.role.columns.iter().map(of).collect()).unwrap_or_default()
}

/// A score as an object.
pub(crate) fn score_json(score: &Score) -> Value {
    json!({
        "predictor": score.predictor,
        "metric": score.metric,
        "horizon": score.horizon,
        "nrmse": score.nrmse,
        "crps": score.crps,
        "coverage": score.coverage,
    })
}

fn shown(figure: f64) -> String {
    format!("{figure:.3}")
}
