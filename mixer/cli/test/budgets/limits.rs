//! The budgets of `--budget`, and the classes of queries that have one each.

use std::convert::Infallible;

use promemu_core::error::Error;
use promemu_core::time::Span;
use promql_parser::parser::Expr;
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::limits::named;
use crate::test::promql::parse;

/// The names of budgets, and their default values.
const DEFAULTS: [(&str, &str); 6] = [
    ("page", "2s"),
    ("simple", "100ms"),
    ("rate", "500ms"),
    ("quantile", "1s"),
    ("total", "1000000"),
    ("each", "10000"),
];

/// The kind of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum QueryClass {
    /// All queries of a dashboard.
    Page,
    /// The same by way of a Grafana.
    GrafanaPage,
    /// A query without a range.
    Simple,
    /// A query with a range, as a rate has it.
    Rate,
    /// A quantile of a histogram.
    Quantile,
}

impl QueryClass {
    /// The class of a query; of one that is not understood, by the words in it.
    pub(super) fn of(query: &str) -> Self {
        let mut found = Found::default();
        match parse(query) {
            Ok(expr) => match walk_expr(&mut found, &expr) {
                Ok(_) => {}
            },
            Err(_) => found = Found { ranges: query.contains('['), quantiles: query.contains("histogram_") },
        }
        match found {
            Found { quantiles: true, .. } => Self::Quantile,
            Found { ranges: true, .. } => Self::Rate,
            Found { .. } => Self::Simple,
        }
    }

    /// Its name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::GrafanaPage => "page in Grafana",
            Self::Simple => "simple query",
            Self::Rate => "rate",
            Self::Quantile => "quantile",
        }
    }
}

#[derive(Default)]
struct Found {
    ranges: bool,
    quantiles: bool,
}

impl ExprVisitor for Found {
    type Error = Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Infallible> {
        match expr {
            Expr::MatrixSelector(_) | Expr::Subquery(_) => self.ranges = true,
            Expr::Call(call) if call.func.name.starts_with("histogram_") => self.quantiles = true,
            _ => {}
        }
        Ok(true)
    }
}

/// The most that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budgets {
    page: Span,
    simple: Span,
    rate: Span,
    quantile: Span,
    /// Series of all metrics together.
    pub(super) total: u64,
    /// Series of one metric name.
    pub(super) each: u64,
}

impl Budgets {
    /// Reads `NAME=VALUE` of `--budget`; the others have their default values.
    pub(super) fn parse(given: &[String]) -> Result<Self, Error> {
        let refused = |why: String| Error::Usage(format!("--budget or PME_TEST_BUDGET: {why}"));
        let names = DEFAULTS.map(|(name, _)| name);
        let mut texts = DEFAULTS;
        for text in given {
            let (name, value) = named(text, &names, "page=2s").map_err(refused)?;
            texts.iter_mut().filter(|(known, _)| *known == name).for_each(|known| known.1 = value);
        }
        let value =
            |name: &str| texts.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        let span = |name: &str| Span::parse(value(name)).map_err(|why| refused(format!("{name}: {why}")));
        let count = |name: &str| {
            value(name)
                .parse()
                .map_err(|_| refused(format!("{name}: {:?} is not a number of series", value(name))))
        };
        Ok(Self {
            page: span("page")?,
            simple: span("simple")?,
            rate: span("rate")?,
            quantile: span("quantile")?,
            total: count("total")?,
            each: count("each")?,
        })
    }

    pub(super) const fn limit(&self, class: QueryClass) -> Span {
        match class {
            QueryClass::Page | QueryClass::GrafanaPage => self.page,
            QueryClass::Simple => self.simple,
            QueryClass::Rate => self.rate,
            QueryClass::Quantile => self.quantile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_the_class_of_its_dearest_part() {
        for (query, class) in [
            ("sum by (job) (requests_total)", QueryClass::Simple),
            ("sum(rate(requests_total[5m])) / sum(up)", QueryClass::Rate),
            ("max_over_time(sum(up)[1h:1m])", QueryClass::Rate),
            ("1 + histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", QueryClass::Quantile),
            ("new_function!(rate(x[5m]))", QueryClass::Rate),
        ] {
            assert_eq!(QueryClass::of(query), class, "{query}");
        }
    }

    #[test]
    fn budgets_have_defaults_and_wrong_ones_are_refused() {
        let parse =
            |texts: &[&str]| Budgets::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let given = parse(&["page=3s", "each=5"]).unwrap();
        let limits = [QueryClass::Page, QueryClass::Simple, QueryClass::Rate, QueryClass::Quantile];
        let limits = limits.map(|class| given.limit(class).to_string());
        assert_eq!(limits, ["3s", "100ms", "500ms", "1s"]);
        assert_eq!((given.total, given.each), (1_000_000, 5));
        for (text, expected) in [
            (
                "pag=3s",
                "no limit \"pag\"; did you mean \"page\"?; they are page, simple, rate, quantile, total, each",
            ),
            ("page", "\"page\" is not of the form NAME=VALUE; write it as page=2s"),
            ("each=many", "each: \"many\" is not a number of series"),
            ("rate=soon", "rate: \"soon\" is not a duration"),
        ] {
            let said = parse(&[text]).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
