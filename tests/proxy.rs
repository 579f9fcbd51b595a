//! `promemu proxy`: Toxiproxy's API, and what its toxics do on the wire.
//!
//! The exchanges were recorded from a Toxiproxy 2.12. What both proxies do is tested on `PROMEMU_TOXIPROXY`, too, if that
//! names a Toxiproxy's program.

#![expect(clippy::disallowed_methods, reason = "what a toxic delays is measured by the machine's clock")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::processes::{Process, eventually, free_port, promemu_command, series, value};

const PATIENCE: Duration = Duration::from_secs(30);
/// Program of a Toxiproxy on which the tests of what both do run, too.
const TOXIPROXY: &str = "PROMEMU_TOXIPROXY";

/// A proxy's process, and the port of its API.
struct Server {
    port: u16,
    process: Process,
}

/// An answer: its status, its content type and its body.
type Answer = (u16, Option<String>, String);

impl Server {
    fn start(args: &[&str]) -> Self {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let args = [&["proxy", "--address", &address, "--seed", "5"], args].concat();
        Self::ready(port, Process::start(&mut promemu_command(&args)))
    }

    /// One for the tests of what both proxies do.
    fn each() -> Vec<Self> {
        let mut all = vec![Self::start(&["--allow-upstream", "127.0.0.1:*"])];
        if let Ok(program) = std::env::var(TOXIPROXY) {
            let port = free_port();
            let mut command = Command::new(program);
            all.push(Self::ready(
                port,
                Process::start(command.args(["-host", "127.0.0.1", "-port", &port.to_string()])),
            ));
        }
        all
    }

    fn ready(port: u16, process: Process) -> Self {
        let server = Self { port, process };
        eventually("the API answers", || {
            server.try_ask("GET", "/version", "").filter(|answer| answer.0 == 200)
        });
        server
    }

    fn try_ask(&self, method: &str, path: &str, body: &str) -> Option<Answer> {
        self.ask_with(method, path, body, "User-Agent: promemu\r\n")
    }

    fn ask_with(&self, method: &str, path: &str, body: &str, headers: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let (len, path) = (body.len(), path.replace('~', "%7E"));
        write!(stream, "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {len}\r\nConnection: close\r\n\r\n{body}")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let content_type = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-type").then(|| value.to_owned())
        });
        Some((head.split(' ').nth(1)?.parse().ok()?, content_type, body.to_owned()))
    }

    /// The JSON of an answer with this status.
    fn ask(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (found, _, answer) = self.try_ask(method, path, &body).unwrap();
        assert_eq!(found, status, "{method} {path} {body}: {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Adds a proxy to this upstream, and returns its port.
    fn add(&self, name: &str, upstream: u16) -> u16 {
        let port = free_port();
        let proxy = json!({"name": name, "listen": format!("127.0.0.1:{port}"), "upstream": format!("127.0.0.1:{upstream}")});
        self.ask("POST", "/proxies", &proxy, 201);
        port
    }

    fn add_toxic(&self, proxy: &str, toxic: &Value) {
        self.ask("POST", &format!("/proxies/{proxy}/toxics"), toxic, 200);
    }
}

/// A server that sends back what it receives, up to the end of it. Returns its port.
fn echo() -> u16 {
    serve(|mut stream| {
        let mut buffer = vec![0; 65_536];
        while let Ok(count) = stream.read(&mut buffer)
            && count > 0
            && stream.write_all(&buffer[..count]).is_ok()
        {}
    })
}

/// A server with this handler of its connections. Returns its port.
fn serve(handle: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || handle(stream));
        }
    });
    port
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a text, and reads as many bytes.
fn exchange(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    stream.write_all(text.as_bytes())?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8(answer).unwrap())
}

/// Waits until the other side has closed or reset the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn the_api_answers_as_a_toxiproxy_did() {
    let server = Server::start(&["--allow-upstream", "*"]);
    let places = [
        ("LISTEN1", free_port().to_string()),
        ("LISTEN2", free_port().to_string()),
        ("UPSTREAM", echo().to_string()),
        ("API", server.port.to_string()),
    ];
    let filled =
        |text: &str| places.iter().fold(text.to_owned(), |text, (name, port)| text.replace(name, port));
    let recorded = include_str!("proxy/exchanges.jsonl");
    for (number, line) in recorded.lines().enumerate() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| filled(exchange[field].as_str().unwrap_or_default());
        let agent = format!("User-Agent: {}\r\n", text("user_agent"));
        let answer = server.ask_with(&text("method"), &text("path"), &text("request"), &agent);
        let (status, content_type, body) = answer.unwrap();
        let about = format!("exchange {}: {line}\n{status} {body}", number + 1);
        assert_eq!(u64::from(status), exchange["status"], "{about}");
        assert_eq!(content_type.as_deref(), exchange["content_type"].as_str(), "{about}");
        let wanted = text("response");
        match (serde_json::from_str::<Value>(&wanted), serde_json::from_str::<Value>(&body)) {
            (Ok(mut wanted), Ok(mut found)) => {
                for answer in [&mut wanted, &mut found] {
                    // The words for wrong JSON are those of a library.
                    if let Some(why) =
                        answer["error"].as_str().and_then(|error| error.split_once("bad request body: "))
                    {
                        answer["error"] = json!(why.0.to_owned() + "bad request body");
                    }
                }
                assert_eq!(found, wanted, "{about}");
            }
            _ => assert_eq!(body, wanted, "{about}"),
        }
    }
    assert!(recorded.lines().count() > 70);
}

#[test]
fn bytes_pass_both_ways_unchanged_under_every_toxic_that_loses_none() {
    for server in Server::each() {
        let port = server.add("p", echo());
        let sent: Vec<u8> = (0..3_000_000_u32).map(|number| (number * 7 % 251) as u8).collect();
        let toxics = [
            json!({"type": "latency", "attributes": {"latency": 20, "jitter": 20}}),
            json!({"type": "slicer", "stream": "upstream", "attributes": {"average_size": 5_000, "size_variation": 900, "delay": 10}}),
            json!({"type": "bandwidth", "attributes": {"rate": 20_000}}),
            json!({"type": "slow_close", "attributes": {"delay": 50}}),
        ];
        for count in 0..=toxics.len() {
            if count > 0 {
                server.add_toxic("p", &toxics[count - 1]);
            }
            let mut stream = connect(port);
            let mut writer = stream.try_clone().unwrap();
            let (received, written) = thread::scope(|scope| {
                let writing = scope.spawn(|| writer.write_all(&sent));
                let mut received = vec![0; sent.len()];
                (stream.read_exact(&mut received).map(|()| received), writing.join().unwrap())
            });
            written.unwrap();
            assert!(received.unwrap() == sent, "{count} toxics");
        }
    }
}

#[test]
fn a_client_that_has_sent_all_still_gets_its_answer() {
    let server = Server::start(&["--allow-upstream", "127.0.0.1:*"]);
    let port = server.add(
        "p",
        serve(|mut stream| {
            let mut all = String::new();
            if stream.read_to_string(&mut all).is_ok() {
                let _is_sent = write!(stream, "got {all}").is_ok();
            }
        }),
    );
    for toxic in
        [Value::Null, json!({"type": "latency", "stream": "upstream", "attributes": {"latency": 100}})]
    {
        if !toxic.is_null() {
            server.add_toxic("p", &toxic);
        }
        let mut stream = connect(port);
        stream.write_all(b"all").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "got all");
    }
}

#[test]
fn toxics_do_on_the_wire_what_their_names_say() {
    for server in Server::each() {
        let port = server.add("p", echo());
        let with = |toxic: Value, check: &dyn Fn(TcpStream)| {
            server.add_toxic("p", &toxic);
            check(connect(port));
            server.ask(
                "DELETE",
                &format!("/proxies/p/toxics/{}_downstream", toxic["type"].as_str().unwrap()),
                &Value::Null,
                204,
            );
        };
        let at_least =
            |millis: u64, start: Instant| assert!(start.elapsed() >= Duration::from_millis(millis));
        with(json!({"type": "latency", "attributes": {"latency": 300}}), &|mut stream| {
            let start = Instant::now();
            assert_eq!(exchange(&mut stream, "hello").unwrap(), "hello");
            at_least(295, start);
        });
        with(json!({"type": "bandwidth", "attributes": {"rate": 10}}), &|mut stream| {
            let start = Instant::now();
            exchange(&mut stream, &"x".repeat(5_000)).unwrap();
            at_least(350, start);
        });
        with(json!({"type": "limit_data", "attributes": {"bytes": 7}}), &|mut stream| {
            stream.write_all(b"0123456789").unwrap();
            let mut answer = [0; 7];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"0123456");
            assert!(is_closed(&mut stream));
        });
        with(json!({"type": "timeout", "attributes": {"timeout": 200}}), &|mut stream| {
            let start = Instant::now();
            stream.write_all(b"lost").unwrap();
            assert!(is_closed(&mut stream));
            at_least(195, start);
        });
        with(json!({"type": "reset_peer", "attributes": {"timeout": 100}}), &|mut stream| {
            stream.write_all(b"lost").unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        });
        with(json!({"type": "slow_close", "attributes": {"delay": 200}}), &|mut stream| {
            assert_eq!(exchange(&mut stream, "kept").unwrap(), "kept");
            let start = Instant::now();
            stream.shutdown(Shutdown::Write).unwrap();
            assert!(is_closed(&mut stream));
            at_least(195, start);
        });
        let mut stream = connect(port);
        assert_eq!(exchange(&mut stream, "as before").unwrap(), "as before");
    }
}

#[test]
fn connections_follow_changes_of_toxics_and_of_the_proxy() {
    for server in Server::each() {
        let port = server.add("p", echo());
        let mut stream = connect(port);
        exchange(&mut stream, "before").unwrap();
        server.add_toxic("p", &json!({"name": "t", "type": "latency", "attributes": {"latency": 600_000}}));
        stream.write_all(b"late").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(stream.read(&mut [0]).is_err());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        server.ask("PATCH", "/proxies/p/toxics/t", &json!({"attributes": {"latency": 1}}), 200);
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"late");
        server.ask("DELETE", "/proxies/p/toxics/t", &Value::Null, 204);
        // Bytes that a timeout took are lost, so its removal closes. It may be gone before they reach it.
        eventually("a timeout takes the bytes", || {
            let mut stream = connect(port);
            exchange(&mut stream, "before").unwrap();
            server.add_toxic("p", &json!({"name": "t", "type": "timeout", "attributes": {"timeout": 0}}));
            stream.write_all(b"lost").unwrap();
            server.ask("DELETE", "/proxies/p/toxics/t", &Value::Null, 204);
            is_closed(&mut stream).then_some(())
        });
        let mut stream = connect(port);
        exchange(&mut stream, "again").unwrap();
        server.ask("PATCH", "/proxies/p", &json!({"enabled": false}), 200);
        assert!(is_closed(&mut stream));
        assert_eq!(TcpStream::connect(("127.0.0.1", port)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        server.ask("POST", "/reset", &Value::Null, 204);
        exchange(&mut connect(port), "and again").unwrap();
    }
}

#[test]
fn bytes_that_are_sent_behind_a_change_of_the_toxics_meet_it() {
    let server = Server::start(&["--allow-upstream", "127.0.0.1:*"]);
    let port = server.add("p", echo());
    let mut streams: Vec<TcpStream> = (0..20).map(|_| connect(port)).collect();
    for round in 0..20 {
        for stream in &mut streams {
            exchange(stream, "before").unwrap();
        }
        server.add_toxic("p", &json!({"name": "t", "type": "latency", "attributes": {"latency": 600_000}}));
        for stream in &mut streams {
            stream.write_all(b"behind").unwrap();
        }
        for (number, stream) in streams.iter_mut().enumerate() {
            stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
            assert!(stream.read(&mut [0]).is_err(), "round {round}: connection {number}");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        server.ask("DELETE", "/proxies/p/toxics/t", &Value::Null, 204);
        for stream in &mut streams {
            stream.read_exact(&mut [0; 6]).unwrap();
        }
    }
}

#[test]
fn toxicity_is_the_share_of_connections_and_the_same_with_the_same_seed() {
    let disturbed = || -> Vec<bool> {
        let server = Server::start(&["--allow-upstream", "127.0.0.1:*"]);
        let port = server.add("p", echo());
        server.add_toxic("p", &json!({"type": "limit_data", "toxicity": 0.4, "attributes": {"bytes": 0}}));
        // Connections are numbered as they are accepted, so each waits for the one before.
        (0..60).map(|_| exchange(&mut connect(port), "x").is_err()).collect()
    };
    let first = disturbed();
    let count = first.iter().filter(|is_disturbed| **is_disturbed).count();
    assert!((12..=36).contains(&count), "{count} of 60");
    assert_eq!(first, disturbed());
}

#[test]
fn what_toxiproxy_lacks_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (upstream, [first, second]) = (echo(), [free_port(), free_port()]);
    let file = dir.path().join("proxies.json");
    let proxy = |name: &str, port: u16, toxics: Value| json!({"name": name, "listen": format!("127.0.0.1:{port}"), "upstream": format!("127.0.0.1:{upstream}"), "toxics": toxics});
    let limited = proxy("limited", first, json!([{"type": "limit_data", "attributes": {"bytes": 3}}]));
    std::fs::write(&file, json!([limited, proxy("plain", second, json!([]))]).to_string()).unwrap();
    let server = Server::start(&[file.to_str().unwrap(), "--metrics"]);
    // A toxic that comes with its proxy disturbs the first byte.
    let mut stream = connect(first);
    stream.write_all(b"12345").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "123");
    // One that lasts goes by itself, and the bytes that it held arrive.
    let mut stream = connect(second);
    exchange(&mut stream, "a").unwrap();
    server.add_toxic("plain", &json!({"type": "stall", "lasts": 300}));
    let start = Instant::now();
    assert_eq!(exchange(&mut stream, "held").unwrap(), "held");
    assert!(start.elapsed() >= Duration::from_millis(250));
    assert_eq!(server.ask("GET", "/proxies/plain/toxics", &Value::Null, 200), json!([]));
    // A limit of connections closes the next one at once.
    server.add_toxic(
        "plain",
        &json!({"name": "c", "type": "limit_connections", "attributes": {"connections": 1}}),
    );
    assert!(is_closed(&mut connect(second)));
    assert_eq!(exchange(&mut stream, "goes on").unwrap(), "goes on");
    server.ask("DELETE", "/proxies/plain/toxics/c", &Value::Null, 204);
    // Connections share a rate: two of them take twice the time of one.
    server.add_toxic("plain", &json!({"type": "shared_bandwidth", "attributes": {"rate": 10}}));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| exchange(&mut connect(second), &"x".repeat(3_000)).unwrap());
        }
    });
    assert!(start.elapsed() >= Duration::from_millis(500));
    let (_, _, metrics) = server.try_ask("GET", "/metrics", "").unwrap();
    let received = series(&metrics, "toxiproxy_proxy_received_bytes_total");
    let received: Vec<f64> =
        received.iter().filter(|line| line.contains("\"plain\"")).map(|line| value(line)).collect();
    assert_eq!(received, [6_012.0, 6_012.0], "{metrics}");
}

#[test]
fn pages_other_machines_and_other_upstreams_are_refused() {
    let server = Server::start(&["--allow-upstream", "127.0.0.1:1,localhost:*"]);
    for headers in
        ["Origin: http://evil.example\r\n", "Host: evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"]
    {
        assert_eq!(server.ask_with("GET", "/proxies", "", headers).unwrap().0, 403, "{headers}");
    }
    let create = |listen: &str, upstream: &str, status| {
        let proxy = json!({"name": format!("{listen} {upstream}"), "listen": listen, "upstream": upstream});
        server.ask("POST", "/proxies", &proxy, status)["error"].as_str().unwrap_or_default().to_owned()
    };
    assert!(create("127.0.0.1:0", "127.0.0.1:2", 403).contains("--allow-upstream"));
    assert!(create("0.0.0.0:0", "127.0.0.1:1", 403).contains("--address"));
    assert!(create(":0", "127.0.0.1:1", 403).contains("--address"));
    create("127.0.0.1:0", "127.0.0.1:1", 201);
    create("127.0.0.1:0", "localhost:5", 201);
    let name = "/proxies/127.0.0.1:0%20localhost:5";
    let elsewhere = server.ask("PATCH", name, &json!({"upstream": "example.com:80"}), 403);
    assert_eq!(elsewhere["status"], 403);
    let populated = server.ask(
        "POST",
        "/populate",
        &json!([{"name": "x", "listen": "127.0.0.1:0", "upstream": "h:1"}]),
        403,
    );
    assert!(populated["proxies"].is_null());
}

/// Waits until the proxy reads nothing more, and asserts that it has taken little memory.
fn assert_held_back(server: &Server) {
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let mut before = 0;
    eventually("memory stays as it is", || {
        let now = resident();
        let is_same = now.abs_diff(before) < 100;
        before = now;
        is_same.then_some(())
    });
    assert!(resident() < 150_000, "{} kB", resident());
}

#[test]
fn a_client_that_sends_more_than_goes_on_is_held_back_also_in_small_pieces() {
    let mut server = Server::start(&["--allow-upstream", "127.0.0.1:*"]);
    let port = server.add("p", echo());
    for toxic in [
        json!({"name": "s", "type": "slicer", "stream": "upstream", "attributes": {"average_size": 1}}),
        json!({"name": "l", "type": "latency", "stream": "upstream", "attributes": {"latency": 3_600_000}}),
    ] {
        server.add_toxic("p", &toxic);
    }
    let clients: Vec<TcpStream> = (0..5).map(|_| connect(port)).collect();
    for client in &clients {
        let mut client = client.try_clone().unwrap();
        std::thread::spawn(move || while client.write_all(&[0; 8_192]).is_ok() {});
    }
    assert_held_back(&server);
    server.ask("DELETE", "/proxies/p", &Value::Null, 204);
    drop(clients);
    assert_eq!(server.process.terminate(), Some(0));
}

#[test]
fn a_client_that_reads_nothing_holds_up_neither_the_memory_nor_the_api() {
    let mut server = Server::start(&["--allow-upstream", "127.0.0.1:*"]);
    let port = server.add("p", serve(|mut stream| while stream.write_all(&[0; 8_192]).is_ok() {}));
    server.add_toxic("p", &json!({"name": "t", "type": "latency", "attributes": {"latency": 50}}));
    let clients: Vec<TcpStream> = (0..5).map(|_| connect(port)).collect();
    assert_held_back(&server);
    server.ask("DELETE", "/proxies/p/toxics/t", &Value::Null, 204);
    drop(clients);
    assert_eq!(server.process.terminate(), Some(0));
}

#[test]
fn a_wrong_start_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.json");
    std::fs::write(&file, "[{\"name\": \"a\"}]").unwrap();
    let run = |args: &[&str]| {
        let output = promemu_command(&[&["proxy"], args].concat()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["--address", "http://127.0.0.1:1"]);
    assert!(code == Some(2) && said.contains("is not HOST:PORT, as in 127.0.0.1:8474"), "{said}");
    let (code, said) = run(&["--address", "127.0.0.1:0", file.to_str().unwrap()]);
    assert!(
        code == Some(2) && said.contains("p.json: missing required field: upstream at proxy 1"),
        "{said}"
    );
    let (code, said) = run(&["--address", "127.0.0.1:0", "nothing.json"]);
    assert!(code == Some(1) && said.contains("nothing.json cannot be read"), "{said}");
}

#[test]
fn the_page_of_the_proxy_is_true() {
    let page = std::fs::read_to_string("docs/proxy.md").unwrap();
    let upstream = echo();
    let server = Server::start(&["--allow-upstream", &format!("127.0.0.1:{upstream}")]);
    let filled = |text: &str| {
        text.replace("8474", &server.port.to_string())
            .replace("21211", &free_port().to_string())
            .replace("11211", &upstream.to_string())
    };
    let requests: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ curl ")).collect();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let script = format!("curl -sS --fail-with-body {}", filled(request));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
    }
    server.ask("DELETE", "/proxies/cache", &Value::Null, 204);
    let file = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let made = server.ask("POST", "/populate", &serde_json::from_str(&filled(file)).unwrap(), 201);
    assert_eq!(made["proxies"][0]["toxics"][0]["toxicity"], 0.1);
    // The attributes of each kind are those of the table.
    let kinds =
        page.lines().filter(|line| line.starts_with("| `")).filter(|line| line.matches('|').count() == 4);
    let kinds: Vec<&str> = kinds
        .filter(|line| {
            line.contains("connect")
                || line.contains("arrive")
                || line.contains("are lost")
                || line.contains("pass")
        })
        .collect();
    assert_eq!(kinds.len(), 10, "{kinds:#?}");
    for line in kinds {
        let mut columns = line.split(" | ");
        let kind = columns.next().unwrap().trim_matches(['|', ' ', '`']);
        let attributes = columns.next().unwrap();
        let toxic = server.ask("POST", "/proxies/cache/toxics", &json!({"name": kind, "type": kind}), 200);
        for (name, _) in toxic["attributes"].as_object().unwrap() {
            assert!(attributes.contains(&format!("`{name}`")), "{line}");
        }
    }
}
