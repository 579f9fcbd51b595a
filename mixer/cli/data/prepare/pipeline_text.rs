//! The text of a pipeline, as it is written.

use serde::Deserialize;

/// A pipeline as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PipelineText {
    pub(super) name: String,
    pub(super) version: String,
    #[serde(default)]
    pub(super) extract: ExtractText,
    pub(super) clean: CleanText,
    #[serde(default)]
    pub(super) features: FeaturesText,
    pub(super) split: Option<SplitText>,
    pub(super) augment: Option<AugmentText>,
    pub(super) windows: Option<WindowsText>,
    #[serde(default)]
    pub(super) load: LoadText,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExtractText {
    #[serde(rename = "match")]
    pub(super) selectors: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CleanText {
    pub(super) step: String,
    pub(super) counters: Option<Vec<String>>,
    pub(super) impute: Option<ImputeText>,
    pub(super) outliers: Option<OutliersText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImputeText {
    pub(super) by: ImputeByText,
    pub(super) steps: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ImputeByText {
    Linear,
    Forward,
    Backward,
    Median,
    Seasonal(String),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutliersText {
    pub(super) z: f64,
    #[serde(default)]
    pub(super) remove: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FeaturesText {
    pub(super) transform: Vec<TransformText>,
    pub(super) scale: Option<ScaleText>,
    pub(super) columns: Vec<FeatureText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransformText {
    #[serde(rename = "match")]
    pub(super) selector: String,
    pub(super) by: TransformByText,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TransformByText {
    Log1p,
    Logit,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScaleText {
    MinMax,
    Z,
    Robust,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FeatureText {
    Mean(String),
    Min(String),
    Max(String),
    Deviation(String),
    Trend(String),
    Seasonal(String, u32),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitText {
    pub(super) train: u32,
    #[serde(default)]
    pub(super) validation: u32,
    #[serde(default)]
    pub(super) test: u32,
    pub(super) block: Option<String>,
    pub(super) embargo: Option<String>,
    pub(super) learn_until: Option<String>,
    pub(super) folds: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AugmentText {
    pub(super) copies: u32,
    pub(super) seed: u64,
    #[serde(default)]
    pub(super) jitter: f64,
    #[serde(default)]
    pub(super) scaling: f64,
    pub(super) warp: Option<WarpText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WarpText {
    pub(super) by: f64,
    pub(super) within: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowsText {
    pub(super) length: String,
    pub(super) stride: String,
    pub(super) balance: Option<f64>,
    #[serde(default)]
    pub(super) seed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LoadText {
    pub(super) every: String,
}

impl Default for LoadText {
    fn default() -> Self {
        Self { every: "1d".to_owned() }
    }
}
