//! A small drawing kit that makes SVG text: panels of lines with error bars on a shared scale, and charts with separate
//! axes.
//!
//! Lengths are SVG units of a drawing that is [`grid::WIDTH`] wide; y grows downwards.

pub(crate) mod chart;
pub(crate) mod field;
pub(crate) mod grid;
mod legend;
mod names;
pub(crate) mod panel;
pub(crate) mod scale;
pub(crate) mod style;
mod svg;
mod text;
