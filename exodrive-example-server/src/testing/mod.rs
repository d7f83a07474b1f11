//! Databases for the tests, each empty and for one test alone.

mod database;

pub(crate) use self::database::{Engine, TestDatabase};

/// Runs each of the functions as a test once for each database. One that is missing here is an unused function, which
/// is denied.
macro_rules! test_on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::testing::Engine::Sqlite).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::testing::Engine::Postgres).await;
            })+
        }
    };
}

pub(crate) use test_on_each_database;
