//! The machine a result belongs to: facts from `/proc` and `/sys`; absent ones stay absent.

use std::fs;

use serde::{Deserialize, Serialize};

/// What a reader must know before comparing a number with one from elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu_model: String,
    pub(crate) cpu_count: usize,
    pub(crate) kernel: String,
    /// None where the frequency is not ours to see, as in most virtual machines.
    pub(crate) governor: Option<String>,
    pub(crate) client_cpu: usize,
    pub(crate) server_cpu: usize,
    /// Share of all CPU time that the hypervisor gave to others during the suite.
    pub(crate) steal_ratio: Option<f64>,
}

impl Machine {
    pub(crate) fn look(client_cpu: usize, server_cpu: usize) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let governor = format!("/sys/devices/system/cpu/cpu{client_cpu}/cpufreq/scaling_governor");
        Self {
            cpu_model: cpu_model(&cpuinfo).unwrap_or("unknown").to_string(),
            cpu_count: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            kernel: one_line("/proc/sys/kernel/osrelease").unwrap_or("unknown".to_string()),
            governor: one_line(&governor),
            client_cpu,
            server_cpu,
            steal_ratio: None,
        }
    }
}

/// Clock ticks of `/proc/stat` and `/proc/PID/stat`, the same on every architecture Linux still starts on.
pub(crate) const TICKS_PER_S: f64 = 100.0;

/// CPU time of all CPUs since boot, in ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CpuTime {
    /// Of processes. Time in interrupts is nobody's, and much of it is our own packets.
    processes: u64,
    steal: u64,
    all: u64,
}

impl CpuTime {
    pub(crate) fn now() -> Option<Self> {
        parse_cpu_time(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The share that was stolen since an earlier look.
    pub(crate) fn steal_ratio_since(self, earlier: Self) -> Option<f64> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        Some(self.steal.saturating_sub(earlier.steal) as f64 / all as f64)
    }

    /// The share that processes used since an earlier look, without the `own_s` seconds of ours.
    pub(crate) fn others_ratio_since(self, earlier: Self, own_s: f64) -> Option<f64> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        let used = self.processes.saturating_sub(earlier.processes) as f64;
        Some((used - own_s * TICKS_PER_S).max(0.0) / all as f64)
    }
}

/// The first line of `/proc/stat`: user nice system idle iowait irq softirq steal, and guest times
/// that are contained in the first two.
fn parse_cpu_time(stat: &str) -> Option<CpuTime> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> =
        line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let steal = *ticks.get(7)?;
    Some(CpuTime { processes: ticks[..3].iter().sum(), steal, all: ticks.iter().sum() })
}

fn cpu_model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim())
}

fn one_line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_a_share_of_all_time() {
        let before = parse_cpu_time("cpu  100 0 50 800 10 0 5 35 7 0\ncpu0 1 2\n").expect("a line");
        let after = parse_cpu_time("cpu  150 0 60 830 10 0 5 45 7 0\n").expect("a line");
        assert_eq!(after.steal_ratio_since(before), Some(0.1));
        assert_eq!(after.others_ratio_since(before, 0.4), Some(0.2), "60 ticks but for 40");
        assert_eq!(after.others_ratio_since(before, 0.7), Some(0.0), "rounding makes no less");
        assert_eq!(before.steal_ratio_since(before), None, "no time has passed");
        assert_eq!(before.steal_ratio_since(after), None, "time ran backwards");
    }

    #[test]
    fn other_texts_are_no_cpu_time() {
        for stat in ["", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3", "cpu  a b c d e f g h"] {
            assert_eq!(parse_cpu_time(stat), None, "{stat}");
        }
    }

    #[test]
    fn the_model_is_named_once_a_cpu() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n";
        assert_eq!(cpu_model(cpuinfo), Some("AMD EPYC"));
        assert_eq!(cpu_model("processor : 0"), None);
    }
}
