//! Quantities of Kubernetes, as in `250m` or `128Mi`
//! (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>).

/// Suffixes, longer ones first, with what they multiply by.
const SUFFIXES: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// The number of a quantity; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    number(text).or_else(|| {
        let mut known =
            SUFFIXES.iter().filter_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, factor)));
        known.find_map(|(text, factor)| Some(number(text)? * factor))
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quantities_have_decimal_and_binary_suffixes() {
        let is = |text: &str, value: f64| {
            let found = parse(text).unwrap();
            assert!((found - value).abs() <= 1e-12 * value.abs(), "{text}: {found}");
        };
        is("2", 2.0);
        is("250m", 0.25);
        is("1234567n", 0.001_234_567);
        is("128Mi", 134_217_728.0);
        is("1.5Gi", 1_610_612_736.0);
        is("4k", 4_000.0);
        is("1e3", 1_000.0);
        is("2E", 2e18);
        assert_eq!(["", "x", "Mi", "1Xi", "NaN"].map(parse), [None; 5]);
    }
}
