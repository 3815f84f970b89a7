//! `lockgate plugin`: the plugins of a running gateway, asked about and ordered through its admin side. Knows the pages and their
//! answers; must not know how an order is carried out.

mod show;
#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::config::{Admin, Config};
use crate::control::{Diff, Order, PluginView};

/// A gateway answers at once; one that does not is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Look at the plugins of a running gateway, and direct them
///
/// Speaks to the admin side of a gateway that runs: the one of --admin, else the one that the configuration names. Orders, and
/// `diff`, are taken from the gateway's own host, or with the token of `[admin]`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lockgate plugin ls
  lockgate plugin diff mask-pii
  lockgate plugin rollback mask-pii --pipeline shop
  lockgate plugin close mask-pii --admin http://10.0.0.7:9400 --token-file /run/secrets/lockgate")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,

    /// The admin side of the gateway, as in http://127.0.0.1:9400; without it, what the configuration says
    #[arg(long, global = true, value_name = "URL")]
    admin: Option<String>,

    /// The file that holds the token of `[admin]`; without it, what the configuration says
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The configuration
    #[arg(long, global = true, value_name = "FILE", default_value = super::DEFAULT_CONFIG)]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List every plugin: what serves, what is on its way, how its breaker stands
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show records that came out differently from the old and the new version, field by field
    Diff {
        #[command(flatten)]
        which: Which,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold its breaker open: nothing enters the plugin, and its partitions wait
    Open(Which),
    /// Hold its breaker closed: each event that it fails on takes `on_fault`, however many there are
    Close(Which),
    /// Let its breaker go by itself again, with a clean slate
    Reset(Which),
    /// Go back to the version before, or give up a new one that does not serve yet
    Rollback(Which),
    /// Let a new version serve at once, or take it as settled
    Promote(Which),
    /// Let keys go on whose events follow a refused one to the dead-letter topic
    Release(Which),
}

/// Which plugin is meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// Its name: the file name without number and extension
    #[arg(value_name = "NAME")]
    plugin: String,

    /// Its pipeline, where several have a plugin of the name
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
}

impl Args {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let gateway = self.gateway()?;
        let text = match &self.verb {
            Verb::Ls { json } => {
                let plugins: Vec<PluginView> = gateway.get("/plugins")?;
                if *json { pretty(&plugins)? } else { show::list(&plugins) }
            }
            Verb::Diff { which, json } => {
                let diff: Diff = gateway.get(&which.path("diff"))?;
                if *json { pretty(&diff)? } else { show::diff(&diff) }
            }
            Verb::Open(which) => gateway.order(which, Order::Open)?,
            Verb::Close(which) => gateway.order(which, Order::Close)?,
            Verb::Reset(which) => gateway.order(which, Order::Reset)?,
            Verb::Rollback(which) => gateway.order(which, Order::Rollback)?,
            Verb::Promote(which) => gateway.order(which, Order::Promote)?,
            Verb::Release(which) => gateway.order(which, Order::Release)?,
        };
        io::stdout().write_all(text.as_bytes()).context("writing to stdout")?;
        Ok(ExitCode::SUCCESS)
    }

    fn gateway(&self) -> anyhow::Result<Gateway> {
        let configured = match (&self.admin, &self.token_file) {
            // Whoever says both need not be on the gateway's host, where its configuration lies.
            (Some(_), _) => None,
            (None, _) => {
                let config = Config::load(&self.config)
                    .context("finding the gateway (with --admin URL no configuration is needed)")?;
                Some(config.admin)
            }
        };
        let url = match (&self.admin, &configured) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(Admin { listen: Some(address), .. })) => {
                format!("http://{}", reachable(*address))
            }
            (None, _) => bail!(
                "the admin side is switched off in \"{}\": without \"listen\" under [admin] a running gateway cannot be asked",
                self.config.display()
            ),
        };
        let token = match &self.token_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("reading the token from \"{}\"", file.display()))?;
                Some(text.trim().to_owned())
            }
            None => configured.and_then(|admin| admin.token),
        };
        Ok(Gateway { url, token })
    }
}

/// Where to reach what listens on `address`: all addresses of a host are none to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn pretty(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value).context("writing JSON")? + "\n")
}

impl Which {
    /// Where `page` of this plugin is.
    fn path(&self, page: &str) -> String {
        let query = self.pipeline.as_deref().map(|name| format!("?pipeline={}", encoded(name)));
        format!("/plugins/{}/{page}{}", encoded(&self.plugin), query.unwrap_or_default())
    }
}

/// As one part of a path or a query.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(encode).collect()
}

/// The admin side of a running gateway.
struct Gateway {
    url: String,
    token: Option<String>,
}

/// What the admin side answers where it does not do what was asked.
#[derive(serde::Deserialize)]
struct Problem {
    error: String,
}

#[derive(serde::Deserialize)]
struct Done {
    done: String,
}

impl Gateway {
    fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path)
    }

    fn order(&self, which: &Which, order: Order) -> anyhow::Result<String> {
        let Done { done } = self.ask(Method::POST, &which.path(order.as_str()))?;
        Ok(show::harmless(&done) + "\n")
    }

    fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let asking = || format!("asking the gateway at {}", self.url);
        let exchange = async {
            let exchange = tokio::time::timeout(PATIENCE, self.exchange(method, path));
            exchange.await.unwrap_or_else(|_| Err(anyhow!("no answer within {PATIENCE:?}")))
        };
        let (status, body) =
            runtime.context("starting the runtime")?.block_on(exchange).with_context(asking)?;
        if status.is_success() {
            return serde_json::from_slice(&body).with_context(|| {
                format!("reading the answer of {}: it is no gateway of this version", self.url)
            });
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => bail!("{}", show::harmless(&problem.error)),
            Err(_) => {
                bail!("{}: it answered {status}, as no gateway of this version does", asking())
            }
        }
    }

    /// One request and its answer.
    async fn exchange(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let uri: Uri = self.url.parse().context("reading its address")?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!("its address is not of the form http://HOST:PORT");
        };
        let address =
            (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
        let socket = TcpStream::connect(address)
            .await
            .context("connecting; does it run, and is this its `listen` of [admin]?")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, authority.as_str());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Empty::<Bytes>::new()).context("writing the request")?;
        let answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        tokio::pin!(connection);
        tokio::select! {
            biased;
            answer = answer => answer,
            ended = &mut connection => {
                ended?;
                bail!("it hung up")
            }
        }
    }
}
