//! The agents of a report, as a short table of its text.

use super::text::duration;
use acp_wire::agent::AgentReport;
use std::fmt::{self, Write as _};

/// Rows of the table; what is above is counted and left to the other formats.
const MAX_ROWS: usize = 20;

/// Writes the table. Agents that did not end as they should come first, then those that were late.
pub(super) fn write_agents(out: &mut String, agents: &[AgentReport]) -> fmt::Result {
    if agents.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<_> = agents.iter().collect();
    rows.sort_by_key(|agent| {
        (agent.state == "finished", std::cmp::Reverse(agent.send_lag_p99_ns), &agent.part)
    });
    let shown = rows.iter().take(MAX_ROWS);
    let width = shown.clone().map(|agent| agent.agent.chars().count()).max().unwrap_or(0).max(5);
    writeln!(out, "\n  {:<width$}  state           sent  send lag p99  busy", "agent")?;
    for agent in shown {
        let (lag, busy) = (duration(agent.send_lag_p99_ns as f64), agent.busy_ratio * 100.0);
        write!(out, "  {:<width$}  {:<8}", agent.agent, agent.state)?;
        write!(out, "  {:>10}  {lag:>12}  {busy:>3.0} %", agent.books.sent)?;
        match agent.text.lines().next() {
            Some(text) => writeln!(out, "  {text}")?,
            None => writeln!(out)?,
        }
    }
    match rows.len().saturating_sub(MAX_ROWS) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more, in the JSON report"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::Books;

    fn agent(name: &str, state: &str, send_lag_p99_ns: u64) -> AgentReport {
        AgentReport {
            agent: name.into(),
            part: format!("r.{name}"),
            state: state.into(),
            books: Books { sent: 1_234, ..Books::default() },
            send_lag_p99_ns,
            busy_ratio: 0.256,
            ..AgentReport::default()
        }
    }

    fn text(agents: &[AgentReport]) -> String {
        let mut text = String::new();
        write_agents(&mut text, agents).unwrap();
        text
    }

    #[test]
    fn what_went_wrong_is_on_top() {
        let mut lost = agent("host-b:7071", "lost", 0);
        lost.text = "no word for 16 s\nand more".into();
        let agents = [agent("a", "finished", 900), agent("c", "finished", 2_500_000), lost];
        assert_eq!(
            text(&agents),
            "\n  agent        state           sent  send lag p99  busy\n  \
             host-b:7071  lost            1234          0 ns   26 %  no word for 16 s\n  \
             c            finished        1234       2.50 ms   26 %\n  \
             a            finished        1234        900 ns   26 %\n"
        );
    }

    #[test]
    fn a_thousand_agents_are_a_screen() {
        let agents: Vec<_> = (0..1000).map(|n| agent(&n.to_string(), "finished", n)).collect();
        let text = text(&agents);
        assert_eq!(text.lines().count(), MAX_ROWS + 3);
        assert!(text.ends_with("  and 980 more, in the JSON report\n"), "{text}");
    }

    #[test]
    fn a_single_machine_has_no_table() {
        assert_eq!(text(&[]), "");
    }
}
