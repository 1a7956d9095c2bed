//! Tables and figures of finished runs, made only from their records.
//!
//! [`write()`] writes `summary.json`, `summary.md`, `figure.svg` and `figure.png` into a run's folder. [`table()`] is
//! for the terminal. [`write_comparison`] and [`table()`] compare several [`Results`]. [`write_series`] writes the
//! measurements of each epoch for other programs.

mod columns;
mod figure;
mod files;
mod growth;
mod markdown;
mod markdown_table;
mod picture;
pub(crate) mod plot;
mod png;
mod range_end;
mod reference;
mod results;
mod rows;
mod series;
mod table;
mod tasks;
mod terminal;

pub(crate) use figure::CAPTION;
pub use figure::figure;
pub use files::{Artefacts, write, write_comparison};
pub use growth::{Growth, growth_figure};
pub use markdown::markdown;
pub(crate) use markdown::{duration, escape};
pub(crate) use markdown_table::{Align, MarkdownTable};
pub(crate) use picture::write_picture;
pub use png::png;
pub(crate) use range_end::range_end;
pub(crate) use reference::other_settings;
pub use reference::{Curve, Reference};
pub use results::Results;
pub(crate) use rows::{number, percent, several_processors, warnings};
pub use series::{Point, Series, SeriesFormat, csv, event_file, json_lines, write_series};
pub use table::table;
pub(crate) use terminal::{terminal_table, wrap};
