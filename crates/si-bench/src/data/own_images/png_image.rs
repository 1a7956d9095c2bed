use std::{
    fs::File,
    io::{BufRead, BufReader, Seek},
    path::Path,
};

use png::{BitDepth, ColorType, Decoder, DecodingError, Transformations};

use crate::{Error, data::flaw::Flaw};

/// A decoded PNG.
#[derive(Debug, PartialEq)]
pub(super) struct PngImage {
    /// `[channels, height, width]`, with 1 channel if it is grey and 3 if it is RGB.
    pub(super) shape: [usize; 3],
    /// Brightness of every pixel, 0 to 255, in the order `[channels, height, width]`.
    pub(super) pixels: Vec<u8>,
}

impl PngImage {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        File::open(path)
            .map_err(Flaw::Io)
            .and_then(|file| Self::decode(BufReader::new(file)))
            .map_err(|flaw| flaw.of_own_images(path))
    }

    fn decode(source: impl BufRead + Seek) -> Result<Self, Flaw> {
        let mut decoder = Decoder::new(source);
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info().map_err(damaged)?;
        let info = reader.info();
        let (height, width) = (info.height as usize, info.width as usize);
        if height.max(width) > MAX_SIDE {
            return Err(flaw(format!("{height} × {width} pixels")));
        }
        let colours = info.color_type;
        let num_channels = match colours {
            ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
            ColorType::Rgb | ColorType::Rgba => 3,
            ColorType::Indexed => return Err(flaw("a palette".to_string())),
        };
        if info.bit_depth != BitDepth::Eight {
            let num_bits = info.bit_depth as u8;
            return Err(flaw(format!("{num_bits} bit(s) per channel")));
        }
        let has_transparent_colour = info.trns.is_some();
        let mut bytes = vec![0; height * width * colours.samples()];
        reader.next_frame(&mut bytes).map_err(damaged)?;
        reader.finish().map_err(damaged)?;

        let pixels = || bytes.chunks_exact(colours.samples());
        let is_opaque = |pixel: &[u8]| pixel[num_channels..].iter().all(|alpha| *alpha == 255);
        if has_transparent_colour || !pixels().all(is_opaque) {
            return Err(flaw("transparent pixels".to_string()));
        }
        Ok(Self {
            shape: [num_channels, height, width],
            pixels: (0..num_channels)
                .flat_map(|channel| pixels().map(move |pixel| pixel[channel]))
                .collect(),
        })
    }
}

fn flaw(found: String) -> Flaw {
    Flaw::Content {
        expected: format!(
            "an opaque PNG, grey or RGB, with 8 bits per channel and at most {MAX_SIDE} × {MAX_SIDE} pixels"
        ),
        found,
    }
}

/// The decoder reports a file that is cut off as an I/O error.
fn damaged(error: DecodingError) -> Flaw {
    match error {
        DecodingError::IoError(error) if error.raw_os_error().is_some() => Flaw::Io(error),
        error => flaw(format!("damaged data ({error})")),
    }
}

/// Largest height and width, in pixels.
const MAX_SIDE: usize = 4096;
