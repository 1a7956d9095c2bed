//! A small drawing kit: panels of lines with error bars on a shared scale, as SVG text.
//!
//! Lengths are SVG units of a drawing that is [`grid::WIDTH`] wide; y grows downwards.

pub(super) mod grid;
mod legend;
pub(super) mod panel;
pub(super) mod scale;
pub(super) mod style;
mod svg;
mod text;
