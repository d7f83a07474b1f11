use std::fmt;
use std::time::Duration;

use clap::{Parser, Subcommand, value_parser};

use crate::scenario::Crowd;
use crate::server::Features;

/// Puts the load it has to carry on the example server, and compares what comes of it with the goals.
///
/// It starts a server of its own, twice: with caching, limits and envelopes, and with none of them.
/// Requests are sent when they are due, however long those before them take, and times count from then.
/// With the features on, a wrong answer ends the program with exit code 1: an availability older than a completed
/// booking, an error that is no envelope, limits that are not stated, a status that was not asked for.
/// So does a missed goal for the p95, for hits, for queries or for failures, and a load that came late.
/// Where nothing was wrong and only the p95 was missed, the load came late or writes had to be left out, the machine may
/// have been busy: it is measured once more.
/// The report goes to standard output, as Markdown.
#[derive(Debug, Parser)]
#[command(
    name = "exodrive-load",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// How long to measure the server with its features on, in seconds
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u32).range(1..=86_400))]
    seconds: u32,

    /// How long to measure it with them off, in seconds; what is compared is the share of each request
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u32).range(1..=86_400))]
    off_seconds: u32,

    /// How long the load goes on before anything is measured, in seconds; answers are checked from the start
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(0..=3_600))]
    warm_up_seconds: u32,

    /// Reads a second: listings, cars and availabilities
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=20_000))]
    pub(crate) reads: u32,

    /// Writes a second: bookings and cancellations, now and then a new price
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=200))]
    pub(crate) writes: u32,

    /// Keep answers and counts in Redis and bookings in PostgreSQL, both started for it, in the place of memory and
    /// SQLite
    #[arg(long)]
    pub(crate) shared: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Is the server that the load is put on
    #[command(hide = true)]
    Serve,
}

impl Options {
    pub(crate) fn length(&self, features: Features) -> Duration {
        let seconds = match features {
            Features::On => self.seconds,
            Features::Off => self.off_seconds,
        };
        Duration::from_secs(seconds.into())
    }

    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds.into())
    }

    /// As many as it takes for nobody to be refused who does not ask for it.
    pub(crate) fn crowd(&self) -> Crowd {
        // An hour is the longest window. If all writes were bookings, each would make eight of the ten in it that the
        // limit admits.
        let writes = self.writes * (self.seconds + self.warm_up_seconds).min(3_600);
        Crowd {
            // 15 requests a minute of each, of the 60 that the limit admits.
            readers: self.reads * 4,
            // And 12 reads a minute of each, of 120.
            customers: self.reads.max(writes / 8),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores = if self.shared {
            "answers in Redis, bookings in PostgreSQL"
        } else {
            "answers in memory, bookings in SQLite"
        };
        write!(
            f,
            "{} reads and {} writes a second for {} s with the features on and for {} s with them off, each after {} s of warm-up; {stores}",
            self.reads, self.writes, self.seconds, self.off_seconds, self.warm_up_seconds
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn has_customers_enough_for_ten_bookings_an_hour() {
        let options = Options::parse_from(["load", "--seconds=86400"]);
        let bookings_an_hour = options.writes * 3_600;
        assert!(bookings_an_hour / options.crowd().customers < 10);
    }
}
