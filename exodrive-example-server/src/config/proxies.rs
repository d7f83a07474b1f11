use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The networks of the proxies in front of the server. Defaults to none, which believes no forwarded address.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The networks, in the order they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IpNet> {
        self.0.iter().copied()
    }
}

/// Reads CIDRs separated by commas; an address alone is the network of that address.
impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim);
        let networks = entries.filter(|entry| !entry.is_empty()).map(|entry| {
            let network = entry.parse().or_else(|_| entry.parse().map(IpAddr::into));
            network.map_err(|_| {
                format!(
                    "'{entry}' is not a network; write CIDRs separated by commas, for example 10.0.0.0/8,fd00::/8"
                )
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, network) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_networks_and_addresses_and_writes_them_back() {
        let proxies: TrustedProxies = "10.0.0.0/8, 192.0.2.7,fd00::/8,".parse().unwrap();
        assert_eq!(proxies.to_string(), "10.0.0.0/8,192.0.2.7/32,fd00::/8");
        assert_eq!(proxies.iter().len(), 3);
    }

    #[test]
    fn trusts_nobody_when_empty() {
        assert_eq!("".parse(), Ok(TrustedProxies::default()));
    }

    #[test]
    fn names_the_entry_that_is_no_network() {
        for wrong in ["10.0.0.0/33", "proxy.internal", "10.0.0"] {
            let error = format!("10.0.0.0/8,{wrong}")
                .parse::<TrustedProxies>()
                .unwrap_err();
            assert!(error.starts_with(&format!("'{wrong}' is not")), "{error}");
        }
    }
}
