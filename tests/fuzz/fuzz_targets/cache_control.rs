//! Whatever an answer's `Cache-Control` says, it is stored if and only if no directive forbids it.
#![no_main]

use std::cell::Cell;

use exodrive_fuzz::{Answer, Route, members, policy};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::Empty;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static ROUTE: Route = Route::new(policy());
    static RFC9111: Route = Route::new(exodrive_cache::CachePolicy::rfc9111());
    static RUN: Cell<u64> = const { Cell::new(0) };
}

/// Returns whether a directive forbids it, or `None` if the field is not well-formed.
fn forbids(lines: &[&[u8]]) -> Option<bool> {
    let mut forbids = false;
    for line in lines {
        for member in members(line)? {
            let name = member.split(|byte| *byte == b'=').next()?.trim_ascii_end();
            let is_token =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
            if !name.iter().all(is_token) {
                return None;
            }
            forbids |= [&b"no-store"[..], b"private", b"no-cache"]
                .iter()
                .any(|forbidden| name.eq_ignore_ascii_case(forbidden));
        }
    }
    Some(forbids)
}

fuzz_target!(|lines: Vec<&[u8]>| {
    let run = RUN.replace(RUN.get() + 1);
    let mut headers = HeaderMap::new();
    for line in lines.iter().take(8) {
        let Ok(value) = HeaderValue::from_bytes(line) else {
            return;
        };
        headers.append(CACHE_CONTROL, value);
    }
    let request = || {
        let request = Request::get(format!("/{run}")).extension(Answer(headers.clone()));
        request.body(Empty::new()).expect("the path is one")
    };
    RFC9111.with(|route| route.ask(request()));
    ROUTE.with(|route| {
        route.ask(request());
        let second = route.ask(request());
        let lines = &lines[..lines.len().min(8)];
        if let Some(forbids) = forbids(lines)
            && lines.iter().map(|line| line.len()).sum::<usize>() < 1 << 13
        {
            assert_eq!(second.state == "MISS", forbids, "{headers:?}");
        }
    });
});
