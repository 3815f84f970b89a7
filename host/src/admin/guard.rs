//! Who may give orders and see records: whoever shows the token, or, where there is none, a program on this host. Must not know
//! what is ordered.

use std::net::SocketAddr;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};
use sha2::{Digest as _, Sha256};

/// What a page in a browser on this host sends, or a proxy that anybody can reach: both are on this host as well.
const PASSED_ON: [&str; 6] =
    ["origin", "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error(
        "this needs the token of [admin]: send it as \"Authorization: Bearer\", or give it to `lockgate plugin` with --token-file"
    )]
    Token,
    #[error(
        "this is taken from the gateway's own host alone; set \"token\" under [admin] to do it from elsewhere"
    )]
    Elsewhere,
    #[error(
        "this is not taken from web pages or through proxies; set \"token\" under [admin] to allow it"
    )]
    Roundabout,
}

/// Judges a request from `peer`.
pub(super) fn admit(
    token: Option<&str>,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Result<(), Denied> {
    if let Some(token) = token {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        return if is_same(token, shown.trim()) { Ok(()) } else { Err(Denied::Token) };
    }
    if !peer.ip().to_canonical().is_loopback() {
        return Err(Denied::Elsewhere);
    }
    let passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if passed_on || !is_local(host) { Err(Denied::Roundabout) } else { Ok(()) }
}

/// Whether the request was addressed to this host by number or as `localhost`: another name may be one that a page had made up to
/// reach it.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || host.parse::<SocketAddr>().is_ok()
        || name.parse::<std::net::IpAddr>().is_ok()
}

/// Compares digests, so that the time it takes tells nothing of the token.
fn is_same(a: &str, b: &str) -> bool {
    Sha256::digest(a) == Sha256::digest(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        token: Option<&str>,
        peer: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(), Denied> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        admit(token, peer.parse().unwrap(), &map)
    }

    #[test]
    fn without_a_token_this_host_alone_is_heard() {
        let host = ("host", "127.0.0.1:9400");
        assert_eq!(judged(None, "127.0.0.1:1", &[host]), Ok(()));
        assert_eq!(judged(None, "[::1]:1", &[("host", "localhost:9400")]), Ok(()));
        assert_eq!(judged(None, "[::ffff:127.0.0.1]:1", &[("host", "[::1]:9400")]), Ok(()));
        assert_eq!(judged(None, "10.0.0.7:1", &[host]), Err(Denied::Elsewhere));
    }

    #[test]
    fn a_page_in_a_browser_on_this_host_is_not_heard() {
        let host = ("host", "127.0.0.1:9400");
        let page = ("origin", "https://example.org");
        assert_eq!(judged(None, "127.0.0.1:1", &[host, page]), Err(Denied::Roundabout));
        for name in PASSED_ON {
            let proxied = (name, "10.0.0.7");
            assert_eq!(judged(None, "127.0.0.1:1", &[host, proxied]), Err(Denied::Roundabout));
        }
        assert_eq!(
            judged(None, "127.0.0.1:1", &[("host", "rebound.example.org")]),
            Err(Denied::Roundabout)
        );
        assert_eq!(judged(None, "127.0.0.1:1", &[]), Err(Denied::Roundabout));
    }

    #[test]
    fn a_token_is_asked_of_everybody() {
        let host = ("host", "127.0.0.1:9400");
        assert_eq!(judged(Some("t0ken"), "127.0.0.1:1", &[host]), Err(Denied::Token));
        let wrong = ("authorization", "Bearer other");
        assert_eq!(judged(Some("t0ken"), "127.0.0.1:1", &[host, wrong]), Err(Denied::Token));
        let right = ("authorization", "Bearer t0ken");
        assert_eq!(judged(Some("t0ken"), "10.0.0.7:1", &[("host", "gateway"), right]), Ok(()));
    }
}
