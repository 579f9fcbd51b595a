//! A bucket of an object store that speaks S3.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{ClientOptions, HttpClient as ObjectClient, HttpConnector};
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, RetryConfig};
use promemu_core::error::Error;
use promemu_wire::recording::FileStore;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::credentials::Credentials;
use crate::http::{HttpClient, HttpOptions, TargetUrl};
use crate::printable::printable;

/// Bytes of a part of a large file: it bounds the memory.
const PART_BYTES: u64 = 32 << 20;
/// Attempts of a request, and the time for all of them.
const ATTEMPTS: usize = 5;
const RETRY_TIME: Duration = Duration::from_mins(1);
/// Time without any answer after which a server is away: for a request, beside its bytes, and for the next piece of one.
const SILENCE: Duration = Duration::from_mins(2);
/// Bytes that are sent in a second, at least.
const BYTES_PER_SEC_MIN: u64 = 64 << 10;

/// The place of a recording's files in an object store.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket, which must be there.
    pub bucket: String,
    /// Address of the server; `None` for that of AWS.
    pub endpoint: Option<TargetUrl>,
    /// Begin of the objects' names, which no other recording has.
    pub prefix: String,
    /// The region.
    pub region: String,
    /// Certificates.
    pub http: HttpOptions,
}

/// A bucket, as a store of files.
pub struct S3Store {
    store: AmazonS3,
    settings: S3Settings,
    credentials: Credentials,
    runtime: Runtime,
}

/// Gives the client that promemu has for all servers.
#[derive(Debug)]
struct OwnClient(reqwest::Client);

impl HttpConnector for OwnClient {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<ObjectClient> {
        Ok(ObjectClient::new(self.0.clone()))
    }
}

impl S3Settings {
    /// The address in plans and manifests.
    #[must_use]
    pub fn address(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }
}

impl S3Store {
    /// A store of this place; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A setting is wrong, or the system gives no runtime.
    pub fn new(settings: S3Settings, credentials: Credentials) -> Result<Self, Error> {
        let aws = || {
            let url = format!("https://s3.{}.amazonaws.com", settings.region);
            TargetUrl::parse(&url, "region: address", "eu-central-1")
        };
        let target = settings.endpoint.clone().map_or_else(aws, Ok)?;
        let client = HttpClient::new(&target, &settings.http)?.transport();
        let retries =
            RetryConfig { max_retries: ATTEMPTS, retry_timeout: RETRY_TIME, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(&credentials.key)
            .with_secret_access_key(&credentials.secret)
            .with_retry(retries)
            .with_http_connector(OwnClient(client));
        if let Some(token) = &credentials.token {
            builder = builder.with_token(token);
        }
        if let Some(endpoint) = &settings.endpoint {
            let url = endpoint.url();
            builder = builder.with_endpoint(url.as_str().trim_end_matches('/'));
            builder = builder.with_allow_http(url.scheme() == "http");
        }
        let wrong = |error: object_store::Error| {
            Error::Usage(format!("store {}: {}", settings.address(), credentials.conceal(&error.to_string())))
        };
        let store = builder.build().map_err(wrong)?;
        let what = || "a runtime cannot be started; raise the limits of processes and open files".to_owned();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::System { what: what(), source })?;
        Ok(Self { store, settings, credentials, runtime })
    }

    fn location(&self, path: &str) -> io::Result<Location> {
        let prefix = self.settings.prefix.trim_matches('/');
        let whole = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        Location::parse(&whole)
            .map_err(|error| io::Error::new(ErrorKind::InvalidInput, format!("{whole}: {error}")))
    }

    /// Waits for a request of so many bytes.
    fn wait<T>(&self, bytes: u64, request: impl Future<Output = object_store::Result<T>>) -> io::Result<T> {
        let time = RETRY_TIME + SILENCE + Duration::from_secs(bytes / BYTES_PER_SEC_MIN);
        let answer = self.runtime.block_on(async { timeout(time, request).await });
        answer.map_err(|_| self.silent())?.map_err(|error| self.failed(&error))
    }

    fn silent(&self) -> io::Error {
        let why = format!("store {} does not answer; try again when it does", self.settings.address());
        io::Error::new(ErrorKind::TimedOut, why)
    }

    fn failed(&self, error: &object_store::Error) -> io::Error {
        let kind = match error {
            object_store::Error::NotFound { .. } => ErrorKind::NotFound,
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
                ErrorKind::AlreadyExists
            }
            _ => ErrorKind::Other,
        };
        let mut deepest: &dyn std::error::Error = error;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        let whole = error.to_string();
        let (whole, deepest) =
            (self.credentials.conceal(&whole), self.credentials.conceal(&deepest.to_string()));
        let more = if whole.contains(&deepest) { String::new() } else { format!(": {deepest}") };
        let text = printable(format!("{whole}{more}").as_bytes(), false).into_owned();
        io::Error::new(kind, format!("store {}: {text}", self.settings.address()))
    }

    fn put_parts(&self, location: &Location, file: &mut std::fs::File) -> io::Result<()> {
        let mut upload = self.wait(0, self.store.put_multipart(location))?;
        loop {
            let mut part = Vec::new();
            let bytes = Read::by_ref(file).take(PART_BYTES).read_to_end(&mut part)?;
            if bytes == 0 {
                return self.wait(0, upload.complete()).map(drop);
            }
            self.wait(bytes as u64, upload.put_part(part.into()))?;
        }
    }
}

impl FileStore for S3Store {
    fn put(&self, path: &str, file: &Path) -> io::Result<()> {
        let location = self.location(path)?;
        match self.wait(0, self.store.head(&location)) {
            Ok(_) => return Err(ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut file = std::fs::File::open(file)?;
        let bytes = file.metadata()?.len();
        if bytes > PART_BYTES {
            return self.put_parts(&location, &mut file);
        }
        let mut body = Vec::new();
        file.read_to_end(&mut body)?;
        let put = self.store.put_opts(&location, body.into(), PutMode::Create.into());
        self.wait(bytes, put).map(drop)
    }

    fn get(&self, path: &str, out: &mut dyn Write) -> io::Result<()> {
        let location = self.location(path)?;
        let mut stream = self.wait(0, self.store.get(&location))?.into_stream();
        loop {
            let next = poll_fn(|cx| stream.as_mut().poll_next(cx));
            let piece = self.runtime.block_on(async { timeout(SILENCE, next).await });
            match piece.map_err(|_| self.silent())? {
                None => return Ok(()),
                Some(piece) => out.write_all(&piece.map_err(|error| self.failed(&error))?)?,
            }
        }
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let location = self.location(path)?;
        match self.wait(0, self.store.delete(&location)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store").field("address", &self.settings.address()).finish_non_exhaustive()
    }
}
