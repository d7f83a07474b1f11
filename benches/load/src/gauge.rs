//! What the server has counted, and what it has cost so far.

use std::fs;
use std::time::Duration;

use crate::client::Client;

/// Linux counts processor time in hundredths of a second, whatever the kernel was built with.
const TICK: Duration = Duration::from_millis(10);

const QUERIES: &str = "exodrive_database_queries_total ";
const SECONDS: &str = "exodrive_http_request_seconds_sum{";
const ANSWERS: &str = "exodrive_http_request_seconds_count{";
const CACHED: [&str; 3] = [
    r#"route="/api/v1/fleet""#,
    r#"route="/api/v1/cars/{id}""#,
    r#"route="/api/v1/cars/{id}/availability""#,
];

/// Since the start of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) queries: f64,
    /// How long all answers of the cached routes took, by the clock of the server.
    pub(crate) cached_seconds: f64,
    pub(crate) cached_answers: f64,
    pub(crate) processor: Duration,
    /// The most memory it ever had, in bytes.
    pub(crate) peak_memory: u64,
}

impl Gauge {
    /// # Errors
    ///
    /// If the server does not say.
    pub(crate) async fn read(client: &Client, process: u32) -> Result<Self, String> {
        let answer = client.get("/metrics").await?;
        let text = String::from_utf8_lossy(&answer.body);
        Ok(Self {
            processor: processor(process).unwrap_or_default(),
            peak_memory: peak_memory(process).unwrap_or_default(),
            ..Self::counted(&text)
        })
    }

    fn counted(exposition: &str) -> Self {
        let mut gauge = Self::default();
        for line in exposition.lines() {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value: f64 = value.parse().unwrap_or_default();
            let is_cached =
                name.contains(r#"method="GET""#) && CACHED.iter().any(|route| name.contains(route));
            if line.starts_with(QUERIES) {
                gauge.queries += value;
            } else if is_cached && name.starts_with(SECONDS) {
                gauge.cached_seconds += value;
            } else if is_cached && name.starts_with(ANSWERS) {
                gauge.cached_answers += value;
            }
        }
        gauge
    }

    /// What came since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            queries: self.queries - earlier.queries,
            cached_seconds: self.cached_seconds - earlier.cached_seconds,
            cached_answers: self.cached_answers - earlier.cached_answers,
            processor: self.processor.saturating_sub(earlier.processor),
            peak_memory: self.peak_memory,
        }
    }
}

/// User and system time: fields 14 and 15 of `/proc/<pid>/stat`, the second of which may contain anything.
fn processor(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
    Some(TICK * (ticks(14)? + ticks(15)?))
}

fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_the_cached_routes_and_nothing_else() {
        let gauge = Gauge::counted(
            "# TYPE exodrive_database_queries_total counter\n\
             exodrive_database_queries_total 7\n\
             exodrive_http_request_seconds_sum{method=\"GET\",route=\"/api/v1/fleet\",status=\"200\"} 1.5\n\
             exodrive_http_request_seconds_sum{method=\"GET\",route=\"/api/v1/cars/{id}\",status=\"200\"} 2\n\
             exodrive_http_request_seconds_sum{method=\"PUT\",route=\"/api/v1/cars/{id}\",status=\"200\"} 9\n\
             exodrive_http_request_seconds_sum{method=\"GET\",route=\"/errors\",status=\"200\"} 9\n\
             exodrive_http_request_seconds_count{method=\"GET\",route=\"/api/v1/fleet\",status=\"200\"} 4\n",
        );
        assert_eq!(
            (gauge.queries, gauge.cached_seconds, gauge.cached_answers),
            (7.0, 3.5, 4.0)
        );
    }

    #[test]
    fn knows_what_this_process_costs() {
        let process = std::process::id();
        assert!(processor(process).is_some());
        assert!(peak_memory(process).unwrap() > 1 << 20);
    }
}
