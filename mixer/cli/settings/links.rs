//! The servers that the live page links to.

use promemu_api::Links;
use promemu_core::error::Error;
use promemu_run::http::TargetUrl;

use crate::args::Cli;

/// The links of the flags.
pub(super) fn links(cli: &Cli) -> Result<Links, Error> {
    let address = |text: &Option<String>, flag, example| {
        text.as_deref().filter(|text| !text.is_empty()).map(|text| address(text, flag, example)).transpose()
    };
    Ok(Links {
        prometheus: address(
            &cli.prometheus_url,
            "--prometheus-url or PME_PROMETHEUS_URL:",
            "http://127.0.0.1:9090",
        )?,
        grafana: address(&cli.grafana_url, "--grafana-url or PME_GRAFANA_URL:", "http://127.0.0.1:3000")?,
    })
}

/// An address without a slash at its end. The page shows it, so it has no password.
fn address(text: &str, subject: &str, example: &str) -> Result<String, Error> {
    let target = TargetUrl::parse(text, subject, example)?;
    let url = target.url();
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(Error::Usage(format!(
            "{subject} the live page shows the address, so it has no user and no query; write it as in {example}"
        )));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_link_ends_without_a_slash_and_has_no_secrets() {
        let read = |text| address(text, "--prometheus-url:", "http://127.0.0.1:9090");
        assert_eq!(read("p:9090/prom/").unwrap(), "http://p:9090/prom");
        for wrong in ["http://me:s3cret@p:9090", "http://p:9090/?token=s3cret", "file:///etc"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.starts_with("--prometheus-url:") && !error.contains("s3cret"), "{error}");
        }
    }
}
