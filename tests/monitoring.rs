//! The alerts and the dashboard that watch the server, tried with the tools that will read them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exodrive_tests::Server;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::metrics::documented;

fn deploy(path: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exodrive-example-server/deploy");
    folder.join(path)
}

fn promtool(arguments: &[&str], folder: &Path) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.expect("missing: apt-get install prometheus, or run .ci/test");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The metrics and recorded series of ours that an expression names.
fn names(expression: &str) -> BTreeSet<&str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    let words = expression.split(|letter| !is_word(letter));
    let is_ours = |word: &&str| word.starts_with("exodrive_") || word.starts_with("exodrive:");
    words.filter(is_ours).collect()
}

/// The names that the server exposes, as `metrics.rs` makes sure; a histogram has three.
fn exposed() -> BTreeSet<String> {
    let names = documented()
        .into_iter()
        .flat_map(|(name, kind)| match kind {
            "histogram" => ["_bucket", "_count", "_sum"]
                .map(|end| format!("{name}{end}"))
                .into(),
            _ => vec![name.to_owned()],
        });
    names.collect()
}

fn dashboard() -> Value {
    let text = fs::read_to_string(deploy("grafana/dashboards/exodrive.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn expressions(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect()
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    promtool(
        &["check", "config", "prometheus.yml"],
        &deploy("prometheus"),
    );
    promtool(&["test", "rules", "rules.test.yml"], &deploy("prometheus"));
    let rules = fs::read_to_string(deploy("prometheus/rules/exodrive.yml")).unwrap();
    let tests = fs::read_to_string(deploy("prometheus/rules.test.yml")).unwrap();
    for alert in rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        let after: Vec<_> = tests
            .split(&format!("alertname: {alert}\n"))
            .skip(1)
            .collect();
        let quiet = |rest: &&&str| rest.starts_with("        exp_alerts: []");
        let silent = after.iter().filter(quiet).count();
        assert!(silent > 0 && silent < after.len(), "{alert} lacks a test");
    }
}

#[test]
fn alerts_and_dashboard_name_only_what_is_there() {
    let rules = fs::read_to_string(deploy("prometheus/rules/exodrive.yml")).unwrap();
    let recorded = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "));
    let mut known = exposed();
    known.extend(recorded.map(str::to_owned));
    let dashboard = dashboard();
    let mut texts = expressions(&dashboard);
    texts.push(&rules);
    for text in texts {
        for name in names(text) {
            assert!(known.contains(name), "{name} in {text}");
        }
    }
    // And nothing that is counted is never looked at.
    let shown: BTreeSet<_> = expressions(&dashboard)
        .into_iter()
        .flat_map(names)
        .collect();
    for (name, _) in documented() {
        assert!(
            shown.iter().any(|shown| shown.starts_with(name)),
            "{name} is on no panel"
        );
    }
}

#[test]
fn the_dashboard_can_be_used_with_any_prometheus() {
    let dashboard = dashboard();
    assert_eq!(dashboard["id"], Value::Null);
    assert_eq!(dashboard["editable"], false);
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(
            !panel["description"].as_str().unwrap().is_empty(),
            "{title}"
        );
        assert!(
            panel["fieldConfig"]["defaults"]["unit"].is_string(),
            "{title}"
        );
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
    }
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (place, expression) in expressions(&dashboard).into_iter().enumerate() {
        let instance = expression
            .matches("job=~\"$job\",instance=~\"$instance\"")
            .count();
        assert!(instance >= names(expression).len(), "{expression}");
        let expression = expression.replace("$__rate_interval", "5m");
        let expression = expression.replace("$job", ".+").replace("$instance", ".+");
        writeln!(rules, "  - record: panel:{place}\n    expr: '{expression}'").unwrap();
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    promtool(&["check", "rules", "rules.yml"], folder.path());
}

/// A Prometheus server that ends with the test.
struct Prometheus {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Prometheus {
    /// Watches the server by the rules as they are, but in seconds where they say minutes.
    fn watching(server: &Server) -> Self {
        let folder = TempDir::new().unwrap();
        let rules = fs::read_to_string(deploy("prometheus/rules/exodrive.yml")).unwrap();
        let rules = rules.replace("for: 1m", "for: 1s").replace("[5m]", "[5s]");
        fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let config = format!(
            "global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}\nrule_files: [rules.yml]\n\
             scrape_configs:\n- job_name: exodrive\n  static_configs:\n  - targets: ['{}']\n",
            server.running.address()
        );
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        // Prometheus does not say which port it got, so it is given one that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let process = Command::new("prometheus")
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("missing: apt-get install prometheus, or run .ci/test");
        Self {
            process,
            address,
            _folder: folder,
        }
    }

    /// Waits until the server says so of the alert.
    async fn until(&self, alert: &str, state: &str) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/api/v1/alerts", self.address);
        let says = async || {
            let answer = client.get(&url).send().await.ok()?;
            let answer: Value = answer.json().await.ok()?;
            let mut alerts = answer["data"]["alerts"].as_array()?.iter();
            alerts
                .find(|found| found["labels"]["alertname"] == alert && found["state"] == state)?;
            Some(())
        };
        let waiting = async {
            while says().await.is_none() {
                sleep(Duration::from_millis(200)).await;
            }
        };
        let said = timeout(Duration::from_secs(60), waiting).await;
        said.unwrap_or_else(|_| panic!("{alert} is never {state}"));
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_real_prometheus_sees_that_redis_is_gone() {
    let url = "redis://127.0.0.1:1".parse().unwrap();
    let server = Server::start_with(|config| config.redis_url = Some(url)).await;
    server.get("/api/v1/fleet").await;
    let prometheus = Prometheus::watching(&server);
    prometheus.until("ExodriveRedisDown", "firing").await;
}
