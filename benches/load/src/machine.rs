//! What the load ran on.

use std::fs;
use std::thread::available_parallelism;

use exodrive_example_server::domain::Today;

/// One line about it; what the system does not tell is left out.
pub(crate) fn describe() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let mut parts = vec![Today::utc().date().to_string(), format!("{cores} cores")];
    parts.extend(field("/proc/cpuinfo", "model name"));
    let memory = field("/proc/meminfo", "MemTotal");
    let kibibytes: Option<u64> = memory.and_then(|memory| memory.strip_suffix(" kB")?.parse().ok());
    parts.extend(kibibytes.map(|kibibytes| format!("{} GiB", kibibytes.div_ceil(1 << 20))));
    parts.extend(load_average().map(|load| format!("load average before it {load}")));
    parts.join(", ")
}

/// How many processes wanted to run in the last minute.
pub(crate) fn load_average() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    Some(load.split_whitespace().next()?.to_owned())
}
