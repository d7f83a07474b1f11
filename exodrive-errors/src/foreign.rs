//! Failed responses that something else wrote: which may be replaced, and what their text says.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_LENGTH;
use http::header::CONTENT_TYPE;
use http_body::Body;

use crate::error::BoxError;
use crate::panic;

/// The longest text that is read.
const MAX_TEXT: usize = 8 * 1024;

/// The most frames a text is read from, so that a body of empty frames cannot hold up the response.
const MAX_FRAMES: usize = 64;

/// The text of a foreign response.
#[derive(Debug)]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn into_message(self) -> String {
        self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of a 5xx is its cause, and goes to the log as one.
impl std::error::Error for Text {}

/// Whether a failed response says nothing a program could read: no body, or plain text.
///
/// Anything else is meant as it is: JSON of a proxied service, a page for people, the report of a health check.
pub(crate) fn is_replaceable<B: Body>(headers: &HeaderMap, body: &B, is_head: bool) -> bool {
    if is_plain_text(headers) {
        return true;
    }
    let declared_empty = headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length == "0");
    let is_empty = body.is_end_stream() || body.size_hint().exact() == Some(0);
    if is_head && is_empty {
        // The body has been taken off already: the headers say what it would have been.
        return declared_empty || !headers.contains_key(CONTENT_TYPE);
    }
    is_empty || declared_empty
}

fn is_plain_text(headers: &HeaderMap) -> bool {
    const PLAIN: &[u8] = b"text/plain";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let (media, rest) = value
            .as_bytes()
            .split_at_checked(PLAIN.len())
            .unwrap_or_default();
        media.eq_ignore_ascii_case(PLAIN) && matches!(rest.first(), None | Some(b';' | b' '))
    })
}

/// The text of a body, if it is at most 8 KiB of UTF-8 and all there at once: a response is never held up for it.
pub(crate) fn read_text<B>(
    headers: &HeaderMap,
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Option<Text>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if headers.contains_key(CONTENT_ENCODING) || body.size_hint().lower() > MAX_TEXT as u64 {
        return None;
    }
    let mut bytes = Vec::new();
    for _ in 0..MAX_FRAMES {
        match panic::catch(|| body.as_mut().poll_frame(cx)).ok()? {
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                if bytes.len() + data.len() > MAX_TEXT {
                    return None;
                }
                bytes.extend_from_slice(&data);
            }
            Poll::Ready(None) => return tidy(bytes),
            Poll::Pending | Poll::Ready(Some(Err(_))) => return None,
        }
    }
    None
}

/// One line without control characters, or nothing.
fn tidy(bytes: Vec<u8>) -> Option<Text> {
    let text = String::from_utf8(bytes).ok()?;
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    (!words.is_empty()).then(|| Text(words.join(" ")))
}
