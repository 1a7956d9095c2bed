use super::{
    panel::{Frame, NOTE_SIZE},
    svg::{Svg, unit},
    text,
};

/// Draws the names of points beside them, given by their places in the drawing.
///
/// A name is to the right of its point, otherwise to the left, above or below: where it is inside the frame, and covers
/// neither another point nor another name. If there is no such place, it is left out; the legend has it too.
pub(super) fn draw_names(svg: &mut Svg, frame: Frame, names: &[((f64, f64), &str)]) {
    for (place, name) in placed(frame, names) {
        svg.text_element(
            "text",
            &[
                ("x", &unit(place.left)),
                ("y", &unit(place.bottom - 0.25 * HEIGHT)),
                ("font-size", &SIZE),
                ("paint-order", &"stroke"),
                ("stroke", &"#ffffff"),
                ("stroke-width", &5),
                ("stroke-linejoin", &"round"),
            ],
            name,
        );
    }
}

const SIZE: f64 = NOTE_SIZE * 0.85;
/// Height of a name.
const HEIGHT: f64 = SIZE * 1.15;
/// Half the side of the square that a marker covers, with a little space around it.
const MARKER: f64 = 11.0;

#[derive(Clone, Copy)]
struct Rectangle {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Rectangle {
    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_inside(&self, frame: Frame) -> bool {
        self.left >= frame.left
            && self.right <= frame.left + frame.width
            && self.top >= frame.top
            && self.bottom <= frame.top + frame.height
    }
}

fn placed<'a>(frame: Frame, names: &[((f64, f64), &'a str)]) -> Vec<(Rectangle, &'a str)> {
    let marker = |(x, y): (f64, f64)| Rectangle {
        left: x - MARKER,
        right: x + MARKER,
        top: y - MARKER,
        bottom: y + MARKER,
    };
    let markers: Vec<Rectangle> = names.iter().map(|(point, _)| marker(*point)).collect();
    let mut placed: Vec<(Rectangle, &str)> = Vec::new();
    for (point, name) in names {
        let width = text::width(name, SIZE);
        let at = |left: f64, top: f64| Rectangle {
            left,
            right: left + width,
            top,
            bottom: top + HEIGHT,
        };
        let ((x, y), middle) = (*point, point.1 - HEIGHT / 2.0);
        let candidates = [
            at(x + MARKER, middle),
            at(x - MARKER - width, middle),
            at(x - width / 2.0, y - MARKER - HEIGHT),
            at(x - width / 2.0, y + MARKER),
        ];
        let is_free = |candidate: &&Rectangle| {
            let mut taken = markers.iter().chain(placed.iter().map(|(it, _)| it));
            candidate.is_inside(frame) && !taken.any(|other| candidate.overlaps(other))
        };
        if let Some(free) = candidates.iter().find(is_free).copied() {
            placed.push((free, name));
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        left: 0.0,
        top: 0.0,
        width: 400.0,
        height: 300.0,
    };

    #[test]
    fn a_name_is_to_the_right_unless_the_frame_ends_there() {
        let side = |x: f64| {
            let names = [((x, 150.0), "name")];
            let [(place, _)] = placed(FRAME, &names)[..] else {
                panic!("there is room");
            };
            place.left > x
        };
        assert!(side(100.0));
        assert!(!side(390.0));
    }

    #[test]
    fn names_do_not_cover_each_other_and_those_without_room_are_left_out() {
        let names: Vec<((f64, f64), &str)> = (0..20)
            .map(|index| ((200.0 + f64::from(index), 150.0), "a long name"))
            .collect();
        let placed = placed(FRAME, &names);
        assert!((2..20).contains(&placed.len()), "{}", placed.len());
        for (index, (one, _)) in placed.iter().enumerate() {
            assert!(one.is_inside(FRAME));
            assert!(
                placed[..index]
                    .iter()
                    .all(|(other, _)| !one.overlaps(other))
            );
        }
    }
}
