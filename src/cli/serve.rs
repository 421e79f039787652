//! `bert8 serve`

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use clap::Args as ClapArgs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Serve the page to browsers on this computer
///
/// Every file is sent with its content type, compressed if a .br or .gz file lies beside it. Headers isolate the page, which allows
/// precise timers (COOP, COEP), and restrict what it may load (CSP). Any static web server can take this one's place.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder that ./build.sh wrote
    #[arg(default_value = "dist")]
    dir: PathBuf,

    /// The port, or 0 for any free port
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// The address to listen on; only this computer can reach the default
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
}

/// The headers of every response. The policy equals the page's own; as a header it also applies to workers.
const HEADERS: [(&str, &str); 6] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-cache"),
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src \
         'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

pub fn run(args: &Args) -> Result<()> {
    if !args.dir.join("index.html").is_file() {
        bail!("{} has no index.html; run ./build.sh first, or name the folder it wrote", args.dir.display());
    }
    let files = ServeDir::new(&args.dir).precompressed_br().precompressed_gzip();
    let mut router = Router::new().fallback_service(files);
    for (name, value) in HEADERS {
        let header = SetResponseHeaderLayer::overriding(HeaderName::from_static(name), HeaderValue::from_static(value));
        router = router.layer(header);
    }
    let address = SocketAddr::new(args.host, args.port);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; is another program using the port? Try --port 0"))?;
        say!("http://{}/  (Ctrl+C stops)", listener.local_addr()?);
        let stop = async {
            // An error means that no handler could be installed. The server then stops at once.
            let _ = tokio::signal::ctrl_c().await;
        };
        axum::serve(listener, router).with_graceful_shutdown(stop).await?;
        Ok(())
    })
}
