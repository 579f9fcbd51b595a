//! `--listen` and the API's token.

use promemu_api::{ApiSettings, Token};
use promemu_core::error::Error;
use promemu_core::{text_file, user_file};
use promemu_run::http::listen_address;

use crate::args::{Cli, TOKEN_VARIABLE};

const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 8000;
/// Value of `--listen` for a run without an API.
const OFF: &str = "off";

/// Settings of the API; `None` without one.
pub(super) fn listen(cli: &Cli) -> Result<Option<ApiSettings>, Error> {
    let (host, port) = match cli.listen.as_deref() {
        Some(OFF) => return Ok(None),
        Some(text) => address(text)?,
        None => (DEFAULT_HOST.to_owned(), DEFAULT_PORT),
    };
    Ok(Some(ApiSettings { host, port, is_fixed: cli.listen.is_some(), token: token(cli)? }))
}

fn address(text: &str) -> Result<(String, u16), Error> {
    listen_address(text).ok_or_else(|| {
        Error::Usage(format!(
            "--listen or PME_LISTEN must be HOST:PORT as in 127.0.0.1:8000, or off, but is {text:?}"
        ))
    })
}

/// The token of the file or of the variable.
pub(crate) fn token(cli: &Cli) -> Result<Option<Token>, Error> {
    let (text, place) = match &cli.api_token_file {
        Some(path) => {
            let what = format!("--api-token-file or PME_API_TOKEN_FILE: {} cannot be read", path.display());
            let text = text_file::read(path, user_file::SMALL_BYTES_MAX);
            let text = text.map_err(|source| Error::System { what, source })?;
            (text, format!("the file {}", path.display()))
        }
        None => match std::env::var(TOKEN_VARIABLE) {
            Ok(text) if !text.is_empty() => (text, TOKEN_VARIABLE.to_owned()),
            _ => return Ok(None),
        },
    };
    // The error does not show the text.
    let token = Token::new(&text).filter(|_| text.trim().bytes().all(|byte| byte.is_ascii_graphic()));
    token.map(Some).ok_or_else(|| {
        Error::Usage(format!("the API's token in {place} must be one word of visible ASCII characters"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<ApiSettings>, Error> {
        let args = ["promemu"].iter().chain(args).map(Into::into);
        listen(&crate::args::parse(args).expect("the flags are known"))
    }

    #[test]
    fn without_a_flag_the_port_may_differ_and_with_one_it_is_fixed() {
        let places = |args: &[&str]| {
            parsed(args).unwrap().map(|api| (format!("{}:{}", api.host, api.port), api.is_fixed))
        };
        assert_eq!(places(&[]), Some(("127.0.0.1:8000".to_owned(), false)));
        assert_eq!(places(&["--listen", "[::1]:0"]), Some(("::1:0".to_owned(), true)));
        assert_eq!(places(&["--listen", "off"]), None);
        for wrong in ["8000", ":8000", "localhost", "h:http", "http://h:1", "u@h:1"] {
            assert_eq!(parsed(&["--listen", wrong]).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_one_word_and_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let token_of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            parsed(&["--api-token-file", &path.display().to_string()])
        };
        assert!(token_of("s3cret\n").unwrap().unwrap().token.is_some());
        for wrong in ["", "s3 cret", "s3crèt"] {
            let error = token_of(wrong).unwrap_err();
            assert!(error.exit_code() == 2 && !error.to_string().contains("s3"), "{error}");
        }
    }
}
