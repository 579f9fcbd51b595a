//! The live page: files that are embedded in the program, and use the API as any client does.
//!
//! The page works without a network: it loads nothing from other addresses. Its policy forbids that and inline code, so
//! that a name from a config can never become code.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use promemu_core::rng::fnv1a;

/// The page's content security policy (<https://www.w3.org/TR/CSP3/>): resources of the same address, and no others.
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

/// The page's entry.
const INDEX: &str = "index.html";
const FILES: &[File] = files!(
    "index.html" "style.css" "icon.svg" "theme.js" "main.js" "api.js" "axis.js" "card.js" "charts.js" "config.js" "drawer.js"
    "arguments.js" "code.js" "editor.js" "elements.js" "events.js" "fleet.js" "format.js" "gallery.js" "header.js" "heat.js" "hosts.js" "incident.js" "keys.js" "levers.js" "lines.js" "links.js" "live.js" "marks.js" "overrides.js" "picture.js" "preview.js" "query.js"
    "ribbon.js" "shards.js" "spans.js" "tooltip.js" "totals.js" "view.js" "uplot.js" "uplot.css" "uplot.LICENSE.txt"
);

/// The page at `/`, its other files below `/page/`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, &file| {
        let path = if file.name == INDEX { "/".to_owned() } else { format!("/page/{}", file.name) };
        let tag = format!("\"{:016x}\"", fnv1a(file.bytes));
        router.route(&path, get(move |headers: HeaderMap| async move { file.response(&tag, &headers) }))
    })
}

impl File {
    /// The file, or 304 if the client's copy is current.
    fn response(self, tag: &str, headers: &HeaderMap) -> Response {
        let fixed = [
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let is_current = headers.get_all(header::IF_NONE_MATCH).iter().any(|known| is_among(tag, known));
        if is_current {
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

/// `true` if a list of entity tags has this one. A proxy that compresses may have made it weak.
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

    fn is_embedded(name: &str) -> bool {
        FILES.iter().any(|file| file.name == name)
    }

    #[test]
    fn all_files_of_the_folder_are_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let names =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let missing: Vec<String> = names.filter(|name| !is_embedded(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn every_file_that_the_page_names_is_embedded_and_none_comes_from_another_address() {
        let own = FILES.iter().filter(|file| !file.name.starts_with("uplot"));
        let mut count = 0;
        for file in own {
            for imported in text(file).split("from './").skip(1) {
                let name = imported.split('\'').next().unwrap();
                assert!(is_embedded(name), "{} imports {name}", file.name);
                count += 1;
            }
            for part in text(file).split("\"page/").skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(is_embedded(name), "{} names {name}", file.name);
                count += 1;
            }
            let elsewhere = text(file).replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("://"), "{} names another address", file.name);
        }
        assert!(count > 40, "only {count} names were found");
    }

    #[test]
    fn the_page_makes_no_markup_or_code_of_text() {
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
    fn a_current_copy_is_not_sent_again() {
        let file = FILES[0];
        let answer = |known: &str| {
            let headers =
                HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(known).unwrap())]);
            file.response("\"a1\"", &headers).status().as_u16()
        };
        assert_eq!([answer("\"a1\""), answer("W/\"b2\", W/\"a1\""), answer("\"b2\"")], [304, 304, 200]);
    }
}
