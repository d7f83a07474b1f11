//! A shared cache after RFC 9111.

use exodrive_cache::CachePolicy;

use super::table::{Row, cells, check, lines_of};

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

/// When an answer is fresh, where guessing is up to the status unless the answer is public; whether it may be given to others if
/// its request was authorized (RFC 9111, section 3.5); header lines; and the section of RFC 9111 or the RFC that says so.
const ANSWERS: &str = r#"
    never          | personal  |                                                                      | RFC 9111, section 4.2: nothing to go by
    explicitly     | personal  | cache-control: max-age=60                                            | section 5.2.2.1
    explicitly     | personal  | cache-control: MAX-AGE=60                                            | section 5.2
    explicitly     | personal  | cache-control: max-age="60"                                          | section 5.2
    never          | personal  | cache-control: max-age=0                                             | section 4.2
    never          | personal  | cache-control: max-age=-1                                            | section 4.2.1: invalid is stale
    never          | personal  | cache-control: max-age=x                                             | section 4.2.1: invalid is stale
    explicitly     | personal  | cache-control: max-age=99999999999999                                | section 1.2.2
    explicitly     | shareable | cache-control: s-maxage=60                                           | section 5.2.2.10
    explicitly     | shareable | cache-control: s-maxage=60, max-age=0                                | section 5.2.2.10
    never          | shareable | cache-control: s-maxage=0, max-age=60                                | section 5.2.2.10
    explicitly     | shareable | cache-control: public, max-age=60                                    | section 5.2.2.9
    never          | shareable | cache-control: public                                                | section 4.2: nothing to go by
    explicitly     | shareable | cache-control: must-revalidate, max-age=60                           | section 3.5
    explicitly     | personal  | cache-control: proxy-revalidate, max-age=60                          | section 3.5
    never          | personal  | cache-control: no-store                                              | section 5.2.2.5
    never          | personal  | cache-control: max-age=60, no-store                                  | section 5.2.2.5
    never          | personal  | cache-control: max-age=60 & cache-control: no-store                  | several lines
    never          | personal  | cache-control: max-age=60, private                                   | section 5.2.2.7
    never          | personal  | cache-control: max-age=60, no-cache                                  | section 5.2.2.4
    explicitly     | personal  | cache-control: max-age=60, x="no-store, private"                     | section 5.2.3
    explicitly     | personal  | cache-control: max-age=60 & set-cookie: a=1                          | section 7.3
    never          | personal  | cache-control: max-age=60 & vary: *                                  | section 4.1
    never          | personal  | cache-control: max-age=60 & vary: accept, *                          | section 4.1
    explicitly     | personal  | cache-control: max-age=60 & vary: accept                             | section 4.1
    never          | personal  | cache-control: max-age=60 & age: 60                                  | section 4.2.3
    explicitly     | personal  | cache-control: max-age=60 & age: 3                                   | section 4.2.3
    explicitly     | personal  | expires: Fri, 01 Jan 2100 00:00:00 GMT                               | section 5.3
    never          | personal  | expires: Thu, 01 Jan 1970 00:00:00 GMT                               | section 5.3
    never          | personal  | expires: 0                                                           | section 5.3: invalid is past
    explicitly     | personal  | cache-control: no-store & cdn-cache-control: max-age=60              | RFC 9213, section 2.2
    never          | personal  | cache-control: max-age=60 & cdn-cache-control: no-store              | RFC 9213, section 2.2
    guessed        | personal  | last-modified: Sat, 01 Jan 2000 00:00:00 GMT                         | section 4.2.2
    guessed anyway | shareable | last-modified: Sat, 01 Jan 2000 00:00:00 GMT & cache-control: public | section 4.2.2
"#;

/// Method, header lines of the request, status, header lines of the answer, and what is told the first and the second time.
const EXCHANGES: &str = r#"
    HEAD  |                             | 200 | cache-control: max-age=60                                       | MISS MISS     | RFC 9111, section 3: no content to store
    POST  |                             | 200 | cache-control: max-age=60                                       | BYPASS BYPASS | RFC 9110, section 9.3.3
    PUT   |                             | 200 | cache-control: max-age=60                                       | BYPASS BYPASS | RFC 9110, section 9.2.3
    QUERY |                             | 200 | cache-control: max-age=60                                       | BYPASS BYPASS | RFC 9110, section 9.2.3
    GET   |                             | 206 | cache-control: max-age=60                                       | MISS MISS     | RFC 9111, section 3.3: a part is not stored
    GET   |                             | 304 | cache-control: max-age=60                                       | MISS MISS     | RFC 9110, section 15.4.5
    GET   |                             | 299 | cache-control: max-age=60                                       | MISS HIT      | RFC 9111, section 3: final, and explicitly fresh
    GET   |                             | 599 | cache-control: max-age=60                                       | MISS HIT      | RFC 9111, section 3: final, and explicitly fresh
    GET   |                             | 200 | cache-control: max-age=60, must-understand, no-store            | MISS HIT      | RFC 9111, section 5.2.2.3
    GET   |                             | 599 | cache-control: max-age=60, must-understand, no-store            | MISS MISS     | RFC 9111, section 5.2.2.3
    GET   |                             | 599 | cache-control: max-age=60, must-understand                      | MISS MISS     | RFC 9111, section 5.2.2.3
    GET   | cache-control: no-store     | 200 | cache-control: max-age=60                                       | MISS MISS     | RFC 9111, section 5.2.1.5
    GET   | cache-control: no-cache     | 200 | cache-control: max-age=60                                       | MISS MISS     | RFC 9111, section 5.2.1.4
    GET   | cache-control: max-age=0    | 200 | cache-control: max-age=60                                       | MISS MISS     | RFC 9111, section 5.2.1.1
    GET   | cache-control: min-fresh=61 | 200 | cache-control: max-age=60                                       | MISS MISS     | RFC 9111, section 5.2.1.3
    GET   | cache-control: max-stale=9  | 200 | cache-control: max-age=0                                        | MISS STALE    | RFC 9111, section 5.2.1.2
    GET   | cache-control: max-stale=9  | 200 | cache-control: max-age=0, must-revalidate                       | MISS MISS     | RFC 9111, section 5.2.2.2
    GET   | range: bytes=0-1            | 200 | cache-control: max-age=60                                       | MISS HIT      | RFC 9110, section 14.2: a server may ignore it
    GET   |                             | 200 | date: Mon, 23 Nov 2020 00:00:00 GMT & cache-control: max-age=60 | MISS MISS     | RFC 9111, section 4.2.3: apparent age
"#;

fn rows(authorized: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (status, guessable) in STATUSES {
        for [fresh, shareable, lines, source] in cells(ANSWERS) {
            let fresh = match fresh {
                "explicitly" | "guessed anyway" => true,
                "guessed" => guessable,
                "never" => false,
                other => panic!("{other} is no freshness"),
            };
            let hits = fresh && (!authorized || shareable == "shareable");
            let request = [("authorization", "Bearer x")];
            rows.push(Row {
                method: "GET",
                request: request.into_iter().filter(|_| authorized).collect(),
                status,
                answer: lines_of(lines),
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

#[tokio::test]
async fn exchanges_that_are_more_than_the_sum_of_their_properties() {
    let rows = cells(EXCHANGES).map(|[method, request, status, answer, expected, source]| {
        let (first, second) = expected.split_once(' ').unwrap();
        Row {
            method,
            request: lines_of(request),
            status: status.parse().unwrap(),
            answer: lines_of(answer),
            expected: [first, second],
            source: source.to_owned(),
        }
    });
    let rows: Vec<Row> = rows.collect();
    assert_eq!(rows.len(), 19);
    check(&CachePolicy::rfc9111(), &rows).await;
}
