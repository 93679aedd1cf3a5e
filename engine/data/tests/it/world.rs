//! A folder, and what is made in it.

use acp_data::generate::{
    CheckError, Checked, Cut, GenerateError, Job, Made, Output, Template, check, cut, generate,
};
use acp_wire::rows::Count;
use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A template of what is common.
pub(crate) const COMMON: &str =
    "/item/{{key}}?u={{zipf 100000 1.1}}&d={{date 2026-01-01 2026-12-31}}&c={{weighted a 3 b 1}}";

/// How something is made.
#[derive(Clone, Debug)]
pub(crate) struct How {
    pub(crate) template: String,
    pub(crate) rows: u64,
    pub(crate) range: Option<Range<u64>>,
    pub(crate) cut: Cut,
    pub(crate) only: Option<u64>,
    pub(crate) threads: usize,
    pub(crate) is_packed: bool,
    pub(crate) is_forced: bool,
}

impl Default for How {
    fn default() -> Self {
        Self {
            template: COMMON.into(),
            rows: 20_000,
            range: None,
            cut: Cut::Whole,
            only: None,
            threads: 2,
            is_packed: false,
            is_forced: false,
        }
    }
}

impl How {
    pub(crate) fn job(&self) -> Job {
        let mut template = Template::read(&self.template).unwrap();
        template.generate.rows = Some(Count::Number(self.rows));
        template.generate.seed.get_or_insert(1);
        let (rows, values_sha256) = template.compile().unwrap();
        let mut parts = cut(self.range.clone().unwrap_or(0..self.rows), self.cut).unwrap();
        parts.retain(|part| self.only.is_none_or(|only| only == part.number));
        Job {
            generate: template.generate,
            rows,
            values_sha256,
            parts,
            is_some: self.only.is_some(),
            threads: self.threads,
            is_packed: self.is_packed,
            is_forced: self.is_forced,
        }
    }

    /// Makes it in a folder.
    pub(crate) fn make(&self, folder: &Path) -> Result<Made, GenerateError> {
        generate(&self.job(), Output::Folder(folder.into()), &|| false, &mut |_| ())
    }
}

/// What the parts of a folder hold, one after the other, unpacked.
pub(crate) fn content(folder: &Path) -> String {
    let mut text = String::new();
    for path in parts(folder) {
        let bytes = fs::read(&path).unwrap();
        match path.extension().is_some_and(|end| end == "gz") {
            true => drop(MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap()),
            false => text.push_str(str::from_utf8(&bytes).unwrap()),
        }
    }
    text
}

/// Names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn parts(folder: &Path) -> Vec<PathBuf> {
    let names = names(folder).into_iter().filter(|name| name.starts_with("part-"));
    names.map(|name| folder.join(name)).collect()
}

pub(crate) fn look(path: &Path) -> Result<Checked, CheckError> {
    check(path, 2, &|| false, &|_| ())
}
