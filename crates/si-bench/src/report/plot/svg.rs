use std::fmt::{Display, Write};

/// Writes SVG elements one after another, indented and escaped.
pub(super) struct Svg {
    text: String,
    open: Vec<&'static str>,
}

/// An attribute's name and value.
pub(super) type Attribute<'a> = (&'a str, &'a dyn Display);

impl Svg {
    /// Starts a document of this size. It scales with the width at which it is shown.
    pub(super) fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        let mut svg = Self {
            text: String::new(),
            open: Vec::new(),
        };
        svg.open(
            "svg",
            &[
                ("xmlns", &"http://www.w3.org/2000/svg"),
                ("viewBox", &format!("0 0 {} {}", unit(width), unit(height))),
                ("width", &unit(width)),
                ("height", &unit(height)),
                ("role", &"img"),
                ("aria-labelledby", &"title description"),
                ("font-family", &FONTS),
            ],
        );
        svg.text_element("title", &[("id", &"title")], title);
        svg.text_element("desc", &[("id", &"description")], description);
        svg
    }

    /// Opens an element. Its matching [`close`](Self::close) ends it.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[Attribute]) {
        self.tag(name, attributes, ">\n");
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.push(format_args!("</{name}>\n"));
        }
    }

    /// An element without content.
    pub(super) fn element(&mut self, name: &str, attributes: &[Attribute]) {
        self.tag(name, attributes, "/>\n");
    }

    /// An element whose content is text.
    pub(super) fn text_element(&mut self, name: &str, attributes: &[Attribute], content: &str) {
        self.tag(name, attributes, ">");
        self.push(format_args!("{}</{name}>\n", escape(content)));
    }

    /// A straight line.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), attributes: &[Attribute]) {
        let ends = [unit(from.0), unit(from.1), unit(to.0), unit(to.1)];
        let mut all: Vec<Attribute> = vec![
            ("x1", &ends[0]),
            ("y1", &ends[1]),
            ("x2", &ends[2]),
            ("y2", &ends[3]),
        ];
        all.extend(attributes);
        self.element("line", &all);
    }

    /// Closes all open elements and returns the document.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, name: &str, attributes: &[Attribute], end: &str) {
        self.indent();
        self.push(format_args!("<{name}"));
        for (key, value) in attributes {
            self.push(format_args!(" {key}=\"{}\"", escape(&value.to_string())));
        }
        self.text.push_str(end);
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
    }

    fn push(&mut self, text: std::fmt::Arguments) {
        self.text.write_fmt(text).expect("a string takes all text");
    }
}

/// A length, rounded to a tenth of a unit, which is finer than a pixel.
pub(super) fn unit(length: f64) -> String {
    let rounded = (length * 10.0).round() / 10.0 + 0.0;
    rounded.to_string()
}

/// Inter if it is installed, as in the PNG, otherwise the reader's sans serif font. The
/// alternatives are narrower, so text that fits in Inter is never cut off.
const FONTS: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif";

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // These characters cannot be written in XML 1.0.
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(' ');
            }
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_gives_well_formed_xml() {
        let mut svg = Svg::new(10.0, 5.0, "a < b & \"c\"", "\u{1}\u{ffff}]]>");
        svg.open("g", &[("id", &"<\"&\u{7}>")]);
        svg.text_element("text", &[], "Ω > 0");
        let text = svg.finish();

        let document = roxmltree::Document::parse(&text).expect("well formed");
        let group = document.descendants().find(|node| node.has_tag_name("g"));
        assert_eq!(
            group.and_then(|group| group.attribute("id")),
            Some("<\"& >")
        );
        assert!(text.contains("<text>Ω &gt; 0</text>"));
    }

    #[test]
    fn lengths_have_one_decimal_at_most() {
        assert_eq!(unit(1.0 / 3.0), "0.3");
        assert_eq!(unit(-0.01), "0");
        assert_eq!(unit(120.0), "120");
    }
}
