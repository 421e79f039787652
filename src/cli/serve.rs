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

/// Serve the page to this computer
///
/// Files are sent with their right types, as .gz where a precompressed one lies beside them, and with the headers that give
/// the page exact clocks and keep it to itself (COOP, COEP, CSP). Any static web server can take its place.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder that ./build.sh made
    #[arg(default_value = "dist")]
    dir: PathBuf,

    /// The port; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// The address to listen on; the default is seen by this computer alone
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
}

/// What every answer carries. The policy is the page's own, sent as a header so that it binds workers too.
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
        bail!("{} has no index.html; run ./build.sh first, or name the folder it made", args.dir.display());
    }
    let mut router = Router::new().fallback_service(ServeDir::new(&args.dir).precompressed_gzip());
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
            // Without a handler for Ctrl+C the system's own way of stopping still works.
            let _ = tokio::signal::ctrl_c().await;
        };
        axum::serve(listener, router).with_graceful_shutdown(stop).await?;
        Ok(())
    })
}
