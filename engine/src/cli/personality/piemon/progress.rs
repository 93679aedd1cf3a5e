//! What piemon prints each second.

use acp_wire::Frame;
use hdrhistogram::Histogram;

/// The lines of a second: responses in it, the mean response time of the run so far, connections.
///
/// A rest of a second at the end has none: what came in it is no rate.
pub(super) fn lines(
    frame: &Frame,
    total_s: Option<f64>,
    response: &Histogram<u64>,
    connections: u32,
) -> Vec<String> {
    let end_s = frame.second as f64 + 1.0;
    if frame.flags.last && total_s.is_none_or(|total_s| end_s > total_s) {
        return Vec::new();
    }
    let time = match response.is_empty() {
        true => "NO RETURN".into(),
        false => format!("RT: {:.4}", response.mean() / 1e6),
    };
    vec![format!("CURRENT-QPS:{}", frame.completed), time, format!("PAR:{connections}")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::new_histogram;
    use acp_wire::frame::Flags;

    #[test]
    fn only_whole_seconds_have_lines() {
        let mut some = new_histogram();
        some.record(1_000_000).unwrap();
        some.record(2_000_000).unwrap();
        let none = new_histogram();
        let all = ["CURRENT-QPS:7", "RT: 1.5", "PAR:3"];
        let no_return = ["CURRENT-QPS:0", "NO RETURN", "PAR:3"];
        for (what, second, is_last, total_s, completed, expect) in [
            ("the first second", 0, false, Some(2.0), 7, Some(all)),
            ("nothing came", 0, false, Some(2.0), 0, Some(no_return)),
            ("the last second", 1, true, Some(2.0), 7, Some(all)),
            ("answers after the end", 2, true, Some(2.0), 7, None),
            ("half a second", 1, true, Some(1.5), 7, None),
            ("a number of requests", 4, false, None, 7, Some(all)),
            ("the rest of them", 5, true, None, 7, None),
        ] {
            let flags = Flags { last: is_last, ..Flags::default() };
            let frame = Frame { second, completed, flags, ..Frame::default() };
            let response = if completed == 0 { &none } else { &some };
            let found = lines(&frame, total_s, response, 3);
            assert_eq!(found.is_empty(), expect.is_none(), "{what}");
            for (line, expect) in found.iter().zip(expect.unwrap_or_default()) {
                assert!(line.starts_with(expect), "{what}: {line}");
            }
            assert!(matches!(found.len(), 0 | 3), "{what}");
        }
    }
}
