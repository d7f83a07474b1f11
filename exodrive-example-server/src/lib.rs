//! A car-rental API that composes the Exodrive crates.
