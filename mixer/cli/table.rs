//! Tables and paragraphs for people: columns as wide as they need, lines no longer than the terminal. A pipe gets a line
//! for each row, however long.

use std::io::IsTerminal;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use promemu_core::excerpt;
use terminal_size::{Width, terminal_size_of};

/// The width of paragraphs in a pipe, and of a terminal that does not know its own.
const DEFAULT_WIDTH: u16 = 80;
/// A table in a narrower terminal has this width, and its lines wrap.
const WIDTH_MIN: u16 = 50;
/// Blanks between two columns.
const GAP: u16 = 2;
/// The least widths of a column of prose whose text is longer: the wished one, and that of a narrow terminal.
const PROSE_WIDTHS: [u16; 2] = [16, 12];
/// The end of a text that is cut.
const CUT: char = '…';

/// The width of a terminal; `None` if standard output is none.
pub(crate) fn width() -> Option<u16> {
    let stdout = std::io::stdout();
    let size = terminal_size_of(&stdout).map(|(Width(columns), _)| columns.max(WIDTH_MIN));
    // Some terminals do not know their size.
    stdout.is_terminal().then(|| size.unwrap_or(DEFAULT_WIDTH))
}

/// The width of a terminal, or of text that is no table in a pipe.
pub(crate) fn text_width() -> u16 {
    width().unwrap_or(DEFAULT_WIDTH)
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    heading: &'a str,
    fit: Fit,
}

/// The way in which a column is fitted into a terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fit {
    Whole,
    Prose,
    Spare,
    Cut,
}

/// A column of names, numbers or URLs, which are never broken.
pub(crate) const fn whole(heading: &str) -> Column<'_> {
    Column { heading, fit: Fit::Whole }
}

/// A column of text, wrapped between words.
pub(crate) const fn prose(heading: &str) -> Column<'_> {
    Column { heading, fit: Fit::Prose }
}

/// A column that is never broken, and left out where it finds no room.
pub(crate) const fn spare(heading: &str) -> Column<'_> {
    Column { heading, fit: Fit::Spare }
}

/// A last column of text, of which a line shows the beginning.
pub(crate) const fn cut(heading: &str) -> Column<'_> {
    Column { heading, fit: Fit::Cut }
}

/// A table of a line for each row, but for wrapped prose. Where even names find no room, each row is a paragraph of a line
/// for each column that it fills.
pub(crate) fn table<const N: usize>(
    columns: [Column<'_>; N],
    rows: impl IntoIterator<Item = [String; N]>,
    indent: u16,
    width: Option<u16>,
) -> String {
    table_of(&columns, rows.into_iter().map(Vec::from), indent, width)
}

/// As [`table`], with as many columns as there are; each row has as many texts.
pub(crate) fn table_of(
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
    indent: u16,
    width: Option<u16>,
) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| cells(&row)).collect();
    Layout::of(columns, &rows, indent, width).text(columns, &rows, indent, width)
}

/// The texts of a row as a table shows them.
fn cells(row: &[String]) -> Vec<String> {
    row.iter().map(|text| excerpt::cell(text).into_owned()).collect()
}

/// A table whose rows belong to named groups: on a terminal the rows of a group stand below its name, in a pipe the name is
/// the last column. Groups that have one row each are no groups. No column is prose.
pub(crate) fn grouped<const N: usize>(
    group: &'static str,
    columns: [Column<'_>; N],
    rows: impl IntoIterator<Item = (String, [String; N])>,
    width: Option<u16>,
) -> String {
    let mut groups: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for (name, row) in rows {
        let name = excerpt::cell(&name).into_owned();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(cells(&row)),
            None => groups.push((name, vec![cells(&row)])),
        }
    }
    let all: Vec<Vec<String>> = groups.iter().flat_map(|(_, rows)| rows.clone()).collect();
    let layout = Layout::of(&columns, &all, 0, width);
    if width.is_none() || all.len() == groups.len() || layout == Layout::Paragraphs {
        let columns: Vec<Column<'_>> = columns.iter().copied().chain([whole(group)]).collect();
        let with_name = |name: &str, row: &Vec<String>| [&row[..], &[name.to_owned()]].concat();
        let rows = groups.iter().flat_map(|(name, rows)| rows.iter().map(move |row| with_name(name, row)));
        let rows: Vec<Vec<String>> = rows.collect();
        return Layout::of(&columns, &rows, 0, width).text(&columns, &rows, 0, width);
    }
    let text = layout.text(&columns, &all, 0, width);
    let mut lines = text.lines();
    let mut shown: Vec<String> = lines.next().into_iter().map(str::to_owned).collect();
    for (name, rows) in &groups {
        shown.push(format!("{} {name}", group.to_lowercase()));
        shown.extend(lines.by_ref().take(rows.len()).map(str::to_owned));
    }
    shown.join("\n") + "\n"
}

/// Text of one paragraph, for a terminal of this width or a pipe.
pub(crate) fn paragraph(text: &str, indent: u16, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.add_row([text]);
    arrange(table, indent, Some(width.unwrap_or(DEFAULT_WIDTH)))
}

/// The form of a table.
#[derive(Debug, PartialEq)]
enum Layout {
    /// Lines with these columns.
    Lines(Vec<usize>),
    Paragraphs,
}

impl Layout {
    /// The form with the most columns that fits.
    fn of(columns: &[Column<'_>], rows: &[Vec<String>], indent: u16, width: Option<u16>) -> Self {
        let mut shown: Vec<usize> = (0..columns.len()).collect();
        let Some(width) = width else { return Self::Lines(shown) };
        let room = width.saturating_sub(indent);
        let widths: Vec<u16> = (0..columns.len()).map(|index| content_width(columns, rows, index)).collect();
        loop {
            if needed_width(columns, &widths, &shown, PROSE_WIDTHS[0]) <= room {
                return Self::Lines(shown);
            }
            let Some(spare) = shown.iter().rposition(|index| columns[*index].fit == Fit::Spare) else {
                break;
            };
            shown.remove(spare);
        }
        let fits = needed_width(columns, &widths, &shown, PROSE_WIDTHS[1]) <= room;
        if fits { Self::Lines(shown) } else { Self::Paragraphs }
    }

    fn text(&self, columns: &[Column<'_>], rows: &[Vec<String>], indent: u16, width: Option<u16>) -> String {
        let Self::Lines(shown) = self else { return paragraphs(columns, rows, indent, width) };
        let mut table = Table::new();
        table.set_header(shown.iter().map(|index| columns[*index].heading));
        let last_width = width.map(|width| room_of_last(columns, rows, shown, indent, width));
        for row in rows {
            table.add_row(shown.iter().map(|&index| match (columns[index].fit, last_width) {
                (Fit::Cut, Some(room)) => shortened(&on_a_line(&row[index]), room),
                (_, None) => on_a_line(&row[index]),
                _ => row[index].clone(),
            }));
        }
        for (place, &index) in shown.iter().enumerate() {
            if columns[index].fit != Fit::Prose
                && let Some(column) = table.column_mut(place)
            {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        arrange(table, indent, width)
    }
}

/// The width that the shown columns need, with this much for prose.
fn needed_width(columns: &[Column<'_>], widths: &[u16], shown: &[usize], prose_width: u16) -> u16 {
    let gaps = GAP.saturating_mul(u16::try_from(shown.len().saturating_sub(1)).unwrap_or(u16::MAX));
    shown.iter().fold(gaps, |sum, &index| {
        sum.saturating_add(match columns[index].fit {
            Fit::Whole | Fit::Spare => widths[index],
            Fit::Prose | Fit::Cut => widths[index].min(prose_width),
        })
    })
}

/// The width of the longest text of a column, its heading included.
fn content_width(columns: &[Column<'_>], rows: &[Vec<String>], index: usize) -> u16 {
    let mut table = Table::new();
    table.set_header([columns[index].heading]).add_rows(rows.iter().map(|row| [&row[index]]));
    table.column_max_content_widths().first().copied().unwrap_or_default()
}

/// The width that the other columns leave for the last one.
fn room_of_last(
    columns: &[Column<'_>],
    rows: &[Vec<String>],
    shown: &[usize],
    indent: u16,
    width: u16,
) -> usize {
    let others = shown.split_last().map_or(&[][..], |(_, others)| others);
    let taken = others.iter().map(|index| content_width(columns, rows, *index).saturating_add(GAP));
    usize::from(taken.fold(width.saturating_sub(indent), u16::saturating_sub))
}

/// The beginning of a text that takes more than so many characters.
fn shortened(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let start: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{}{CUT}", start.trim_end())
}

fn on_a_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// A paragraph for each row, with a line for each column that is not empty. Only prose is wrapped.
fn paragraphs(columns: &[Column<'_>], rows: &[Vec<String>], indent: u16, width: Option<u16>) -> String {
    let widest = columns.iter().map(|column| column.heading.chars().count()).max().unwrap_or_default();
    let before = usize::from(indent) + widest + usize::from(GAP);
    let line = |(column, text): (&Column<'_>, &String)| {
        if text.is_empty() {
            return String::new();
        }
        let text = match column.fit {
            Fit::Prose | Fit::Cut => paragraph(text, u16::try_from(before).unwrap_or_default(), width),
            Fit::Whole | Fit::Spare => format!("{:before$}{text}\n", ""),
        };
        let heading = format!("{:indent$}{:widest$}", "", column.heading, indent = usize::from(indent));
        format!("{heading:before$}{}", text.get(before..).unwrap_or_default())
    };
    let paragraph = |row: &Vec<String>| columns.iter().zip(row).map(line).collect::<String>();
    rows.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn arrange(mut table: Table, indent: u16, width: Option<u16>) -> String {
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.unwrap_or(u16::MAX));
    let last = table.column_count().saturating_sub(1);
    for column in table.column_iter_mut() {
        let left = if column.index == 0 { indent } else { 0 };
        let right = if column.index == last { 0 } else { GAP };
        column.set_padding((left, right));
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<const N: usize>(cells: [&str; N]) -> [String; N] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_are_aligned_and_long_prose_is_wrapped() {
        let rows = [
            row(["step", "number", "the longest step, up or down"]),
            row(["bias_of_the_walk", "a number or größer", "added to every step; the next one is as long"]),
        ];
        let columns = [whole("NAME"), prose("TYPE"), prose("HELP")];
        let text = table(columns, rows.clone(), 4, Some(60));
        insta::assert_snapshot!(text, @"
        NAME              TYPE                HELP
        step              number              the longest step,
                                              up or down
        bias_of_the_walk  a number or größer  added to every
                                              step; the next one
                                              is as long
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 60));
        let piped = table(columns, rows, 0, None);
        assert_eq!(piped.lines().count(), 3, "{piped}");
    }

    #[test]
    fn a_table_without_room_leaves_out_spare_columns_and_then_is_paragraphs_with_whole_urls() {
        let url = "https://metrics.example.com:9091/api/v1/write?tenant=shop";
        let columns = [whole("OUTPUT"), whole("TARGET"), whole("PUSHES"), spare("BYTES")];
        let rows = || [row(["remote-write", url, "12", "34"]), row(["scrape", "127.0.0.1:1", "1", "-"])];
        insta::assert_snapshot!(table(columns, rows(), 0, Some(90)), @"
        OUTPUT        TARGET                                                     PUSHES  BYTES
        remote-write  https://metrics.example.com:9091/api/v1/write?tenant=shop  12      34
        scrape        127.0.0.1:1                                                1       -
        ");
        insta::assert_snapshot!(table(columns, rows(), 0, Some(84)), @"
        OUTPUT        TARGET                                                     PUSHES
        remote-write  https://metrics.example.com:9091/api/v1/write?tenant=shop  12
        scrape        127.0.0.1:1                                                1
        ");
        insta::assert_snapshot!(table(columns, rows(), 0, Some(60)), @"
        OUTPUT  remote-write
        TARGET  https://metrics.example.com:9091/api/v1/write?tenant=shop
        PUSHES  12
        BYTES   34

        OUTPUT  scrape
        TARGET  127.0.0.1:1
        PUSHES  1
        BYTES   -
        ");
        let piped = table(columns, rows(), 0, None);
        assert!(piped.contains(url) && piped.lines().count() == 3, "{piped}");
    }

    #[test]
    fn prose_is_wrapped_in_paragraphs_too_and_what_is_empty_has_no_line() {
        let columns = [whole("METRIC"), prose("LABELS"), prose("HELP")];
        let help = "memory in use by everything that the host runs";
        let name = "a_name_that_leaves_some_room_only";
        insta::assert_snapshot!(table(columns, [row([name, "", help])], 2, Some(60)), @"
        METRIC                             LABELS  HELP
        a_name_that_leaves_some_room_only          memory in use
                                                   by everything
                                                   that the host
                                                   runs
        ");
        let name = "a_name_that_leaves_no_room_for_any_text_of_the_other_columns";
        insta::assert_snapshot!(table(columns, [row([name, "", help])], 2, Some(50)), @"
        METRIC  a_name_that_leaves_no_room_for_any_text_of_the_other_columns
        HELP    memory in use by everything that the
                host runs
        ");
    }

    #[test]
    fn a_text_that_is_cut_takes_one_line_and_is_whole_in_a_pipe() {
        let columns = [whole("CONFIG"), cut("DESCRIPTION")];
        let rows = || [row(["a-longer-name", "a shop whose servers\nare busy"]), row(["shop", "idle"])];
        insta::assert_snapshot!(table(columns, rows(), 0, Some(40)), @"
        CONFIG         DESCRIPTION
        a-longer-name  a shop whose servers are…
        shop           idle
        ");
        insta::assert_snapshot!(table(columns, rows(), 0, None), @"
        CONFIG         DESCRIPTION
        a-longer-name  a shop whose servers are busy
        shop           idle
        ");
    }

    #[test]
    fn rows_of_a_group_stand_below_its_name_which_a_pipe_has_in_each_line() {
        let columns = [whole("HOST"), whole("STATE")];
        let rows = || {
            [("a", "web-1"), ("b", "db-1"), ("a", "web-2")]
                .map(|(job, host)| (job.to_owned(), row([host, "running"])))
        };
        insta::assert_snapshot!(grouped("JOB", columns, rows(), Some(80)), @"
        HOST   STATE
        job a
        web-1  running
        web-2  running
        job b
        db-1   running
        ");
        insta::assert_snapshot!(grouped("JOB", columns, rows(), None), @"
        HOST   STATE    JOB
        web-1  running  a
        web-2  running  a
        db-1   running  b
        ");
        let single = rows().into_iter().take(2);
        insta::assert_snapshot!(grouped("JOB", columns, single, Some(80)), @"
        HOST   STATE    JOB
        web-1  running  a
        db-1   running  b
        ");
    }

    #[test]
    fn a_very_long_text_is_cut_in_every_table() {
        let long = || "x".repeat(100_000);
        let plain = table([whole("HOST")], [[long()]], 0, None);
        let rows = [("a".to_owned(), [long()]), ("a".to_owned(), [long()])];
        for text in [plain, grouped("JOB", [whole("HOST")], rows, None)] {
            assert!(text.lines().all(|line| line.chars().count() < 600), "{}", text.len());
        }
    }

    #[test]
    fn a_paragraph_is_wrapped_between_words() {
        let text = paragraph("one two three four five six seven eight nine ten eleven twelve", 2, Some(50));
        insta::assert_snapshot!(text, @"
        one two three four five six seven eight nine ten
        eleven twelve
        ");
    }
}
