//! Two requests share a variant if and only if they are equal in every field that `Vary` names.
#![no_main]

use std::cell::Cell;

use bytes::Bytes;
use exodrive_cache::CachePolicy;
use exodrive_fuzz::{Answer, Route, members};
use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::Empty;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static ROUTE: Route = Route::new(CachePolicy::rfc9111());
    static RUN: Cell<u64> = const { Cell::new(0) };
}

/// The fields that requests have.
const FIELDS: [&str; 2] = ["a", "b"];

/// A field in normal form: its members without the whitespace around them.
fn normal<'a>(lines: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
    let members: Option<Vec<_>> = lines.iter().map(|line| members(line)).collect();
    Some(members?.concat())
}

type Fields<'a> = [Vec<&'a [u8]>; 2];

fn request(run: u64, fields: &Fields<'_>, answer: &HeaderMap) -> Option<Request<Empty<Bytes>>> {
    let mut request = Request::get(format!("/{run}")).extension(Answer(answer.clone()));
    for (name, lines) in FIELDS.iter().zip(fields) {
        for line in lines.iter().take(4) {
            request = request.header(*name, *line);
        }
    }
    request.body(Empty::new()).ok()
}

fuzz_target!(|input: (&[u8], Fields<'_>, Fields<'_>)| {
    let (vary, one, two) = input;
    let run = RUN.replace(RUN.get() + 1);
    let Ok(value) = HeaderValue::from_bytes(vary) else {
        return;
    };
    let max_age = HeaderValue::from_static("max-age=60");
    let answer = HeaderMap::from_iter([(CACHE_CONTROL, max_age), (VARY, value)]);
    let asked = (request(run, &one, &answer), request(run, &two, &answer));
    let (Some(first), Some(second)) = asked else {
        return;
    };
    let second = ROUTE.with(|route| {
        assert_eq!(route.ask(first).state, "MISS");
        route.ask(second)
    });
    if vary.len() > 1 << 13 {
        return;
    }

    let names = vary.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let mut shares = true;
    for name in names.filter(|name| !name.is_empty()) {
        let Ok(name) = HeaderName::from_bytes(name) else {
            // What is no name may have been meant as one.
            shares = false;
            continue;
        };
        if name == "*" {
            shares = false;
        }
        let Some(field) = FIELDS.iter().position(|field| name == *field) else {
            continue;
        };
        let [one, two] = [&one, &two].map(|fields| &fields[field][..fields[field].len().min(4)]);
        match (normal(one), normal(two)) {
            (Some(one), Some(two)) => shares &= one == two,
            // Where a quoted string does not end is for nobody to say.
            _ => return,
        }
        shares &= one.is_empty() == two.is_empty();
    }
    assert_eq!(second.state == "HIT", shares, "{vary:?} {one:?} {two:?}");
});
