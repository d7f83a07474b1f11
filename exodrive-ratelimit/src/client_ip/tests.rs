use http::Request;
use http::header::{FORWARDED, HeaderName};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const XFF: HeaderName = HeaderName::from_static("x-forwarded-for");

fn request(lines: &[(HeaderName, String)]) -> Parts {
    let mut request = Request::new(());
    for (name, value) in lines {
        let value = value.parse().unwrap();
        request.headers_mut().append(name.clone(), value);
    }
    request.into_parts().0
}

fn proxies() -> ClientIp {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
    ClientIp::trusted_proxies(networks)
}

fn client(client_ip: &ClientIp, peer: &str, xff: &[&str]) -> String {
    let lines: Vec<_> = xff.iter().map(|line| (XFF, (*line).to_owned())).collect();
    let peer = peer.parse().unwrap();
    client_ip.client(peer, &request(&lines)).to_string()
}

#[test]
fn the_peer_is_the_client_unless_it_is_a_trusted_proxy() {
    assert_eq!(
        client(&ClientIp::peer(), "10.0.0.1", &["192.0.2.1"]),
        "10.0.0.1"
    );
    assert_eq!(
        client(&proxies(), "203.0.113.9", &["192.0.2.1"]),
        "203.0.113.9"
    );
    assert_eq!(client(&proxies(), "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
    assert_eq!(
        client(&proxies(), "::ffff:10.0.0.1", &["192.0.2.1"]),
        "192.0.2.1"
    );
}

#[test]
fn walks_back_over_trusted_hops_on_all_lines() {
    for (lines, expected) in [
        (&["6.6.6.6, 192.0.2.1, 10.0.0.2"][..], "192.0.2.1"),
        (&["6.6.6.6", "192.0.2.1", "10.0.0.2,10.0.0.3"], "192.0.2.1"),
        (&["192.0.2.1, fd00::7, [fd00::8]:443"], "192.0.2.1"),
        (&["::ffff:192.0.2.1,::ffff:a00:2"], "192.0.2.1"),
        (&["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        (&[], "10.0.0.1"),
    ] {
        assert_eq!(client(&proxies(), "10.0.0.1", lines), expected, "{lines:?}");
    }
}

#[test]
fn what_is_no_address_ends_the_walk_at_the_last_trusted_hop() {
    for (lines, expected) in [
        (&["192.0.2.1, unknown, 10.0.0.2"][..], "10.0.0.2"),
        (&["192.0.2.1, , 10.0.0.2"], "10.0.0.2"),
        (&["192.0.2.1, junk"], "10.0.0.1"),
        (&[""], "10.0.0.1"),
    ] {
        assert_eq!(client(&proxies(), "10.0.0.1", lines), expected, "{lines:?}");
    }
}

#[test]
fn walks_no_more_than_32_hops() {
    let hops = |n: usize| format!("192.0.2.1{}", ", 10.0.0.2".repeat(n));
    assert_eq!(client(&proxies(), "10.0.0.1", &[&hops(31)]), "192.0.2.1");
    assert_eq!(client(&proxies(), "10.0.0.1", &[&hops(32)]), "10.0.0.2");
}

#[test]
fn reads_only_the_header_it_is_told_to() {
    let parts = request(&[
        (XFF, "192.0.2.1".to_owned()),
        (
            FORWARDED,
            "for=\"[2001:db8::1]:80\";proto=https, for=10.0.0.7".to_owned(),
        ),
    ]);
    let peer = "10.0.0.1".parse().unwrap();
    assert_eq!(proxies().client(peer, &parts).to_string(), "192.0.2.1");
    assert_eq!(
        proxies().forwarded().client(peer, &parts).to_string(),
        "2001:db8::1"
    );
}

#[test]
fn finds_the_peer_in_the_extensions() {
    let mut request = Request::new(());
    assert_eq!(peer(&request.clone().into_parts().0), None);
    let address: SocketAddr = "192.0.2.1:5".parse().unwrap();
    #[cfg(feature = "axum")]
    {
        request
            .extensions_mut()
            .insert(axum::extract::ConnectInfo(address));
        assert_eq!(peer(&request.clone().into_parts().0), Some(address.ip()));
        request.extensions_mut().clear();
    }
    request.extensions_mut().insert(Peer(address));
    assert_eq!(peer(&request.into_parts().0), Some(address.ip()));
}

#[test]
fn knows_when_anybody_is_trusted_and_when_a_proxy_is_overlooked() {
    for everybody in [
        &["::/0"][..],
        &["10.0.0.0/8", "0.0.0.0/0"],
        &["0.0.0.0/1", "128.0.0.0/1"],
    ] {
        let networks = everybody.iter().map(|network| network.parse().unwrap());
        assert!(ClientIp::trusted_proxies(networks).trusts_everybody());
    }
    assert!(!proxies().trusts_everybody());

    let forwarded = request(&[(XFF, "192.0.2.1".to_owned())]);
    assert!(ClientIp::peer().overlooks_a_proxy(&forwarded));
    assert!(!proxies().overlooks_a_proxy(&forwarded));
    assert!(!ClientIp::peer().overlooks_a_proxy(&request(&[])));
}

/// An entry of a header, and the address it stands for.
fn entry() -> impl Strategy<Value = (String, Option<IpAddr>)> {
    prop_oneof![
        3 => any::<[u8; 3]>().prop_map(|[a, b, c]| {
            let trusted = IpAddr::from([10, a, b, c]);
            (trusted.to_string(), Some(trusted))
        }),
        2 => any::<IpAddr>().prop_map(|address| (address.to_string(), Some(address))),
        1 => any::<IpAddr>().prop_map(|address| (SocketAddr::new(address, 8080).to_string(), Some(address))),
        1 => "[a-z_%\";= ]{0,12}".prop_map(|junk| (junk, None)),
    ]
}

proptest! {
    // The oracle keeps the hops as a list and never reads text.
    #[test]
    fn agrees_with_a_walk_over_the_list_of_hops(
        peer in prop_oneof![Just(IpAddr::from([10, 0, 0, 1])), any::<IpAddr>()],
        entries in vec(entry(), 0..40),
        cuts in vec(any::<bool>(), 40),
    ) {
        let mut lines: Vec<String> = Vec::new();
        for ((text, _), cut) in entries.iter().zip(cuts) {
            match lines.last_mut() {
                Some(line) if !cut => { line.push_str(", "); line.push_str(text); }
                _ => lines.push(text.clone()),
            }
        }
        let lines: Vec<_> = lines.into_iter().map(|line| (XFF, line)).collect();

        let trusted = |address: &IpAddr| match address {
            IpAddr::V4(v4) => v4.octets()[0] == 10,
            IpAddr::V6(v6) => v6.octets()[0] == 0xfd,
        };
        let mut expected = unmapped(peer);
        for (_, address) in entries.iter().rev().take(32) {
            if !trusted(&expected) { break; }
            let Some(address) = address else { break };
            expected = unmapped(*address);
        }
        prop_assert_eq!(proxies().client(peer, &request(&lines)), expected);
    }

    #[test]
    fn no_header_can_make_it_fail(xff in "[ -~]{0,80}", forwarded in "[ -~]{0,80}") {
        let parts = request(&[(XFF, xff), (FORWARDED, forwarded)]);
        let peer = IpAddr::from([10, 0, 0, 1]);
        proxies().client(peer, &parts);
        proxies().forwarded().client(peer, &parts);
    }
}
