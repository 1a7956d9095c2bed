/// Approximate width of `text` in Inter at `size`; rather too wide than too narrow.
///
/// Exact metrics would not help, because the viewer may use another font.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// `text`, or, if it is wider than `limit`, its start with an ellipsis.
pub(super) fn fit(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_string();
    }
    let mut fitting = String::new();
    for character in text.chars() {
        if width(&fitting, size) + (advance(character) + advance('…')) * size > limit {
            break;
        }
        fitting.push(character);
    }
    fitting.push('…');
    fitting
}

/// Width of a character relative to the font's size.
fn advance(character: char) -> f64 {
    match character {
        'I' | 'i' | 'j' | 'l' => 0.26,
        ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.31,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' => 0.41,
        '1' | '-' | '_' => 0.47,
        'J' | 'L' | 'a' | 'k' | 's' | 'x' | 'z' => 0.57,
        'M' | 'm' | 'w' | '%' | '…' => 0.9,
        'W' | '@' => 1.0,
        'A'..='Z' => 0.72,
        'a'..='z' => 0.62,
        other if u32::from(other) < 0x1100 => 0.68,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_fits_stays_whole() {
        assert_eq!(fit("si (c = 1)", 26.0, 200.0), "si (c = 1)");
    }

    #[test]
    fn text_that_does_not_fit_ends_in_an_ellipsis_inside_the_limit() {
        let fitted = fit(&"a long name ".repeat(10), 26.0, 200.0);
        assert!(fitted.ends_with('…'), "{fitted}");
        assert!(width(&fitted, 26.0) <= 200.0, "{fitted}");
    }
}
