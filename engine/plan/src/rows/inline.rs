//! A value between double braces: `zipf 1000 1.1`.

use super::error::Fault;
use acp_wire::rows::{Count, DateOrder, Kind};

/// What can stand between the braces, besides names of columns.
const KNOWN: &str = "row, seq, key, int, float, normal, zipf, pick, weighted, date, uuid and hex";

/// Reads what stands between the braces. `columns` are the names that could have stood there.
pub(super) fn parse(text: &str, columns: &[&str]) -> Result<Kind, Fault> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let words: Vec<_> = words.collect();
    let hint = match name {
        "row" | "uuid" => "{{row}}, {{uuid}}: without more words",
        "seq" => "{{seq START STEP}}: {{seq 1000 10}}",
        "key" => "{{key DIGITS}}: {{key}}, {{key 9}}",
        "int" => "{{int LEAST GREATEST}}: {{int 1 1000}}",
        "float" => "{{float LEAST GREATEST DECIMALS}}: {{float 0 99.99 2}}",
        "normal" => "{{normal MEAN DEVIATION LEAST GREATEST DECIMALS}}: {{normal 100 15 0 200}}",
        "zipf" => "{{zipf RANKS EXPONENT}}: {{zipf 1000000 1.1}}",
        "pick" => "{{pick red green blue}}",
        "weighted" => "{{weighted VALUE WEIGHT …}}: {{weighted red 3 green 1}}",
        "date" => "{{date FROM TO FORMAT}}: {{date 2026-01-01 2026-12-31 %Y%m%d}}",
        "hex" => "{{hex DIGITS}}: {{hex 16}}",
        _ => {
            let named: String = columns.iter().map(|name| format!(" `{name}`")).collect();
            let columns = if named.is_empty() { " (none)".into() } else { named };
            return Err(Fault::Unknown { text: text.into(), columns, known: KNOWN });
        }
    };
    kind(name, &words).map_err(|why| Fault::Arguments { text: text.into(), why, hint })
}

fn kind(name: &str, words: &[&str]) -> Result<Kind, String> {
    match (name, words) {
        ("row", []) => Ok(sequence(0, 1)),
        ("seq", []) => Ok(sequence(0, 1)),
        ("seq", [start]) => Ok(sequence(number(start)?, 1)),
        ("seq", [start, step]) => Ok(sequence(number(start)?, number(step)?)),
        ("key", []) => Ok(key(0)),
        ("key", [width]) => Ok(key(number(width)?)),
        ("int", [min, max]) => Ok(Kind::Int { min: number(min)?, max: number(max)?, width: 0 }),
        ("float", [min, max]) => {
            Ok(Kind::Float { min: number(min)?, max: number(max)?, decimals: 2 })
        }
        ("float", [min, max, decimals]) => {
            let decimals = number(decimals)?;
            Ok(Kind::Float { min: number(min)?, max: number(max)?, decimals })
        }
        ("normal", [mean, deviation, min, max]) => normal([mean, deviation, min, max], "0"),
        ("normal", [mean, deviation, min, max, decimals]) => {
            normal([mean, deviation, min, max], decimals)
        }
        ("zipf", [count, exponent]) => Ok(Kind::Zipf {
            count: Count::Text((*count).into()),
            exponent: number(exponent)?,
            start: 1,
            scattered: false,
            width: 0,
        }),
        ("pick", [_, ..]) => Ok(Kind::List { values: owned(words), weights: Vec::new() }),
        ("weighted", [_, _, ..]) if words.len().is_multiple_of(2) => {
            let (values, weights): (Vec<_>, Vec<_>) =
                words.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
            let weights = weights.into_iter().map(number).collect::<Result<_, _>>()?;
            Ok(Kind::List { values: owned(&values), weights })
        }
        ("date", [from, to]) => Ok(date(from, to, None)),
        ("date", [from, to, format]) => Ok(date(from, to, Some((*format).into()))),
        ("uuid", []) => Ok(Kind::Uuid {}),
        ("hex", [digits]) => Ok(Kind::Hex { digits: number(digits)? }),
        _ => Err(format!("it does not take {} words", words.len())),
    }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number for it"))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn sequence(start: i64, step: i64) -> Kind {
    Kind::Sequence { start, step, prefix: String::new(), width: 0 }
}

fn key(width: u32) -> Kind {
    Kind::Key { start: 0, count: None, prefix: String::new(), width }
}

fn normal([mean, deviation, min, max]: [&str; 4], decimals: &str) -> Result<Kind, String> {
    Ok(Kind::Normal {
        mean: number(mean)?,
        deviation: number(deviation)?,
        min: number(min)?,
        max: number(max)?,
        decimals: number(decimals)?,
    })
}

fn date(from: &str, to: &str, format: Option<String>) -> Kind {
    Kind::Date { from: from.into(), to: to.into(), format, order: DateOrder::Uniform }
}
