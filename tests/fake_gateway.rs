//! A Pushgateway that misbehaves on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaviour {
    /// Answers with this status.
    Answer(u16),
    /// Takes the request and never answers.
    Hang,
    /// Cuts the connection after the request's head.
    Cut,
    /// Takes pushes and never answers deletions.
    HangDeletions,
    /// Takes a second for each push, whether the client waits or not.
    SlowPushes,
    /// Answers 500 to pushes whose path has this in it.
    Fail(&'static str),
    /// Answers 401 to requests without this header.
    Want(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Its headers, a line each.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

struct State {
    behaviour: Behaviour,
    requests: Vec<Request>,
}

pub(crate) struct FakeGateway {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl FakeGateway {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { behaviour, requests: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &state).is_some() {});
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().behaviour = behaviour;
    }

    pub(crate) fn requests(&self, method: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        state
            .requests
            .iter()
            .filter(|request| method.is_empty() || request.method == method)
            .cloned()
            .collect()
    }
}

/// One request of a connection; `None` when that is over.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|len| *len > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut head, mut len) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        head.push_str(&header);
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            len = value.trim().parse().ok()?;
        }
    }
    let behaviour = state.lock().unwrap().behaviour;
    if behaviour == Behaviour::Cut {
        state.lock().unwrap().requests.push(Request { method, path, head, body: Vec::new() });
        return None;
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    let (is_deletion, is_failing) =
        (method == "DELETE", matches!(behaviour, Behaviour::Fail(part) if path.contains(part)));
    if behaviour == Behaviour::SlowPushes && method == "PUT" {
        std::thread::park_timeout(Duration::from_secs(1));
    }
    state.lock().unwrap().requests.push(Request { method, path, head: head.clone(), body });
    let status = match behaviour {
        Behaviour::Answer(status) => status,
        Behaviour::HangDeletions if !is_deletion => 200,
        Behaviour::SlowPushes => 200,
        Behaviour::Want(header) => {
            if head.lines().any(|line| line.eq_ignore_ascii_case(header)) {
                200
            } else {
                401
            }
        }
        Behaviour::Fail(_) => {
            if is_failing {
                500
            } else {
                200
            }
        }
        _ => {
            // Until the client gives up.
            stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
            let _end = (&*stream).read(&mut [0]);
            return None;
        }
    };
    let text = if status == 200 { "" } else { "the fake says no" };
    let mut writer = stream;
    write!(writer, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{text}", text.len()).ok()
}
