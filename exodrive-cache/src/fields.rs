//! Which fields of a request's header have a say in how it is answered.

use http::HeaderMap;

/// What a request's header has, or has not, in one pass over it.
///
/// Nearly every request has none of these, and to ask for each of them by name costs more than all the rest of finding out
/// whether the request may use the cache.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Fields {
    /// `Content-Length` or `Transfer-Encoding`.
    pub(crate) framing: bool,
    /// `Connection` or `Upgrade`.
    pub(crate) connection: bool,
    /// `Authorization` or `Cookie`.
    pub(crate) credentials: bool,
    /// A condition or a range that the cache answers itself.
    pub(crate) condition: bool,
}

impl Fields {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        let mut fields = Self::default();
        for name in request.keys() {
            match name.as_str() {
                "content-length" | "transfer-encoding" => fields.framing = true,
                "connection" | "upgrade" => fields.connection = true,
                "authorization" | "cookie" => fields.credentials = true,
                "if-modified-since" | "if-none-match" | "range" => fields.condition = true,
                _ => {}
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::headers;

    #[test]
    fn sees_every_field_that_counts() {
        let of = |names: &[&'static str]| {
            let lines: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
            Fields::of(&headers(&lines))
        };
        let none = Fields::default();
        assert_eq!(of(&["host", "accept", "user-agent", "x-range"]), none);
        for name in ["content-length", "transfer-encoding"] {
            let framing = true;
            assert_eq!(of(&["host", name, "accept"]), Fields { framing, ..none });
        }
        for name in ["connection", "upgrade"] {
            let connection = true;
            assert_eq!(of(&["host", name, "accept"]), Fields { connection, ..none });
        }
        for name in ["authorization", "cookie"] {
            let credentials = true;
            assert_eq!(
                of(&["host", name, "accept"]),
                Fields {
                    credentials,
                    ..none
                }
            );
        }
        for name in ["if-modified-since", "if-none-match", "range"] {
            let condition = true;
            assert_eq!(of(&["host", name, "accept"]), Fields { condition, ..none });
        }
    }
}
