//! A shared cache after RFC 9111.

use exodrive_cache::CachePolicy;

use super::table::{Lines, Row, check};

/// Statuses, and whether a cache may guess how long an answer is fresh (RFC 9110, section 15.1).
const STATUSES: [(u16, bool); 19] = [
    (200, true),
    (201, false),
    (202, false),
    (203, true),
    (204, true),
    (300, true),
    (301, true),
    (302, false),
    (303, false),
    (307, false),
    (308, true),
    (400, false),
    (403, false),
    (404, true),
    (405, true),
    (410, true),
    (414, true),
    (418, false),
    (501, true),
];

/// How long an answer says that it is fresh.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fresh {
    /// For some time.
    Explicitly,
    /// For as long as may be guessed, where guessing is allowed.
    Guessed,
    /// For as long as may be guessed, whatever the status.
    GuessedAnyway,
    /// Not at all, or it must not be stored.
    Never,
}
use Fresh::{Explicitly, Guessed, GuessedAnyway, Never};

/// Whether the answer to a request with `Authorization` may be given to others (RFC 9111, section 3.5).
const SHAREABLE: bool = true;
const PERSONAL: bool = false;

const ANSWERS: [(Lines, Fresh, bool, &str); 34] = [
    (
        &[],
        Never,
        PERSONAL,
        "RFC 9111, section 4.2: nothing to go by",
    ),
    (
        &[("cache-control", "max-age=60")],
        Explicitly,
        PERSONAL,
        "section 5.2.2.1",
    ),
    (
        &[("cache-control", "MAX-AGE=60")],
        Explicitly,
        PERSONAL,
        "section 5.2",
    ),
    (
        &[("cache-control", "max-age=\"60\"")],
        Explicitly,
        PERSONAL,
        "section 5.2",
    ),
    (
        &[("cache-control", "max-age=0")],
        Never,
        PERSONAL,
        "section 4.2",
    ),
    (
        &[("cache-control", "max-age=-1")],
        Never,
        PERSONAL,
        "section 4.2.1: invalid is stale",
    ),
    (
        &[("cache-control", "max-age=x")],
        Never,
        PERSONAL,
        "section 4.2.1: invalid is stale",
    ),
    (
        &[("cache-control", "max-age=99999999999999")],
        Explicitly,
        PERSONAL,
        "section 1.2.2",
    ),
    (
        &[("cache-control", "s-maxage=60")],
        Explicitly,
        SHAREABLE,
        "section 5.2.2.10",
    ),
    (
        &[("cache-control", "s-maxage=60, max-age=0")],
        Explicitly,
        SHAREABLE,
        "section 5.2.2.10",
    ),
    (
        &[("cache-control", "s-maxage=0, max-age=60")],
        Never,
        SHAREABLE,
        "section 5.2.2.10",
    ),
    (
        &[("cache-control", "public, max-age=60")],
        Explicitly,
        SHAREABLE,
        "section 5.2.2.9",
    ),
    (
        &[("cache-control", "public")],
        Never,
        SHAREABLE,
        "section 4.2: nothing to go by",
    ),
    (
        &[("cache-control", "must-revalidate, max-age=60")],
        Explicitly,
        SHAREABLE,
        "section 3.5",
    ),
    (
        &[("cache-control", "proxy-revalidate, max-age=60")],
        Explicitly,
        PERSONAL,
        "section 3.5",
    ),
    (
        &[("cache-control", "no-store")],
        Never,
        PERSONAL,
        "section 5.2.2.5",
    ),
    (
        &[("cache-control", "max-age=60, no-store")],
        Never,
        PERSONAL,
        "section 5.2.2.5",
    ),
    (
        &[
            ("cache-control", "max-age=60"),
            ("cache-control", "no-store"),
        ],
        Never,
        PERSONAL,
        "several lines",
    ),
    (
        &[("cache-control", "max-age=60, private")],
        Never,
        PERSONAL,
        "section 5.2.2.7",
    ),
    (
        &[("cache-control", "max-age=60, no-cache")],
        Never,
        PERSONAL,
        "section 5.2.2.4",
    ),
    (
        &[("cache-control", "max-age=60, x=\"no-store, private\"")],
        Explicitly,
        PERSONAL,
        "section 5.2.3",
    ),
    (
        &[("cache-control", "max-age=60"), ("set-cookie", "a=1")],
        Explicitly,
        PERSONAL,
        "section 7.3",
    ),
    (
        &[("cache-control", "max-age=60"), ("vary", "*")],
        Never,
        PERSONAL,
        "section 4.1",
    ),
    (
        &[("cache-control", "max-age=60"), ("vary", "accept, *")],
        Never,
        PERSONAL,
        "section 4.1",
    ),
    (
        &[("cache-control", "max-age=60"), ("vary", "accept")],
        Explicitly,
        PERSONAL,
        "section 4.1",
    ),
    (
        &[("cache-control", "max-age=60"), ("age", "60")],
        Never,
        PERSONAL,
        "section 4.2.3",
    ),
    (
        &[("cache-control", "max-age=60"), ("age", "3")],
        Explicitly,
        PERSONAL,
        "section 4.2.3",
    ),
    (
        &[("expires", "Fri, 01 Jan 2100 00:00:00 GMT")],
        Explicitly,
        PERSONAL,
        "section 5.3",
    ),
    (
        &[("expires", "Thu, 01 Jan 1970 00:00:00 GMT")],
        Never,
        PERSONAL,
        "section 5.3",
    ),
    (
        &[("expires", "0")],
        Never,
        PERSONAL,
        "section 5.3: invalid is past",
    ),
    (
        &[
            ("cache-control", "no-store"),
            ("cdn-cache-control", "max-age=60"),
        ],
        Explicitly,
        PERSONAL,
        "RFC 9213, section 2.2",
    ),
    (
        &[
            ("cache-control", "max-age=60"),
            ("cdn-cache-control", "no-store"),
        ],
        Never,
        PERSONAL,
        "RFC 9213, section 2.2",
    ),
    (
        &[("last-modified", "Sat, 01 Jan 2000 00:00:00 GMT")],
        Guessed,
        PERSONAL,
        "section 4.2.2",
    ),
    (
        &[
            ("last-modified", "Sat, 01 Jan 2000 00:00:00 GMT"),
            ("cache-control", "public"),
        ],
        GuessedAnyway,
        SHAREABLE,
        "section 4.2.2",
    ),
];

fn rows(authorized: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (status, guessable) in STATUSES {
        for (lines, fresh, shareable, source) in ANSWERS {
            let fresh = match fresh {
                Explicitly | GuessedAnyway => true,
                Guessed => guessable,
                Never => false,
            };
            let hits = fresh && (shareable || !authorized);
            let request = [("authorization", "Bearer x")];
            rows.push(Row {
                method: "GET",
                request: request.into_iter().filter(|_| authorized).collect(),
                status,
                answer: lines.to_vec(),
                expected: ["MISS", if hits { "HIT" } else { "MISS" }],
                source: source.to_owned(),
            });
        }
    }
    rows
}

#[tokio::test]
async fn the_answer_decides() {
    let rows = rows(false);
    assert_eq!(rows.len(), 646);
    check(&CachePolicy::rfc9111(), &rows).await;
}

#[tokio::test]
async fn an_authorized_answer_is_for_others_only_if_it_says_so() {
    check(&CachePolicy::rfc9111(), &rows(true)).await;
}

/// Exchanges that are more than the sum of their properties.
#[tokio::test]
async fn exchanges_of_their_own() {
    type Example = (
        &'static str,
        Lines,
        u16,
        Lines,
        [&'static str; 2],
        &'static str,
    );
    let fresh: Lines = &[("cache-control", "max-age=60")];
    let examples: [Example; 19] = [
        (
            "HEAD",
            &[],
            200,
            fresh,
            ["MISS", "MISS"],
            "RFC 9111, section 3: no content to store",
        ),
        (
            "POST",
            &[],
            200,
            fresh,
            ["BYPASS", "BYPASS"],
            "RFC 9110, section 9.3.3",
        ),
        (
            "PUT",
            &[],
            200,
            fresh,
            ["BYPASS", "BYPASS"],
            "RFC 9110, section 9.2.3",
        ),
        (
            "QUERY",
            &[],
            200,
            fresh,
            ["BYPASS", "BYPASS"],
            "RFC 9110, section 9.2.3",
        ),
        (
            "GET",
            &[],
            206,
            fresh,
            ["MISS", "MISS"],
            "RFC 9111, section 3.3: a part is not stored",
        ),
        (
            "GET",
            &[],
            304,
            fresh,
            ["MISS", "MISS"],
            "RFC 9110, section 15.4.5",
        ),
        (
            "GET",
            &[],
            299,
            fresh,
            ["MISS", "HIT"],
            "RFC 9111, section 3: final, and explicitly fresh",
        ),
        (
            "GET",
            &[],
            599,
            fresh,
            ["MISS", "HIT"],
            "RFC 9111, section 3: final, and explicitly fresh",
        ),
        (
            "GET",
            &[],
            200,
            &[("cache-control", "max-age=60, must-understand, no-store")],
            ["MISS", "HIT"],
            "RFC 9111, section 5.2.2.3",
        ),
        (
            "GET",
            &[],
            599,
            &[("cache-control", "max-age=60, must-understand, no-store")],
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.2.3",
        ),
        (
            "GET",
            &[],
            599,
            &[("cache-control", "max-age=60, must-understand")],
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.2.3",
        ),
        (
            "GET",
            &[("cache-control", "no-store")],
            200,
            fresh,
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.1.5",
        ),
        (
            "GET",
            &[("cache-control", "no-cache")],
            200,
            fresh,
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.1.4",
        ),
        (
            "GET",
            &[("cache-control", "max-age=0")],
            200,
            fresh,
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.1.1",
        ),
        (
            "GET",
            &[("cache-control", "min-fresh=61")],
            200,
            fresh,
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.1.3",
        ),
        (
            "GET",
            &[("cache-control", "max-stale=9")],
            200,
            &[("cache-control", "max-age=0")],
            ["MISS", "STALE"],
            "RFC 9111, section 5.2.1.2",
        ),
        (
            "GET",
            &[("cache-control", "max-stale=9")],
            200,
            &[("cache-control", "max-age=0, must-revalidate")],
            ["MISS", "MISS"],
            "RFC 9111, section 5.2.2.2",
        ),
        (
            "GET",
            &[("range", "bytes=0-1")],
            200,
            fresh,
            ["MISS", "HIT"],
            "RFC 9110, section 14.2: a server may ignore it",
        ),
        (
            "GET",
            &[],
            200,
            &[
                ("date", "Mon, 23 Nov 2020 00:00:00 GMT"),
                ("cache-control", "max-age=60"),
            ],
            ["MISS", "MISS"],
            "RFC 9111, section 4.2.3: apparent age",
        ),
    ];
    let rows: Vec<Row> = examples
        .into_iter()
        .map(|(method, request, status, answer, expected, source)| Row {
            method,
            request: request.to_vec(),
            status,
            answer: answer.to_vec(),
            expected,
            source: source.to_owned(),
        })
        .collect();
    check(&CachePolicy::rfc9111(), &rows).await;
}
