use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use thiserror::Error;

use super::requests::{ERRORS, REFUSALS, SECONDS};
use crate::AppState;
use crate::flags::Feature;
use crate::repository;

const ROLLOUT: &str = "exodrive_feature_rollout_percent";
const CONNECTIONS: &str = "exodrive_database_connections";

/// In seconds. 0.2 is what cached routes have to stay below, and the steps are finest where answers usually are.
const BUCKETS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// What this process has counted, as text for a Prometheus server. Cloning is cheap.
#[derive(Clone)]
pub struct Exposition {
    handle: PrometheusHandle,
}

/// Something else in this process records metrics already, or the recorder makes no sense.
#[derive(Debug, Error)]
#[error("something else in this process takes the metrics already")]
pub struct RecorderTaken(#[from] BuildError);

impl Exposition {
    /// Records what this process counts from now on; whatever was set up before is not counted.
    ///
    /// All servers of a process share one recorder.
    ///
    /// # Errors
    ///
    /// If the process has a recorder of another kind.
    pub fn install() -> Result<Self, RecorderTaken> {
        static INSTALLED: OnceLock<Exposition> = OnceLock::new();
        static INSTALLING: Mutex<()> = Mutex::new(());
        let _guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installed) = INSTALLED.get() {
            return Ok(installed.clone());
        }
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
            .install_recorder()?;
        describe();
        Ok(INSTALLED.get_or_init(|| Self { handle }).clone())
    }

    /// The text, with what can only be known at the moment.
    pub(crate) fn render(&self, state: &AppState) -> String {
        for feature in Feature::ALL {
            let percent = state.flags.rollout(feature).as_percent();
            gauge!(ROLLOUT, "feature" => feature.name()).set(percent);
        }
        for pool in state.repository.pools() {
            for (kind, count) in [
                ("idle", pool.idle),
                ("used", pool.used()),
                ("limit", pool.limit),
            ] {
                gauge!(CONNECTIONS, "pool" => pool.name, "state" => kind).set(count);
            }
        }
        self.handle.render()
    }

    /// Puts what was recorded into its buckets, so that it does not pile up while nobody asks; expected now and then.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}

fn describe() {
    describe_histogram!(SECONDS, Unit::Seconds, "Time until the start of an answer");
    describe_counter!(ERRORS, "Envelopes by route and code");
    describe_counter!(REFUSALS, "Requests that the limiter refused");
    describe_gauge!(ROLLOUT, "For how many of a hundred clients a feature is on");
    describe_gauge!(CONNECTIONS, "Connections to the database");
    repository::describe_meters();
}
