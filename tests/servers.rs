//! Reactions to what servers say and do: redirects, proxies, permanent refusals, limits.

use std::process::Output;

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, Pushgateway, eventually, free_port, promemu, promemu_command};

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn pushing(output: &str) -> Process {
    promemu(&["--config", "single_host_load", "--push-interval", "300ms", "--output", output])
}

#[test]
fn a_gateway_and_a_receiver_that_have_moved_get_what_is_for_them() {
    let gateway = Pushgateway::start();
    let moved = FakeGateway::start(Behaviour::Redirect(308, leaked(gateway.url())));
    let mut run = pushing(&format!("pushgateway={}", moved.url()));
    eventually("its group is there", || (gateway.groups().len() == 1).then_some(()));
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups().len(), 0, "the group is deleted there, too");
    let receiver = FakeGateway::start(Behaviour::Answer(200));
    for kind in ["remote-write", "otlp"] {
        let before = receiver.requests("POST").len();
        moved.behave(Behaviour::Redirect(307, leaked(receiver.url())));
        let mut run = pushing(&format!("{kind}={}", moved.url()));
        eventually("its samples are there", || receiver.requests("POST").into_iter().nth(before + 2));
        assert_eq!(run.terminate(), Some(0));
        assert!(run.log().contains("dropped_samples=0"), "{}", run.log());
    }
}

#[test]
fn a_redirect_elsewhere_is_refused_and_its_target_is_named() {
    let target = "to https://elsewhere.example/metrics, which is not followed; give that address if it is the right one";
    for status in [301, 308] {
        let moved = FakeGateway::start(Behaviour::Redirect(status, "https://elsewhere.example"));
        let mut run = pushing(&format!("pushgateway={}", moved.url()));
        assert_eq!(run.wait(), Some(1));
        assert!(run.log().contains(target), "{}", run.log());
        let mut run = pushing(&format!("remote-write={}", moved.url()));
        run.wait_for_log("to https://elsewhere.example/api/v1/write, which is not followed");
        assert_eq!(run.terminate(), Some(0));
        assert_eq!(run.count_in_log("output is away"), 0);
    }
}

#[test]
fn only_other_machines_are_reached_through_a_proxy() {
    let (proxy, gateway) = (FakeGateway::start(Behaviour::Answer(200)), Pushgateway::start());
    let port = free_port();
    let mut run = Process::start(
        promemu_command(&["--config", "single_host_load", "--push-interval", "300ms"])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--output", &format!("pushgateway={}", gateway.url())])
            .args([
                "--output",
                "otlp=http://otlp.invalid:4318",
                "--output",
                "remote-write=http://exempt.invalid:9090",
            ])
            .env("HTTP_PROXY", proxy.url())
            .env("PME_API_TOKEN", "s3cret")
            .env("NO_PROXY", "other,.exempt.invalid"),
    );
    run.wait_for_log(
        "requests go through a proxy that the environment names server=http://otlp.invalid:4318/v1/metrics",
    );
    eventually("the group is there", || (gateway.groups().len() == 1).then_some(()));
    let status = promemu_command(&["ctl", "status"])
        .env("PME_URL", format!("http://localhost:{port}"))
        .env("PME_API_TOKEN", "s3cret")
        .env("all_proxy", proxy.url())
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    eventually("the proxy is used", || proxy.requests("POST").into_iter().next());
    assert_eq!(run.terminate(), Some(0));
    for request in proxy.requests("") {
        assert!(request.path.starts_with("http://otlp.invalid:4318/"), "{}", request.path);
        assert!(!request.head.contains("s3cret"), "{}", request.head);
    }
}

fn ctl(args: &[&str], url: &str) -> Output {
    promemu_command(&["ctl"]).args(args).env("PME_URL", url).output().unwrap()
}

#[test]
fn ctl_takes_no_answer_but_that_of_promemu() {
    let server = FakeGateway::start(Behaviour::Answer(200));
    for behaviour in [
        Behaviour::Answer(200),
        Behaviour::Answer(404),
        Behaviour::Say("<html>a login page</html>"),
        Behaviour::Say("{\"state\":\"running\",\"hosts\":[]}"),
        Behaviour::Redirect(302, "http://elsewhere.example"),
    ] {
        server.behave(behaviour);
        for action in [&["status"][..], &["hosts"], &["events", "--follow"], &["emit", "x"], &["delete", "x"]]
        {
            let output = ctl(action, &server.url());
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                (output.status.code(), output.stdout.len()),
                (Some(1), 0),
                "{behaviour:?} {action:?}: {said}"
            );
            assert!(said.contains("but is not promemu's control API; give its address with --url"), "{said}");
        }
    }
    let said = String::from_utf8(ctl(&["status"], &server.url()).stderr).unwrap();
    assert!(said.contains("to http://elsewhere.example/api/v1/status"), "{said}");
    let closed = format!("http://127.0.0.1:{}", free_port());
    let said = String::from_utf8(ctl(&["status"], &closed).stderr).unwrap();
    assert!(said.contains("connection refused; does it run, and on this port?"), "{said}");
}
