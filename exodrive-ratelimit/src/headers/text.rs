//! Text that becomes a header value.

use http::HeaderValue;
use smallvec::SmallVec;

/// Visible ASCII on the stack while it grows, so that a header value takes one allocation of its final size.
#[derive(Default)]
pub(crate) struct Text(SmallVec<[u8; 128]>);

impl Text {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn word(&mut self, word: &str) -> &mut Self {
        self.bytes(word.as_bytes())
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A number in decimal. Headers are made of numbers, and this is several times faster than formatting them.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.digits(number, 1)
    }

    /// A date and time of RFC 3339 in UTC, from seconds since 1970.
    // Years are counted from March, so that the leap day is the last day of its year; 146,097 days are 400 years of the
    // Gregorian calendar.
    pub(crate) fn date(&mut self, seconds: u64) -> &mut Self {
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
        self.digits(year, 4).word("-").digits(month, 2).word("-");
        self.digits(day, 2)
            .word("T")
            .digits(seconds / 3_600 % 24, 2);
        self.word(":").digits(seconds / 60 % 60, 2).word(":");
        self.digits(seconds % 60, 2).word("Z")
    }

    /// The value; never anything but visible ASCII, for names of limits are nothing else.
    pub(crate) fn to_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static(""))
    }

    /// A number in at least so many digits.
    fn digits(&mut self, mut number: u64, at_least: usize) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        while number > 0 {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        start = start.min(digits.len() - at_least);
        self.0.extend_from_slice(&digits[start..]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Text) -> &mut Text) -> String {
        let mut text = Text::default();
        write(&mut text).to_value().to_str().unwrap().to_owned()
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 9, 10, 1_234_567_890, u64::MAX] {
            assert_eq!(written(|text| text.number(number)), number.to_string());
        }
    }

    #[test]
    fn dates_are_right_at_the_edges_of_years_and_leap_days() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(written(|text| text.date(seconds)), date);
        }
    }
}
