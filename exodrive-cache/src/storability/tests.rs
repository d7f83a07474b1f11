use std::time::Duration;

use http::{Request, Response};

use super::*;
use crate::admission::admit;
use crate::policy::CachePolicy;
use crate::tag;

type Row<'a> = (u16, &'a [(&'a str, &'a str)], Option<Unstorable>);

fn answer(status: u16, headers: &[(&str, &str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

fn verdict_under(
    policy: CachePolicy,
    answer: &Parts,
    size: &SizeHint,
) -> Result<Storable, Unstorable> {
    let policy = policy.headers(["accept-language"]);
    let policy = RoutePolicy::new("cars", policy, &mut Vec::new());
    let (request, ()) = Request::get("/").body(()).unwrap().into_parts();
    let key = policy.key(&request, &admit(&policy.policy, &request).unwrap());
    let now = SystemTime::UNIX_EPOCH;
    let exchange = Exchange {
        requested_at: now,
        answered_at: now,
        chance: 0.0,
        terms: Terms::default(),
    };
    judge(&policy, &key, &[tag!("cars")], answer, &exchange, size)
}

fn verdict(answer: &Parts, size: &SizeHint) -> Result<Storable, Unstorable> {
    let policy = CachePolicy::ttl(Duration::from_secs(60)).max_body(100);
    verdict_under(policy, answer, size)
}

#[test]
fn decides_by_the_head() {
    let many_fields: Vec<_> = (0..65).map(|_| ("x-a", "1")).collect();
    let long = "x".repeat(MAX_FIELD_BYTES);
    let rows: &[Row<'_>] = &[
        (200, &[], None),
        (200, &[("vary", "Accept-Language")], None),
        (200, &[("vary", " , accept-language ,")], None),
        (200, &[("cache-control", "public, max-age=1")], None),
        (200, &[("content-length", "100")], None),
        (201, &[], Some(Unstorable::Status)),
        (204, &[], Some(Unstorable::Status)),
        (206, &[], Some(Unstorable::Status)),
        (304, &[], Some(Unstorable::Status)),
        (404, &[], Some(Unstorable::Status)),
        (500, &[], Some(Unstorable::Status)),
        (200, &[("set-cookie", "a=1")], Some(Unstorable::SetCookie)),
        (200, &[("vary", "*")], Some(Unstorable::Vary)),
        (200, &[("vary", "Cookie")], Some(Unstorable::Vary)),
        (
            200,
            &[("vary", "accept-language"), ("vary", "origin")],
            Some(Unstorable::Vary),
        ),
        (
            200,
            &[("cache-control", "no-store")],
            Some(Unstorable::CacheControl),
        ),
        (
            200,
            &[("content-type", "Text/Event-Stream; charset=utf-8")],
            Some(Unstorable::ContentType),
        ),
        (
            200,
            &[("content-type", "application/grpc+proto")],
            Some(Unstorable::ContentType),
        ),
        (200, &[("content-length", "101")], Some(Unstorable::Body)),
        (200, &many_fields, Some(Unstorable::Headers)),
        (200, &[("x-long", &long)], Some(Unstorable::Headers)),
    ];
    for (status, headers, expected) in rows {
        let verdict = verdict(&answer(*status, headers), &SizeHint::default());
        assert_eq!(verdict.err(), *expected, "{status} {headers:?}");
    }
}

#[test]
fn knows_the_length_from_either_side() {
    let declared = answer(200, &[("content-length", "7")]);
    assert_eq!(
        verdict(&declared, &SizeHint::default()).unwrap().length,
        Some(7)
    );
    let plain = answer(200, &[]);
    assert_eq!(
        verdict(&plain, &SizeHint::with_exact(9)).unwrap().length,
        Some(9)
    );
    assert_eq!(verdict(&plain, &SizeHint::default()).unwrap().length, None);
    assert_eq!(
        verdict(&plain, &SizeHint::with_exact(101)).unwrap_err(),
        Unstorable::Body
    );
}

#[test]
fn a_transparent_cache_goes_by_what_the_answer_says() {
    let rows: &[Row<'_>] = &[
        (200, &[("cache-control", "max-age=60")], None),
        (404, &[("cache-control", "max-age=60")], None),
        (
            200,
            &[("cache-control", "max-age=60"), ("vary", "Origin")],
            None,
        ),
        (
            200,
            &[("cache-control", "max-age=60"), ("set-cookie", "a=1")],
            None,
        ),
        (
            200,
            &[("cache-control", "max-age=60"), ("vary", "*")],
            Some(Unstorable::Vary),
        ),
        (
            200,
            &[("cache-control", "private, max-age=60")],
            Some(Unstorable::CacheControl),
        ),
        (
            206,
            &[("cache-control", "max-age=60")],
            Some(Unstorable::Status),
        ),
        (201, &[], Some(Unstorable::Lifetime)),
    ];
    for (status, headers, expected) in rows {
        let answer = answer(*status, headers);
        let verdict = verdict_under(CachePolicy::rfc9111(), &answer, &SizeHint::default());
        assert_eq!(verdict.err(), *expected, "{status} {headers:?}");
    }
}

#[test]
fn gathers_tags_once_each() {
    let mut answer = answer(200, &[]);
    let own = ["car:1", "cars", "car:1"].map(Tag::new);
    answer.extensions.insert(ResponseTags::new(own));
    let storable = verdict(&answer, &SizeHint::default()).unwrap();
    assert_eq!(*storable.tags, [tag!("car:1"), tag!("cars")]);
}

#[test]
fn refuses_more_tags_than_it_can_watch() {
    let mut answer = answer(200, &[]);
    answer
        .extensions
        .insert(ResponseTags::new((0..32).map(|n| tag!("car:{n}"))));
    assert_eq!(
        verdict(&answer, &SizeHint::default()).unwrap_err(),
        Unstorable::Tags
    );
}
