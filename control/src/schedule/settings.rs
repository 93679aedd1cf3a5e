//! The settings of the scheduler.

use serde::{Deserialize, Serialize};

/// The settings of the scheduler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchedulerSettings {
    /// Address that agents reach this control at: `http://host:port`. Not a setting of its own: it is
    /// where the API is.
    #[serde(skip)]
    pub control: String,
    /// From the placement of a run to the start of its schedule: plans and data sets are fetched,
    /// engines started and connections opened in this time.
    #[serde(rename = "start_delay", with = "acp_wire::units::duration_us")]
    pub start_delay_us: u64,
    /// From a live change to the moment it takes effect on every agent.
    #[serde(rename = "change_delay", with = "acp_wire::units::duration_us")]
    pub change_delay_us: u64,
    /// From the decision that a part is taken over to its first slot elsewhere.
    #[serde(rename = "takeover_delay", with = "acp_wire::units::duration_us")]
    pub takeover_delay_us: u64,
    /// How long an agent may send load without an answer from control.
    #[serde(rename = "lease", with = "acp_wire::units::duration_us")]
    pub lease_us: u64,
    /// An agent counts as lost this long after its lease is over.
    #[serde(rename = "lease_margin", with = "acp_wire::units::duration_us")]
    pub lease_margin_us: u64,
    /// An agent that is not registered any more counts as lost after this long without a word:
    /// sessions may end while an agent is well, and it talks every second while it has parts.
    #[serde(rename = "silence", with = "acp_wire::units::duration_us")]
    pub silence_us: u64,
    /// Clocks of agents are known to this.
    #[serde(rename = "clock_margin", with = "acp_wire::units::duration_us")]
    pub clock_margin_us: u64,
    /// Agents are offered new parts while they were heard of within this time.
    #[serde(rename = "offer_window", with = "acp_wire::units::duration_us")]
    pub offer_window_us: u64,
    /// How long a run waits for agents before it fails.
    #[serde(rename = "placement_wait", with = "acp_wire::units::duration_us")]
    pub placement_wait_us: u64,
    /// A part whose engine is not ready so long after it should have begun counts as failed.
    #[serde(rename = "start_timeout", with = "acp_wire::units::duration_us")]
    pub start_timeout_us: u64,
    /// A part that has not ended so long after its run began to end is given up.
    #[serde(rename = "drain_timeout", with = "acp_wire::units::duration_us")]
    pub drain_timeout_us: u64,
    /// Requests per second that a core is trusted with before anything is known about its agent.
    pub rate_per_core: f64,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            control: String::new(),
            start_delay_us: 3_000_000,
            change_delay_us: 1_000_000,
            takeover_delay_us: 1_200_000,
            lease_us: 15_000_000,
            lease_margin_us: 1_000_000,
            silence_us: 2_000_000,
            clock_margin_us: 100_000,
            offer_window_us: 15_000_000,
            placement_wait_us: 30_000_000,
            start_timeout_us: 30_000_000,
            drain_timeout_us: 60_000_000,
            rate_per_core: 20_000.0,
        }
    }
}
