//! One connection to a server, with one request at a time, by memcached's meta commands (1.6 or later).
//!
//! After any error but a refusal the connection must not be used again: an answer may still be on its way. Each request has
//! a number that its answer repeats, so that an answer to another request is noticed.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::key_space::Key;

/// No line of an answer is longer.
const LINE_BYTES_MAX: u64 = 4096;
/// memcached's own limit on values, unless it is told otherwise.
const VALUE_BYTES_MAX: usize = 1_048_576;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A value, which [`Connection::value`] has.
    Value,
    /// There is no such key.
    Absent,
    /// It is done.
    Done,
    /// The server's own words on why not.
    Refused(String),
}

/// The reason why there is no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The connection ended, or could not be used.
    Io(io::Error),
    /// This is no answer, or one to another request.
    NotOurs(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
    line: Vec<u8>,
    value: Vec<u8>,
    number: u32,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (request, line, value) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { stream: BufReader::new(stream), request, line, value, number: 0 })
    }

    /// `false` if the server has closed it, or has sent what nobody asked for.
    pub(crate) fn is_idle(&self) -> bool {
        let unread = self.stream.get_ref().try_read(&mut [0]);
        self.stream.buffer().is_empty()
            && unread.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// The value of the last answer that had one.
    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }

    pub(crate) async fn get(&mut self, key: Key) -> Result<Answer, Broken> {
        self.begin(b"mg ", key, b" v");
        self.exchange().await
    }

    /// Stores a value, which `write` appends to the request; 0 seconds: for ever.
    pub(crate) async fn set(&mut self, key: Key, value: &[u8], expiry_secs: u32) -> Result<Answer, Broken> {
        self.begin(b"ms ", key, format!(" {} T{expiry_secs}", value.len()).as_bytes());
        self.request.extend_from_slice(value);
        self.request.extend_from_slice(b"\r\n");
        self.exchange().await
    }

    pub(crate) async fn delete(&mut self, key: Key) -> Result<Answer, Broken> {
        self.begin(b"md ", key, b"");
        self.exchange().await
    }

    /// Adds 1 to a number, which is made if it is not there.
    pub(crate) async fn incr(&mut self, key: Key, expiry_secs: u32) -> Result<Answer, Broken> {
        self.begin(b"ma ", key, format!(" N{expiry_secs} J1 v").as_bytes());
        self.exchange().await
    }

    fn begin(&mut self, command: &[u8], key: Key, flags: &[u8]) {
        self.number = self.number.wrapping_add(1);
        self.request.clear();
        self.request.extend_from_slice(command);
        key.write(&mut self.request);
        self.request.extend_from_slice(flags);
        self.request.extend_from_slice(format!(" O{}\r\n", self.number).as_bytes());
    }

    async fn exchange(&mut self) -> Result<Answer, Broken> {
        self.stream.get_mut().write_all(&self.request).await?;
        self.line.clear();
        let mut limited = (&mut self.stream).take(LINE_BYTES_MAX);
        limited.read_until(b'\n', &mut self.line).await?;
        let Some(line) = self.line.strip_suffix(b"\r\n") else {
            return Err(match self.line.len() as u64 {
                LINE_BYTES_MAX.. => Broken::NotOurs("an answer has no end".to_owned()),
                _ => io::Error::from(io::ErrorKind::UnexpectedEof).into(),
            });
        };
        let line = String::from_utf8_lossy(line).into_owned();
        let mut words = line.split(' ');
        let code = words.next().unwrap_or_default();
        if code == "VA" {
            self.read_value(words.next()).await?;
        }
        // Misses of some versions have no flags; words of an error are no flags.
        let number = words.find_map(|word| word.strip_prefix('O')).filter(|_| code.len() == 2);
        if number.is_some_and(|number| number != self.number.to_string()) {
            return Err(Broken::NotOurs(line));
        }
        match code {
            "VA" if number.is_some() => Ok(Answer::Value),
            "HD" if number.is_some() => Ok(Answer::Done),
            "EN" | "NF" => Ok(Answer::Absent),
            "NS" | "EX" | "ERROR" | "CLIENT_ERROR" | "SERVER_ERROR" => Ok(Answer::Refused(line)),
            _ => Err(Broken::NotOurs(line)),
        }
    }

    async fn read_value(&mut self, bytes: Option<&str>) -> Result<(), Broken> {
        let bytes = bytes.and_then(|bytes| bytes.parse().ok()).filter(|bytes| *bytes <= VALUE_BYTES_MAX);
        let bytes = bytes.ok_or_else(|| Broken::NotOurs("a value has no length".to_owned()))?;
        self.value.resize(bytes + 2, 0);
        self.stream.read_exact(&mut self.value).await?;
        if !self.value.ends_with(b"\r\n") {
            return Err(Broken::NotOurs("a value has another length".to_owned()));
        }
        self.value.truncate(bytes);
        Ok(())
    }
}
