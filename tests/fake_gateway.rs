//! A server that misbehaves on demand: a Pushgateway, or a receiver of samples.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Its behaviour on a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaviour {
    /// Answers with this status.
    Answer(u16),
    /// Answers with this status and `Retry-After` in seconds.
    Throttle(u16, u16),
    /// Reads the request and never answers.
    Hang,
    /// Closes the connection after the request's head.
    Cut,
    /// Closes it in the middle of the request's body.
    CutBody,
    /// Reads the request, and closes the connection in the middle of the response.
    CutAnswer,
    /// Answers 401 with the request's head.
    Echo,
    /// Forwards to the server at this port of 127.0.0.1.
    Forward(u16),
    /// Accepts pushes and never answers deletions.
    HangDeletions,
    /// Takes a second for each push, even if the client is gone.
    SlowPushes,
    /// Answers 500 to pushes whose path contains this.
    Fail(&'static str),
    /// Answers 401 to requests without this header.
    Want(&'static str),
    /// Answers with this status and the request's path at another address.
    Redirect(u16, &'static str),
    /// Answers 413 to bodies of more bytes.
    Limit(usize),
    /// Answers 200 with this text.
    Say(&'static str),
    /// Answers 200 with this text over and over, without an end.
    Flood(&'static str),
    /// Answers 200 with a byte every now and then, without an end.
    Trickle,
}

/// Answer to a request for the groups: none, on a Pushgateway.
const NO_GROUPS: &str = "pushgateway_build_info{version=\"0\"} 1\n";

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

/// One request of a connection; `None` when the connection is over.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (line, head, len) = read_head(&mut reader)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let behaviour = state.lock().unwrap().behaviour;
    let mut body = vec![
        0;
        match behaviour {
            Behaviour::Cut => 0,
            Behaviour::CutBody => len / 2,
            _ => len,
        }
    ];
    reader.read_exact(&mut body).ok()?;
    // Claims come before all pushes; tests are about jobs.
    let is_claim = path.contains("/promemu_claim_");
    if behaviour == Behaviour::SlowPushes && method == "PUT" && !is_claim {
        std::thread::park_timeout(Duration::from_secs(1));
    }
    if let Behaviour::Forward(port) = behaviour {
        return forward(port, &line, &head, &body, stream);
    }
    let request = Request { method, path, head, body };
    if is_claim && matches!(behaviour, Behaviour::HangDeletions | Behaviour::SlowPushes) {
        return answer(Behaviour::Answer(200), &request, stream);
    }
    if !is_claim {
        state.lock().unwrap().requests.push(request.clone());
    }
    answer(behaviour, &request, stream)
}

/// The first line, the headers, and the length of the body.
fn read_head(reader: &mut impl BufRead) -> Option<(String, String, usize)> {
    let (mut line, mut head, mut len) = (String::new(), String::new(), 0);
    reader.read_line(&mut line).ok().filter(|len| *len > 0)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            return Some((line, head, len));
        }
        head.push_str(&header);
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            len = value.trim().parse().ok()?;
        }
    }
}

/// An answer whose body has no end.
fn answer_without_end(text: &str, pause: Duration, mut stream: &TcpStream) -> Option<()> {
    stream.write_all(b"HTTP/1.1 200 X\r\nPromemu-Version: 0\r\n\r\n").ok()?;
    // Until the client gives up.
    loop {
        stream.write_all(text.as_bytes()).ok()?;
        std::thread::park_timeout(pause);
    }
}

fn answer(behaviour: Behaviour, request: &Request, mut stream: &TcpStream) -> Option<()> {
    match behaviour {
        Behaviour::Flood(text) => return answer_without_end(&text.repeat(1_000), Duration::ZERO, stream),
        Behaviour::Trickle => return answer_without_end("#", Duration::from_millis(50), stream),
        _ => {}
    }
    let mut more = String::new();
    let status = match behaviour {
        Behaviour::Answer(status) => status,
        Behaviour::Throttle(status, secs) => {
            more = format!("Retry-After: {secs}\r\n");
            status
        }
        Behaviour::Redirect(status, base) => {
            more = format!("Location: {base}{}\r\n", request.path);
            status
        }
        Behaviour::Limit(bytes) if request.body.len() > bytes => 413,
        Behaviour::Echo => 401,
        Behaviour::Cut | Behaviour::CutBody => return None,
        Behaviour::CutAnswer => {
            stream.write_all(b"HTTP/1.1 200 X\r\nContent-Le").ok()?;
            return None;
        }
        Behaviour::HangDeletions if request.method != "DELETE" => 200,
        Behaviour::Want(header) if !request.head.lines().any(|line| line.eq_ignore_ascii_case(header)) => 401,
        Behaviour::Fail(part) if request.path.contains(part) => 500,
        Behaviour::SlowPushes
        | Behaviour::Say(_)
        | Behaviour::Limit(_)
        | Behaviour::Want(_)
        | Behaviour::Fail(_) => 200,
        Behaviour::Hang
        | Behaviour::HangDeletions
        | Behaviour::Forward(_)
        | Behaviour::Flood(_)
        | Behaviour::Trickle => {
            // Until the client gives up.
            stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
            let _end = stream.read(&mut [0]);
            return None;
        }
    };
    let text = match behaviour {
        Behaviour::Echo => &request.head,
        Behaviour::Say(text) => text,
        _ if status == 200 && request.method == "GET" && request.path.ends_with("/metrics") => NO_GROUPS,
        _ if status == 200 => "",
        _ => "the fake says no",
    };
    write!(stream, "HTTP/1.1 {status} X\r\n{more}Content-Length: {}\r\n\r\n{text}", text.len()).ok()
}

/// One exchange with another server, whose response is passed on unchanged.
fn forward(port: u16, line: &str, head: &str, body: &[u8], mut client: &TcpStream) -> Option<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(server, "{line}{head}Connection: close\r\n\r\n").ok()?;
    server.write_all(body).ok()?;
    std::io::copy(&mut server, &mut client).ok()?;
    // The response announces that the connection ends.
    None
}
