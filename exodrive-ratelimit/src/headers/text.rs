//! Numbers and times as headers write them.

use http::HeaderValue;

/// Up to where numbers are written already: what remains of most limits is less.
const SMALL: usize = 1_000;

/// Three digits for each of the small numbers.
static DIGITS: [u8; 3 * SMALL] = {
    let mut digits = [0; 3 * SMALL];
    let mut place = 0;
    while place < digits.len() {
        let number = place / 3;
        let ten_to = [100, 10, 1][place % 3];
        digits[place] = b'0' + (number / ten_to % 10) as u8;
        place += 1;
    }
    digits
};

/// A number in decimal.
pub(crate) fn number(number: impl Into<u64>) -> HeaderValue {
    let number = number.into();
    match small(number) {
        Some(text) => HeaderValue::from_static(text),
        None => value(itoa::Buffer::new().format(number).as_bytes().to_vec()),
    }
}

fn small(number: u64) -> Option<&'static str> {
    let number = usize::try_from(number)
        .ok()
        .filter(|&number| number < SMALL)?;
    let leading_zeros = usize::from(number < 10) + usize::from(number < 100);
    let digits = DIGITS.get(3 * number + leading_zeros..3 * number + 3)?;
    str::from_utf8(digits).ok()
}

/// The value; never anything but visible ASCII, for names of limits are nothing else.
///
/// Text that fills its allocation becomes the value as it is, without another.
pub(crate) fn value(text: Vec<u8>) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// Texts as one list, where there are any.
pub(crate) fn list(texts: impl Iterator<Item = Vec<u8>>) -> Option<HeaderValue> {
    let list = texts.reduce(|list, text| [&*list, b", ", &*text].concat());
    list.map(value)
}

/// A date and time of RFC 3339 in UTC, from seconds since 1970.
// Years are counted from March, so that the leap day is the last day of its year; 146,097 days are 400 years of the
// Gregorian calendar.
pub(crate) fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let months = (5 * day + 2) / 153;
    let day = day - (153 * months + 2) / 5 + 1;
    let (month, next_year) = if months < 10 {
        (months + 3, 0)
    } else {
        (months - 9, 1)
    };
    let year = era * 400 + year + next_year;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for wanted in (0..=1_100).chain([1_234_567_890, u64::MAX]) {
            assert_eq!(number(wanted), wanted.to_string());
        }
    }

    #[test]
    fn lists_have_commas_between_their_items() {
        let listed = |texts: &[&str]| list(texts.iter().map(|text| text.as_bytes().to_vec()));
        assert_eq!(listed(&[]), None);
        assert_eq!(listed(&["a"]).unwrap(), "a");
        assert_eq!(listed(&["a", "b", "c"]).unwrap(), "a, b, c");
    }

    #[test]
    fn dates_are_right_at_the_edges_of_years_and_leap_days() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(date(seconds), written);
        }
    }
}
