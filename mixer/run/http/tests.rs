use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get;
use indexmap::IndexMap;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;

fn tls(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/tls/{name}.pem"));
    path.display().to_string()
}

fn options(options: &[(&str, &str)]) -> HttpOptions {
    let typed = options.iter().map(|(key, value)| {
        let is_file = key.ends_with("_file") && *key != "bearer_file";
        ((*key).to_owned(), if is_file { tls(value) } else { (*value).to_owned() })
    });
    let mut typed: IndexMap<String, String> = typed.collect();
    HttpOptions::take_from(&mut typed).unwrap()
}

/// A server with these options; returns its port, and a sender whose end ends it.
async fn serve(options: &HttpOptions, router: Router) -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (running, stopped) = watch::channel(false);
    tokio::spawn(server::serve(listener, server_tls(options).unwrap(), router, stopped));
    (port, running)
}

/// The answer to a GET, or the failure in words.
async fn ask(url: &str, options: &HttpOptions) -> Result<String, String> {
    ask_within(Limits::within(Duration::from_secs(30)), url, options).await
}

async fn ask_within(limits: Limits, url: &str, options: &HttpOptions) -> Result<String, String> {
    let target = TargetUrl::parse(url, "url", "http://x").unwrap();
    let client = HttpClient::new(&target, options).map_err(|error| error.to_string())?;
    let request = client.request(Method::GET, target.url().clone());
    let answer = check(client.send(request, limits).await, client.secrets()).await;
    let body = answer.map_err(|error| error.to_string())?.body().await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(body).unwrap())
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_by_the_side_that_names_it() {
    let own = [("cert_file", "self-signed"), ("key_file", "self-signed-key")];
    let named = ("ca_file", "self-signed");
    let (open, _running) = serve(&options(&own), hello()).await;
    let (closed, _running) = serve(&options(&[own[0], own[1], named]), hello()).await;
    let (open, closed) = (format!("https://127.0.0.1:{open}"), format!("https://localhost:{closed}"));
    let hello = Ok("hello".to_owned());
    assert_eq!(ask(&open, &options(&[named])).await, hello);
    assert_eq!(
        ask(&closed, &options(&[named, own[0], own[1]])).await,
        hello,
        "the server trusts the client's, too"
    );
    assert_eq!(ask(&open, &options(&[("insecure_skip_verify", "true")])).await, hello);
    let refused = ask(&closed, &options(&[named])).await.unwrap_err();
    assert!(refused.contains("it refuses the client's certificate, or asks for one"), "{refused}");
    let stranger = [("cert_file", "certificate"), ("key_file", "key"), named];
    let refused = ask(&closed, &options(&stranger)).await.unwrap_err();
    assert!(refused.contains("it refuses the client's certificate"), "{refused}");
    for (trusted, reason) in [
        (&[][..], "give that very certificate with ca_file"),
        (&[("ca_file", "ca")], "give that very certificate with ca_file"),
        (&[("ca_file", "expired")], "give that very certificate with ca_file"),
    ] {
        let refused = ask(&open, &options(trusted)).await.unwrap_err();
        assert!(
            refused.starts_with("cannot connect: its certificate ") && refused.ends_with(reason),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_not_trusted_by_naming_it() {
    let own = options(&[("cert_file", "expired"), ("key_file", "self-signed-key")]);
    let (port, _running) = serve(&own, hello()).await;
    let refused = ask(&format!("https://127.0.0.1:{port}"), &options(&[("ca_file", "expired")])).await;
    let text = "cannot connect: its certificate has expired; renew it, or set this machine's clock";
    assert_eq!(refused.unwrap_err(), text);
}

#[tokio::test]
async fn an_authority_that_is_trusted_vouches_for_its_names_only() {
    let own = options(&[("cert_file", "certificate"), ("key_file", "key")]);
    let (port, _running) = serve(&own, hello()).await;
    let trusted = options(&[("ca_file", "ca")]);
    assert_eq!(ask(&format!("https://127.0.0.1:{port}"), &trusted).await, Ok("hello".to_owned()));
    let refused = ask(&format!("https://127.0.0.1:{port}"), &options(&[("ca_file", "self-signed")])).await;
    assert!(refused.unwrap_err().contains("signed by an authority that is not trusted"));
    let refused = ask(&format!("https://127.0.0.2.localhost:{port}"), &trusted).await.unwrap_err();
    assert!(!refused.contains("hello"), "{refused}");
}

#[tokio::test]
async fn a_failure_says_what_to_do() {
    let (plain, _running) = serve(&HttpOptions::default(), hello()).await;
    let own = options(&[("cert_file", "certificate"), ("key_file", "key")]);
    let (over_tls, _running) = serve(&own, hello()).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let cut = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cut_port = cut.local_addr().unwrap().port();
    let chatty = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let chatty_port = chatty.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = cut.accept().await.unwrap();
            stream.readable().await.unwrap();
            // It is read, so that it ends in order.
            let _bytes = stream.try_read(&mut [0; 4096]).unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = chatty.accept().await.unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        }
    });
    for (url, text) in [
        (
            format!("https://127.0.0.1:{plain}"),
            "cannot connect: it does not speak TLS; write http:// in place of https://",
        ),
        (
            format!("http://127.0.0.1:{over_tls}"),
            "the exchange broke off: its answer is not HTTP; if it speaks TLS, write https:// in place of http://",
        ),
        (
            format!("http://127.0.0.1:{chatty_port}"),
            "the exchange broke off: its answer is not HTTP; if it speaks TLS, write https:// in place of http://",
        ),
        (
            format!("http://127.0.0.1:{closed}"),
            "cannot connect: connection refused (does it run, and on this port?)",
        ),
        (
            format!("http://127.0.0.1:{cut_port}"),
            "the exchange broke off: it closed the connection before its answer was complete",
        ),
    ] {
        assert_eq!(ask(&url, &HttpOptions::default()).await.unwrap_err(), text, "{url}");
    }
}

/// A server that redirects to these targets, and the `Authorization` of the requests to its other paths.
async fn redirecting(status: u16, target: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (target, heard) = (target.to_owned(), Arc::clone(&seen));
    let router = Router::new()
        .route(
            "/",
            get(move || async move { (StatusCode::from_u16(status).unwrap(), [("location", target)]) }),
        )
        .fallback(move |request: Request| async move {
            let shown = ["authorization", "x-secret"].map(|name| request.headers().get(name).cloned());
            let shown: Vec<_> = shown.iter().flatten().map(|value| value.to_str().unwrap()).collect();
            heard.lock().unwrap().push(shown.join(" "));
            "there"
        });
    let (port, running) = serve(&HttpOptions::default(), router).await;
    // It serves until the test ends.
    std::mem::forget(running);
    (format!("http://127.0.0.1:{port}"), seen)
}

#[tokio::test]
async fn a_redirect_is_followed_and_credentials_stay_with_their_server() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "t0ken").unwrap();
    let mut typed: IndexMap<String, String> = [
        ("bearer_file".to_owned(), token.path().display().to_string()),
        ("header.X-Secret".to_owned(), "k3y".to_owned()),
    ]
    .into();
    let secret = HttpOptions::take_from(&mut typed).unwrap();
    let (elsewhere, heard) = redirecting(404, "").await;
    for status in [307, 308] {
        let (same, own) = redirecting(status, "/moved").await;
        assert_eq!(ask(&same, &secret).await, Ok("there".to_owned()));
        assert_eq!(*own.lock().unwrap(), ["Bearer t0ken k3y"]);
        let (other, _) = redirecting(status, &format!("{elsewhere}/moved")).await;
        assert_eq!(ask(&other, &secret).await, Ok("there".to_owned()));
        assert_eq!(heard.lock().unwrap().pop().as_deref(), Some(""), "another port is another server");
        let with_user = other.replace("127", "me:s3cret@127");
        assert_eq!(ask(&with_user, &HttpOptions::default()).await, Ok("there".to_owned()));
        assert_eq!(heard.lock().unwrap().pop().as_deref(), Some(""));
    }
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_named() {
    for (status, target, text) in [
        (
            301,
            "/moved",
            "it answered 301 Moved Permanently to URL/moved, which is not followed; give that address",
        ),
        (
            308,
            "https://me:s3cret@gw.example/x?y=s3cret",
            "it answered 308 Permanent Redirect to https://gw.example/x?***, which is not followed; give that address",
        ),
        (307, "http://10.0.0.1/", "to http://10.0.0.1, which is not followed"),
        (308, "/", "it answered 308 Permanent Redirect after 5 others, to URL; check the server's redirects"),
        (304, "", "it answered 304 Not Modified"),
    ] {
        let (url, _) = redirecting(status, target).await;
        let refused = ask(&url, &HttpOptions::default()).await.unwrap_err();
        assert!(refused.contains(&text.replace("URL", &url)), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_promises_to_go_on_holds_no_request_beyond_its_deadline() {
    for promise in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let promises = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let many = promise.repeat(1_000);
            // Until the client is gone.
            while stream.write_all(many.as_bytes()).await.is_ok() {}
        });
        let limits = Limits::within(Duration::from_millis(500));
        let options = HttpOptions::default();
        let asked = ask_within(limits, &url, &options);
        let refused =
            tokio::time::timeout(Duration::from_secs(20), asked).await.expect("it ends").unwrap_err();
        // A promise that comes before the request breaks the exchange off.
        let is_told =
            ["no answer in time", "is not HTTP", "broke off"].iter().any(|text| refused.contains(text));
        assert!(is_told, "{refused}");
        tokio::time::timeout(Duration::from_secs(20), promises).await.expect("it hangs up").unwrap();
    }
}

#[tokio::test]
async fn a_head_of_the_longest_path_is_read_and_a_larger_one_is_refused_before_its_end() {
    let router = Router::new().fallback(|| async { "hello" });
    let (port, _running) = serve(&HttpOptions::default(), router).await;
    let answer = async |head: String| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // The server may hang up before it has read all.
        let _is_taken = stream.write_all(head.as_bytes()).await.is_ok();
        let mut status = [0; 12];
        let read = stream.read_exact(&mut status).await;
        read.map(|_| String::from_utf8_lossy(&status[9..]).into_owned()).unwrap_or_default()
    };
    let path = "a".repeat(65_000);
    assert_eq!(answer(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n")).await, "200");
    let value = "a".repeat(60_000);
    assert_eq!(answer(format!("GET / HTTP/1.1\r\nHost: x\r\nX: {value}\r\n\r\n")).await, "200");
    for unfinished in [
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(100 << 10)),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{}", format!("X: {}\r\n", "a".repeat(2_000)).repeat(60)),
    ] {
        // Long before the server loses patience with a head that it waits for.
        let refused = tokio::time::timeout(Duration::from_secs(20), answer(unfinished)).await.unwrap();
        assert!(["431", "400", ""].contains(&&*refused), "{refused}");
    }
}
