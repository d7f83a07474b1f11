//! What may be stored.

use super::*;

fn stored(
    request: &[(&'static str, &str)],
    status: u16,
    response: &[(&'static str, &str)],
) -> Result<(), Why> {
    let status = StatusCode::from_u16(status).unwrap();
    storable(&headers(request), status, &headers(response))
}

#[test]
fn stores_what_has_a_lifetime_or_may_be_guessed_one() {
    let explicit: [(&'static str, &str); 5] = [
        ("cache-control", "max-age=60"),
        ("cache-control", "s-maxage=0"),
        ("cache-control", "public"),
        ("cdn-cache-control", "max-age=60"),
        AN_HOUR_LATER,
    ];
    for line in explicit {
        for status in [200, 201, 299, 302, 400, 403, 499, 500, 503, 599, 999] {
            assert_eq!(stored(&[], status, &[line]), Ok(()), "{status} {line:?}");
        }
    }
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        assert_eq!(stored(&[], status, &[]), Ok(()), "{status}");
    }
    for status in [201, 202, 302, 303, 307, 400, 401, 403, 500, 502, 503, 599] {
        assert_eq!(stored(&[], status, &[]), Err(Why::NotExplicit), "{status}");
    }
    let ignored = [AN_HOUR_LATER, ("cdn-cache-control", "foo")];
    assert_eq!(stored(&[], 403, &ignored), Err(Why::NotExplicit));
}

#[test]
fn never_stores_a_part_of_an_answer() {
    for status in [100, 101, 102, 103, 206, 304] {
        let public = ("cache-control", "public, max-age=60");
        assert_eq!(stored(&[], status, &[public]), Err(Why::Status), "{status}");
    }
}

#[test]
fn stores_nothing_that_either_side_forbids() {
    let max_age = ("cache-control", "max-age=60");
    let also = |value| [max_age, ("cache-control", value)];
    assert_eq!(stored(&[], 200, &also("No-Store")), Err(Why::NoStore));
    assert_eq!(stored(&[], 200, &also("private")), Err(Why::Private));
    assert_eq!(stored(&[], 200, &also("private=\"x\"")), Err(Why::Private));
    assert_eq!(stored(&[], 200, &also("no-cache")), Ok(()));
    let request = [("cache-control", "no-store")];
    assert_eq!(stored(&request, 200, &[max_age]), Err(Why::Request));
    for line in ["*", "accept, *", ", *", "b\u{fc}cher"] {
        let varying = [max_age, ("vary", line)];
        assert_eq!(stored(&[], 200, &varying), Err(Why::Vary), "{line}");
    }
    assert_eq!(stored(&[], 200, &[max_age, ("vary", "accept")]), Ok(()));
}

#[test]
fn a_targeted_field_decides_alone() {
    let cdn = |value| [("cache-control", "no-store"), ("cdn-cache-control", value)];
    assert_eq!(stored(&[], 200, &cdn("max-age=60")), Ok(()));
    assert_eq!(stored(&[], 200, &cdn("max-age=60, &")), Err(Why::NoStore));
    let forbidding = [
        ("cache-control", "max-age=60"),
        ("cdn-cache-control", "private"),
    ];
    assert_eq!(stored(&[], 200, &forbidding), Err(Why::Private));
}

#[test]
fn an_authorized_answer_is_for_others_only_if_it_says_so() {
    let request = [("authorization", "Basic eDp5")];
    let answer = |value| stored(&request, 200, &[("cache-control", value)]);
    assert_eq!(answer("max-age=60"), Err(Why::Authorization));
    assert_eq!(
        answer("max-age=60, proxy-revalidate"),
        Err(Why::Authorization)
    );
    assert_eq!(answer("max-age=60, public"), Ok(()));
    assert_eq!(answer("max-age=60, must-revalidate"), Ok(()));
    assert_eq!(answer("s-maxage=60"), Ok(()));
    assert_eq!(
        stored(&request, 200, &[AN_HOUR_LATER]),
        Err(Why::Authorization)
    );
}

#[test]
fn who_understands_the_status_may_store_what_others_may_not() {
    let line = ("cache-control", "max-age=60, no-store, must-understand");
    let bare = ("cache-control", "max-age=60, must-understand");
    let mut understood = Vec::new();
    for status in 200..=999 {
        let verdict = stored(&[], status, &[line]);
        assert_eq!(stored(&[], status, &[bare]), verdict, "{status}");
        match verdict {
            Ok(()) => understood.push(status),
            Err(why) => assert!(matches!(why, Why::NotUnderstood | Why::Status), "{status}"),
        }
    }
    let statuses = [
        200..=205,
        300..=303,
        307..=308,
        400..=417,
        421..=422,
        426..=426,
        500..=505,
    ];
    assert_eq!(
        understood,
        statuses.into_iter().flatten().collect::<Vec<u16>>()
    );
}
