//! Which address a request really comes from.
//!
//! Anyone can write anything into a forwarding header; only what a known proxy added to it is true. The walk therefore
//! starts at the socket's peer and goes back, hop by hop, for as long as the hop that vouches for the next one is
//! trusted.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use ipnet::IpNet;

use crate::Subject;
use crate::control::Whom;
use crate::forwarded::{Hop, X_FORWARDED_FOR, forwarded, x_forwarded_for};
use crate::mistake::Mistake;
use crate::subject::{IPV6_PREFIX, unmapped};

/// How many hops are walked at most; a longer list is a forgery or a loop.
const HOPS: usize = 32;

/// The other end of the connection a request came in on, as a request extension.
///
/// Servers that do not say it in a way the crate knows (with feature `axum`, `axum::extract::ConnectInfo`) insert it
/// themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an address in the open, as servers hand it out"
)]
pub struct Peer(pub SocketAddr);

/// How the client's address is found.
///
/// Defaults to [`peer`](Self::peer), which no client can forge.
#[derive(Clone, Debug)]
pub struct ClientIp {
    trusted: Vec<IpNet>,
    header: Header,
    ipv6_prefix: u8,
}

#[derive(Clone, Copy, Debug)]
enum Header {
    XForwardedFor,
    Forwarded,
}

impl Default for ClientIp {
    fn default() -> Self {
        Self::peer()
    }
}

impl ClientIp {
    /// The client is the other end of the connection. Right where no proxy stands before the service.
    pub const fn peer() -> Self {
        Self {
            trusted: Vec::new(),
            header: Header::XForwardedFor,
            ipv6_prefix: IPV6_PREFIX,
        }
    }

    /// Proxies in these networks are believed about whom they forward for.
    ///
    /// If the peer is one of them, the `X-Forwarded-For` lines are read as one list from right to left and the first
    /// address outside the networks is the client. An entry that is no address ends the walk at the last trusted hop,
    /// as does the 32nd.
    ///
    /// Every proxy in the networks must append to the header, never pass it on as it came.
    ///
    /// ```
    /// use exodrive_ratelimit::ClientIp;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client_ip = ClientIp::trusted_proxies(["10.0.0.0/8".parse()?, "fd00::/8".parse()?]);
    /// # let _ = client_ip;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trusted_proxies(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            trusted: networks.into_iter().collect(),
            ..Self::peer()
        }
    }

    /// Reads `Forwarded` (RFC 7239) in place of `X-Forwarded-For`.
    #[must_use]
    pub const fn forwarded(mut self) -> Self {
        self.header = Header::Forwarded;
        self
    }

    /// How many bits of an IPv6 address tell clients apart, from 32 to 128. Defaults to 64.
    #[must_use]
    pub const fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.ipv6_prefix = bits;
        self
    }

    pub(crate) fn mistake(&self) -> Option<Mistake> {
        (!(32..=128).contains(&self.ipv6_prefix)).then_some(Mistake::Ipv6Prefix(self.ipv6_prefix))
    }

    /// Whether anybody at all is believed, so that every client can choose its own address.
    pub(crate) fn trusts_everybody(&self) -> bool {
        let together = IpNet::aggregate(&self.trusted);
        together.iter().any(|network| network.prefix_len() == 0)
    }

    /// Whether the request came through a proxy that nobody told us to trust.
    pub(crate) fn overlooks_a_proxy(&self, parts: &Parts) -> bool {
        self.trusted.is_empty()
            && (parts.headers.contains_key(&X_FORWARDED_FOR)
                || parts.headers.contains_key(http::header::FORWARDED))
    }

    /// The subject of a client, given its address.
    pub(crate) fn subject(&self, client: IpAddr) -> Subject {
        Subject::ip_prefix(client, self.ipv6_prefix)
    }

    /// The subject as lists name it.
    pub(crate) fn whom(&self, subject: &Subject) -> Whom {
        Whom::subject(subject, self.ipv6_prefix)
    }

    /// The client's address, given the request's peer.
    pub(crate) fn client(&self, peer: IpAddr, parts: &Parts) -> IpAddr {
        let peer = unmapped(peer);
        if !self.trusts(peer) {
            return peer;
        }
        match self.header {
            Header::XForwardedFor => self.walk(peer, x_forwarded_for(&parts.headers)),
            Header::Forwarded => self.walk(peer, forwarded(&parts.headers)),
        }
    }

    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Hop>) -> IpAddr {
        let mut last = peer;
        for hop in hops.take(HOPS) {
            let Hop::Address(address) = hop else { break };
            last = unmapped(address);
            if !self.trusts(last) {
                break;
            }
        }
        last
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// The other end of the connection, from the request's extensions.
pub(crate) fn peer(parts: &Parts) -> Option<IpAddr> {
    if let Some(Peer(address)) = parts.extensions.get() {
        return Some(address.ip());
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) = parts
        .extensions
        .get::<axum::extract::ConnectInfo<SocketAddr>>()
    {
        return Some(address.ip());
    }
    None
}

#[cfg(test)]
mod tests;
