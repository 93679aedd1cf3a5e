//! The flags of a query file or of rows that are made instead, and what they are in a plan.

use acp_data::generate::Template;
use acp_wire::plan::{Format, Order, Partition, Source};
use acp_wire::rows::{Count, Generate};
use clap::{Args, ValueEnum};

/// Flags of a query file.
#[derive(Args, Debug)]
#[command(next_help_heading = "Query file")]
pub(super) struct SourceArgs {
    /// Query file, or a folder of them: a request each line; gzip is recognised
    #[arg(long, value_name = "PATH", group = "lines")]
    requests_file: Option<String>,
    /// How it is written: a path each line, `METHOD PATH [BODY]`, or JSON
    #[arg(long, value_name = "NAME", default_value = "auto", requires = "requests_file")]
    requests_format: FormatFlag,
    /// Requests made from a template instead: a text like `/item/{{key}}`, or a file of columns (see
    /// `acp data generate`)
    #[arg(long, value_name = "TEXT|FILE", group = "lines")]
    source_template: Option<String>,
    /// Rows that it has, before the first comes again: `1M`
    #[arg(long, value_name = "N", requires = "source_template")]
    source_rows: Option<String>,
    /// Which line or row comes next
    #[arg(long, value_name = "HOW", default_value = "seq", requires = "lines")]
    order: OrderFlag,
    /// Which lines or rows an agent sends: all of them, or its share
    #[arg(long, value_name = "HOW", default_value = "none", requires = "lines")]
    partition: PartitionFlag,
}

/// `--requests-format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatFlag {
    /// The first line says it.
    Auto,
    /// A path with its query.
    Path,
    /// `METHOD PATH [BODY]`.
    Line,
    /// A JSON object.
    Jsonl,
}

/// `--order`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OrderFlag {
    /// One after the other, and from the first again.
    Seq,
    /// Any, each time.
    Random,
    /// Each once in a random order, again and again.
    Shuffle,
}

/// `--partition`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PartitionFlag {
    /// Every agent goes through the whole file.
    None,
    /// Every agent sends its own lines.
    Agent,
}

impl SourceArgs {
    /// The part of a plan that they are.
    ///
    /// # Errors
    ///
    /// A sentence for people: what is wrong with the template.
    pub(super) fn to_wire(&self) -> Result<Option<Source>, String> {
        let generate = self.generate()?;
        if self.requests_file.is_none() && generate.is_none() {
            return Ok(None);
        }
        Ok(Some(Source {
            file: self.requests_file.clone(),
            dataset: None,
            generate,
            format: match self.requests_format {
                FormatFlag::Auto => Format::Auto,
                FormatFlag::Path => Format::Path,
                FormatFlag::Line => Format::Line,
                FormatFlag::Jsonl => Format::Jsonl,
            },
            order: match self.order {
                OrderFlag::Seq => Order::Seq,
                OrderFlag::Random => Order::Random,
                OrderFlag::Shuffle => Order::Shuffle,
            },
            partition: match self.partition {
                PartitionFlag::None => Partition::None,
                PartitionFlag::Agent => Partition::Agent,
            },
        }))
    }

    fn generate(&self) -> Result<Option<Generate>, String> {
        let Some(text) = &self.source_template else { return Ok(None) };
        let mut template = Template::read(text).map_err(|error| error.to_string())?;
        if let Some(rows) = &self.source_rows {
            template.generate.rows = Some(Count::Text(rows.clone()));
        }
        // The plan is compiled later; here an error has the line of the file.
        template.compile().map_err(|error| error.to_string())?;
        Ok(Some(template.generate))
    }
}
