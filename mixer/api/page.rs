//! The live page: a few files that are built in, and use the API as any client does.
//!
//! The page works without a network. It takes nothing from elsewhere, and its policy forbids that, so that a name
//! from a config can never become code.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use promemu_core::rng::fnv1a;

/// What a browser lets the page do (<https://www.w3.org/TR/CSP3/>): use what comes from the same address, and no more.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of the page.
#[derive(Clone, Copy, Debug)]
struct File {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(File { name: $name, bytes: include_bytes!(concat!("page/", $name)) }),*]
    };
}

/// The page itself.
const INDEX: &str = "index.html";
const FILES: &[File] = files!(
    "index.html" "style.css" "icon.svg" "theme.js" "main.js" "api.js" "card.js" "charts.js" "config.js" "drawer.js"
    "elements.js" "events.js" "format.js" "header.js" "hosts.js" "keys.js" "lines.js" "live.js" "overrides.js" "query.js"
    "view.js" "uplot.js" "uplot.css" "uplot.LICENSE.txt"
);

/// The page at `/`, its other files below `/page/`.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, &file| {
        let path = if file.name == INDEX { "/".to_owned() } else { format!("/page/{}", file.name) };
        let tag = format!("\"{:016x}\"", fnv1a(file.bytes));
        router.route(&path, get(move |headers: HeaderMap| async move { file.answer(&tag, &headers) }))
    })
}

impl File {
    /// The file, or that the client's copy is still good.
    fn answer(self, tag: &str, headers: &HeaderMap) -> Response {
        let fixed = [
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let has_it = headers.get_all(header::IF_NONE_MATCH).iter().any(|known| is_among(tag, known));
        if has_it {
            return (StatusCode::NOT_MODIFIED, fixed).into_response();
        }
        (fixed, [(header::CONTENT_TYPE, self.content_type())], self.bytes).into_response()
    }

    fn content_type(self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// Whether a list of tags has this one; a proxy that packs may have made it weak.
fn is_among(tag: &str, known: &HeaderValue) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn text(file: &File) -> &'static str {
        std::str::from_utf8(file.bytes).unwrap()
    }

    fn is_there(name: &str) -> bool {
        FILES.iter().any(|file| file.name == name)
    }

    #[test]
    fn all_files_of_the_folder_are_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let names =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let missing: Vec<String> = names.filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn everything_that_the_page_names_is_there_and_nothing_comes_from_elsewhere() {
        let own = FILES.iter().filter(|file| !file.name.starts_with("uplot"));
        let mut count = 0;
        for file in own {
            for imported in text(file).split("from './").skip(1) {
                let name = imported.split('\'').next().unwrap();
                assert!(is_there(name), "{} imports {name}", file.name);
                count += 1;
            }
            for part in text(file).split("\"page/").skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(is_there(name), "{} names {name}", file.name);
                count += 1;
            }
            let elsewhere = text(file).replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("://"), "{} names another address", file.name);
        }
        assert!(count > 40, "only {count} names were found");
    }

    #[test]
    fn no_markup_is_made_of_text() {
        for file in
            FILES.iter().filter(|file| file.content_type().contains("javascript") && file.name != "uplot.js")
        {
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
            {
                assert!(!text(file).contains(forbidden), "{} has {forbidden}", file.name);
            }
            assert!(text(file).lines().count() < 400, "{} is long", file.name);
        }
    }

    #[test]
    fn a_copy_that_is_still_good_is_not_sent_again() {
        let file = FILES[0];
        let answer = |known: &str| {
            let headers =
                HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(known).unwrap())]);
            file.answer("\"a1\"", &headers).status().as_u16()
        };
        assert_eq!([answer("\"a1\""), answer("W/\"b2\", W/\"a1\""), answer("\"b2\"")], [304, 304, 200]);
    }
}
