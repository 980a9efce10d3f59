//! Whom a connection or a request comes from, as far as limits are concerned.
//!
//! Behind a reverse proxy every connection is the proxy's. What the proxy says of the client is believed only where
//! the configuration names the proxy, and only the last word that is not itself such a proxy's: everything before it was
//! written by the client. `X-Forwarded-For` and `Forwarded` (RFC 7239) are read; a proxy sets one of them and passes the
//! other on from the client, so where they disagree neither is believed.

use axum::http::{HeaderMap, header};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Hops looked at; more were written by somebody who plays.
const HOPS: usize = 32;
const SUBSCRIBER: u128 = !0 << 64;

/// An IPv4 address, or the /64 of an IPv6 one: what one subscriber or network has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SUBSCRIBER).into(),
            address => address,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

/// The reverse proxies that the configuration names.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpAddr>);

impl Proxies {
    /// These.
    #[must_use]
    pub fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    /// Whether an address is one of them.
    #[must_use]
    pub fn name(&self, peer: IpAddr) -> bool {
        self.0.contains(&peer.to_canonical())
    }

    /// Whom a request comes from: the peer, or whom a proxy says it passes on for.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        if !self.name(peer) {
            return peer.into();
        }
        let said = [
            hops(
                headers,
                header::HeaderName::from_static("x-forwarded-for"),
                |hop| Some(hop),
            ),
            hops(headers, header::FORWARDED, forwarded_for),
        ];
        let client = match said {
            [Some(hops), None] | [None, Some(hops)] => self.last_stranger(&hops),
            [Some(one), Some(other)] => self
                .last_stranger(&one)
                .filter(|client| self.last_stranger(&other) == Some(*client)),
            [None, None] => None,
        };
        client.unwrap_or(peer).into()
    }

    // None when there is none, or when what stands there is no address.
    fn last_stranger(&self, hops: &[String]) -> Option<IpAddr> {
        for hop in hops.iter().rev().take(HOPS) {
            let address = address(hop)?;
            if !self.name(address) {
                return Some(address);
            }
        }
        None
    }
}

// Every hop of every line of a header, in order; none when there is no such header.
fn hops(
    headers: &HeaderMap,
    name: header::HeaderName,
    read: fn(&str) -> Option<&str>,
) -> Option<Vec<String>> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let lines = lines.map(|line| line.to_str().unwrap_or_default());
    let hops = lines.flat_map(|line| line.split(','));
    Some(
        hops.map(|hop| read(hop).unwrap_or_default().trim().to_owned())
            .collect(),
    )
}

fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case("for"))?;
    Some(value.trim().trim_matches('"'))
}

// With or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(hop);
    let address = bare.parse().ok();
    let address = address.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let proxies = Proxies::new(&["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn only_a_proxy_that_is_named_is_believed() {
        let said = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        assert_eq!(client("10.0.0.9", &said), "10.0.0.9");
        assert_eq!(client("10.0.0.1", &said), "192.0.2.7");
        assert_eq!(client("::ffff:10.0.0.1", &said), "192.0.2.7");
    }

    #[test]
    fn what_a_client_writes_before_its_own_address_counts_for_nothing() {
        for (said, expected) in [
            ("203.0.113.5, 192.0.2.7", "192.0.2.7"),
            ("203.0.113.5, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
            ("10.0.0.2, 192.0.2.7:4711", "192.0.2.7"),
            ("nonsense, 192.0.2.7", "192.0.2.7"),
            ("[2001:db8:1:2:3::4]:80", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(
                client("10.0.0.1", &[("x-forwarded-for", said)]),
                expected,
                "{said}"
            );
        }
        let lines = [
            ("x-forwarded-for", "203.0.113.5"),
            ("x-forwarded-for", "192.0.2.7"),
        ];
        assert_eq!(
            client("10.0.0.1", &lines),
            "192.0.2.7",
            "a line of the client's before the proxy's"
        );
    }

    #[test]
    fn what_is_malformed_or_contradicts_itself_falls_back_to_the_peer() {
        for headers in [
            &[("x-forwarded-for", "192.0.2.7, unknown")][..],
            &[("x-forwarded-for", "192.0.2.7,")],
            &[("x-forwarded-for", "10.0.0.2")],
            &[("x-forwarded-for", "")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "by=192.0.2.7")],
            &[("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=203.0.113.5")],
            &[],
        ] {
            assert_eq!(client("10.0.0.1", headers), "10.0.0.1", "{headers:?}");
        }
        let quoted = [(
            "forwarded",
            "for=203.0.113.5, For=\"[2001:db8::1]:9\";proto=https",
        )];
        assert_eq!(client("10.0.0.1", &quoted), "2001:db8::/64");
    }
}
