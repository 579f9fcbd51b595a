//! Content negotiation: the format by `Accept`, the compression by `Accept-Encoding` (RFC 9110, 12.5).

use axum::http::{HeaderMap, HeaderName, header};

use promemu_wire::exposition::Format;

/// Compression of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// Its name in `Content-Encoding`; `None` for an uncompressed body.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// One element of an `Accept` list.
struct Accepted<'a> {
    value: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f64,
}

impl<'a> Accepted<'a> {
    fn read(element: &'a str) -> Self {
        let mut parts = element.split(';').map(str::trim);
        let value = parts.next().unwrap_or_default();
        let mut accepted = Self { value, parameters: Vec::new(), quality: 1.0 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim_matches('"');
            if name.eq_ignore_ascii_case("q") {
                accepted.quality = value.parse().unwrap_or(0.0);
            } else {
                accepted.parameters.push((name, value));
            }
        }
        accepted
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// `true` if a parameter has this value or is missing.
    fn allows(&self, name: &str, value: &str) -> bool {
        self.parameter(name).is_none_or(|found| found.eq_ignore_ascii_case(value))
    }

    /// The format; `None` for one or a version that promemu does not write.
    fn format(&self) -> Option<Format> {
        let is = |media_type: &str| self.value.eq_ignore_ascii_case(media_type);
        if is("application/vnd.google.protobuf") {
            let is_ours = self.allows("proto", "io.prometheus.client.MetricFamily")
                && self.allows("encoding", "delimited");
            return is_ours.then_some(Format::Protobuf);
        }
        if is("application/openmetrics-text") {
            return self.allows("version", "1.0.0").then_some(Format::OpenMetrics);
        }
        if is("text/plain") {
            return self.allows("version", "0.0.4").then_some(Format::Text);
        }
        (is("text/*") || is("*/*")).then_some(Format::Text)
    }

    fn encoding(&self) -> Option<Encoding> {
        [("zstd", Encoding::Zstd), ("gzip", Encoding::Gzip), ("identity", Encoding::Identity)]
            .into_iter()
            .find_map(|(name, encoding)| self.value.eq_ignore_ascii_case(name).then_some(encoding))
    }
}

/// The elements of a header, which may be repeated.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Accepted<'_>> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|element| Accepted::read(element.trim()))
}

/// The element of the highest quality that has a meaning, and of equals the first. Quality 0 is never accepted.
fn best<'a, T>(
    accepted: impl Iterator<Item = Accepted<'a>>,
    meaning: impl Fn(&Accepted<'a>) -> Option<T>,
) -> Option<T> {
    let mut best: Option<(f64, T)> = None;
    for element in accepted.filter(|element| element.quality > 0.0) {
        if best.as_ref().is_none_or(|(quality, _)| element.quality > *quality)
            && let Some(meant) = meaning(&element)
        {
            best = Some((element.quality, meant));
        }
    }
    best.map(|(_, meant)| meant)
}

/// The format of the response; text if the client accepts nothing that promemu writes.
pub(super) fn format(headers: &HeaderMap) -> Format {
    best(elements(headers, header::ACCEPT), Accepted::format).unwrap_or(Format::Text)
}

/// The compression of the response; of equals zstd, which costs least.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let accepted = || elements(headers, header::ACCEPT_ENCODING);
    let quality = |encoding| {
        let found = accepted().find(|accepted| accepted.encoding() == Some(encoding));
        found.map_or(0.0, |accepted| accepted.quality)
    };
    let best = best(accepted(), Accepted::encoding).unwrap_or(Encoding::Identity);
    let accepts_zstd = quality(Encoding::Zstd) > 0.0 && quality(Encoding::Zstd) >= quality(best);
    if accepts_zstd { Encoding::Zstd } else { best }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn prometheus_gets_the_format_that_it_prefers() {
        let protobuf =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let rest =
            "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, expected) in [
            // 2.42, and the same with native histograms.
            (format!("application/openmetrics-text;version=1.0.0,{rest}"), Format::OpenMetrics),
            (format!("{protobuf},application/openmetrics-text;version=1.0.0;q=0.8,{rest}"), Format::Protobuf),
            // 3.5, with text first.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
                    .to_owned(),
                Format::OpenMetrics,
            ),
            ("text/plain; version=0.0.4, application/openmetrics-text; q=0.9".to_owned(), Format::Text),
            ("text/plain;version=1.0.0, application/openmetrics-text;q=0.2".to_owned(), Format::OpenMetrics),
            ("application/openmetrics-text;version=0.0.1".to_owned(), Format::Text),
            ("application/vnd.google.protobuf;proto=other, */*;q=0.1".to_owned(), Format::Text),
            (format!("{protobuf};q=0, text/*;q=0.3"), Format::Text),
            ("application/OpenMetrics-Text; Q=\"1\"".to_owned(), Format::OpenMetrics),
            ("text/html, image/png".to_owned(), Format::Text),
            (";;=,q=x,,".to_owned(), Format::Text),
        ] {
            assert_eq!(format(&headers(header::ACCEPT, &accept)), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Format::Text);
    }

    #[test]
    fn bodies_are_compressed_as_the_client_accepts() {
        for (accept, expected) in [
            ("gzip", Encoding::Gzip),
            ("gzip, deflate, br, zstd", Encoding::Zstd),
            ("gzip;q=1.0, zstd;q=0.5", Encoding::Gzip),
            ("identity;q=1, gzip;q=0.5", Encoding::Identity),
            ("gzip;q=0", Encoding::Identity),
            ("br, *", Encoding::Identity),
        ] {
            assert_eq!(encoding(&headers(header::ACCEPT_ENCODING, accept)), expected, "{accept}");
        }
        assert_eq!(encoding(&HeaderMap::new()), Encoding::Identity);
    }
}
