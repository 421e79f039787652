//! Requests to `bert8 serve` over plain TCP.

use crate::sandbox::Sandbox;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

/// A running server, stopped at the end.
struct Server {
    child: Child,
    address: String,
}

/// A response with its header fields in lower case.
struct Answer {
    status: String,
    headers: String,
    body: Vec<u8>,
}

impl Server {
    fn start(sandbox: &Sandbox, arguments: &str) -> Self {
        let mut command = sandbox.command(arguments, &[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().next().unwrap_or_else(|| panic!("no URL: {line:?}"));
        let address = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        Server { child, address }
    }

    /// Requests `target`, which is sent unchanged.
    fn get(&self, target: &str, header: &str) -> Answer {
        self.request("GET", target, header)
    }

    /// Sends a request with some header fields.
    fn request(&self, method: &str, target: &str, header: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a header that ends");
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let (status, headers) = head.split_once("\r\n").unwrap();
        let (status, headers) = (status.to_owned(), format!("{}\r\n", headers.to_lowercase()));
        Answer { status, headers, body: answer[end + 4..].to_vec() }
    }
}

impl Answer {
    /// The value of a header field.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn code(&self) -> &str {
        self.status.split(' ').nth(1).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn files_have_their_types_and_the_isolation_headers() {
    let sandbox = Sandbox::empty();
    sandbox.write("Cargo.toml", "secret");
    sandbox.write("dist/index.html", "<!doctype html>");
    sandbox.write("dist/main.js", "export {};");
    sandbox.write("dist/style.css", "body {}");
    sandbox.write("dist/pkg/bert8_bg.wasm", "the wasm itself");
    sandbox.write("dist/pkg/bert8_bg.wasm.gz", "the wasm in gzip");
    sandbox.write("dist/pkg/bert8_bg.wasm.br", "the wasm in brotli");
    let server = Server::start(&sandbox, "serve --port 0");
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
    for (target, kind, body) in [
        ("/", "text/html", "<!doctype html>"),
        ("/main.js", "text/javascript", "export {};"),
        ("/style.css", "text/css", "body {}"),
        ("/pkg/bert8_bg.wasm", "application/wasm", "the wasm itself"),
    ] {
        let answer = server.get(target, "");
        assert_eq!((answer.status.as_str(), answer.body.as_slice()), ("HTTP/1.1 200 OK", body.as_bytes()), "{target}");
        for header in [
            &format!("content-type: {kind}"),
            "cross-origin-opener-policy: same-origin\r\n",
            "cross-origin-embedder-policy: require-corp\r\n",
            "x-content-type-options: nosniff\r\n",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.headers.contains(header), "{target}: {header}\n{}", answer.headers);
        }
        assert!(!answer.headers.contains("content-encoding"), "{target}\n{}", answer.headers);
    }
    for (accepted, encoding, body) in [("gzip, br", "br", "the wasm in brotli"), ("gzip", "gzip", "the wasm in gzip")] {
        let compressed = server.get("/pkg/bert8_bg.wasm", &format!("Accept-Encoding: {accepted}\r\n"));
        assert_eq!(compressed.body, body.as_bytes());
        assert!(compressed.headers.contains(&format!("content-encoding: {encoding}\r\n")), "{}", compressed.headers);
        assert!(compressed.headers.contains("content-type: application/wasm\r\n"), "{}", compressed.headers);
    }
}

#[test]
fn a_compressed_form_that_is_older_than_its_file_is_not_sent() {
    let sandbox = Sandbox::empty();
    sandbox.write("site/index.html", "page");
    sandbox.write("site/model.onnx", "the new model");
    sandbox.write("site/model.onnx.br", "the old model in brotli");
    sandbox.write("site/model.onnx.gz", "the new model in gzip");
    let form = File::options().write(true).open(sandbox.path("site/model.onnx.br")).unwrap();
    form.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    let server = Server::start(&sandbox, "serve site --port 0");
    assert_eq!(server.get("/model.onnx", "Accept-Encoding: gzip, br\r\n").body, b"the new model in gzip");
    assert_eq!(server.get("/model.onnx", "Accept-Encoding: br\r\n").body, b"the new model");
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let sandbox = Sandbox::empty();
    sandbox.write("Cargo.toml", "secret");
    sandbox.write("site/index.html", "page");
    let server = Server::start(&sandbox, "serve site --port 0 --host 127.0.0.1");
    for target in [
        "/missing.js",
        "/../Cargo.toml",
        "/x/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "//Cargo.toml",
    ] {
        let answer = server.get(target, "");
        assert!(answer.status.starts_with("HTTP/1.1 4"), "{target}: {}", answer.status);
        assert!(!answer.body.windows(6).any(|w| w == b"secret"), "{target}");
    }
    assert!(server.get("/missing.js", "").status.contains("404"));
}

#[test]
fn folders_without_a_page_and_used_ports_are_refused() {
    let sandbox = Sandbox::empty();
    sandbox.refused("serve --port 0", &["dist has no index.html", "./build.sh"]);
    sandbox.write("site/readme.txt", "no page");
    sandbox.refused("serve site --port 0", &["site has no index.html"]);
    sandbox.write("site/index.html", "page");
    let server = Server::start(&sandbox, "serve site --port 0");
    let port = server.address.rsplit(':').next().unwrap();
    sandbox.refused(&format!("serve site --port {port}"), &[&server.address, "--port 0"]);
    assert_eq!(sandbox.run("serve site --port 70000").code, 2);
    assert_eq!(sandbox.run("serve site --host nowhere").code, 2);
}

#[test]
fn versions_of_a_file_have_tags() {
    let sandbox = Sandbox::empty();
    sandbox.write("site/index.html", "page");
    sandbox.write("site/a.txt", "0123456789");
    sandbox.write("site/a.txt.gz", "compressed");
    let server = Server::start(&sandbox, "serve site --port 0");
    let first = server.get("/a.txt", "");
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
    assert_eq!((first.header("vary"), first.header("accept-ranges")), (Some("accept-encoding"), Some("bytes")));
    let compressed = server.get("/a.txt", "Accept-Encoding: gzip\r\n");
    assert_ne!(compressed.header("etag"), Some(tag.as_str()), "another form has another tag");
    let same = server.get("/a.txt", &format!("If-None-Match: W/{tag}\r\n"));
    assert_eq!((same.code(), same.header("etag"), same.body.len()), ("304", Some(tag.as_str()), 0));
    assert_eq!(same.header("vary"), Some("accept-encoding"));
    let date = first.header("last-modified").unwrap().to_owned();
    // Header fields are compared in lower case, dates are not.
    let date = date.split(' ').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<Vec<_>>().join(" ");
    let date = date.replace("Gmt", "GMT");
    assert_eq!(server.get("/a.txt", &format!("If-Modified-Since: {date}\r\n")).code(), "304");
    assert_eq!(server.get("/a.txt", "If-Match: \"other\"\r\n").code(), "412");
    sandbox.write("site/a.txt", "0123456789ab");
    let changed = server.get("/a.txt", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((changed.code(), changed.body.as_slice()), ("200", b"0123456789ab".as_slice()));
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
}

#[test]
fn parts_of_a_file_belong_to_one_version() {
    let sandbox = Sandbox::empty();
    sandbox.write("site/index.html", "page");
    sandbox.write("site/a.txt", "0123456789");
    let server = Server::start(&sandbox, "serve site --port 0");
    let tag = server.get("/a.txt", "").header("etag").unwrap().to_owned();
    for (header, code, range, body) in [
        ("Range: bytes=2-4\r\n".to_owned(), "206", Some("bytes 2-4/10"), "234"),
        ("Range: bytes=-2\r\n".to_owned(), "206", Some("bytes 8-9/10"), "89"),
        (format!("Range: bytes=8-\r\nIf-Range: {tag}\r\n"), "206", Some("bytes 8-9/10"), "89"),
        ("Range: bytes=8-\r\nIf-Range: \"other\"\r\n".to_owned(), "200", None, "0123456789"),
        (format!("Range: bytes=8-\r\nIf-Range: W/{tag}\r\n"), "200", None, "0123456789"),
        ("Range: bytes=8-\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(), "200", None, "0123456789"),
        ("Range: bytes=10-\r\n".to_owned(), "416", Some("bytes */10"), ""),
        ("Range: bytes=0-1,4-5\r\n".to_owned(), "200", None, "0123456789"),
        ("Range: bytes=4-2\r\n".to_owned(), "200", None, "0123456789"),
        (format!("Range: bytes=8-\r\nIf-None-Match: {tag}\r\n"), "304", None, ""),
    ] {
        let answer = server.get("/a.txt", &header);
        assert_eq!((answer.code(), answer.header("content-range")), (code, range), "{header}");
        assert_eq!(String::from_utf8(answer.body).unwrap(), body, "{header}");
    }
    let head = server.request("HEAD", "/a.txt", "Range: bytes=2-4\r\n");
    assert_eq!((head.code(), head.header("content-length"), head.body.len()), ("200", Some("10"), 0));
    let post = server.request("POST", "/a.txt", "Content-Length: 0\r\n");
    assert_eq!((post.code(), post.header("allow")), ("405", Some("get, head")));
}

#[test]
fn folders_have_pages_and_odd_paths_have_none() {
    let sandbox = Sandbox::empty();
    sandbox.write("site/index.html", "page");
    sandbox.write("site/sub/index.html", "below");
    sandbox.write("site/a b.txt", "space");
    let server = Server::start(&sandbox, "serve site --port 0");
    let moved = server.get("/sub", "");
    assert_eq!((moved.code(), moved.header("location")), ("307", Some("/sub/")));
    assert_eq!(server.get("//sub", "").header("location"), Some("/sub/"), "not another host");
    assert_eq!(server.get("/sub/", "").body, b"below");
    assert_eq!(server.get("/a%20b.txt?version=1", "").body, b"space");
    for path in ["/a%20b.txt/", "/%", "/%00", "/sub/../../x", "/index.html/x"] {
        assert_eq!(server.get(path, "").code(), "404", "{path}");
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_of_the_folder_are_served() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::empty();
    sandbox.write("secret.txt", "secret");
    sandbox.write("outside/secret.txt", "secret");
    sandbox.write("site/index.html", "page");
    sandbox.write("site/inside.txt", "inside");
    symlink(sandbox.path("secret.txt"), sandbox.path("site/secret.txt")).unwrap();
    symlink(sandbox.path("outside"), sandbox.path("site/folder")).unwrap();
    symlink(sandbox.path("secret.txt"), sandbox.path("site/inside.txt.br")).unwrap();
    symlink("inside.txt", sandbox.path("site/link.txt")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("site/pipe")).status().unwrap();
    assert!(made.success());
    let server = Server::start(&sandbox, "serve site --port 0");
    for path in ["/secret.txt", "/folder/secret.txt", "/folder/", "/pipe"] {
        assert_eq!(server.get(path, "").code(), "404", "{path}");
    }
    assert_eq!(server.get("/link.txt", "").body, b"inside");
    assert_eq!(server.get("/inside.txt", "Accept-Encoding: br\r\n").body, b"inside");
}

#[cfg(unix)]
#[test]
fn clients_that_stop_in_the_middle_of_a_request_are_dropped() {
    let sandbox = Sandbox::empty();
    sandbox.write("site/index.html", "page");
    let server = Server::start(&sandbox, "serve site --port 0");
    let begin = || {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").unwrap();
        stream
    };
    let mut half: Vec<_> = (0..200).map(|_| begin()).collect();
    assert_eq!(server.get("/", "").body, b"page", "others are answered");
    for stream in &mut half {
        // Ends when the server closes the connection, perhaps with an answer.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_whatever_clients_do() {
    let sandbox = Sandbox::empty();
    sandbox.write("site/index.html", "page");
    sandbox.write("site/large.bin", vec![7; 32 << 20]);
    let mut server = Server::start(&sandbox, "serve site --port 0");
    let send = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let half = send(b"GET / HTTP/1.1\r\n");
    let idle = send(b"");
    // This client does not read what it asked for.
    let mut unread = send(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    unread.read_exact(&mut [0; 64]).unwrap();
    let kill = std::process::Command::new("sh").arg("-c").arg(format!("kill -INT {}", server.child.id())).status();
    assert!(kill.unwrap().success());
    assert!(server.child.wait().unwrap().success());
    drop((half, idle, unread));
}
