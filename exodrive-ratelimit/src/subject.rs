//! Whose requests are counted.

mod short;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use self::short::Short;

/// How many bits of an IPv6 address tell clients apart unless said otherwise: one network gets one quota.
pub(crate) const IPV6_PREFIX: u8 = 64;

/// Whoever a limit counts for: an address, a user, an API key or something of the application's own.
///
/// Subjects of different kinds never collide, whatever their ids: `Subject::user("10.0.0.1")` is not the address.
/// Cloning is cheap, and so is making one: ids of up to 37 bytes are not allocated. `Debug` and `Display` keep API keys to themselves.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject(Kind);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    Ip(IpAddr),
    Short(Named, Short),
    Long(Named, Arc<str>),
    Custom(Arc<Custom>),
}

/// What an id by itself is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    User,
    ApiKey,
}

/// Behind one pointer, for a subject is moved about more often than it is made.
#[derive(PartialEq, Eq, Hash)]
struct Custom {
    kind: &'static str,
    id: Box<str>,
}

/// What kind of subject a part of one belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Ipv4,
    Ipv6,
    User,
    ApiKey,
    Custom,
}

impl Subject {
    /// A client known by its address.
    ///
    /// IPv4 addresses written as IPv6 (`::ffff:0:0/96` and `64:ff9b::/96`) are the IPv4 addresses they carry; other IPv6
    /// addresses are counted by their /64, since a single client is usually given that many.
    pub fn ip(address: IpAddr) -> Self {
        Self::ip_prefix(address, IPV6_PREFIX)
    }

    /// The same with another length of prefix for IPv6.
    pub(crate) fn ip_prefix(address: IpAddr, ipv6_prefix: u8) -> Self {
        Self(Kind::Ip(match unmapped(address) {
            IpAddr::V6(address) => {
                let host_bits = 128_u32.saturating_sub(u32::from(ipv6_prefix));
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
            v4 @ IpAddr::V4(_) => v4,
        }))
    }

    /// A signed-in user.
    pub fn user(id: impl AsRef<str>) -> Self {
        Self::named(Named::User, id.as_ref())
    }

    /// A client known by its API key.
    pub fn api_key(key: impl AsRef<str>) -> Self {
        Self::named(Named::ApiKey, key.as_ref())
    }

    #[inline]
    fn named(named: Named, id: &str) -> Self {
        Self(match Short::new(id) {
            Some(id) => Kind::Short(named, id),
            None => Kind::Long(named, id.into()),
        })
    }

    /// Something of the application's own: a tenant, a route, a phone number.
    pub fn custom(kind: &'static str, id: impl AsRef<str>) -> Self {
        let id = id.as_ref().into();
        Self(Kind::Custom(Arc::new(Custom { kind, id })))
    }

    /// What kind of subject this is: `ip`, `user`, `api key` or the name of a custom kind.
    pub fn kind(&self) -> &str {
        match &self.0 {
            Kind::Ip(_) => "ip",
            Kind::Short(Named::User, _) | Kind::Long(Named::User, _) => "user",
            Kind::Short(Named::ApiKey, _) | Kind::Long(Named::ApiKey, _) => "api key",
            Kind::Custom(custom) => custom.kind,
        }
    }

    pub(crate) fn is_ip(&self) -> bool {
        self.address().is_some()
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.0, Kind::Custom(_))
    }

    /// The address, if that is what the subject is; of version 6 its prefix alone.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Kind::Ip(address) => Some(address),
            _ => None,
        }
    }

    /// Hands over what identifies the subject: a tag for its kind, and parts that tell it from others of the kind.
    #[inline]
    pub(crate) fn visit(&self, mut part: impl FnMut(Tag, &[u8])) {
        match &self.0 {
            Kind::Ip(IpAddr::V4(address)) => part(Tag::Ipv4, &address.octets()),
            Kind::Ip(IpAddr::V6(address)) => part(Tag::Ipv6, &address.octets()),
            Kind::Short(named, id) => part(named.tag(), id.as_bytes()),
            Kind::Long(named, id) => part(named.tag(), id.as_bytes()),
            Kind::Custom(custom) => {
                part(Tag::Custom, custom.kind.as_bytes());
                part(Tag::Custom, custom.id.as_bytes());
            }
        }
    }
}

impl Named {
    const fn tag(self) -> Tag {
        match self {
            Self::User => Tag::User,
            Self::ApiKey => Tag::ApiKey,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Ip(address) => write!(f, "ip {address}"),
            Kind::Short(Named::User, id) => write!(f, "user {}", id.as_str()),
            Kind::Long(Named::User, id) => write!(f, "user {id}"),
            Kind::Short(Named::ApiKey, _) | Kind::Long(Named::ApiKey, _) => {
                f.write_str("api key (hidden)")
            }
            Kind::Custom(custom) => write!(f, "{} {}", custom.kind, custom.id),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}

/// The address with IPv4 taken out of its IPv6 wrappings, by the bits and not by how it was written.
///
/// RFC 4291 section 2.5.5.2 (IPv4-mapped) and RFC 6052 section 2.1 (the well-known prefix of NAT64).
pub(crate) fn unmapped(address: IpAddr) -> IpAddr {
    const NAT64: u128 = 0x0064_ff9b << 96;
    match address.to_canonical() {
        IpAddr::V6(v6) if v6.to_bits() >> 32 == NAT64 >> 32 => {
            IpAddr::V4(Ipv4Addr::from_bits(v6.to_bits() as u32))
        }
        canonical => canonical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Subject {
        Subject::ip(text.parse().unwrap())
    }

    #[test]
    fn takes_ipv4_out_of_ipv6_by_its_bits() {
        let plain = ip("1.2.3.4");
        for wrapped in [
            "::ffff:1.2.3.4",
            "::ffff:102:304",
            "64:ff9b::1.2.3.4",
            "64:ff9b::102:304",
        ] {
            assert_eq!(ip(wrapped), plain, "{wrapped}");
        }
        for other in [
            "::1.2.3.4",
            "64:ff9b:1::102:304",
            "64:ff9c::102:304",
            "1.2.3.5",
        ] {
            assert_ne!(ip(other), plain, "{other}");
        }
    }

    #[test]
    fn counts_ipv6_by_its_prefix_and_ipv4_whole() {
        assert_eq!(ip("2001:db8:1:2:3::4"), ip("2001:db8:1:2:ffff::"));
        assert_ne!(ip("2001:db8:1:2::"), ip("2001:db8:1:3::"));
        assert_ne!(ip("10.0.0.1"), ip("10.0.0.2"));

        let a = "2001:db8:1:2::1".parse().unwrap();
        let b = "2001:db8:1:3::1".parse().unwrap();
        assert_eq!(Subject::ip_prefix(a, 48), Subject::ip_prefix(b, 48));
        assert_ne!(Subject::ip_prefix(a, 128), Subject::ip_prefix(b, 128));
    }

    #[test]
    fn kinds_never_collide() {
        let id = "10.0.0.1";
        let all = [
            ip(id),
            Subject::user(id),
            Subject::api_key(id),
            Subject::custom("user", id),
            Subject::custom("tenant", id),
        ];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }

    #[test]
    fn ids_of_any_length_are_told_apart() {
        let ids = [1, 36, 37, 38, 300].map(|length| "x".repeat(length));
        for id in &ids {
            assert_eq!(Subject::user(id).to_string(), format!("user {id}"));
            assert_ne!(Subject::user(id), Subject::api_key(id));
            let same = ids
                .iter()
                .filter(|other| Subject::user(other) == Subject::user(id));
            assert_eq!(same.count(), 1);
        }
    }

    #[test]
    fn never_shows_an_api_key() {
        for key in ["sk-very-secret", &"secret".repeat(10)] {
            let shown = format!("{0} {0:?}", Subject::api_key(key));
            assert!(!shown.contains("secret"));
        }
    }
}
