//! Requests to `bert8 serve` over plain TCP.

use crate::sandbox::Sandbox;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

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
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a header that ends");
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let (status, headers) = head.split_once("\r\n").unwrap();
        let (status, headers) = (status.to_owned(), format!("{}\r\n", headers.to_lowercase()));
        Answer { status, headers, body: answer[end + 4..].to_vec() }
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
