//! The metrics of a population: a table for each family.

use promemu_plugin::{Family, Table, Tables};

use crate::observed::Observed;
use crate::population::Population;
use crate::settings::{ERROR_TYPES, Settings, TOKEN_TYPES};

/// A family, whose table has rows by user, model and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Sessions,
    Tokens,
    Cost,
    Tools,
    Errors,
    Commits,
    SessionDuration,
    ActiveSessions,
    RequestDuration,
}

const ALL: [Shown; 9] = [
    Shown::Sessions,
    Shown::Tokens,
    Shown::Cost,
    Shown::Tools,
    Shown::Errors,
    Shown::Commits,
    Shown::SessionDuration,
    Shown::ActiveSessions,
    Shown::RequestDuration,
];
const DONE: [&str; 2] = ["success", "error"];
const SESSION: [&str; 2] = ["completed", "abandoned"];
/// The user of those without a name.
const OTHER: &str = "other";

impl Shown {
    fn family(self, settings: &Settings) -> Option<Family> {
        let names = &settings.names;
        let family = match self {
            Self::Sessions => Family::counter(&names.sessions, "sessions that have begun"),
            Self::Tokens => Family::counter(&names.tokens, "tokens that have been used"),
            Self::Cost => Family::counter(&names.cost, "cost of the tokens in USD").unrounded(),
            Self::Tools => Family::counter(&names.tools, "uses of tools"),
            Self::Errors => Family::counter(&names.errors, "uses of tools that have failed"),
            Self::Commits => Family::counter(&names.commits, "commits"),
            Self::SessionDuration => {
                Family::histogram(&names.session_duration, "length of sessions", &settings.session_bounds)
            }
            Self::ActiveSessions => Family::gauge(&names.active_sessions, "sessions that run"),
            Self::RequestDuration => Family::histogram(
                &names.request_duration,
                "time of requests to models",
                &settings.request_bounds,
            ),
        };
        let mut names = names.clone();
        (!names.all()[self as usize].is_empty()).then_some(family)
    }

    const fn labels(self) -> &'static str {
        match self {
            Self::Sessions | Self::Commits => "user_id,user_type",
            Self::Tokens => "user_id,model,type,user_type",
            Self::Cost => "user_id,model,user_type",
            Self::Tools => "user_id,tool_name,status,user_type",
            Self::Errors => "user_id,error_type,tool_name,user_type",
            Self::SessionDuration => "user_id,user_type,status",
            Self::ActiveSessions => "user_type",
            Self::RequestDuration => "model,status",
        }
    }

    /// The number of rows of so many users.
    fn rows(self, users: usize, settings: &Settings) -> usize {
        let (models, tools) = (settings.models.len(), settings.tools.len());
        match self {
            Self::Sessions | Self::Commits => users,
            Self::Tokens => users * models * TOKEN_TYPES.len(),
            Self::Cost => users * models,
            Self::Tools => users * tools * DONE.len(),
            Self::Errors => users * tools * ERROR_TYPES.len(),
            Self::SessionDuration => users * SESSION.len(),
            Self::ActiveSessions => settings.kinds.len(),
            Self::RequestDuration => models * DONE.len(),
        }
    }

    /// The values of the labels of a row.
    fn values_of_labels(self, row: usize, population: &Population) -> Vec<String> {
        let settings = population.settings();
        let user = |row: usize| {
            let named = &population.visible().users;
            let (id, kind) = named
                .get(row)
                .map_or_else(|| (OTHER.to_owned(), row - named.len()), |(id, kind)| (id.clone(), *kind));
            (id, settings.kinds[kind].name.clone())
        };
        let model = |index: usize| settings.models[index].name.clone();
        let tool = |index: usize| settings.tools[index].0.clone();
        let (models, tools) = (settings.models.len(), settings.tools.len());
        match self {
            Self::Sessions | Self::Commits => {
                let (id, kind) = user(row);
                vec![id, kind]
            }
            Self::Tokens => {
                let (row, of) = (row / TOKEN_TYPES.len(), row % TOKEN_TYPES.len());
                let (id, kind) = user(row / models);
                vec![id, model(row % models), TOKEN_TYPES[of].to_owned(), kind]
            }
            Self::Cost => {
                let (id, kind) = user(row / models);
                vec![id, model(row % models), kind]
            }
            Self::Tools => {
                let (row, status) = (row / DONE.len(), row % DONE.len());
                let (id, kind) = user(row / tools);
                vec![id, tool(row % tools), DONE[status].to_owned(), kind]
            }
            Self::Errors => {
                let (row, of) = (row / ERROR_TYPES.len(), row % ERROR_TYPES.len());
                let (id, kind) = user(row / tools);
                vec![id, ERROR_TYPES[of].to_owned(), tool(row % tools), kind]
            }
            Self::SessionDuration => {
                let (id, kind) = user(row / SESSION.len());
                vec![id, kind, SESSION[row % SESSION.len()].to_owned()]
            }
            Self::ActiveSessions => vec![settings.kinds[row].name.clone()],
            Self::RequestDuration => vec![model(row / DONE.len()), DONE[row % DONE.len()].to_owned()],
        }
    }

    /// The value of a row; `None` for a histogram.
    #[expect(clippy::cast_precision_loss, reason = "totals are below 2^53 for thousands of years")]
    fn value(self, row: usize, population: &mut Population) -> Option<f64> {
        let settings = population.settings();
        let (models, tools) = (settings.models.len(), settings.tools.len());
        let number = match self {
            Self::Sessions => *population.totals().sessions(row),
            Self::Commits => *population.totals().commits(row),
            Self::Tokens => {
                let (row, of) = (row / TOKEN_TYPES.len(), row % TOKEN_TYPES.len());
                *population.totals().tokens(row / models, row % models, of)
            }
            // Of the same numbers as the tokens, so that they always agree.
            Self::Cost => {
                let prices = settings.models[row % models].prices;
                let cost = |of: usize| *population.totals().tokens(row / models, row % models, of) as f64;
                let costs = [0, 1, 2].map(cost).into_iter().zip(prices);
                return Some(costs.map(|(tokens, price)| tokens * price / 1000.0).sum());
            }
            Self::Tools => {
                let (row, status) = (row / DONE.len(), row % DONE.len());
                let (user, tool) = (row / tools, row % tools);
                let totals = population.totals();
                let errors = (0..ERROR_TYPES.len()).map(|of| *totals.errors(user, tool, of)).sum();
                if status == 0 { *totals.done(user, tool) } else { errors }
            }
            Self::Errors => {
                let (row, of) = (row / ERROR_TYPES.len(), row % ERROR_TYPES.len());
                *population.totals().errors(row / tools, row % tools, of)
            }
            Self::ActiveSessions => population.active(row),
            Self::SessionDuration | Self::RequestDuration => return None,
        };
        Some(number as f64)
    }
}

/// The number of rows of users: those with names, and the others of each kind.
fn users(settings: &Settings) -> usize {
    let named = settings.visible_users.min(settings.total);
    usize::try_from(named).unwrap_or(usize::MAX) + settings.kinds.len()
}

/// The families with their tables, in their order.
fn shown(settings: &Settings) -> impl Iterator<Item = (u32, Shown, Family)> {
    let all = ALL.into_iter().filter_map(|shown| Some((shown, shown.family(settings)?)));
    (0..).zip(all).map(|(number, (shown, family))| (number, shown, family))
}

/// The tables of a population.
pub(crate) fn describe(settings: &Settings) -> Vec<Table> {
    let table = |(_, shown, family): (u32, Shown, Family)| Table {
        name: format!("{shown:?}"),
        labels: shown.labels().to_owned(),
        rows_max: u32::try_from(shown.rows(users(settings), settings)).unwrap_or(u32::MAX),
        families: vec![family],
    };
    shown(settings).map(table).collect()
}

/// Begins all rows.
pub(crate) fn begin(population: &Population, now_nanos: u64, tables: &mut Tables<'_>) {
    for (table, shown, _) in shown(population.settings()) {
        let users = population.visible().users.len() + population.settings().kinds.len();
        for row in 0..shown.rows(users, population.settings()) {
            let labels = shown.values_of_labels(row, population);
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            tables.begin(table, u32::try_from(row).unwrap_or(u32::MAX), now_nanos, &labels);
        }
    }
}

/// Writes all values and observations.
pub(crate) fn write(population: &mut Population, tables: &mut Tables<'_>) {
    let order: Vec<(u32, Shown)> =
        shown(population.settings()).map(|(table, shown, _)| (table, shown)).collect();
    let users = population.visible().users.len() + population.settings().kinds.len();
    for (table, shown) in &order {
        for row in 0..shown.rows(users, population.settings()) {
            let Some(value) = shown.value(row, population) else { break };
            tables.set(*table, u32::try_from(row).unwrap_or(u32::MAX), 0, value);
        }
    }
    let table_of = |wanted: Shown| order.iter().find(|(_, shown)| *shown == wanted).map(|(table, _)| *table);
    let mut observe = |shown: Shown, Observed { row, value, count }: Observed| {
        if let Some(table) = table_of(shown) {
            tables.observe(table, u32::try_from(row).unwrap_or(u32::MAX), 0, value, count);
        }
    };
    population.sessions.take(|observed| observe(Shown::SessionDuration, observed));
    population.requests.take(|observed| observe(Shown::RequestDuration, observed));
}
