//! Reading forwarding headers from right to left.
//!
//! The right end is what the nearest proxy wrote, the left end is what the client made up. Reading from the right
//! means that nothing the client wrote, an open quotation mark included, can change how a proxy's part is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use http::header::{FORWARDED, HeaderMap, HeaderName};

/// The older header, which no RFC describes and most proxies write.
pub(crate) static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// One entry of a forwarding header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    Address(IpAddr),
    /// No address: malformed, hidden or unknown.
    Obscure,
}

/// The entries of all `X-Forwarded-For` lines as one list, last first.
pub(crate) fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Hop> {
    headers
        .get_all(&X_FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','))
        .map(|entry| node(entry.trim_ascii()))
}

/// The elements of all `Forwarded` lines as one list, last first.
pub(crate) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Hop> {
    headers
        .get_all(FORWARDED)
        .iter()
        .rev()
        .flat_map(|line| split_from_the_right(line.as_bytes(), b','))
        .map(forwarded_for)
}

/// The `for` parameter of one element. RFC 7239 section 4: names are case-insensitive, and each occurs at most once.
fn forwarded_for(element: &[u8]) -> Hop {
    let mut found = Hop::Obscure;
    let mut seen = false;
    for pair in split_from_the_right(element, b';') {
        let pair = pair.trim_ascii();
        let Some((name, value)) = pair.split_at_checked(4) else {
            continue;
        };
        if !name.eq_ignore_ascii_case(b"for=") {
            continue;
        }
        if seen {
            return Hop::Obscure;
        }
        seen = true;
        found = node(unquoted(value));
    }
    found
}

/// What stands between two quotation marks, or the token itself. Addresses need no escapes, so none are undone.
fn unquoted(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(value)
}

/// The parts between separators that stand outside of quotation marks, last first.
fn split_from_the_right(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let cut = text.iter().rposition(|&byte| {
            quoted ^= byte == b'"';
            byte == separator && !quoted
        });
        let Some(cut) = cut else {
            rest = None;
            return Some(text);
        };
        rest = Some(&text[..cut]);
        Some(&text[cut + 1..])
    })
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets or a zone.
fn node(entry: &[u8]) -> Hop {
    let address = std::str::from_utf8(entry).ok().and_then(|entry| {
        ipv4(entry)
            .map(IpAddr::V4)
            .or_else(|| ipv6(entry).map(IpAddr::V6))
    });
    address.map_or(Hop::Obscure, Hop::Address)
}

fn ipv4(entry: &str) -> Option<Ipv4Addr> {
    entry
        .parse()
        .ok()
        .or_else(|| Some(*entry.parse::<SocketAddrV4>().ok()?.ip()))
}

fn ipv6(entry: &str) -> Option<Ipv6Addr> {
    let bare = match entry.strip_prefix('[') {
        None => entry,
        Some(rest) => {
            let (bare, port) = rest.split_once(']')?;
            let port_is_fine = port
                .strip_prefix(':')
                .map_or(port.is_empty(), |port| port.parse::<u16>().is_ok());
            if !port_is_fine {
                return None;
            }
            bare
        }
    };
    let (address, _zone) = bare.split_once('%').unwrap_or((bare, ""));
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Hop {
        Hop::Address(text.parse().unwrap())
    }

    #[test]
    fn reads_addresses_as_proxies_write_them() {
        for (written, meant) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]:80", "fe80::1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ] {
            assert_eq!(node(written.as_bytes()), address(meant), "{written}");
        }
        for nonsense in [
            "",
            "unknown",
            "_hidden",
            "192.0.2.1.5",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:99999",
            "[2001:db8::1",
            "[2001:db8::1]x",
            "[2001:db8::1]:",
            "[192.0.2.1]",
            "2001:db8::1 2001:db8::2",
            "\u{1f980}",
        ] {
            assert_eq!(node(nonsense.as_bytes()), Hop::Obscure, "{nonsense}");
        }
    }

    fn all_forwarded(lines: &[&str]) -> Vec<Hop> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, line.parse().unwrap());
        }
        forwarded(&headers).collect()
    }

    #[test]
    fn reads_forwarded_elements_from_the_right() {
        assert_eq!(
            all_forwarded(&[
                r#"for=192.0.2.43, FOR="[2001:db8:cafe::17]:4711""#,
                "for=192.0.2.60;proto=http;by=203.0.113.43",
            ]),
            [
                address("192.0.2.60"),
                address("2001:db8:cafe::17"),
                address("192.0.2.43"),
            ]
        );
        let nobody = r#"for=_gazonk, proto=http, for=unknown, for=1.2.3.4;for=1.2.3.4, for=""#;
        assert_eq!(all_forwarded(&[nobody, "for=x"]), [Hop::Obscure; 2]);
        let nobody = "for=_gazonk, proto=http, for=unknown, for=1.2.3.4;for=1.2.3.4, for=";
        assert_eq!(all_forwarded(&[nobody]), [Hop::Obscure; 5]);
    }

    #[test]
    fn a_quotation_mark_left_open_by_the_client_hides_no_proxy() {
        for forged in [r#"for="evil"#, r#"for="a\"b"#, r#"""#, r#"for="x, for="y"#] {
            let line = format!(r#"{forged}, for="[2001:db8::1]:80";proto=https, for=192.0.2.1"#);
            assert_eq!(
                all_forwarded(&[&line])[..2],
                [address("192.0.2.1"), address("2001:db8::1")],
                "{line}"
            );
        }
    }
}
