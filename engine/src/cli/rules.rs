//! The flags of goals and limits, which go with a plan of flags and with a plan of a file.

use acp_wire::Plan;
use clap::Args;

/// Goals, and limits that end a run.
#[derive(Args, Debug, Default)]
pub struct RuleArgs {
    /// Goal, judged at the end: `p99<50ms`, `errors<0.1%`, `rate>=9500`; repeat it for more
    #[arg(long, value_name = "EXPR")]
    slo: Vec<String>,
    /// Stop when this holds over a window: `errors>5% over 10s`; repeat it for more
    #[arg(long, value_name = "EXPR")]
    abort_on: Vec<String>,
}

impl RuleArgs {
    /// Adds them to those of a plan.
    pub fn extend(&self, plan: &mut Plan) {
        plan.stop.slo.extend_from_slice(&self.slo);
        plan.stop.abort_on.extend_from_slice(&self.abort_on);
    }
}
