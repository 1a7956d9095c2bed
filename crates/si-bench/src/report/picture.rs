use std::path::{Path, PathBuf};

use crate::Error;
use crate::replace_file::replace;

use super::png;

/// Width of a figure's PNG file in pixels: 300 per inch for a page width of six inches.
const PNG_WIDTH: u32 = 1800;

/// The files of a picture.
pub(crate) struct Picture {
    pub(crate) svg: PathBuf,
    pub(crate) png: PathBuf,
}

/// Writes `name.svg` and `name.png` into `folder`, which is created if missing. Nothing is written if the picture cannot be
/// drawn.
pub(crate) fn write_picture(folder: &Path, name: &str, svg: &str) -> Result<Picture, Error> {
    let pixels = png(svg, PNG_WIDTH)?;
    Ok(Picture {
        png: replace(folder, &format!("{name}.png"), &pixels)?,
        svg: replace(folder, &format!("{name}.svg"), svg.as_bytes())?,
    })
}
