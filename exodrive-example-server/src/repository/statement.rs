use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, Database, Encode, IntoArguments, Postgres, SqlSafeStr, SqlStr, Sqlite, Type,
};

/// The text of a statement and the values of its parameters, for whichever database is there.
pub(super) struct Statement {
    sql: SqlStr,
    values: Vec<Value>,
}

/// Two types are enough: identifiers are text, days and cents are whole numbers. Either may be null.
pub(super) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Statement {
    pub(super) fn new(sql: &'static str) -> Self {
        Self {
            sql: sql.into_sql_str(),
            values: Vec::new(),
        }
    }

    /// Inserts many rows at once; `insert` is the statement up to where `VALUES` follows.
    pub(super) fn inserting<const COLUMNS: usize>(
        insert: &'static str,
        rows: impl Iterator<Item = [Value; COLUMNS]>,
    ) -> Self {
        let values: Vec<Value> = rows.flatten().collect();
        let mut sql = format!("{insert} VALUES ");
        for parameter in 1..=values.len() {
            sql += match parameter % COLUMNS {
                1 if parameter == 1 => "(",
                1 => "), (",
                _ => ", ",
            };
            sql += &format!("${parameter}");
        }
        sql += ")";
        // Nothing in the text comes from outside: only the numbers of the parameters were added.
        let sql = AssertSqlSafe(sql).into_sql_str();
        Self { sql, values }
    }

    /// With the value of the next parameter.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) fn sqlite(self) -> Query<'static, Sqlite, <Sqlite as Database>::Arguments> {
        self.query()
    }

    pub(super) fn postgres(self) -> Query<'static, Postgres, <Postgres as Database>::Arguments> {
        self.query()
    }

    fn query<D>(self) -> Query<'static, D, D::Arguments>
    where
        D: Database<Arguments: IntoArguments<D>>,
        Option<String>: Encode<'static, D> + Type<D>,
        Option<i64>: Encode<'static, D> + Type<D>,
    {
        let query = sqlx::query(self.sql);
        self.values
            .into_iter()
            .fold(query, |query, value| match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            })
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

/// The place of something in a table of the seed.
impl From<usize> for Value {
    fn from(place: usize) -> Self {
        Self::Number(Some(place as i64))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_the_parameters_of_many_rows() {
        let rows = [["a".into(), 1_i64.into()], ["b".into(), 2_i64.into()]];
        let statement = Statement::inserting("INSERT INTO t (x, y)", rows.into_iter());
        assert_eq!(
            statement.sql.as_str(),
            "INSERT INTO t (x, y) VALUES ($1, $2), ($3, $4)"
        );
        assert_eq!(statement.values.len(), 4);
    }
}
