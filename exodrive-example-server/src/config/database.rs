use std::path::PathBuf;
use std::str::FromStr;

/// Which database to use.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DatabaseUrl {
    /// A SQLite database in this file, which is created if there is none.
    Sqlite(PathBuf),
}

/// Reads `sqlite://` followed by a path.
///
/// The errors leave the text out: the URL of another database may hold a password.
impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() && path != ":memory:" => {
                Ok(Self::Sqlite(path.into()))
            }
            Some(("sqlite", _)) => Err(
                "names no file; write sqlite:// and a path, for example sqlite:///var/lib/exodrive/fleet.db",
            ),
            _ => Err(
                "is no database this server can use; write sqlite:// and a path, or leave it unset for a temporary one",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_relative_and_absolute_paths() {
        for path in ["fleet.db", "./data/fleet.db", "/var/lib/exodrive/fleet.db"] {
            let url: DatabaseUrl = format!("sqlite://{path}").parse().unwrap();
            assert_eq!(url, DatabaseUrl::Sqlite(path.into()));
        }
    }

    #[test]
    fn refuses_other_schemes_without_repeating_their_passwords() {
        for text in [
            "",
            "fleet.db",
            "postgres://exodrive:hunter2@localhost/fleet",
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.contains("sqlite://"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn refuses_a_database_that_every_connection_would_have_to_itself() {
        assert!("sqlite://".parse::<DatabaseUrl>().is_err());
        assert!("sqlite://:memory:".parse::<DatabaseUrl>().is_err());
    }
}
