//! Lines of words, the form in which control state and events are kept.
//!
//! Words are separated by single spaces. Within one, everything but visible ASCII is percent-encoded, as is `%`; a single
//! dash stands for an empty word.

use std::fmt::Write as _;

pub(crate) fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        match word {
            "" => line.push('-'),
            "-" => line.push_str("%2d"),
            word => escape(&mut line, word),
        }
    }
    line
}

fn escape(line: &mut String, word: &str) {
    for byte in word.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            line.push(byte.into());
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(line, "%{byte:02x}");
        }
    }
}
