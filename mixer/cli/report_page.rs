//! Pages of HTML that reports are written to: their head, their tables and their end. A page links to nothing.

use crate::html_escape::escaped;

/// The styles of the page.
const STYLE: &str = include_str!("report_page/style.css");
/// The end of a page.
pub(crate) const END: &str = "</main>\n</body>\n</html>\n";

/// The begin of a page whose title is HTML.
pub(crate) fn head(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
}

/// A heading above a table of texts; nothing without rows.
pub(crate) fn section<const N: usize>(heading: &str, columns: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let mut row = "<tr>".to_owned();
        for text in cells {
            row.extend(["<", tag, ">", &escaped(text), "</", tag, ">"]);
        }
        row + "</tr>\n"
    };
    let head = cells("th", &mut columns.into_iter());
    let rows: String = rows.iter().map(|row| cells("td", &mut row.iter().map(String::as_str))).collect();
    format!("<section>\n<h2>{}</h2>\n<table>\n{head}{rows}</table>\n</section>\n", escaped(heading))
}
