//! The flags of a query file, and what they are in a plan.

use acp_wire::plan::{Format, Order, Partition, Source};
use clap::{Args, ValueEnum};

/// Flags of a query file.
#[derive(Args, Debug)]
#[command(next_help_heading = "Query file")]
pub(super) struct SourceArgs {
    /// Query file, or a folder of them: a request each line; gzip is recognised
    #[arg(long, value_name = "PATH")]
    requests_file: Option<String>,
    /// How it is written: a path each line, `METHOD PATH [BODY]`, or JSON
    #[arg(long, value_name = "NAME", default_value = "auto", requires = "requests_file")]
    requests_format: FormatFlag,
    /// Which line comes next
    #[arg(long, value_name = "HOW", default_value = "seq", requires = "requests_file")]
    order: OrderFlag,
    /// Which lines an agent sends: all of them, or its share
    #[arg(long, value_name = "HOW", default_value = "none", requires = "requests_file")]
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
    pub(super) fn to_wire(&self) -> Option<Source> {
        let file = self.requests_file.clone()?;
        Some(Source {
            file: Some(file),
            dataset: None,
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
        })
    }
}
