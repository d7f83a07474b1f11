//! Dates in header fields.

use std::time::SystemTime;

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};

use crate::sole::sole;

/// Reads a field that holds one date (RFC 9110, section 5.6.7).
pub(crate) fn date_field(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    parse(sole(headers, name)?)
}

/// Reads a date in any of its three forms, in any case (RFC 9111, section 4.2).
fn parse(line: &HeaderValue) -> Option<SystemTime> {
    let line = line.to_str().ok()?;
    httpdate::parse_http_date(line)
        .or_else(|_| httpdate::parse_http_date(&in_proper_case(line)))
        .ok()
}

/// Writes names of days and months with a capital, and the time zone in capitals.
fn in_proper_case(line: &str) -> String {
    let mut inside = false;
    let proper: String = line
        .chars()
        .map(|letter| {
            let starts = !inside;
            inside = letter.is_ascii_alphabetic();
            if starts {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect();
    proper.replace("Gmt", "GMT")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::header::EXPIRES;
    use proptest::prelude::*;

    use super::*;
    use crate::samples::headers;

    fn expires(lines: &[&str]) -> Option<SystemTime> {
        let lines: Vec<_> = lines.iter().map(|line| ("expires", *line)).collect();
        date_field(&headers(&lines), &EXPIRES)
    }

    #[test]
    fn reads_each_form_in_any_case() {
        let expected = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
        for line in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 NOV 1994 08:49:37 GMT",
            "sun, 06 nov 1994 08:49:37 gMT",
            "SUNDAY, 06-NOV-94 08:49:37 gmt",
        ] {
            assert_eq!(expires(&[line]), expected, "{line}");
        }
    }

    #[test]
    fn reads_nothing_else() {
        for line in [
            "",
            "0",
            "-1",
            "foo",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
        ] {
            assert_eq!(expires(&[line]), None, "{line}");
        }
    }

    #[test]
    fn does_not_choose_between_lines() {
        let line = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(expires(&[line, line]), None);
        assert_eq!(expires(&[]), None);
    }

    proptest! {
        #[test]
        fn reads_back_every_second_it_can_write(seconds in 0_u64..253_402_300_800) {
            let date = UNIX_EPOCH + Duration::from_secs(seconds);
            prop_assert_eq!(expires(&[&httpdate::fmt_http_date(date)]), Some(date));
            prop_assert_eq!(expires(&[&httpdate::fmt_http_date(date).to_uppercase()]), Some(date));
        }

        #[test]
        fn reads_any_text(text in "[ -~]{0,40}") {
            let _ = expires(&[&text]);
        }

        #[test]
        fn reads_what_is_almost_a_date(
            text in "[A-Z][a-z]{2,8},? [0-9]{2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        ) {
            let _ = expires(&[&text]);
        }
    }
}
