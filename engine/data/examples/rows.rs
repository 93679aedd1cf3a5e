//! Makes rows in a folder of parts, checks them, and says how fast both were.
//!
//! `cargo run --release -p acp-data --example rows -- TEMPLATE ROWS PARTS THREADS FOLDER`

use acp_data::generate::{Cut, Job, Output, Template, check, cut, generate};
use acp_wire::rows::Count;
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [template, rows, parts, threads, folder] = words.as_slice() else {
        return Err("TEMPLATE ROWS PARTS THREADS FOLDER are needed".into());
    };
    let (count, folder) = (acp_wire::units::parse_count(rows)?, PathBuf::from(folder));
    let mut template = Template::read(template)?;
    template.generate.rows = Some(Count::Number(count));
    template.generate.seed.get_or_insert(1);
    let (rows, values_sha256) = template.compile()?;
    let job = Job {
        generate: template.generate,
        rows,
        values_sha256,
        parts: cut(0..count, Cut::Parts(parts.parse()?))?,
        is_some: false,
        threads: threads.parse()?,
        is_packed: false,
        is_forced: true,
    };
    let mut out = std::io::stdout();
    let start = Instant::now();
    let made = generate(&job, Output::Folder(folder.clone()), &|| false, &mut |_| ())?;
    let rate = made.rows as f64 / start.elapsed().as_secs_f64();
    writeln!(out, "{} rows, {} bytes, {rate:.0} rows/s", made.rows, made.bytes)?;
    let start = Instant::now();
    let found = check(&folder, job.threads, &|| false, &|_| ())?;
    let rate = made.rows as f64 / start.elapsed().as_secs_f64();
    writeln!(out, "rows {:?}, keys {:?}: good, {rate:.0} rows/s", found.rows, found.keys)?;
    Ok(())
}
