//! The pages: files of `ui/`, embedded into the binary.

#![forbid(unsafe_code)]

use rust_embed::RustEmbed;

/// Every file of the page, by its path.
#[derive(RustEmbed)]
#[folder = "ui/"]
#[exclude = "*.d.ts"]
pub struct Pages;
