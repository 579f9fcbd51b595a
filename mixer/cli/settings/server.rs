//! A server that a command asks: its address, and credentials.

use indexmap::IndexMap;
use promemu_core::error::{Error, suggestion};
use promemu_run::http::{HttpOptions, TargetUrl};

use super::outputs::split_at_commas;

/// Reads `URL[,KEY=VALUE]` of a flag, whose keys are those of outputs for credentials and certificates.
pub(crate) fn server(flag: &str, text: &str, example: &str) -> Result<(TargetUrl, HttpOptions), Error> {
    let mut parts = split_at_commas(text).into_iter();
    let url = TargetUrl::parse(&parts.next().unwrap_or_default(), &format!("{flag}: address"), example)?;
    let mut options = IndexMap::new();
    for part in parts {
        let Some((key, value)) = part.split_once('=') else {
            return Err(Error::Usage(format!("{flag}: an option is not of the form KEY=VALUE")));
        };
        options.insert(key.to_owned(), value.to_owned());
    }
    let http = HttpOptions::take_from(&mut options).map_err(|error| match error {
        Error::Usage(text) => Error::Usage(format!("{flag}: {text}")),
        other => other,
    })?;
    if let Some(key) = options.keys().next() {
        let known = HttpOptions::KEYS.map(|(key, _)| key);
        return Err(Error::Usage(format!("{flag} has no option {key:?}{}", suggestion(key, &known))));
    }
    Ok((url, http))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_credentials_behind_it() {
        let read = |text| {
            server("--prometheus", text, "http://127.0.0.1:9090").map(|(url, _)| url.url().to_string())
        };
        assert_eq!(read("http://p:9090/prom,user=me,header.X-Scope-OrgID=a").unwrap(), "http://p:9090/prom");
        let error = |text| read(text).unwrap_err().to_string();
        assert!(error("http://p,usr=me").ends_with("has no option \"usr\"; did you mean \"user\"?"));
        assert!(error("http://p,me").ends_with("not of the form KEY=VALUE"));
        assert!(error("ftp://p").contains("is neither http nor https"));
    }
}
