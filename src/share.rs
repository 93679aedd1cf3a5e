//! Shares on the command line.

/// `5%` or `0.05`; none where it is no number.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), 0.01),
        None => (text, 1.0),
    };
    number.parse::<f64>().ok().map(|number| number * unit)
}
