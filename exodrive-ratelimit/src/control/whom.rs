//! Whom an order is about.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{AddrParseError, IpNet};

use crate::Subject;
use crate::subject::{IPV6_PREFIX, unmapped};
use crate::written::written;

/// Whom a list names: a network, or one subject that is no address.
///
/// An address is the network of it alone, an IPv6 address its /64. `Display` and what is kept of it show no API key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Whom(pub(super) Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Network(IpNet),
    /// In the form in which keys name it.
    Named(Box<str>),
}

pub(super) const NETWORK: &str = "net/";

impl Whom {
    /// The subject; an address of version 6 stands for the network of so many bits.
    pub(crate) fn subject(subject: &Subject, ipv6_prefix: u8) -> Self {
        Self(match subject.address() {
            Some(address) => Kind::Network(network(address, ipv6_prefix)),
            None => Kind::Named(written(subject).into()),
        })
    }

    /// The word that stands for it where it is kept.
    pub(super) fn word(&self) -> String {
        match &self.0 {
            Kind::Network(network) => format!("{NETWORK}{network}"),
            Kind::Named(name) => name.to_string(),
        }
    }
}

/// The network of an address by itself, without what is left of the network's bits.
fn network(address: IpAddr, ipv6_prefix: u8) -> IpNet {
    let address = unmapped(address);
    let bits = if address.is_ipv4() { 32 } else { ipv6_prefix };
    IpNet::new(address, bits).map_or_else(|_| address.into(), |network| network.trunc())
}

impl From<IpNet> for Whom {
    fn from(network: IpNet) -> Self {
        Self(Kind::Network(network.trunc()))
    }
}

impl From<IpAddr> for Whom {
    fn from(address: IpAddr) -> Self {
        Self(Kind::Network(network(address, IPV6_PREFIX)))
    }
}

impl From<Subject> for Whom {
    fn from(subject: Subject) -> Self {
        Self::subject(&subject, IPV6_PREFIX)
    }
}

/// Reads a network, such as `192.0.2.0/24`.
impl FromStr for Whom {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.parse().map(|network: IpNet| network.into())
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Network(network) => network.fmt(f),
            Kind::Named(name) => f.write_str(name),
        }
    }
}
