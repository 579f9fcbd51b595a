//! Tiers of a recording in stores of their own: other folders, and a server of S3.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use promemu_wire::recording::Recording;

use crate::data::{days, files, store};
use crate::kills::{self, Kills};
use crate::processes::promemu_command;
use crate::seaweed::{KEY, SECRET, Seaweed};

const NOW: &str = "2026-01-09T00:00:00Z";

fn archive(command: &str, recording: &Path, policy: &Path) -> Command {
    let mut archive = promemu_command(&["store", command, "--now", NOW, "--policy"]);
    archive.arg(policy).arg(recording);
    archive
}

fn told(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Number of rows of slices here and of those that have moved.
fn rows_anywhere(recording: &Path) -> u64 {
    let recording = Recording::open(recording).unwrap();
    let manifest = recording.manifest();
    let moved = manifest.archived.iter().filter(|entry| entry.is_moved && entry.part.step_ms().is_none());
    let files = moved.flat_map(|entry| entry.part.files());
    manifest.rows() + files.map(|file| file.rows).sum::<u64>()
}

#[test]
fn kills_of_archive_at_random_instants_lose_no_row_and_make_none_twice() {
    let (dir, days) = days();
    let original = kills::samples(&days);
    store("downsample", &days, NOW);
    let policy = dir.path().join("policy.ron");
    let text = r#"[(tier: "hot", store: folder("old")), (tier: "warm", step: "1m", store: folder("old"))]"#;
    fs::write(&policy, text).unwrap();
    let (first, old) = (dir.path().join("first"), dir.path().join("old"));
    kills::copy(&days, &first);
    let mut kills = Kills::of(&mut archive("archive", &first, &policy));
    // Three days of samples; of the steps the last day stays.
    assert_eq!((files(&first.join("samples")), files(&old)), (0, 72 + 2));
    fs::remove_dir_all(&old).unwrap();
    let mut killed = 0;
    for n in 0..kills::count() {
        let own = dir.path().join(format!("own-{n}"));
        kills::copy(&days, &own);
        killed += u32::from(kills.kill(&mut archive("archive", &own, &policy)));
        let recording = Recording::open(&own).unwrap();
        let moved = recording.manifest().archived.iter().filter(|entry| entry.is_moved);
        for file in moved.flat_map(|entry| entry.part.files()) {
            assert_eq!(fs::metadata(old.join(&file.path)).unwrap().len(), file.bytes, "{}", file.path);
        }
        assert_eq!((recording.damage(), rows_anywhere(&own)), (vec![], kills::rows(&original)));
        told(archive("archive", &own, &policy).output().unwrap());
        assert_eq!((files(&own.join("samples")), files(&old)), (0, 72 + 2));
        assert_eq!(told(archive("archive", &own, &policy).output().unwrap()), "nothing to do\n");
        kills.kill(&mut archive("restore", &own, &policy));
        assert_eq!(
            (Recording::open(&own).unwrap().damage(), rows_anywhere(&own)),
            (vec![], kills::rows(&original))
        );
        told(archive("restore", &own, &policy).output().unwrap());
        assert!(kills::samples(&own) == original, "after {killed} kills");
        fs::remove_dir_all(&own).unwrap();
        fs::remove_dir_all(&old).unwrap();
    }
}

#[test]
fn an_archive_plans_first_expires_what_is_old_and_takes_no_file_of_another_recording() {
    let (dir, days) = days();
    store("downsample", &days, NOW);
    let policy = dir.path().join("policy.ron");
    let text =
        r#"[(tier: "hot", keep: "30d", store: folder("old"), after: "36h"), (tier: "warm", step: "1m")]"#;
    fs::write(&policy, text).unwrap();
    // The second day ended two days before, the third one.
    let plan = told(archive("archive", &days, &policy).arg("--dry-run").output().unwrap());
    let lines: Vec<&str> = plan.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("archive 2026-01-06 shop hot: 24 files, "), "{plan}");
    assert!(!dir.path().join("old").exists());
    let other = dir.path().join("other");
    kills::copy(&days, &other);
    let recording = Recording::open(&other).unwrap();
    let path = recording.manifest().slices[0].files[0].path.clone();
    fs::create_dir_all(dir.path().join("old").join(&path).parent().unwrap()).unwrap();
    fs::write(dir.path().join("old").join(&path), "someone else's").unwrap();
    let output = archive("archive", &other, &policy).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1)
            && error.contains(&format!("{path}: the store has another file of this name; give each recording a folder or prefix of its own")),
        "{error}"
    );
    assert_eq!(fs::read(dir.path().join("old").join(&path)).unwrap(), b"someone else's");
    fs::remove_dir_all(dir.path().join("old")).unwrap();

    told(archive("archive", &days, &policy).output().unwrap());
    assert_eq!(files(&dir.path().join("old")), 48);
    let mut expire = promemu_command(&["store", "expire", "--now", "2026-02-05T12:00:00Z", "--policy"]);
    let plan = told(expire.arg(&policy).arg(&days).output().unwrap());
    assert_eq!(plan.lines().count(), 24, "{plan}");
    assert_eq!(files(&dir.path().join("old")), 24);
    assert_eq!(Recording::open(&days).unwrap().manifest().archived.len(), 24);
}

#[test]
fn a_copy_that_was_given_up_takes_no_file_of_another_recording_with_it() {
    let (dir, days) = days();
    let (policy, old) = (dir.path().join("policy.ron"), dir.path().join("old"));
    fs::write(&policy, r#"[(tier: "hot", store: folder("old"))]"#).unwrap();
    let paths = |n: usize| Recording::open(&days).unwrap().manifest().slices[n].files[0].path.clone();
    let (own, other) = (old.join(paths(0)), old.join(paths(1)));
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, "someone else's").unwrap();
    let refused = archive("archive", &days, &policy).output().unwrap();
    assert_eq!((refused.status.code(), own.exists()), (Some(1), true));
    // The slices that were to move are others now, so what there is of their copies goes.
    store("compact", &days, NOW);
    let plan = told(archive("archive", &days, &policy).output().unwrap());
    assert_eq!((plan.matches("remove copy ").count(), plan.matches("archive ").count()), (24, 3), "{plan}");
    assert_eq!(fs::read(&other).unwrap(), b"someone else's");
    assert_eq!((own.exists(), files(&old)), (false, 3 + 1));
    assert_eq!(Recording::open(&days).unwrap().manifest().archived.len(), 3);
    assert_eq!(told(archive("archive", &days, &policy).output().unwrap()), "nothing to do\n");
}

#[test]
fn a_bucket_has_the_days_of_its_tiers_and_shows_no_secret() {
    let Some(server) = Seaweed::start() else { return };
    server.make_bucket("metrics");
    let (dir, days) = days();
    let original = kills::samples(&days);
    store("compact", &days, NOW);
    store("downsample", &days, NOW);
    let policy = dir.path().join("policy.ron");
    let place = format!("bucket: \"metrics\", prefix: \"shop/x\", endpoint: \"{}\"", server.url());
    let write = |more: &str| {
        let s3 = format!("s3({place}{more})");
        let text = format!(
            "[(tier: \"hot\", keep: \"30d\", store: {s3}), (tier: \"warm\", step: \"1m\", store: {s3})]"
        );
        fs::write(&policy, text).unwrap();
    };
    write("");
    let with_keys = |command: &str, recording: &Path, secret: &str| {
        let mut archive = archive(command, recording, &policy);
        archive.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", secret).output().unwrap()
    };
    let without = archive("archive", &days, &policy).output().unwrap();
    let error = String::from_utf8(without.stderr).unwrap();
    assert!(without.status.code() == Some(2) && error.contains("set AWS_ACCESS_KEY_ID and"), "{error}");
    let wrong = with_keys("archive", &days, "another-s3cret");
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(1) && error.contains("store s3://metrics/shop/x: "), "{error}");
    assert!(!error.contains("another-s3cret") && !error.contains(KEY), "{error}");
    assert!(kills::samples(&days) == original);

    let mut kills = Kills::within(Duration::from_secs(1));
    write(&format!(", credentials_file: {:?}", server.credentials_file()));
    for _ in 0..3 {
        kills.kill(&mut archive("archive", &days, &policy));
        assert_eq!(
            (Recording::open(&days).unwrap().damage(), rows_anywhere(&days)),
            (vec![], kills::rows(&original))
        );
    }
    told(with_keys("archive", &days, SECRET));
    let manifest = fs::read_to_string(days.join("manifest.json")).unwrap();
    assert!(
        !manifest.contains(SECRET) && !manifest.contains(KEY) && manifest.contains("s3://metrics/shop/x")
    );
    assert_eq!(files(&days.join("samples")), 0);
    // Three days of samples; of the steps the last day stays.
    assert_eq!(server.list("metrics").matches("<Key>shop/x/").count(), 3 + 2);
    told(archive("restore", &days, &policy).output().unwrap());
    assert!(kills::samples(&days) == original);
    told(archive("archive", &days, &policy).output().unwrap());
    let mut expire = promemu_command(&["store", "expire", "--now", "2027-01-01", "--policy"]);
    told(expire.arg(&policy).arg(&days).output().unwrap());
    assert_eq!(server.list("metrics").matches("<Key>shop/x/samples/").count(), 0);
}
