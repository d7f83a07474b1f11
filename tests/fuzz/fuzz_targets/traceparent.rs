//! The trace id a caller sends: what is taken follows the grammar, whatever arrives.
#![no_main]

use exodrive_errors::TraceId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<TraceId>() {
        assert_eq!(id.as_str(), text);
        assert!((8..=64).contains(&text.len()));
        assert!(
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        );
    }
    assert_eq!(
        TraceId::from_traceparent(text).map(|id| id.to_string()),
        by_grammar(text)
    );
});

/// The trace id by W3C Trace Context, section 3.2, spelled out field by field.
fn by_grammar(text: &str) -> Option<String> {
    let mut fields = text.split('-');
    let mut hexadecimal = |length| {
        let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let field = fields.next()?;
        (field.len() == length && field.chars().all(is_digit)).then_some(field)
    };
    let version = hexadecimal(2)?;
    let trace = hexadecimal(32)?;
    let parent = hexadecimal(16)?;
    let _flags = hexadecimal(2)?;
    let is_zero = |field: &str| field.chars().all(|c| c == '0');
    // What later versions add stands behind another dash; version 00 adds nothing.
    let may_go_on = version != "00";
    let goes_on = fields.next().is_some();
    (version != "ff" && !is_zero(trace) && !is_zero(parent) && (may_go_on || !goes_on))
        .then(|| trace.to_owned())
}
