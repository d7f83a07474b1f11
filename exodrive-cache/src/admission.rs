//! Whether a request may use the cache.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::credentials::Audience;
use crate::fields::Fields;
use crate::policy::CachePolicy;
use crate::reason::Bypass;
use crate::route::Parameters;

const MAX_QUERY_BYTES: usize = 2 << 10;
const MAX_QUERY_PAIRS: usize = 64;

/// A request that may use the cache, and what its key is made of besides the request itself.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) parameters: Parameters<'a>,
    pub(crate) authority: &'a str,
    pub(crate) audience: Audience,
    /// Whether it has a condition or a range.
    pub(crate) is_conditional: bool,
}

/// Decides whether `request` may use the cache under `policy`.
pub(crate) fn admit<'a>(
    policy: &'a CachePolicy,
    request: &'a Parts,
) -> Result<Admitted<'a>, Bypass> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Err(Bypass::Method);
    }
    let parameters = match &policy.route {
        Some(route) => route.matches(request.uri.path()).ok_or(Bypass::Route)?,
        None => Parameters::default(),
    };
    let fields = Fields::of(&request.headers);
    if fields.framing && has_body(&request.headers) {
        return Err(Bypass::Body);
    }
    if fields.connection && asks_for_upgrade(&request.headers) {
        return Err(Bypass::Upgrade);
    }
    let authority = authority(request)?;
    if let Some(query) = request.uri.query()
        && (query.len() > MAX_QUERY_BYTES || query.split('&').count() > MAX_QUERY_PAIRS)
    {
        return Err(Bypass::Query);
    }
    let audience = policy
        .credentials
        .audience(request, fields.credentials)
        .ok_or(Bypass::Credentials)?;
    Ok(Admitted {
        parameters,
        authority,
        audience,
        is_conditional: fields.condition,
    })
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get_all(CONTENT_LENGTH)
            .iter()
            .any(|length| length != "0")
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
        || headers
            .get_all(CONNECTION)
            .iter()
            .any(|line| match line.to_str() {
                Ok(line) => line
                    .split(',')
                    .any(|option| option.trim().eq_ignore_ascii_case("upgrade")),
                Err(_) => true,
            })
}

/// Returns the one authority that the request names.
///
/// RFC 9112, section 3.2 lets the target's authority win over `Host`. A handler behind the cache may
/// look at either, so a request in which they differ is no request to share an answer for.
pub(crate) fn authority(request: &Parts) -> Result<&str, Bypass> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().map_err(|_| Bypass::Host)?),
        (Some(_), Some(_)) => return Err(Bypass::Host),
    };
    let target = request.uri.authority().map(http::uri::Authority::as_str);
    match (target, host) {
        (Some(target), Some(host)) if !target.eq_ignore_ascii_case(host) => Err(Bypass::Host),
        (target, host) => Ok(target.or(host).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;

    use super::*;

    type Row<'a> = (
        &'a str,
        &'a str,
        &'a [(&'a str, &'a str)],
        Result<(), Bypass>,
    );

    fn verdict(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), Bypass> {
        let policy = CachePolicy::ttl(Duration::from_secs(1)).route("/cars/{id}");
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (request, ()) = request.body(()).unwrap().into_parts();
        admit(&policy, &request).map(|_| ())
    }

    #[test]
    fn decides_by_the_request_alone() {
        let many = format!("/cars/1?{}", "a=1&".repeat(64));
        let long = format!("/cars/1?a={}", "x".repeat(MAX_QUERY_BYTES));
        let rows: &[Row<'_>] = &[
            ("GET", "/cars/1", &[], Ok(())),
            ("HEAD", "/cars/1", &[], Ok(())),
            ("GET", "/cars/1", &[("content-length", "0")], Ok(())),
            ("GET", "/cars/1", &[("connection", "keep-alive")], Ok(())),
            ("GET", "http://a/cars/1", &[("host", "A")], Ok(())),
            ("POST", "/cars/1", &[], Err(Bypass::Method)),
            ("OPTIONS", "/cars/1", &[], Err(Bypass::Method)),
            ("GET", "/cars/1/x.css", &[], Err(Bypass::Route)),
            (
                "GET",
                "/cars/1",
                &[("content-length", "3")],
                Err(Bypass::Body),
            ),
            (
                "GET",
                "/cars/1",
                &[("transfer-encoding", "chunked")],
                Err(Bypass::Body),
            ),
            (
                "GET",
                "/cars/1",
                &[("upgrade", "websocket")],
                Err(Bypass::Upgrade),
            ),
            (
                "GET",
                "/cars/1",
                &[("connection", "a, Upgrade")],
                Err(Bypass::Upgrade),
            ),
            (
                "GET",
                "/cars/1",
                &[("host", "a"), ("host", "a")],
                Err(Bypass::Host),
            ),
            (
                "GET",
                "http://a/cars/1",
                &[("host", "b")],
                Err(Bypass::Host),
            ),
            ("GET", &many, &[], Err(Bypass::Query)),
            ("GET", &long, &[], Err(Bypass::Query)),
            (
                "GET",
                "/cars/1",
                &[("authorization", "x")],
                Err(Bypass::Credentials),
            ),
            (
                "GET",
                "/cars/1",
                &[("cookie", "x")],
                Err(Bypass::Credentials),
            ),
        ];
        for (method, uri, headers, expected) in rows {
            assert_eq!(
                verdict(method, uri, headers),
                *expected,
                "{method} {uri} {headers:?}"
            );
        }
    }
}
