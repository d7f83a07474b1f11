//! Values from text. Each error says what to write instead.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, date};
use tracing_subscriber::filter::Targets;

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("'{text}' is not an address with a port; write for example 127.0.0.1:8080")
    })
}

pub(super) fn seed_date(text: &str) -> Result<Date, String> {
    text.parse()
        .ok()
        .filter(|day| (date(2000, 1, 1)..=date(2100, 12, 31)).contains(day))
        .ok_or_else(|| {
            format!(
                "'{text}' is not a day from 2000-01-01 to 2100-12-31; write for example 2026-03-01"
            )
        })
}

pub(super) fn log_filter(text: &str) -> Result<Targets, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is not a log filter; write for example info,sqlx=debug"))
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" | "" => Ok(false),
        _ => Err(format!(
            "'{text}' is neither yes nor no; write true or false"
        )),
    }
}

/// A whole number of the range.
pub(super) fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: Clone + Display + FromStr + PartialOrd,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (low, high) = (range.start(), range.end());
            format!("write a whole number from {low} to {high} in place of '{text}'")
        })
    }
}

pub(super) fn window(text: &str) -> Result<Duration, String> {
    whole(1_000..=86_400_000)(text).map(Duration::from_millis)
}

pub(super) fn ban(text: &str) -> Result<Duration, String> {
    whole(1..=86_400)(text).map(Duration::from_secs)
}

pub(super) fn drain(text: &str) -> Result<Duration, String> {
    whole(0..=3_600)(text).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_switch_in_the_usual_words_and_empty_as_off() {
        for (text, value) in [("true", true), ("1", true), ("off", false), ("", false)] {
            assert_eq!(switch(text), Ok(value));
        }
        assert!(switch("maybe").unwrap_err().contains("true or false"));
    }
}
