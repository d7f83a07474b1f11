//! Text that came from outside, made fit for one line of a log.

use std::borrow::Cow;
use std::error::Error;

use crate::chain;

/// The most characters a field holds.
const MAX_CHARS: usize = 1024;

/// Escapes what could end the line, move the cursor or reorder the text, and cuts it to [`MAX_CHARS`].
///
/// Redaction comes first: a secret cut in half would no longer be recognised.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let harmless = |text: &str| !text.chars().any(is_harmful);
    if text.len() <= MAX_CHARS && harmless(text) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len().min(MAX_CHARS) + 4);
    for (count, character) in text.chars().enumerate() {
        if count == MAX_CHARS {
            line.push('…');
            break;
        }
        if is_harmful(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

/// Control characters, line and paragraph separators, and the marks that change the direction of text.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// An error and its sources, outermost first.
///
/// Many errors already end with the text of their source; it is not said twice.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    for source in chain::sources(error).skip(1) {
        let own = source.to_string();
        if !last.ends_with(&own) {
            text.push_str(": ");
            text.push_str(&own);
        }
        last = own;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[test]
    fn leaves_plain_text_alone() {
        assert!(matches!(one_line("plain é text"), Cow::Borrowed(_)));
    }

    #[test]
    fn escapes_what_could_forge_a_line_or_hide_text() {
        assert_eq!(one_line("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(one_line("\x1b[2J"), "\\u{1b}[2J");
        assert_eq!(
            one_line("\u{202e}\u{85}\u{2028}"),
            "\\u{202e}\\u{85}\\u{2028}"
        );
    }

    #[test]
    fn cuts_at_a_character_not_a_byte() {
        let long = "é".repeat(1 << 20);
        assert_eq!(one_line(&long).chars().count(), MAX_CHARS + 1);
    }

    #[derive(Debug)]
    struct Layered(&'static str, Option<Box<Self>>);

    impl fmt::Display for Layered {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layered {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_ref().map(|error| &**error as _)
        }
    }

    #[test]
    fn says_each_source_once() {
        let root = Layered("connection refused", None);
        let middle = Layered("query failed: connection refused", Some(Box::new(root)));
        let outer = Layered("could not load the car", Some(Box::new(middle)));
        assert_eq!(
            chain(&outer),
            "could not load the car: query failed: connection refused"
        );
    }
}
