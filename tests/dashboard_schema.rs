//! Dashboards against the schema that Grafana publishes: the fields, types and bounds of
//! <https://github.com/grafana/grafana/blob/main/kinds/dashboard/dashboard_kind.cue>, which is in CUE.

use std::path::Path;

use serde_json::Value;

use crate::processes::promemu_command;

/// The shape of a value. A field with `?` may be missing; a shape that ends in `Any` takes fields that the schema leaves open.
enum Shape {
    Any,
    Text,
    Flag,
    Number,
    /// A whole number from one to another.
    Whole(i64, i64),
    OneOf(&'static [&'static str]),
    List(&'static Shape),
    Either(&'static Shape, &'static Shape),
    /// A panel, or a row of panels, as its type says.
    PanelOrRow,
    Fields(&'static [(&'static str, Shape)], Rest),
}

/// Fields that the schema does not name.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    Open,
    Closed,
}

use Rest::{Closed, Open};
use Shape::{Any, Either, Fields, Flag, List, Number, OneOf, PanelOrRow, Text, Whole};

const MAX: i64 = u32::MAX as i64;

const SOURCE: Shape = Fields(&[("type?", Text), ("uid?", Text)], Closed);

const GRID: Shape = Fields(
    &[
        ("h", Whole(1, MAX)),
        ("w", Whole(1, 24)),
        ("x", Whole(0, 23)),
        ("y", Whole(0, MAX)),
        ("static?", Flag),
    ],
    Closed,
);

const LINK: Shape = Fields(
    &[
        ("title", Text),
        ("type", OneOf(&["link", "dashboards"])),
        ("icon", Text),
        ("tooltip", Text),
        ("url", Text),
        ("tags", List(&Text)),
        ("asDropdown?", Flag),
        ("targetBlank?", Flag),
        ("includeVars?", Flag),
        ("keepTime?", Flag),
    ],
    Closed,
);

const THRESHOLDS: Shape = Fields(
    &[
        ("mode", OneOf(&["absolute", "percentage"])),
        (
            "steps",
            List(&Fields(
                &[
                    ("value?", Either(&Number, &Any)),
                    ("color", Text),
                    ("index?", Whole(0, MAX)),
                    ("state?", Text),
                ],
                Closed,
            )),
        ),
    ],
    Closed,
);

const FIELD: Shape = Fields(
    &[
        ("displayName?", Text),
        ("description?", Text),
        ("unit?", Text),
        ("decimals?", Number),
        ("min?", Number),
        ("max?", Number),
        (
            "mappings?",
            List(&Fields(
                &[("type", OneOf(&["value", "range", "regex", "special"])), ("options", Any)],
                Closed,
            )),
        ),
        ("thresholds?", THRESHOLDS),
        (
            "color?",
            Fields(
                &[("mode", Text), ("fixedColor?", Text), ("seriesBy?", OneOf(&["min", "max", "last"]))],
                Closed,
            ),
        ),
        ("links?", List(&Any)),
        ("noValue?", Text),
        ("custom?", Fields(&[], Open)),
    ],
    Closed,
);

const MATCHER: Shape = Fields(&[("id?", Text), ("options?", Any)], Closed);

const OVERRIDE: Shape = Fields(
    &[("matcher", MATCHER), ("properties?", List(&Fields(&[("id?", Text), ("value?", Any)], Closed)))],
    Closed,
);

const PANEL: Shape = Fields(
    &[
        ("type", Text),
        ("id?", Whole(0, MAX)),
        ("targets?", List(&Fields(&[("refId", Text)], Open))),
        ("title?", Text),
        ("description?", Text),
        ("transparent?", Flag),
        ("datasource?", SOURCE),
        ("gridPos?", GRID),
        ("links?", List(&LINK)),
        ("repeat?", Text),
        ("repeatDirection?", OneOf(&["h", "v"])),
        ("maxDataPoints?", Number),
        (
            "transformations?",
            List(&Fields(
                &[("id", Text), ("disabled?", Flag), ("filter?", MATCHER), ("options", Any)],
                Closed,
            )),
        ),
        ("interval?", Text),
        ("options", Fields(&[], Open)),
        ("fieldConfig", Fields(&[("defaults", FIELD), ("overrides?", List(&OVERRIDE))], Closed)),
    ],
    Closed,
);

const ROW: Shape = Fields(
    &[
        ("type", OneOf(&["row"])),
        ("collapsed", Flag),
        ("title?", Text),
        ("datasource?", SOURCE),
        ("gridPos?", GRID),
        ("id", Whole(0, MAX)),
        ("panels", List(&PANEL)),
        ("repeat?", Text),
    ],
    Closed,
);

const VARIABLE: Shape = Fields(
    &[
        (
            "type",
            OneOf(&["query", "adhoc", "constant", "datasource", "interval", "textbox", "custom", "system"]),
        ),
        ("name", Text),
        ("label?", Text),
        ("hide?", Whole(0, 2)),
        ("query?", Either(&Text, &Fields(&[], Open))),
        ("datasource?", SOURCE),
    ],
    Open,
);

const ANNOTATION: Shape = Fields(
    &[("name", Text), ("datasource", SOURCE), ("enable?", Flag), ("hide?", Flag), ("iconColor", Text)],
    Open,
);

const DASHBOARD: Shape = Fields(
    &[
        ("uid?", Text),
        ("title?", Text),
        ("description?", Text),
        ("tags?", List(&Text)),
        ("timezone?", Text),
        ("editable?", Flag),
        ("graphTooltip?", Whole(0, 2)),
        ("time?", Fields(&[("from", Text), ("to", Text)], Closed)),
        ("refresh?", Either(&Text, &Flag)),
        ("schemaVersion?", Whole(0, 65_535)),
        ("version?", Whole(0, MAX)),
        ("panels?", List(&PanelOrRow)),
        ("templating?", Fields(&[("list?", List(&VARIABLE))], Closed)),
        ("annotations?", Fields(&[("list?", List(&ANNOTATION))], Closed)),
        ("links?", List(&LINK)),
    ],
    Closed,
);

/// The differences of a value from a shape, each with its path.
fn differences(value: &Value, shape: &Shape, path: &str) -> Vec<String> {
    let is_right = match shape {
        Any => true,
        Text => value.is_string(),
        Flag => value.is_boolean(),
        Number => value.is_number(),
        Whole(from, to) => value.as_i64().is_some_and(|number| (*from..=*to).contains(&number)),
        OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        PanelOrRow => {
            let shape = if value["type"] == "row" { &ROW } else { &PANEL };
            return differences(value, shape, path);
        }
        Either(one, other) => {
            differences(value, one, path).is_empty() || differences(value, other, path).is_empty()
        }
        List(item) => {
            if let Some(items) = value.as_array() {
                let items = items.iter().enumerate();
                return items
                    .flat_map(|(n, value)| differences(value, item, &format!("{path}[{n}]")))
                    .collect();
            }
            false
        }
        Fields(fields, rest) => {
            if let Some(object) = value.as_object() {
                return of_fields(object, fields, *rest, path);
            }
            false
        }
    };
    if is_right { Vec::new() } else { vec![format!("{path} is {value}")] }
}

fn of_fields(
    object: &serde_json::Map<String, Value>,
    fields: &[(&str, Shape)],
    rest: Rest,
    path: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for (field, shape) in fields {
        let name = field.trim_end_matches('?');
        match object.get(name) {
            Some(value) => found.extend(differences(value, shape, &format!("{path}.{name}"))),
            None if field.ends_with('?') => {}
            None => found.push(format!("{path}.{name} is missing")),
        }
    }
    let is_known = |name: &&String| fields.iter().any(|(field, _)| field.trim_end_matches('?') == *name);
    if rest == Closed {
        let unknown = object.keys().filter(|name| !is_known(name));
        found.extend(unknown.map(|name| format!("{path}.{name} is unknown")));
    }
    found
}

/// The panels that overlap another one, reach beyond the grid, or have its id.
fn misplaced(dashboard: &Value) -> Vec<String> {
    let places: Vec<[i64; 5]> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|panel| {
            let place = |field: &str| panel["gridPos"][field].as_i64().unwrap();
            [place("x"), place("y"), place("w"), place("h"), panel["id"].as_i64().unwrap()]
        })
        .collect();
    let mut found = Vec::new();
    for (number, [x, y, w, h, id]) in places.iter().enumerate() {
        if x + w > 24 {
            found.push(format!("panel {id} is wider than the grid"));
        }
        for [other_x, other_y, other_w, other_h, other] in &places[..number] {
            let is_over = x < &(other_x + other_w)
                && other_x < &(x + w)
                && y < &(other_y + other_h)
                && other_y < &(y + h);
            if is_over || id == other {
                found.push(format!("panel {id} is over {other}"));
            }
        }
    }
    found
}

/// The texts of the shipped dashboards, and of some that are made.
fn dashboards() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/grafana/dashboards");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let shipped = files.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
    let made =
        [&["metric_types"][..], &["load_phases"], &["all_scenarios", "--one-host"], &["kubernetes_cluster"]];
    let made = made.into_iter().map(|args| {
        let output = promemu_command(&["dashboard"]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        (args.join(" "), String::from_utf8(output.stdout).unwrap())
    });
    shipped.chain(made).map(|(name, text)| (name, serde_json::from_str(&text).unwrap())).collect()
}

#[test]
fn dashboards_have_the_structure_that_grafana_publishes() {
    let all = dashboards();
    for (name, dashboard) in &all {
        let found = [differences(dashboard, &DASHBOARD, ""), misplaced(dashboard)].concat();
        assert!(found.is_empty(), "{name}: {found:#?}");
        let uid = dashboard["uid"].as_str().unwrap();
        assert!((8..=40).contains(&uid.len()), "{name}: {uid}");
    }
    assert!(all.len() >= 12, "{}", all.len());
}

#[test]
fn a_wrong_structure_is_found() {
    let (_, good) = dashboards().swap_remove(0);
    for (pointer, wrong, expected) in [
        ("/panels/0/gridPos/w", Value::from(25), ".panels[0].gridPos.w is 25"),
        ("/panels/0/type", Value::Null, ".panels[0].type is null"),
        ("/panels/1/fieldConfig/defaults/unit", Value::from(1), ".panels[1].fieldConfig.defaults.unit is 1"),
        ("/links/0/type", Value::from("page"), ".links[0].type is \"page\""),
        ("/templating/list/0/hide", Value::from(3), ".templating.list[0].hide is 3"),
        ("/graphTooltip", Value::from(1.5), ".graphTooltip is 1.5"),
        (
            "/panels/2",
            serde_json::json!({ "type": "row", "id": 3, "panels": [] }),
            ".panels[2].collapsed is missing",
        ),
        ("/time", serde_json::json!({ "from": "now-1h", "till": "now" }), ".time.till is unknown"),
    ] {
        let mut dashboard = good.clone();
        *dashboard.pointer_mut(pointer).unwrap() = wrong;
        let found = differences(&dashboard, &DASHBOARD, "");
        assert!(found.iter().any(|line| line == expected), "{pointer}: {found:?}");
    }
    let mut overlapping = good;
    overlapping["panels"][1]["gridPos"] = overlapping["panels"][0]["gridPos"].clone();
    assert_eq!(misplaced(&overlapping).len(), 1);
}

/// The marks of a designed dashboard, and the number of its variables at most.
const MARKS: [&str; 2] = ["phases", "faults"];
const VARIABLES_MAX: usize = 5;

/// Differences of a designed dashboard from the house style: totals first, then causes.
fn out_of_style(dashboard: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut found = Vec::new();
    let variables = list(&dashboard["templating"]["list"]).len();
    if variables > VARIABLES_MAX {
        found.push(format!("{variables} variables"));
    }
    let marks: Vec<Value> = list(&dashboard["annotations"]["list"]);
    found.extend(
        MARKS
            .iter()
            .filter(|mark| marks.iter().all(|is| is["name"] != **mark))
            .map(|mark| format!("no {mark}")),
    );
    let panels = list(&dashboard["panels"]);
    let rows: Vec<usize> = (0..panels.len()).filter(|at| panels[*at]["type"] == "row").collect();
    if rows.first() != Some(&0) || rows.len() < 3 {
        found.push("no rows of totals and causes".to_owned());
    }
    let totals = panels.iter().skip(1).take(rows.get(1).map_or(0, |next| next - 1));
    found.extend(
        totals.filter(|panel| panel["type"] != "stat").map(|panel| format!("no total: {}", panel["title"])),
    );
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = &panel["title"];
        let defaults = &panel["fieldConfig"]["defaults"];
        if panel["description"].as_str().is_none_or(str::is_empty) || defaults["unit"].is_null() {
            found.push(format!("no description or unit: {title}"));
        }
        let legend = &panel["options"]["legend"];
        let calcs = serde_json::json!(["min", "mean", "max"]);
        if panel["type"] == "timeseries" && (legend["displayMode"] != "table" || legend["calcs"] != calcs) {
            found.push(format!("no table of min, mean, max: {title}"));
        }
        for target in list(&panel["targets"]) {
            let expr = target["expr"].as_str().unwrap();
            let is_counter =
                expr.contains("_total{") || expr.contains("_bucket{") || expr.contains("_count{");
            if !expr.contains("ALERTS") && !expr.contains("job=~\"$job\"") {
                found.push(format!("no job is selected: {expr}"));
            }
            if is_counter && !["$__rate_interval]", "$__range]"].iter().any(|range| expr.contains(range)) {
                found.push(format!("no rate that fits the scrapes: {expr}"));
            }
        }
    }
    found
}

#[test]
fn designed_dashboards_have_the_style_of_the_house() {
    let is_designed = |dashboard: &Value| {
        ["users", "resilience", "recordings"].iter().any(|tag| list_has(&dashboard["tags"], tag))
    };
    let designed: Vec<_> = dashboards().into_iter().filter(|(_, dashboard)| is_designed(dashboard)).collect();
    assert_eq!(designed.len(), 7);
    for (name, dashboard) in &designed {
        let found = out_of_style(dashboard);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
    let mut changed = designed[0].1.clone();
    let first = |field: &str| format!("/panels/1/{field}");
    for (pointer, wrong, expected) in [
        (first("type"), Value::from("timeseries"), "no total"),
        (first("description"), Value::from(""), "no description"),
        (first("targets/0/expr"), Value::from("sum(x_total{job=~\"$job\"})"), "no rate"),
        (first("targets/0/expr"), Value::from("sum(x)"), "no job"),
        ("/annotations/list/0/name".to_owned(), Value::from("others"), "no phases"),
    ] {
        let kept = std::mem::replace(changed.pointer_mut(&pointer).unwrap(), wrong);
        let found = out_of_style(&changed);
        assert!(found.iter().any(|line| line.starts_with(expected)), "{pointer}: {found:?}");
        *changed.pointer_mut(&pointer).unwrap() = kept;
    }
}

fn list_has(list: &Value, word: &str) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|item| item == word))
}
