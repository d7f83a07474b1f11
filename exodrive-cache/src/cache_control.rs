//! `Cache-Control` of requests and responses, and the field that is addressed to shared caches.

use std::time::Duration;

use http::header::{CACHE_CONTROL, CDN_CACHE_CONTROL, HeaderMap, HeaderName, PRAGMA};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The directives of a message (RFC 9111, section 5.2; RFC 5861).
///
/// Whatever restricts the cache counts even with an argument that it does not take, and whatever
/// permits something counts in its proper form only. A number that is missing, malformed or given
/// twice with different values is the strictest one there is: RFC 9111, section 4.2.1 leaves a
/// choice between that and the first value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct CacheControl {
    /// Nothing may be stored.
    pub(crate) no_store: bool,
    /// The stored answer has to be validated before each use. A list of fields
    /// (`no-cache="set-cookie"`) is read as the whole answer, which section 5.2.2.4 allows.
    pub(crate) no_cache: bool,
    /// The answer is for one user. A list of fields is read as the whole answer here, too.
    pub(crate) private: bool,
    /// The answer may be stored where it otherwise might not be.
    pub(crate) public: bool,
    /// A stale answer may not be served, come what may.
    pub(crate) must_revalidate: bool,
    /// The same, to shared caches.
    pub(crate) proxy_revalidate: bool,
    /// `no_store` is for caches that do not know the status code (section 5.2.2.3).
    pub(crate) must_understand: bool,
    /// A response is fresh for that long; a request wants nothing older.
    pub(crate) max_age: Option<Duration>,
    /// `max_age` for shared caches.
    pub(crate) s_maxage: Option<Duration>,
    /// For how long a stale answer may be served while it is being validated.
    pub(crate) stale_while_revalidate: Option<Duration>,
    /// For how long a stale answer may be served instead of an error.
    pub(crate) stale_if_error: Option<Duration>,
    /// How stale an answer the client accepts: without a limit, [`Duration::MAX`].
    pub(crate) max_stale: Option<Duration>,
    /// For how much longer the client wants the answer to be fresh.
    pub(crate) min_fresh: Option<Duration>,
    /// The client wants a stored answer or none.
    pub(crate) only_if_cached: bool,
    /// The directives come from a targeted field, so `Expires` does not count either.
    pub(crate) targeted: bool,
}

/// What stands behind a directive's name.
#[derive(Clone, Copy)]
enum Argument {
    None,
    Seconds(Duration),
    /// Something that is no number of seconds.
    Other,
}

/// What longer times are taken for (RFC 9111, section 1.2.2).
pub(crate) const MAX_DELTA: Duration = Duration::from_secs(1 << 31);

impl CacheControl {
    /// Reads what a response says to a shared cache that works on behalf of the service.
    ///
    /// `CDN-Cache-Control` counts alone if it is there and valid (RFC 9213, sections 2.2 and 3), and
    /// `Cache-Control` otherwise.
    pub(crate) fn of_response(headers: &HeaderMap) -> Self {
        Self::targeted(headers).unwrap_or_else(|| Self::of_lines(headers))
    }

    /// Reads what a client asks of caches.
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        if headers.contains_key(CACHE_CONTROL) {
            return Self::of_lines(headers);
        }
        // HTTP/1.0 clients know this one only (RFC 9111, section 5.4).
        let no_cache =
            directives(headers, &PRAGMA).any(|(name, _)| name.eq_ignore_ascii_case(b"no-cache"));
        Self {
            no_cache,
            ..Self::default()
        }
    }

    fn of_lines(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, argument) in directives(headers, &CACHE_CONTROL) {
            found.add(name, argument);
        }
        found
    }

    /// Reads the targeted field, a dictionary of structured fields (RFC 9213, section 2.1), which
    /// counts as absent when it is empty or malformed.
    ///
    /// Of several members with one name the last counts (RFC 9651, section 4.2.2).
    fn targeted(headers: &HeaderMap) -> Option<Self> {
        let lines: Vec<&[u8]> = headers
            .get_all(CDN_CACHE_CONTROL)
            .iter()
            .map(|line| line.as_bytes())
            .collect();
        let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
        if members.is_empty() {
            return None;
        }
        let mut found = Self {
            targeted: true,
            ..Self::default()
        };
        for (name, member) in &members {
            let argument = match member {
                ListEntry::Item(item) => match &item.bare_item {
                    BareItem::Boolean(true) => Argument::None,
                    BareItem::Boolean(false) => continue,
                    BareItem::Integer(seconds) => u64::try_from(i64::from(*seconds))
                        .map_or(Argument::Other, |seconds| Argument::Seconds(delta(seconds))),
                    _ => Argument::Other,
                },
                ListEntry::InnerList(_) => Argument::Other,
            };
            found.add(name.as_str().as_bytes(), argument);
        }
        Some(found)
    }

    fn add(&mut self, name: &[u8], argument: Argument) {
        let mut lower = [0; "stale-while-revalidate".len()];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return;
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let alone = matches!(argument, Argument::None);
        match &*lower {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache = true,
            b"private" => self.private = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"public" => self.public |= alone,
            b"must-understand" => self.must_understand |= alone,
            b"max-age" => tighten(&mut self.max_age, argument),
            b"s-maxage" => tighten(&mut self.s_maxage, argument),
            b"stale-while-revalidate" => tighten(&mut self.stale_while_revalidate, argument),
            b"stale-if-error" => tighten(&mut self.stale_if_error, argument),
            b"max-stale" if alone => {
                tighten(&mut self.max_stale, Argument::Seconds(Duration::MAX));
            }
            b"max-stale" => tighten(&mut self.max_stale, argument),
            b"min-fresh" => {
                let asked = match argument {
                    Argument::Seconds(seconds) => seconds,
                    Argument::None | Argument::Other => Duration::MAX,
                };
                self.min_fresh = self.min_fresh.max(Some(asked));
            }
            _ => {}
        }
    }
}

/// Sets a bound of which zero is the strictest.
fn tighten(bound: &mut Option<Duration>, argument: Argument) {
    let read = match argument {
        Argument::Seconds(seconds) => seconds,
        Argument::None | Argument::Other => Duration::ZERO,
    };
    *bound = match *bound {
        Some(other) if other != read => Some(Duration::ZERO),
        _ => Some(read),
    };
}

/// Reads a number of seconds as RFC 9111, section 1.2.2 writes it: decimal digits and nothing else.
pub(crate) fn delta_seconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    text.iter()
        .try_fold(0_u64, |seconds, digit| {
            let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
            Some(seconds.saturating_mul(10).saturating_add(digit))
        })
        .map(delta)
}

fn delta(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(MAX_DELTA)
}

/// Returns the directives of all lines of a field, in order, names as they are written.
fn directives<'a>(
    headers: &'a HeaderMap,
    field: &HeaderName,
) -> impl Iterator<Item = (&'a [u8], Argument)> {
    headers
        .get_all(field)
        .iter()
        .flat_map(|line| Directives(line.as_bytes()))
}

/// What is left of one line to be read.
struct Directives<'a>(&'a [u8]);

impl<'a> Iterator for Directives<'a> {
    type Item = (&'a [u8], Argument);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (name, end) = split_before(self.0, |byte| matches!(byte, b',' | b'='));
        if end.first() != Some(&b'=') {
            self.0 = end.get(1..).unwrap_or_default();
            return Some((name.trim_ascii(), Argument::None));
        }
        let behind = &end[1..];
        // A quoted string that never ends is none: nothing that follows may hide in it.
        let (argument, end) = match behind
            .trim_ascii_start()
            .strip_prefix(b"\"")
            .and_then(unquote)
        {
            Some((content, end)) => {
                let (rest, end) = split_before(end, |byte| byte == b',');
                let argument = if rest.trim_ascii().is_empty() {
                    content
                } else {
                    b""
                };
                (argument, end)
            }
            None => split_before(behind, |byte| byte == b','),
        };
        self.0 = end.get(1..).unwrap_or_default();
        let argument =
            delta_seconds(argument.trim_ascii_end()).map_or(Argument::Other, Argument::Seconds);
        Some((name.trim_ascii(), argument))
    }
}

/// Splits before the first byte that ends the text.
fn split_before(text: &[u8], ends: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| ends(byte));
    text.split_at(end.unwrap_or(text.len()))
}

/// Splits what follows an opening quote into the string's content, escapes as they are, and the rest.
fn unquote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let end = text.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests;
