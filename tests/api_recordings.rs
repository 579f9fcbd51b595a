//! The recordings of a daemon's folder, as clients of the API read them.

use serde_json::Value;

use crate::api::{Daemon, ask, code_of};
use crate::data;
use crate::processes::{get, promemu_command};

const SAMPLES: &str = "/api/v1/recordings/shop/samples";

#[test]
fn clients_read_samples_as_the_command_gives_them_and_each_time_is_in_the_log() {
    let (dir, shop) = data::shop();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    let daemon = Daemon::start(&["--recordings-dir", dir.path().to_str().unwrap()]);
    let (status, listed) = daemon.get("/api/v1/recordings");
    let names: Vec<&Value> =
        listed["recordings"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!((status, names), (200, vec![&Value::from("shop")]), "{listed}");
    assert_eq!(listed["recordings"][0]["begin"], "2026-01-05T00:00:00Z");

    for (asked, args) in [
        ("selector=queue", &["queue"][..]),
        (
            "selector=requests_total&step=30s&agg=increase",
            &["requests_total", "--step", "30s", "--agg", "increase"],
        ),
        (
            "selector=queue&agg=sum&by=job&from=2026-01-05T00:00:10Z",
            &["queue", "--agg", "sum", "--by", "job", "--from", "2026-01-05T00:00:10Z"],
        ),
        ("selector=queue&format=json", &["queue", "--format", "json"]),
    ] {
        let answer = get(daemon.port, &format!("{SAMPLES}?{asked}")).unwrap();
        assert_eq!(answer, data::query(&shop, args), "{asked}");
    }
    assert!(daemon.process.log().contains("samples were read by the API"), "{}", daemon.process.log());

    for (path, status, code) in [
        ("/api/v1/recordings/none/samples?selector=up", 404, "unknown_recording"),
        ("/api/v1/recordings/empty/samples?selector=up", 404, "unknown_recording"),
        ("/api/v1/recordings/..%2Fshop/samples?selector=up", 404, "unknown_recording"),
        ("/api/v1/recordings/%2e%2e/samples?selector=up", 404, "unknown_recording"),
        ("/api/v1/recordings/shop/samples?selector=up%7B", 422, "invalid_value"),
        ("/api/v1/recordings/shop/samples?selector=up&step=0s", 422, "invalid_value"),
        ("/api/v1/recordings/shop/samples?selector=up&by=job", 422, "invalid_value"),
        ("/api/v1/recordings/shop/samples?selector=up&agg=most", 422, "invalid_value"),
        ("/api/v1/recordings/shop/samples", 400, "invalid_request"),
    ] {
        let (found, answer) = daemon.get(path);
        assert_eq!((found, &*code_of(&answer)), (status, code), "{path}: {answer}");
    }
}

#[test]
fn recordings_need_the_token_and_without_a_folder_there_are_none() {
    let (dir, _shop) = data::shop();
    let guarded = Daemon::with_command(|listen| {
        let args = ["--listen", listen, "--recordings-dir", dir.path().to_str().unwrap()];
        let mut command = promemu_command(&args);
        command.env("PME_API_TOKEN", "s3cret-word");
        command
    });
    let path = &format!("{SAMPLES}?selector=queue");
    assert_eq!(ask(guarded.port, "GET", path, "", "").0, 401);
    assert_eq!(ask(guarded.port, "GET", "/api/v1/recordings", "", "").0, 401);
    assert_eq!(ask(guarded.port, "GET", path, "Authorization: Bearer s3cret-word\r\n", "").0, 200);
    let daemon = Daemon::start(&[]);
    assert_eq!(daemon.get("/api/v1/recordings").1["recordings"], Value::Array(Vec::new()));
    assert_eq!(daemon.get(path).0, 404);
}
