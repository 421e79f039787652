//! `bert8 serve`

mod answer;
mod body;
mod encoding;
mod range;
mod site;
mod validators;

use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use site::Site;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;

/// Serve the page to browsers on this computer
///
/// Every file is sent with its content type, compressed if a .br or .gz file lies beside it that is not older. Headers isolate the
/// page, which allows precise timers (COOP, COEP), and restrict what it may load (CSP). Any static web server can take this one's
/// place.
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

/// How long a client may take to send the header of a request. A connection on which nothing comes is closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long answers may go on after Ctrl+C.
const GRACE: Duration = Duration::from_millis(300);

/// How long to wait when no connection can be accepted, because too many files are open.
const PAUSE: Duration = Duration::from_millis(50);

pub fn run(args: &Args) -> Result<()> {
    if !args.dir.join("index.html").is_file() {
        bail!("{} has no index.html; run ./build.sh first, or name the folder it wrote", args.dir.display());
    }
    let site = Rc::new(Site::new(&args.dir)?);
    let address = SocketAddr::new(args.host, args.port);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; is another program using the port? Try --port 0"))?;
        say!("http://{}/  (Ctrl+C stops)", listener.local_addr()?);
        let connections = GracefulShutdown::new();
        tokio::select! {
            () = accept(&listener, &site, &connections) => {}
            // An error means that no handler could be installed. The server then stops at once.
            _ = tokio::signal::ctrl_c() => {}
        }
        tokio::select! {
            () = connections.shutdown() => {}
            () = sleep(GRACE) => {}
        }
        Ok(())
    })
}

/// Answers requests without end.
async fn accept(listener: &TcpListener, site: &Rc<Site>, connections: &GracefulShutdown) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let site = site.clone();
        let service = service_fn(move |request| {
            let answer = answer::answer(&site, &request);
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        // A client that goes away is no error of the server.
        spawn_local(async { _ = connection.await });
    }
}
