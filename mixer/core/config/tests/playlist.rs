//! Playlists: their items, and the places of their errors.

use super::*;

/// A folder with a config of two classes, a library and the given playlist `suite`.
fn folder(playlist: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let config = r#"Config(args: { "size": Arg(default: 1, max: 9), "sizes": [1] }, hosts: [Host(name: "h", ttl: "1m", metrics: [Metric(name: "m")])])"#;
    let files = [
        ("shop.ron", format!("{{ \"Small\": {config}, \"Large\": {config} }}")),
        ("till.ron", config.to_owned()),
        ("parts.ron", "Include(metric_sets: { \"a\": [Metric(name: \"m\")] })".to_owned()),
        ("broken.ron", "Config(hosts: [".to_owned()),
        ("other.ron", "Playlist(items: [Item(config: \"till\")])".to_owned()),
        ("suite.ron", playlist.to_owned()),
    ];
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// The playlist `suite` of a folder with these texts as arguments.
fn playlist(text: &str, given: &[(&str, &str)]) -> Result<Playlist, String> {
    let dir = folder(text);
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let file = ConfigDirs::new(Some(dir.path().to_owned())).open("suite").unwrap();
    assert!(file.is_playlist());
    let at = dir.path().display().to_string();
    let shown =
        |error: ConfigError| error.to_string().replace(&format!("{at}/"), "").replace(&format!("{at}, "), "");
    file.playlist(&given).map_err(shown)
}

#[test]
fn items_have_their_classes_and_arguments_and_a_name_of_their_own() {
    let text = r#"Playlist(
        description: "two sizes",
        args: { "pause": "30s", "rounds": 2, "size": 3 },
        item_args: { "size": 9 },
        items: [
            Item(config: "shop", class: "Large", args: { "size": "{size * 2}", "sizes": [1, "{size}"] }, lasts: "{pause * 4}"),
            Item(config: "shop", class: "Large"),
            Item(config: "till"),
        ],
        cooldown: "{pause}", repeat: "{rounds}", at_once: true,
    )"#;
    let playlist = playlist(text, &[("pause", "15s"), ("rounds", "5")]).unwrap();
    assert_eq!((playlist.name.as_str(), playlist.description.as_str()), ("suite", "two sizes"));
    assert_eq!((playlist.cooldown, playlist.rounds), (Span::from_secs(15), Some(5)));
    assert!(playlist.is_at_once);
    let names: Vec<&str> = playlist.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["shop Large", "shop Large 2", "till"]);
    let first = &playlist.items[0];
    assert_eq!((first.class.as_deref(), first.lasts), (Some("Large"), Some(Span::from_secs(60))));
    assert_eq!(first.arguments["size"], Value::Int(6));
    assert_eq!(
        first.arguments["sizes"].to_string(),
        Value::List(vec![Value::Int(1), Value::Int(3)]).to_string()
    );
    assert_eq!(
        (playlist.items[2].file.name(), &playlist.items[2].arguments["size"]),
        ("till", &Value::Int(9))
    );
}

#[test]
fn a_playlist_may_go_on_for_ever() {
    let text = |repeat: &str| {
        format!(
            "Playlist(args: {{ \"rounds\": \"once\" }}, repeat: {repeat}, items: [Item(config: \"till\")])"
        )
    };
    assert_eq!(playlist(&text("forever"), &[]).unwrap().rounds, None);
    assert_eq!(playlist(&text("\"{rounds}\""), &[("rounds", "forever")]).unwrap().rounds, None);
    assert_eq!(playlist(&text("\"{rounds}\""), &[]).unwrap().rounds, Some(1));
    assert_eq!(playlist(&text("3"), &[]).unwrap().rounds, Some(3));
}

#[test]
fn errors_of_playlists_have_their_places() {
    let text = r#"Playlist(
        items: [
            Item(config: "shopp"),
            Item(config: "shop", class: "Smal"),
            Item(config: "till", class: "Small"),
            Item(config: "shop", class: "Small", args: { "siz": 1 }),
            Item(config: "suite"),
            Item(config: "other"),
            Item(config: "parts"),
            Item(config: "broken"),
            Item(config: "till", lasts: 0),
            Item(config: "till", lasts: inf),
            Item(klass: "Small"),
        ],
        cooldown: "-5s",
        repeat: 0,
        at_onec: true,
    )"#;
    let error = playlist(text, &[]).unwrap_err();
    // The folders that were searched depend on the machine.
    let without_folders = |line: &str| match (line.find(" in configs"), line.find(", nor built in")) {
        (Some(from), Some(to)) => format!("{}{}", &line[..from], &line[to..]),
        _ => line.to_owned(),
    };
    let found = error.lines().filter(|line| line.starts_with("suite.ron")).map(without_folders);
    insta::assert_snapshot!(found.collect::<Vec<_>>().join("\n"), @r#"
    suite.ron:3:26: config "shopp" not found, nor built in; did you mean "shop"?
    suite.ron:4:41: shop has no class "Smal"; did you mean "Small"?
    suite.ron:5:41: till has no class "Small", nor any other
    suite.ron:6:58: shop has no argument "siz"; did you mean "size"?
    suite.ron:7:26: "suite" is this playlist itself; an item names a config
    suite.ron:8:26: "other" is a playlist, too; an item names a config
    suite.ron:9:26: "parts" is a library that configs include; an item names a config
    suite.ron:10:26: broken has errors; promemu check broken shows them
    suite.ron:11:41: lasts must be longer than 0
    suite.ron:12:41: lasts must have an end; write a time, as in "30s"
    suite.ron:13:13: Item needs a field "config"
    suite.ron:13:18: Item has no field "klass"; did you mean "class"?
    suite.ron:15:19: cooldown: "-5s" is not a duration; write 15m, 90s, 1h30m, inf, or seconds
    suite.ron:16:17: repeat: expected a number from 1 on, once or forever, found 0
    suite.ron:17:9: Playlist has no field "at_onec"; did you mean "at_once"?
    "#);
}

#[test]
fn an_empty_playlist_and_wrong_arguments_are_refused() {
    for (text, given, expected) in [
        ("Playlist(items: [])", &[][..], "suite.ron:1:1: the playlist has no items"),
        ("Playlist()", &[], "suite.ron:1:1: the playlist has no items"),
        (
            "Playlist(cooldown: -1, items: [Item(config: \"till\")])",
            &[],
            "suite.ron:1:20: cooldown: expected a duration of 0 or more",
        ),
        (
            "Playlist(items: [Item(config: \"till\")])",
            &[("size", "1")],
            "suite.ron: the config has no argument \"size\"",
        ),
        (
            "Playlist(cooldown: \"{later}\", items: [Item(config: \"till\")])",
            &[],
            "suite.ron:1:20: cooldown: ",
        ),
    ] {
        let error = playlist(text, given).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_playlist_is_listed_and_is_no_config() {
    let dir = folder("Playlist(description: \"d\", args: { \"n\": 1 }, items: [Item(config: \"till\")])");
    let dirs = ConfigDirs::new(Some(dir.path().to_owned()));
    let listed = dirs.list();
    let suite = listed.iter().find(|summary| summary.name == "suite").unwrap();
    let class = &suite.classes.as_ref().unwrap()[0];
    assert!(suite.is_playlist);
    assert_eq!((class.description.as_str(), class.arguments[0].name.as_str()), ("d", "n"));
    assert!(listed.iter().any(|summary| summary.name == "till" && !summary.is_playlist));
    let file = dirs.open("suite").unwrap();
    assert_eq!(file.argument_names(None).unwrap(), ["n"]);
    let error = file.plan(&LoadOptions::starting_at(START)).unwrap_err().to_string();
    assert!(
        error.contains("expected Config(…), found Playlist(…); a playlist is for promemu run"),
        "{error}"
    );
}
