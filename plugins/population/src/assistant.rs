//! The values of an AI coding assistant, which stand where a config gives no others.

/// The word for the values of an AI coding assistant.
pub(crate) const ASSISTANT: &str = "assistant";
/// Its kinds of users: name, share, activity, volatility, median of a session in seconds, sigma, probability of commits.
pub(crate) const KINDS: [(&str, f64, f64, f64, f64, f64, f64); 3] = [
    ("power", 0.1, 2.75, 0.2, 1800.0, 0.8, 0.4),
    ("regular", 0.7, 1.15, 0.3, 600.0, 0.6, 0.2),
    ("idle", 0.2, 0.3, 0.4, 300.0, 0.4, 0.05),
];
/// Its tools with their shares.
pub(crate) const TOOLS: [(&str, f64); 8] = [
    ("Read", 0.25),
    ("Edit", 0.2),
    ("Write", 0.15),
    ("Bash", 0.15),
    ("Glob", 0.1),
    ("Grep", 0.1),
    ("MultiEdit", 0.03),
    ("Task", 0.02),
];
/// Its models with their shares.
pub(crate) const MODELS: [(&str, f64); 3] =
    [("claude-sonnet-4", 0.7), ("claude-opus-4", 0.1), ("claude-3-5-haiku", 0.2)];
/// Prices in the order of the types of tokens.
pub(crate) const MODEL_PRICES: [(&str, [f64; 3]); 3] = [
    ("claude-sonnet-4", [0.003, 0.015, 0.000_3]),
    ("claude-opus-4", [0.015, 0.075, 0.001_5]),
    ("claude-3-5-haiku", [0.000_8, 0.004, 0.000_08]),
];
/// Tokens of a call, in the order of their types.
pub(crate) const TOKENS: [f64; 3] = [1500.0, 400.0, 6000.0];
/// Shares of failed calls, in the order of the types of errors.
pub(crate) const ERRORS: [f64; 5] = [0.001, 0.002, 0.001, 0.008, 0.002];
