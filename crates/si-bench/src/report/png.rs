use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};

use crate::Error;

/// Renders an SVG text as a PNG file of `width` pixels. It uses only the built-in fonts, so the
/// result is the same everywhere.
///
/// # Errors
///
/// [`Error::Figure`] if `svg` is not an SVG text, or if `width` is too small or too large for it.
pub fn png(svg: &str, width: u32) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Figure(error.to_string());
    let options = usvg::Options {
        fontdb: FONTS.clone(),
        font_family: FAMILY.to_string(),
        ..Default::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let scale = width as f32 / tree.size().width();
    let height = (tree.size().height() * scale).round() as u32;
    let mut pixels = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| failed(&format!("{width} × {height} pixels are no picture")))?;
    resvg::render(
        &tree,
        tiny_skia::Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels.encode_png().map_err(|error| failed(&error))
}

/// The family of the built-in fonts.
const FAMILY: &str = "Inter";

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(include_bytes!("../../fonts/Inter-Regular.otf").to_vec());
    fonts.load_font_data(include_bytes!("../../fonts/Inter-SemiBold.otf").to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_drawn_with_the_bundled_font() {
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><text y="15" font-family="Inter, sans-serif">c ± ξ</text></svg>"#;
        let pixels = tiny_skia::Pixmap::decode_png(&png(svg, 80).expect("a picture"));
        let pixels = pixels.expect("a PNG");

        assert_eq!((pixels.width(), pixels.height()), (80, 40));
        assert!(pixels.pixels().iter().any(|pixel| pixel.alpha() > 200));
    }

    #[test]
    fn invalid_svg_and_a_width_of_zero_are_refused() {
        assert!(matches!(png("<svg", 80), Err(Error::Figure(_))));
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 2"/>"#;
        assert!(matches!(png(svg, 0), Err(Error::Figure(_))));
    }
}
