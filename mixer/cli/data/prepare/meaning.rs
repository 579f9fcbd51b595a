//! The meaning of a pipeline: lengths of time in steps of its grid.

use super::pipeline_text::{
    AugmentText, FeatureText, ImputeByText, ImputeText, OutliersText, PipelineText, ScaleText, SplitText,
    TransformByText, WindowsText,
};
use crate::ron_file;
use promemu_core::time::{Span, Time};
use promemu_learn::{
    Augment, Counters, Feature, FeatureKind, Impute, ImputeBy, Outliers, Part, PrepareSpec, Scale, Split,
    Transform, Windows,
};
use promemu_wire::digest::sha256;
use promemu_wire::samples::Selector;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Steps that a row may depend on, at most.
const STEPS_MAX: i64 = 1_000_000;

/// The pipeline of a text, with a fold in the place of its split. An error of its form begins with line and column, another one
/// with a blank.
pub(super) fn parse(text: &str, fold: Option<u32>) -> Result<PrepareSpec, String> {
    let written: PipelineText = ron_file::parse(text)?;
    let sha256 = sha256(text);
    meaning(written, sha256, fold).map_err(|why| format!(" {why}"))
}

fn meaning(text: PipelineText, sha256: String, fold: Option<u32>) -> Result<PrepareSpec, String> {
    let PipelineText { name, version, extract, clean, features, split, augment, windows, load } = text;
    let step_ms = millis("step of clean", &clean.step)?;
    let grid = GridSteps { step_ms };
    let range_ms = (moment("from of extract", extract.from)?, moment("to of extract", extract.to)?);
    let part_ms = millis("every of load", &load.every)?;
    if DAY_MS % part_ms != 0 || part_ms % 60_000 != 0 || part_ms % step_ms != 0 {
        return Err(
            "every of load must be whole minutes and steps, and divide a day, as in 1h or 1d".to_owned()
        );
    }
    let transforms = features.transform.into_iter().map(|own| {
        let by = match own.by {
            TransformByText::Log1p => Transform::Log1p,
            TransformByText::Logit => Transform::Logit,
        };
        Ok((selector(&own.selector)?, by))
    });
    let spec = PrepareSpec {
        name,
        version,
        sha256,
        selectors: selectors(&extract.selectors)?,
        range_ms,
        step_ms,
        counters: match clean.counters {
            Some(given) => Counters::Of(selectors(&given)?),
            None => Counters::Known,
        },
        impute: clean.impute.map(|own| grid.impute(own)).transpose()?,
        outliers: clean.outliers.map(outliers).transpose()?,
        transforms: transforms.collect::<Result<_, String>>()?,
        scale: features.scale.map(|scale| match scale {
            ScaleText::MinMax => Scale::MinMax,
            ScaleText::Z => Scale::Z,
            ScaleText::Robust => Scale::Robust,
        }),
        features: features.columns.iter().map(|own| grid.feature(own)).collect::<Result<_, _>>()?,
        split: parts(split, fold)?,
        augment: augment.map(|own| grid.augment(own)).transpose()?,
        windows: windows.as_ref().map(windows_of).transpose()?,
        part_ms,
    };
    unique_columns(&spec)?;
    Ok(spec)
}

/// Lengths in steps of the grid.
struct GridSteps {
    step_ms: i64,
}

impl GridSteps {
    fn steps(&self, field: &str, text: &str) -> Result<usize, String> {
        let length_ms = millis(field, text)?;
        let steps = length_ms / self.step_ms;
        if length_ms % self.step_ms != 0 || steps > STEPS_MAX {
            return Err(format!(
                "{field} must be a multiple of the step, at most {STEPS_MAX} of it, but is {text}"
            ));
        }
        usize::try_from(steps).map_err(|_| format!("{field} is too long; shorten it"))
    }

    fn impute(&self, ImputeText { by, steps }: ImputeText) -> Result<Impute, String> {
        if steps == 0 || i64::from(steps) > STEPS_MAX {
            return Err(format!(
                "steps of impute must be 1 to {STEPS_MAX}; leave impute out to keep all gaps"
            ));
        }
        let by = match by {
            ImputeByText::Linear => ImputeBy::Linear,
            ImputeByText::Forward => ImputeBy::Forward,
            ImputeByText::Backward => ImputeBy::Backward,
            ImputeByText::Median => ImputeBy::Median,
            ImputeByText::Seasonal(period) => ImputeBy::Seasonal(self.steps("seasonal of impute", &period)?),
        };
        Ok(Impute {
            by,
            steps: usize::try_from(steps).map_err(|_| "steps of impute are too many".to_owned())?,
        })
    }

    fn feature(&self, text: &FeatureText) -> Result<Feature, String> {
        let (name, length) = match text {
            FeatureText::Mean(length) => ("mean", length),
            FeatureText::Min(length) => ("min", length),
            FeatureText::Max(length) => ("max", length),
            FeatureText::Deviation(length) => ("deviation", length),
            FeatureText::Trend(length) => ("trend", length),
            FeatureText::Seasonal(period, _) => ("seasonal", period),
        };
        let steps = self.steps(&format!("{name} of columns"), length)?;
        let word: String = length.chars().filter(char::is_ascii_alphanumeric).collect();
        let column = format!("{name}_{word}");
        let kind = match text {
            FeatureText::Mean(_) => FeatureKind::Mean(steps),
            FeatureText::Min(_) => FeatureKind::Min(steps),
            FeatureText::Max(_) => FeatureKind::Max(steps),
            FeatureText::Deviation(_) => FeatureKind::Deviation(steps),
            FeatureText::Trend(_) => FeatureKind::Trend(steps),
            FeatureText::Seasonal(_, periods) => {
                let periods = usize::try_from(*periods).unwrap_or(usize::MAX);
                let all = steps.saturating_mul(periods);
                if periods == 0 || i64::try_from(all).unwrap_or(i64::MAX) > STEPS_MAX {
                    return Err(format!(
                        "seasonal of columns needs 1 period or more, with at most {STEPS_MAX} steps in all"
                    ));
                }
                FeatureKind::Seasonal { period: steps, periods }
            }
        };
        Ok(Feature { column, kind })
    }

    fn augment(&self, text: AugmentText) -> Result<Augment, String> {
        let (warp, warp_steps) = match text.warp {
            Some(warp) if (0.0..1.0).contains(&warp.by) => {
                (warp.by, self.steps("within of warp", &warp.within)?)
            }
            Some(_) => {
                return Err("by of warp must be from 0 to below 1, so that time goes forward".to_owned());
            }
            None => (0.0, 0),
        };
        if !(1..=100).contains(&text.copies) {
            return Err("copies of augment must be 1 to 100".to_owned());
        }
        if !(text.jitter >= 0.0 && text.scaling >= 0.0 && text.jitter.is_finite() && text.scaling.is_finite())
        {
            return Err("jitter and scaling of augment must be numbers from 0 on".to_owned());
        }
        let AugmentText { copies, seed, jitter, scaling, .. } = text;
        Ok(Augment { copies, seed, jitter, scaling, warp, warp_steps })
    }
}

fn outliers(text: OutliersText) -> Result<Outliers, String> {
    if text.z > 0.0 && text.z.is_finite() {
        return Ok(Outliers { z: text.z, is_removed: text.remove });
    }
    Err(format!("z of outliers must be a number above 0, as in 6, but is {}", text.z))
}

fn parts(text: Option<SplitText>, fold: Option<u32>) -> Result<Split, String> {
    let text = text.unwrap_or(SplitText {
        train: 1,
        validation: 0,
        test: 0,
        block: None,
        embargo: None,
        learn_until: None,
        folds: None,
    });
    let weights = [(Part::Train, text.train), (Part::Validation, text.validation), (Part::Test, text.test)];
    if text.train == 0 || weights.iter().any(|(_, weight)| *weight > 1000) {
        return Err("train of split must be 1 or more, and each weight 1000 at most".to_owned());
    }
    if text.folds.is_some_and(|folds| !(2..=100).contains(&folds)) {
        return Err("folds of split must be 2 to 100".to_owned());
    }
    match (text.folds, fold) {
        (None, Some(_)) => {
            return Err("--fold needs folds in split, as in split: (train: 4, test: 1, folds: 5)".to_owned());
        }
        (Some(folds), Some(fold)) if !(1..=folds).contains(&fold) => {
            return Err(format!("--fold must be 1 to {folds}, as folds of split says, but is {fold}"));
        }
        _ => {}
    }
    Ok(Split {
        weights: weights.into_iter().filter(|(_, weight)| *weight > 0).collect(),
        block_ms: text.block.as_deref().map(|block| millis("block of split", block)).transpose()?,
        embargo_ms: match text.embargo.as_deref() {
            None | Some("0s" | "0") => 0,
            Some(embargo) => millis("embargo of split", embargo)?,
        },
        learn_until_ms: moment("learn_until of split", text.learn_until)?,
        folds: text.folds,
        fold,
    })
}

fn windows_of(text: &WindowsText) -> Result<Windows, String> {
    if text.balance.is_some_and(|share| !(share > 0.0 && share < 1.0)) {
        return Err("balance of windows must be a share between 0 and 1, as in 0.5".to_owned());
    }
    Ok(Windows {
        length_ms: millis("length of windows", &text.length)?,
        stride_ms: millis("stride of windows", &text.stride)?,
        balance: text.balance,
        seed: text.seed,
    })
}

/// Two columns of one name are one too many.
fn unique_columns(spec: &PrepareSpec) -> Result<(), String> {
    for (n, feature) in spec.features.iter().enumerate() {
        if spec.features[..n].iter().any(|other| other.column == feature.column) {
            return Err(format!("columns has {} twice; leave one out", feature.column));
        }
    }
    Ok(())
}

fn selectors(texts: &[String]) -> Result<Vec<Selector>, String> {
    texts.iter().map(|text| selector(text)).collect()
}

fn selector(text: &str) -> Result<Selector, String> {
    Selector::parse(text).map_err(|why| format!("match: {why}"))
}

fn moment(field: &str, text: Option<String>) -> Result<Option<i64>, String> {
    // A time that counts from now would make other rows of the same recording.
    let time = text.map(|text| Time::parse(&text)).transpose();
    let time = time.map_err(|error| format!("{field}: {error}"))?;
    Ok(time.map(|time| time.unix_millis().cast_signed()))
}

fn millis(field: &str, text: &str) -> Result<i64, String> {
    let span = Span::parse(text).map_err(|error| format!("{field}: {error}"))?;
    let millis = i64::try_from(span.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
    if millis >= 1 && span < Span::FOREVER {
        return Ok(millis);
    }
    Err(format!("{field} must be 1ms or longer and not endless, but is {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"(
        name: "shop", version: "2",
        extract: (match: ["{job=\"shop\"}"], from: "2026-01-05"),
        clean: (step: "15s", impute: (by: seasonal("1h"), steps: 4), outliers: (z: 6, remove: true)),
        features: (
            transform: [(match: "latency", by: log1p)],
            scale: robust,
            columns: [mean("5m"), trend("10m"), seasonal("1h", 3)],
        ),
        split: (train: 7, test: 2, block: "1h", embargo: "3h", folds: 3),
        augment: (copies: 2, seed: 7, jitter: 0.1, warp: (by: 0.2, within: "5m")),
        windows: (length: "10m", stride: "1m", balance: 0.5),
        load: (every: "1h"),
    )"#;

    #[test]
    fn a_pipeline_has_its_meaning_in_steps() {
        let spec = parse(WHOLE, Some(2)).unwrap();
        assert_eq!(spec.impute, Some(Impute { by: ImputeBy::Seasonal(240), steps: 4 }));
        let columns: Vec<&str> = spec.features.iter().map(|feature| &*feature.column).collect();
        assert_eq!(columns, ["mean_5m", "trend_10m", "seasonal_1h"]);
        assert_eq!(spec.features[2].kind, FeatureKind::Seasonal { period: 240, periods: 3 });
        assert_eq!(spec.split.weights, [(Part::Train, 7), (Part::Test, 2)]);
        assert_eq!(
            (spec.augment.unwrap().warp_steps, spec.part_ms, spec.split.fold),
            (20, 3_600_000, Some(2))
        );
        assert_ne!(spec.sha256, parse(&WHOLE.replace("z: 6", "z: 7"), None).unwrap().sha256);
    }

    #[test]
    fn a_wrong_pipeline_is_told_with_what_to_do() {
        for (from, to, told) in [
            ("impute: (by", "imput: (by", "4:30: no field is called \"imput\"; did you mean \"impute\"?"),
            ("scale: robust", "scale: robst", "7:20: \"robst\" is not known here; did you mean \"robust\"?"),
            ("mean(\"5m\")", "mean(\"7s\")", " mean of columns must be a multiple of the step"),
            ("mean(\"5m\")", "trend(\"10m\")", " columns has trend_10m twice; leave one out"),
            (
                "every: \"1h\"",
                "every: \"7h\"",
                " every of load must be whole minutes and steps, and divide a day",
            ),
            ("by: 0.2", "by: 1.2", " by of warp must be from 0 to below 1"),
            ("balance: 0.5", "balance: 1", " balance of windows must be a share between 0 and 1"),
            ("train: 7", "train: 0", " train of split must be 1 or more"),
            ("from: \"2026-01-05\"", "from: \"-1h\"", " from of extract: "),
            ("folds: 3", "folds: 1", " folds of split must be 2 to 100"),
        ] {
            let error = parse(&WHOLE.replacen(from, to, 1), None).unwrap_err();
            assert!(error.starts_with(told), "{to}: {error}");
        }
        assert!(parse(WHOLE, Some(4)).unwrap_err().contains("--fold must be 1 to 3"));
        assert!(
            parse(&WHOLE.replace(", folds: 3", ""), Some(1))
                .unwrap_err()
                .contains("--fold needs folds in split")
        );
    }
}
