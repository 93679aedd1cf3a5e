//! Schedules as people write them: `line(0,10k,30s) const(10k,5m) step(1k,10k,1k,10s)`, and
//! `sine(5k,2k,60s,5m)`.

use crate::PlanError;
use crate::pace::Stretch;
use crate::sine::sine;
use acp_wire::units::{Rate, parse_duration_ns, parse_rate};

/// Steps of one `step(…)`, at the most.
const MAX_STEPS: u64 = 10_000;

/// Stretches of one profile, at the most.
const MAX_STRETCHES: usize = 10_000;

/// The stretches of `text`, one after the other.
pub(super) fn parse_profile(text: &str) -> Result<Vec<Stretch>, PlanError> {
    let bad = |why: String| PlanError::Profile { profile: text.into(), why };
    let mut stretches = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('(').ok_or_else(|| bad("`(` is missing".into()))?;
        let (inside, after) = after.split_once(')').ok_or_else(|| bad("`)` is missing".into()))?;
        let arguments: Vec<&str> = inside.split(',').map(str::trim).collect();
        stretches.extend(piece(name.trim(), &arguments).map_err(bad)?);
        if stretches.len() > MAX_STRETCHES {
            return Err(bad(format!("it has more than {MAX_STRETCHES} steps")));
        }
        rest = after.trim_start_matches([',', ' ', '\t', '\n']);
    }
    if stretches.iter().all(|stretch| stretch.duration_ns == 0) {
        return Err(bad("it has no length".into()));
    }
    Ok(stretches)
}

fn piece(name: &str, arguments: &[&str]) -> Result<Vec<Stretch>, String> {
    let rate = |text: &str| parse_rate(text).map_err(|error| error.to_string());
    let time = |text: &str| parse_duration_ns(text).map_err(|error| error.to_string());
    match (name, arguments) {
        ("const", [value, length]) => Ok(vec![Stretch::constant(rate(value)?, time(length)?)]),
        ("line", [from, to, length]) => {
            Ok(vec![Stretch { from: rate(from)?, to: rate(to)?, duration_ns: time(length)? }])
        }
        ("step", [from, to, by, every]) => steps(rate(from)?, rate(to)?, rate(by)?, time(every)?),
        ("sine", [mean, amplitude, period, length]) => {
            let lines_max = MAX_STRETCHES as u64;
            sine(rate(mean)?, rate(amplitude)?, time(period)?, time(length)?, lines_max)
        }
        ("const", _) => Err("`const` takes a rate and a length: const(10k,5m)".into()),
        ("line", _) => Err("`line` takes two rates and a length: line(0,10k,30s)".into()),
        ("step", _) => {
            Err("`step` takes from, to, by, and the length of a step: step(1k,10k,1k,10s)".into())
        }
        ("sine", _) => {
            Err("`sine` takes mean, amplitude, period and length: sine(5k,2k,60s,5m)".into())
        }
        _ => Err(format!("`{name}` is not known; there are const, line, step and sine")),
    }
}

/// `from`, `from + by`, … up to `to`, or down to it.
fn steps(from: Rate, to: Rate, by: Rate, every_ns: u64) -> Result<Vec<Stretch>, String> {
    // Over one denominator the steps are integers.
    let common =
        [from, to, by].iter().try_fold(1_u64, |all, rate| all.checked_mul(rate.denominator));
    let common = common.ok_or("rates of `step` are too fine; round them")?;
    let scale = |rate: Rate| rate.numerator.checked_mul(common / rate.denominator);
    let scaled = (scale(from), scale(to), scale(by));
    let (Some(from), Some(to), Some(by)) = scaled else { return Err("rate is too large".into()) };
    if by == 0 {
        return Err("`step` needs a step above 0".into());
    }
    let count = from.abs_diff(to) / by;
    if count >= MAX_STEPS {
        return Err(format!("{} steps are more than {MAX_STEPS}", count + 1));
    }
    let at = |step: u64| if to >= from { from + step * by } else { from - step * by };
    let stretch = |numerator| Stretch::constant(Rate { numerator, denominator: common }, every_ns);
    Ok((0..=count).map(|step| stretch(at(step))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::Pace;

    #[test]
    fn profiles_have_the_slots_that_the_table_says() {
        for (text, slots, seconds) in [
            ("const(10,5s)", 50, 5),
            ("line(0,20k,4s) const(20k,6s)", 160_000, 10),
            ("line(0, 1k, 1s), line(1k, 0, 1s)", 1000, 2),
            ("step(10,30,10,1s)", 60, 3),
            ("step(30,10,10,1s)", 60, 3),
            ("step(0.5,1.5,0.5,2s)", 6, 6),
            ("const(0,1s) const(1,1s)", 1, 2),
            ("sine(100,50,2s,4s)", 400, 4),
            ("sine(5k,2k,60s,5m)", 1_500_000, 300),
            ("const(10,5s) sine(100,100,2s,2s), line(100,0,2s) step(1,2,1,1s)", 353, 11),
        ] {
            let pace = Pace::new(&parse_profile(text).unwrap()).unwrap();
            assert_eq!(
                (pace.total(), pace.duration_ns() / 1_000_000_000),
                (slots, seconds),
                "{text}"
            );
        }
    }

    #[test]
    fn bad_profiles_are_refused() {
        for text in [
            "",
            "10k",
            "const",
            "const(",
            "const(10k)",
            "const(10k,5x)",
            "const(x,5s)",
            "line(0,10k)",
            "step(1,2,0,1s)",
            "step(0,1M,1,1s)",
            "sin(1,2,3)",
            "sine(1,2,3)",
            "sine(1,2,60s,60s)",
            "sine(2,1,0s,60s)",
            "sine(2,1,60s,0s)",
            "sine(2,1,1s,1h)",
            "sine(2,1,60,x)",
            "sine(2,-1,60s,60s)",
            "sine(2,1,1s,156s) const(1,1s) sine(2,1,1s,1s)",
            "const(1,0s)",
            "const(10,5s) nonsense",
            "const(-1,5s)",
        ] {
            assert!(parse_profile(text).is_err(), "`{text}`");
        }
        let longest = "const(1,1s)".repeat(MAX_STRETCHES);
        assert_eq!(parse_profile(&longest).unwrap().len(), MAX_STRETCHES);
        for long in [longest + "const(1,1s)", "step(1,10k,1,1s)".repeat(2)] {
            let error = parse_profile(&long).unwrap_err().to_string();
            assert!(error.contains("more than 10000 steps"), "{}", &error[error.len() - 80..]);
        }
    }
}
