use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Which database to use.
#[derive(Clone)]
#[non_exhaustive]
pub enum DatabaseUrl {
    /// A SQLite database in this file, which is created if there is none.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server. What the URL leaves out comes from `PGPASSWORD` and its like.
    Postgres(Box<PgConnectOptions>),
}

/// Reads `sqlite://` followed by a path, or `postgres://user:password@host:5432/database`.
///
/// The errors leave the text out, which may hold a password.
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
            Some(("postgres" | "postgresql", _)) => {
                let server = text.parse().map_err(
                    |_| "is no URL of a database; write postgres://user:password@host:5432/database",
                )?;
                Ok(Self::Postgres(Box::new(server)))
            }
            _ => Err(
                "is no database this server can use; write sqlite:// and a path, or postgres:// and a server, or leave \
                 it unset for a temporary one",
            ),
        }
    }
}

/// The URL without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite://{}", file.display()),
            Self::Postgres(server) => {
                let database = server.get_database().unwrap_or_default();
                match server.get_socket() {
                    Some(folder) => write!(f, "postgres://{}/{database}", folder.display()),
                    None => {
                        let (host, port) = (server.get_host(), server.get_port());
                        write!(f, "postgres://{host}:{port}/{database}")
                    }
                }
            }
        }
    }
}

/// As [`Display`](fmt::Display), since the server's own options would show the password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_relative_and_absolute_paths() {
        for path in ["fleet.db", "./data/fleet.db", "/var/lib/exodrive/fleet.db"] {
            let text = format!("sqlite://{path}");
            let url: DatabaseUrl = text.parse().unwrap();
            assert!(matches!(&url, DatabaseUrl::Sqlite(file) if file.as_os_str() == path));
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn shows_where_a_server_is_and_never_its_password() {
        let url: DatabaseUrl = "postgres://exodrive:hunter2@db.internal:5433/fleet"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://db.internal:5433/fleet");
        assert_eq!(
            format!("{url:?}"),
            "DatabaseUrl(postgres://db.internal:5433/fleet)"
        );
        let socket: DatabaseUrl = "postgresql://exodrive@%2Frun%2Fpostgresql/fleet"
            .parse()
            .unwrap();
        assert_eq!(socket.to_string(), "postgres:///run/postgresql/fleet");
    }

    #[test]
    fn refuses_other_schemes_without_repeating_their_passwords() {
        for text in [
            "",
            "fleet.db",
            "mysql://exodrive:hunter2@localhost/fleet",
            "postgres://exodrive:hunter2@localhost:port/fleet",
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.contains("postgres://"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn refuses_a_database_that_every_connection_would_have_to_itself() {
        assert!("sqlite://".parse::<DatabaseUrl>().is_err());
        assert!("sqlite://:memory:".parse::<DatabaseUrl>().is_err());
    }
}
