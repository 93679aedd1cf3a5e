//! The pages: files of `ui/`, embedded into the binary, and a report as one file made of them.

#![forbid(unsafe_code)]

mod bundle;
mod imports;
pub mod offline;

use rust_embed::RustEmbed;

/// Every file of the page, by its path.
#[derive(RustEmbed)]
#[folder = "ui/"]
#[exclude = "*.d.ts"]
pub struct Pages;
