//! Two requests share an answer if and only if they are equal in every keyed input, and the handler saw nothing else.
#![no_main]

use std::cell::Cell;

use bytes::Bytes;
use exodrive_fuzz::{Route, policy};
use http::Request;
use http_body_util::Empty;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static ROUTE: Route = Route::new(policy().query(["a", "b"]).headers(["x-key"]));
    /// Keeps what one run stores apart from what others do.
    static RUN: Cell<u64> = const { Cell::new(0) };
}

type Input<'a> = (&'a str, &'a str, Vec<&'a [u8]>, &'a [u8]);

fn request(run: u64, (host, target, keyed, unkeyed): &Input<'_>) -> Option<Request<Empty<Bytes>>> {
    let mut request = Request::get(format!("/{target}")).header("host", format!("{run}-{host}"));
    for value in keyed {
        request = request.header("x-key", *value);
    }
    request.header("x-other", *unkeyed).body(Empty::new()).ok()
}

/// What the key is made of, as a tuple.
fn inputs(request: &Request<Empty<Bytes>>) -> (Vec<u8>, String, Vec<String>, Vec<Vec<u8>>) {
    let host = request.headers()["host"].as_bytes().to_ascii_lowercase();
    let query = request.uri().query().unwrap_or_default();
    let named = |wanted: &str| {
        let pairs = query.split('&').filter(move |pair| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            name == wanted
        });
        pairs.map(str::to_owned).collect::<Vec<_>>()
    };
    let keyed = request.headers().get_all("x-key").iter();
    let keyed = keyed.map(|value| value.as_bytes().trim_ascii().to_vec());
    let pairs = [named("a"), named("b")].concat();
    (
        host,
        request.uri().path().to_owned(),
        pairs,
        keyed.collect(),
    )
}

fuzz_target!(|input: (Input<'_>, Input<'_>)| {
    let run = RUN.replace(RUN.get() + 1);
    let (Some(one), Some(two)) = (request(run, &input.0), request(run, &input.1)) else {
        return;
    };
    let equal = inputs(&one) == inputs(&two);
    ROUTE.with(|route| {
        let (first, second) = (route.ask(one), route.ask(two));
        match (&*first.state, &*second.state) {
            // Over the bounds of a query, or no host that could be one.
            ("BYPASS", _) | (_, "BYPASS") => {}
            ("MISS", state) => {
                assert_eq!(state == "HIT", equal, "{first:?} {second:?}");
                assert_eq!(first.body == second.body && state == "HIT", equal);
                assert!(!first.body.windows(7).any(|window| window == b"x-other"));
            }
            states => panic!("{states:?}"),
        }
    });
});
