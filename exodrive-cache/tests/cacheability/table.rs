//! Rows, and the route on which they are tried.

use std::convert::Infallible;
use std::fmt::Write as _;

use bytes::Bytes;
use exodrive_cache::testing::settled;
use exodrive_cache::{Cache, CachePolicy, CacheService, MemoryStore};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

pub(crate) type Line = (&'static str, &'static str);
type Handler = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// What a property of an exchange does to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Says {
    /// Nothing speaks against storing.
    Store,
    /// The answer is not stored.
    Refuse,
    /// The request does not concern the cache.
    Bypass,
}

/// A property of a request or of an answer, what it does, and who says so.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) says: Says,
    pub(crate) lines: Vec<Line>,
    pub(crate) source: &'static str,
}

impl Rule {
    /// Reads a table of what is said, header lines and source.
    pub(crate) fn read(text: &'static str) -> Vec<Self> {
        let rules = cells(text).map(|[says, lines, source]| Self {
            says: match says {
                "store" => Says::Store,
                "refuse" => Says::Refuse,
                "bypass" => Says::Bypass,
                other => panic!("{other} is said by no rule"),
            },
            lines: lines_of(lines),
            source,
        });
        rules.collect()
    }
}

/// Returns the cells of a table, row by row, without the space around them.
pub(crate) fn cells<const N: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let rows = text.lines().filter(|row| !row.trim().is_empty());
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        cells.try_into().expect("a cell for each column")
    })
}

/// Reads header lines with `&` in between.
pub(crate) fn lines_of(cell: &'static str) -> Vec<Line> {
    let lines = cell.split(" & ").filter(|line| !line.is_empty());
    lines.map(|line| line.split_once(": ").unwrap()).collect()
}

/// An exchange, and what `X-Cache` says when it happens for the first and the second time.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) request: Vec<Line>,
    pub(crate) status: u16,
    pub(crate) answer: Vec<Line>,
    pub(crate) expected: [&'static str; 2],
    pub(crate) source: String,
}

impl Row {
    /// Returns what is expected of an exchange about which these things are said.
    pub(crate) fn expect(says: impl IntoIterator<Item = Says>) -> [&'static str; 2] {
        let mut expected = ["MISS", "HIT"];
        for says in says {
            match says {
                Says::Bypass => return ["BYPASS"; 2],
                Says::Refuse => expected = ["MISS"; 2],
                Says::Store => {}
            }
        }
        expected
    }
}

/// The answer that the handler is to give.
#[derive(Clone)]
struct Answer(StatusCode, HeaderMap);

fn headers(lines: &[Line]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_static(name);
        headers.append(name, HeaderValue::from_static(value));
    }
    headers
}

struct Route {
    cache: Cache<MemoryStore>,
    service: CacheService<Handler, MemoryStore>,
}

impl Route {
    fn new(policy: CachePolicy) -> Self {
        let cache = Cache::builder(MemoryStore::default())
            .policy("row", policy)
            .build()
            .unwrap();
        let handler = service_fn(async |request: Request<Empty<Bytes>>| {
            let Answer(status, headers) = request.extensions().get().cloned().unwrap();
            let mut response = Response::new(Full::from("body"));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        });
        Self {
            service: cache
                .layer("row")
                .unwrap()
                .layer(BoxCloneSyncService::new(handler)),
            cache,
        }
    }

    /// Returns `X-Cache` and `Cache-Status`.
    async fn ask(&self, path: usize, row: &Row) -> [String; 2] {
        let mut request = Request::builder()
            .method(row.method)
            .uri(format!("/rows/{path}"))
            .body(Empty::new())
            .unwrap();
        *request.headers_mut() = headers(&row.request);
        let answer = Answer(
            StatusCode::from_u16(row.status).unwrap(),
            headers(&row.answer),
        );
        request.extensions_mut().insert(answer);
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        body.collect().await.unwrap();
        settled(&self.cache).await;
        ["x-cache", "cache-status"].map(|name| parts.headers[name].to_str().unwrap().to_owned())
    }
}

/// Tries every row, and tells of all that are wrong.
pub(crate) async fn check(policy: &CachePolicy, rows: &[Row]) {
    let route = Route::new(policy.clone());
    let mut wrong = String::new();
    for (path, row) in rows.iter().enumerate() {
        let [first, _] = route.ask(path, row).await;
        let [second, why] = route.ask(path, row).await;
        if [&*first, &*second] != row.expected {
            let _ = writeln!(
                wrong,
                "{} {:?} answered {} {:?}\n  expected {:?}, got {:?} ({why})\n  {}",
                row.method,
                row.request,
                row.status,
                row.answer,
                row.expected,
                [first, second],
                row.source,
            );
        }
    }
    assert!(wrong.is_empty(), "of {} rows:\n{wrong}", rows.len());
}
