//! The templates of an alert's labels, as far as they need no query: text, `{{ $labels.name }}`, and `{{ $value }}`
//! (<https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/#templating>).

/// The template of a label's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The value of a label of the expression's result; empty if it has none.
    Label(String),
    /// The value of the result.
    Value,
}

impl LabelTemplate {
    /// Reads a template. The error is the part of it that only a Prometheus can expand.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once("{{") {
            let Some((inside, behind)) = behind.split_once("}}") else { return Err(rest.to_owned()) };
            let part = Part::of(inside.trim()).ok_or_else(|| format!("{{{{{inside}}}}}"))?;
            parts.extend([Part::Text(before.to_owned()), part]);
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// `true` if the value of the result is in it.
    #[must_use]
    pub fn has_value(&self) -> bool {
        self.0.contains(&Part::Value)
    }

    /// The label's value for a result with these labels.
    #[must_use]
    pub fn expand(&self, labels: &[(String, String)], value: f64) -> String {
        let of = |name: &str| labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Label(name) => of(name).unwrap_or_default().to_owned(),
            Part::Value => number(value),
        };
        self.0.iter().map(part).collect()
    }
}

impl Part {
    fn of(inside: &str) -> Option<Self> {
        if ["$value", ".Value"].contains(&inside) {
            return Some(Self::Value);
        }
        let name = inside.strip_prefix("$labels.").or_else(|| inside.strip_prefix(".Labels."))?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| Self::Label(name.to_owned()))
    }
}

/// A number as a template of Go prints it: the shortest digits, with an exponent below 1e-4 and from 1e21 on.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if value != 0.0 && !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_the_value_are_put_into_the_text() {
        let labels = [("job".to_owned(), "a".to_owned()), ("le".to_owned(), "+Inf".to_owned())];
        for (template, expected) in [
            ("page", "page"),
            ("", ""),
            ("{{ $labels.job }}", "a"),
            ("x-{{$labels.job}}-{{ .Labels.le }}: {{ $value }}", "x-a-+Inf: 0.5"),
            ("{{ $labels.none }}", ""),
            ("} {{ .Value }} {", "} 0.5 {"),
        ] {
            let read = LabelTemplate::parse(template).unwrap();
            assert_eq!(read.expand(&labels, 0.5), expected, "{template}");
            assert_eq!(read.has_value(), template.to_lowercase().contains("value"), "{template}");
        }
    }

    #[test]
    fn the_part_that_needs_a_prometheus_is_told() {
        for (template, part) in [
            ("a {{ query \"up\" }}", "{{ query \"up\" }}"),
            ("{{ $value | humanize }}", "{{ $value | humanize }}"),
            ("{{ if $value }}x{{ end }}", "{{ if $value }}"),
            ("{{- $labels.job -}}", "{{- $labels.job -}}"),
            ("{{ $labels.a.b }}", "{{ $labels.a.b }}"),
            ("x {{ $value", " $value"),
        ] {
            let told = LabelTemplate::parse(template).unwrap_err();
            assert!(told.ends_with(part), "{template}: {told}");
        }
    }

    #[test]
    fn numbers_are_those_of_go() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (42.0, "42"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
